"""The carrier of nudges between processes: arq on Redis. It carries "look", never work; this file alone knows arq.

arq is set up so that nothing of it can matter: JSON instead of pickle (whoever writes to Redis must not run code
here), one try, no results kept, and a worker that is started again whenever it dies with its Redis.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable
from typing import Any

from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.worker import Worker, func
from redis.exceptions import RedisError

from app.core import logging

log = logging.logger(__name__)

QUEUE = "rapport:nudges"
LOOK = "look"
EXPIRES_S = 60
WAITING = 100
"""Nudges that may wait in Redis. When nobody takes them, more would not help."""
ENQUEUE_TIMEOUT_S = 2.0
POLL_S = 0.2
GATHER_S = 0.05
LAST_NUDGES_S = 2.0
"""How long the nudges that have been taken may still need when the worker ends."""
FIRST_BACKOFF_S = 0.5
LAST_BACKOFF_S = 5.0


def _dumps(document: Any) -> bytes:
    # A failed job's result is an exception, which JSON cannot say.
    return json.dumps(document, default=repr).encode()


class Carrier:
    """Tells the other processes to look for work, and hears it from them: ``on_look`` is called for each nudge.

    Without ``on_look`` it only tells. Redis may come and go; meanwhile nudges are dropped: the sweep finds the work.
    """

    def __init__(self, redis_url: str, on_look: Callable[[], None] | None = None) -> None:
        self._redis = RedisSettings.from_dsn(redis_url)
        self._redis.conn_retries = 0
        self._on_look = on_look
        self._asked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begins to carry; does not wait for Redis."""
        if self._tasks:
            return
        self._tasks = [asyncio.create_task(self._forever(self._tell), name="nudges out")]
        if self._on_look is not None:
            self._tasks.append(asyncio.create_task(self._forever(self._hear), name="nudges in"))

    def ring(self) -> None:
        """Asks somebody to look. Never blocks; many rings are one nudge."""
        self._asked.set()

    async def stop(self) -> None:
        """Ends within a few seconds. May be called twice."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        self._tasks = []

    async def _forever(self, carry: Callable[[], Any]) -> None:
        """Runs ``carry`` and starts it again when it ends, which it does when Redis goes away."""
        backoff = FIRST_BACKOFF_S
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await carry()
            except (RedisError, OSError, TimeoutError) as failure:
                log.warning("nudges are not carried: Redis does not answer", error=repr(failure))
            except Exception:
                log.exception("nudges are not carried")
            if asyncio.get_running_loop().time() - began > LAST_BACKOFF_S:
                backoff = FIRST_BACKOFF_S
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311
            backoff = min(backoff * 2, LAST_BACKOFF_S)

    async def _connect(self) -> ArqRedis:
        return await create_pool(
            self._redis,
            job_serializer=_dumps,
            job_deserializer=json.loads,
            default_queue_name=QUEUE,
            expires_extra_ms=EXPIRES_S * 1000,
        )

    async def _tell(self) -> None:
        redis = await self._connect()
        try:
            while True:
                await self._asked.wait()
                self._asked.clear()
                async with asyncio.timeout(ENQUEUE_TIMEOUT_S):
                    if await redis.zcard(QUEUE) < WAITING:
                        await redis.enqueue_job(LOOK)
                await asyncio.sleep(GATHER_S)
        finally:
            await _close(redis)

    async def _hear(self) -> None:
        async def look(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
            if self._on_look is not None:
                self._on_look()

        redis = await self._connect()
        worker = Worker(
            [func(look, name=LOOK, keep_result=0, max_tries=1, timeout=5)],
            redis_pool=redis,
            queue_name=QUEUE,
            handle_signals=False,
            max_jobs=10,
            job_timeout=5,
            keep_result=0,
            max_tries=1,
            retry_jobs=False,
            poll_delay=POLL_S,
            job_serializer=_dumps,
            job_deserializer=json.loads,
            expires_extra_ms=EXPIRES_S * 1000,
            log_results=False,
        )
        try:
            await worker.main()
        finally:
            # A nudge under way ends by itself in no time; cancelled, it would leave a shielded write behind that fails
            # with nobody to ask for its exception.
            if worker.tasks:
                await asyncio.wait(worker.tasks.values(), timeout=LAST_NUDGES_S)
            for task in worker.tasks.values():
                task.cancel()
            await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
            await _close(redis)


async def _close(redis: ArqRedis) -> None:
    # Closing a broken connection may raise; it is gone either way.
    with contextlib.suppress(Exception):
        async with asyncio.timeout(1):
            await redis.aclose(close_connection_pool=True)
