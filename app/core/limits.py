"""Rate limits: one token bucket per caller, in this process or in Redis.

A bucket is stored as one number, the moment at which it will be full again. It holds ``plan.burst`` tokens and gains
``plan.per_minute`` of them a minute, so a caller may spend the burst at once and then keeps the plan's pace.
"""

import math
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, cast

from cachetools import LRUCache
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core import clock
from app.core.access import Plan
from app.core.logging import logger
from app.core.settings import Settings

log = logger(__name__)

BUCKETS = 100_000
REDIS_TIMEOUT_S = 0.25
REDIS_REST_S = 1.0
"""How long Redis is left alone after it failed, so that an outage does not cost every request the time-out."""
LOG_EVERY_S = 60.0
TOLERANCE_S = 0.001
"""Moments are sums of rounded numbers: what is this little too early is in time."""

TAKE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local pace, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local wait = full_at + (cost - burst) / pace - now
if wait <= tonumber(ARGV[4]) then
  full_at = full_at + cost / pace
  redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', math.ceil((full_at - now) * 1000) + 1)
end
return {string.format('%.6f', now), string.format('%.6f', full_at), string.format('%.6f', wait)}
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller may still do.

    ``limit`` is the plan's requests a minute, ``remaining`` how many may come at once now, ``reset_at`` the epoch
    second at which the whole burst is there again, ``retry_after`` whole seconds until this request would pass (0: it
    passed).
    """

    limit: int
    remaining: int
    reset_at: int
    retry_after: int

    @property
    def refused(self) -> bool:
        """Whether the request must not be served."""
        return self.retry_after > 0


class Limiter:
    """Counts requests. With Redis the processes share the buckets; without it, or while it is away, each has its
    own."""

    def __init__(self, settings: Settings) -> None:
        self._enforced = settings.rate_limits
        self._full_at: MutableMapping[str, float] = LRUCache(BUCKETS)
        self._rest_until = 0.0
        self._log_at = 0.0
        self._redis: Redis | None = None
        if self._enforced and settings.redis_url:
            self._redis = cast(
                Redis,
                Redis.from_url(
                    settings.redis_url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
                ),
            )
            self._script: Any = self._redis.register_script(TAKE)

    async def take(self, key: str, plan: Plan, cost: int = 1) -> Allowance:
        """Takes ``cost`` tokens of the bucket of ``key`` if they are there. Never raises; see :class:`Allowance`.

        A key has a bucket per plan. A cost above the burst empties the bucket: it would never pass otherwise.
        """
        now = clock.now().timestamp()
        if not self._enforced:
            return Allowance(int(plan.per_minute), plan.burst, math.ceil(now), 0)
        key, cost = f"{plan.name}:{key}", min(cost, plan.burst)
        if self._redis is not None and now >= self._rest_until:
            try:
                answer = await self._script(
                    [f"rapport:limit:{key}"], [plan.per_minute / 60, plan.burst, cost, TOLERANCE_S]
                )
                return _allowance(plan, *map(float, answer))
            except (RedisError, OSError) as failure:
                self._rest(now, failure)
        return self._take_here(key, plan, cost, now)

    async def close(self) -> None:
        """Lets go of the Redis connections."""
        if self._redis is not None:
            await self._redis.aclose()

    def _take_here(self, key: str, plan: Plan, cost: int, now: float) -> Allowance:
        pace = plan.per_minute / 60
        full_at = max(now, self._full_at.get(key, 0.0))
        wait = full_at + (cost - plan.burst) / pace - now
        if wait <= TOLERANCE_S:
            full_at += cost / pace
            self._full_at[key] = full_at
        return _allowance(plan, now, full_at, wait)

    def _rest(self, now: float, failure: Exception) -> None:
        self._rest_until = now + REDIS_REST_S
        if now >= self._log_at:
            self._log_at = now + LOG_EVERY_S
            log.warning("rate limits are counted in this process: Redis does not answer", error=repr(failure))


def _allowance(plan: Plan, now: float, full_at: float, wait: float) -> Allowance:
    spent = (full_at - now - TOLERANCE_S) * plan.per_minute / 60
    remaining = min(plan.burst, max(0, math.floor(plan.burst - spent)))
    retry_after = math.ceil(wait) if wait > TOLERANCE_S else 0
    return Allowance(int(plan.per_minute), remaining, math.ceil(full_at), retry_after)
