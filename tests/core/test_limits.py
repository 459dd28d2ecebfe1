"""The token bucket: alone in a process, shared through Redis, and when Redis goes away."""

import signal
import subprocess
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from structlog.testing import capture_logs

from app.core import limits
from app.core.access import PLANS, Plan
from app.core.limits import BUCKETS, Allowance, Limiter
from app.core.settings import Settings
from tests.servers import free_port

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EPOCH = int(START.timestamp())
FREE = PLANS["free"]


def in_memory(**values: object) -> Limiter:
    return Limiter(Settings(redis_url="", **values))


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
async def test_a_plan_lets_its_burst_through_at_once_and_no_more(plan: Plan) -> None:
    with time_machine.travel(START, tick=False):
        limiter = in_memory()
        taken = [await limiter.take("caller", plan) for _ in range(plan.burst + 1)]
    assert [allowance.remaining for allowance in taken] == [*range(plan.burst - 1, -1, -1), 0]
    assert [allowance.refused for allowance in taken] == [False] * plan.burst + [True]
    assert {allowance.limit for allowance in taken} == {plan.per_minute}


async def test_a_refusal_tells_when_to_come_back_and_when_all_is_there_again() -> None:
    with time_machine.travel(START, tick=False) as clock:
        limiter = in_memory()
        for _ in range(10):
            await limiter.take("caller", FREE)
        assert await limiter.take("caller", FREE) == Allowance(60, 0, EPOCH + 10, 1)
        clock.shift(timedelta(seconds=0.5))
        assert (await limiter.take("caller", FREE)).retry_after == 1
        clock.shift(timedelta(seconds=0.5))
        assert await limiter.take("caller", FREE) == Allowance(60, 0, EPOCH + 11, 0)
        clock.shift(timedelta(seconds=3))
        assert await limiter.take("caller", FREE) == Allowance(60, 2, EPOCH + 12, 0)


async def test_a_refused_request_costs_nothing() -> None:
    with time_machine.travel(START, tick=False) as clock:
        limiter = in_memory()
        for _ in range(100):
            await limiter.take("caller", FREE)
        clock.shift(timedelta(seconds=10))
        assert (await limiter.take("caller", FREE)).remaining == 9


async def test_a_minute_at_full_speed_gives_the_burst_and_the_pace() -> None:
    with time_machine.travel(START, tick=False) as clock:
        limiter, passed = in_memory(), 0
        for _ in range(600):
            passed += not (await limiter.take("caller", FREE)).refused
            clock.shift(timedelta(seconds=0.1))
    assert passed == FREE.burst + 59


async def test_callers_and_plans_have_buckets_of_their_own() -> None:
    with time_machine.travel(START, tick=False):
        limiter = in_memory()
        for _ in range(10):
            await limiter.take("one", FREE)
        assert (await limiter.take("one", FREE)).refused
        assert (await limiter.take("two", FREE)).remaining == 9
        assert (await limiter.take("one", PLANS["starter"])).remaining == 49


async def test_a_cost_above_the_burst_empties_the_bucket() -> None:
    with time_machine.travel(START, tick=False) as clock:
        limiter = in_memory()
        assert await limiter.take("caller", FREE, cost=1000) == Allowance(60, 0, EPOCH + 10, 0)
        assert (await limiter.take("caller", FREE, cost=3)).retry_after == 3
        clock.shift(timedelta(seconds=3))
        assert not (await limiter.take("caller", FREE, cost=3)).refused


async def test_nothing_is_refused_where_limits_are_not_enforced() -> None:
    with time_machine.travel(START, tick=False):
        limiter = in_memory(rate_limits=False)
        for _ in range(50):
            assert await limiter.take("caller", FREE) == Allowance(60, 10, EPOCH, 0)


async def test_memory_is_bounded() -> None:
    limiter = in_memory()
    for number in range(BUCKETS + 10):
        limiter._take_here(str(number), FREE, 1, 1.0)
    assert len(limiter._full_at) == BUCKETS


async def test_processes_share_a_bucket_through_redis(redis_url: str) -> None:
    one, two = Limiter(Settings(redis_url=redis_url)), Limiter(Settings(redis_url=redis_url))
    slow = Plan("slow", 6, 4)
    taken = [await limiter.take("caller", slow) for limiter in (one, two, one, two, one, two)]
    assert [allowance.remaining for allowance in taken] == [3, 2, 1, 0, 0, 0]
    assert [allowance.retry_after for allowance in taken] == [0, 0, 0, 0, 10, 10]
    assert 39 <= taken[-1].reset_at - time.time() <= 41
    assert (await two.take("other", slow)).remaining == 3
    await one.close()
    await two.close()


async def test_a_bucket_in_redis_is_gone_once_it_is_full(redis_url: str) -> None:
    limiter = Limiter(Settings(redis_url=redis_url))
    await limiter.take("caller", FREE)
    left = await limiter._redis.pttl("rapport:limit:free:caller")  # type: ignore[union-attr]
    assert 900 <= left <= 1001
    await limiter.close()


async def test_without_redis_the_process_counts_alone_and_says_so_once() -> None:
    slow = Plan("slow", 6, 3)
    limiter = Limiter(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    with capture_logs() as lines:
        taken = [await limiter.take("caller", slow) for _ in range(5)]
        limiter._rest_until = 0.0
        await limiter.take("caller", slow)
    assert [allowance.refused for allowance in taken] == [False, False, False, True, True]
    assert [line["event"] for line in lines] == ["rate limits are counted in this process: Redis does not answer"]
    await limiter.close()


@pytest.fixture
async def own_redis(redis_server: str, tmp_path: Path) -> AsyncIterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """A Redis that the test may stop."""
    port = free_port()
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path)], stdout=subprocess.DEVNULL
    )
    yield port, process
    process.kill()
    process.wait()


async def test_a_redis_that_hangs_costs_one_time_out_and_is_used_again_when_it_is_back(
    own_redis: tuple[int, "subprocess.Popen[bytes]"],
) -> None:
    port, process = own_redis
    limiter, slow = Limiter(Settings(redis_url=f"redis://127.0.0.1:{port}/0")), Plan("slow", 6, 100)
    await _until_shared(limiter, slow)
    process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(20):
        assert not (await limiter.take("caller", slow)).refused
    assert time.monotonic() - began < 3 * limits.REDIS_TIMEOUT_S
    process.send_signal(signal.SIGCONT)
    limiter._rest_until = 0.0
    assert (await limiter.take("caller", slow)).remaining < 98
    await limiter.close()


async def _until_shared(limiter: Limiter, plan: Plan) -> None:
    for _ in range(100):
        limiter._rest_until = 0.0
        await limiter.take("caller", plan)
        if limiter._rest_until == 0.0 and (await limiter.take("caller", plan)).remaining < plan.burst:
            return
        time.sleep(0.02)
    raise AssertionError("Redis did not start")
