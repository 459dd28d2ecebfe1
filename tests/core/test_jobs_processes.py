"""Jobs between processes: workers that are killed or stopped in the middle, and a Redis that goes away."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import select
from sqlmodel import col

from app.core import clock
from app.core.access import system
from app.core.jobs import carrier as carrier_module
from app.core.jobs import runner as runner_module
from app.core.jobs.carrier import QUEUE, Carrier
from app.core.jobs.runner import JobRunner, Work
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from app.runtime import Handler, Runtime
from models import Job

ON_POSTGRES = pytest.mark.parametrize("backend", ["postgres"], indirect=True)
KIND = "test.work"
LEASE = timedelta(seconds=1)
WORKER = """
import asyncio, sys
from datetime import timedelta
from app.core.database import Database
from app.core.jobs.runner import JobRunner, Work
from app.core.settings import Settings
from app.core.tx import UnitsOfWork

async def main():
    settings = Settings.model_validate_json(sys.argv[1])
    database = Database(settings)
    database.lock_file()

    async def work(payload, tenant_id):
        print("began", flush=True)
        await asyncio.sleep(float(sys.argv[2]))
        print("finished", flush=True)

    runner = JobRunner(UnitsOfWork(database), {"test.work": Work(work)}, lease=timedelta(seconds=1))
    await runner.start(alone=settings.embedded)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def worker(settings: Settings, takes_s: float) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that works off jobs and says when it began; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WORKER,
        settings.model_dump_json(),
        str(takes_s),
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def said(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert (await process.stdout.readline()).decode().strip() == word


class Counted:
    """A handler that counts."""

    def __init__(self) -> None:
        self.runs = 0

    async def __call__(self, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
        self.runs += 1

    async def in_runtime(self, runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
        self.runs += 1


async def enqueue(units: UnitsOfWork) -> None:
    async with units.write(system()) as tx:
        tx.enqueue(KIND, {})


async def the_job(units: UnitsOfWork) -> Job:
    async with units.read(system()) as reading:
        return (await reading.session.execute(select(Job).where(col(Job.kind) == KIND))).scalar_one()


async def until_done(units: UnitsOfWork, within_s: float) -> Job:
    async with asyncio.timeout(within_s):
        while (job := await the_job(units)).state != "done":
            await asyncio.sleep(0.02)
    return job


async def test_the_job_of_a_killed_worker_is_done_by_another(settings: Settings, units: UnitsOfWork) -> None:
    await enqueue(units)
    async with worker(settings, takes_s=600) as process:
        await said(process, "began")
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert (await the_job(units)).state == "running"
    counted = Counted()
    runner = JobRunner(units, {KIND: Work(counted)}, lease=LEASE)
    await runner.start(alone=settings.embedded)
    job = await until_done(units, within_s=5)
    await runner.stop()
    assert (counted.runs, job.attempts, job.error) == (1, 2, None)


@ON_POSTGRES
async def test_a_worker_that_slept_through_its_lease_cannot_end_the_job(settings: Settings, units: UnitsOfWork) -> None:
    await enqueue(units)
    async with worker(settings, takes_s=0.5) as process:
        await said(process, "began")
        process.send_signal(signal.SIGSTOP)
        counted = Counted()
        runner = JobRunner(units, {KIND: Work(counted)}, lease=LEASE)
        await runner.start()
        done = await until_done(units, within_s=10)
        process.send_signal(signal.SIGCONT)
        await asyncio.sleep(1.5)
        after = await the_job(units)
        await runner.stop()
    assert (counted.runs, after.attempts) == (1, 2)
    assert (after.state, after.finished_at) == ("done", done.finished_at)


@asynccontextmanager
async def running(runtime: Runtime) -> AsyncIterator[Runtime]:
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.stop()


@ON_POSTGRES
async def test_redis_carries_the_nudge_to_the_worker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "SWEEP_S", 3600)
    counted = Counted()
    web = Runtime(settings, runs_jobs=False)
    elsewhere = Runtime(settings, {KIND: Handler(counted.in_runtime)}, runs_jobs=True)
    async with running(web), running(elsewhere), Redis.from_url(settings.redis_url) as redis:
        await asyncio.sleep(0.5)  # the worker's first look is over
        began = clock.now()
        async with web.write(system()) as tx:
            tx.enqueue(KIND, {})
        await until_done(web.units, within_s=10)
        assert clock.now() - began < timedelta(seconds=2)
        async with asyncio.timeout(5):
            while await redis.zcard(QUEUE) or await redis.keys("arq:*"):
                await asyncio.sleep(0.05)
    assert counted.runs == 1


@ON_POSTGRES
async def test_nudges_that_nobody_takes_do_not_pile_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier_module, "WAITING", 5)
    monkeypatch.setattr(carrier_module, "GATHER_S", 0)
    async with running(Runtime(settings, runs_jobs=False)) as web, Redis.from_url(settings.redis_url) as redis:
        assert web.carrier is not None
        for _ in range(100):
            web.carrier.ring()
            await asyncio.sleep(0.01)
        assert await redis.zcard(QUEUE) == 5


async def test_stopping_in_the_middle_of_nudges_leaves_no_failure_behind(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier_module, "GATHER_S", 0.0005)
    monkeypatch.setattr(carrier_module, "POLL_S", 0.005)
    unasked: list[BaseException | None] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unasked.append(context.get("exception")))
    looks = []

    async def stop_early(lives: int) -> None:
        for life in range(lives):
            hearing = Carrier(redis_url, lambda: looks.append(1))
            await hearing.start()
            await asyncio.sleep(0.03 + 0.007 * life)
            await hearing.stop()

    async def ring() -> None:
        while True:
            telling.ring()
            await asyncio.sleep(0.0005)

    telling = Carrier(redis_url)
    await telling.start()
    ringing = asyncio.create_task(ring())
    await asyncio.gather(*[stop_early(20) for _ in range(5)])
    ringing.cancel()
    await telling.stop()
    gc.collect()

    assert looks
    assert [failure for failure in unasked if failure is not None] == []


@ON_POSTGRES
async def test_without_redis_work_is_late_but_not_lost(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    counted = Counted()
    web = Runtime(nowhere, runs_jobs=False)
    elsewhere = Runtime(nowhere, {KIND: Handler(counted.in_runtime)}, runs_jobs=True)
    async with running(web), running(elsewhere):
        await asyncio.sleep(0.5)
        began = clock.now()
        async with web.write(system()) as tx:
            tx.enqueue(KIND, {})
        assert clock.now() - began < timedelta(seconds=1)
        await until_done(web.units, within_s=5)
    assert counted.runs == 1
