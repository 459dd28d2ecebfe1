"""Jobs: each due row is worked off, once as far as anybody can tell, whatever dies in between."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from app.core import clock
from app.core.access import system
from app.core.database import Database
from app.core.jobs import rows
from app.core.jobs import runner as runner_module
from app.core.jobs.runner import JobRunner, Work
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from models import Job
from tests.tenants import TenantAccount

KIND = "test.work"
LEASE = timedelta(seconds=30)


async def enqueue(
    units: UnitsOfWork, count: int = 1, *, run_at: datetime | None = None, key: str | None = None
) -> None:
    async with units.write(system()) as tx:
        for number in range(count):
            tx.enqueue(KIND, {"number": number}, run_at=run_at, key=key)


async def claim(units: UnitsOfWork, limit: int = 10, *, at: datetime | None = None) -> list[rows.Claim]:
    now = at or clock.now()
    async with units.write(system()) as tx:
        await rows.release_lost(tx.session, now)
        return await rows.claim(tx.session, [KIND], limit, now, LEASE)


async def all_jobs(units: UnitsOfWork, kind: str = KIND) -> list[Job]:
    async with units.read(system()) as reading:
        return list((await reading.session.execute(select(Job).where(col(Job.kind) == kind))).scalars())


async def the_job(units: UnitsOfWork) -> Job:
    (job,) = await all_jobs(units)
    return job


async def unended(units: UnitsOfWork) -> int:
    async with units.read(system()) as reading:
        left = select(func.count()).select_from(Job).where(col(Job.state).in_(["due", "running"]))
        return (await reading.session.execute(left)).scalar_one()


async def until_ended(units: UnitsOfWork, within_s: float = 60) -> list[Job]:
    async with asyncio.timeout(within_s):
        while await unended(units):
            await asyncio.sleep(0.05)
    return await all_jobs(units)


class Recorder:
    """A handler that writes down what it was given, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.seen: list[tuple[int, UUID | None]] = []
        self.failures = failures

    async def __call__(self, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
        self.seen.append((payload["number"], tenant_id))
        if len(self.seen) <= self.failures:
            raise ValueError("not today")


async def test_due_work_is_done_for_its_tenant_and_work_of_tomorrow_waits(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    recorder = Recorder()
    async with units.write(tenant.principal) as tx:
        tx.enqueue(KIND, {"number": 7})
        tx.enqueue(KIND, {"number": 8}, run_at=tx.now + timedelta(days=1))
    runner = JobRunner(units, {KIND: Work(recorder)})
    await runner.start()
    async with asyncio.timeout(10):
        while not recorder.seen or runner.held:
            await asyncio.sleep(0.02)
    await runner.stop()
    assert recorder.seen == [(7, tenant.id)]
    assert Counter(job.state for job in await all_jobs(units)) == {"done": 1, "due": 1}


async def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(units: UnitsOfWork) -> None:
    await enqueue(units)
    (mine,) = await claim(units)
    assert await claim(units) == []
    (theirs,) = await claim(units, at=clock.now() + LEASE + timedelta(seconds=1))
    assert (theirs.id, theirs.attempts) == (mine.id, 2)
    assert theirs.token != mine.token


async def test_an_old_holder_can_neither_end_nor_renew_what_is_no_longer_its_own(units: UnitsOfWork) -> None:
    await enqueue(units)
    (old,) = await claim(units)
    (new,) = await claim(units, at=clock.now() + LEASE + timedelta(seconds=1))
    async with units.write(system()) as tx:
        assert not await rows.complete(tx.session, old, tx.now)
        assert await rows.fail(tx.session, old, "late", tx.now) is None
        assert not await rows.give_back(tx.session, old)
        assert await rows.renew(tx.session, [old], tx.now) == set()
    job = await the_job(units)
    assert (job.state, job.lease_token, job.error) == ("running", new.token, None)
    async with units.write(system()) as tx:
        assert await rows.renew(tx.session, [new], tx.now + LEASE) == {new.id}
        assert await rows.complete(tx.session, new, tx.now)
        assert not await rows.complete(tx.session, new, tx.now)
    assert (await the_job(units)).state == "done"


async def test_a_lease_is_renewed_while_the_handler_runs(units: UnitsOfWork) -> None:
    runs = 0

    async def slowly(payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(1.5)

    await enqueue(units)
    runners = [JobRunner(units, {KIND: Work(slowly)}, lease=timedelta(seconds=0.6)) for _ in range(2)]
    for runner in runners:
        await runner.start()
    (job,) = await until_ended(units)
    for runner in runners:
        await runner.stop()
    assert (runs, job.attempts, job.state) == (1, 1, "done")


async def test_a_handler_whose_lease_was_lost_is_stopped(units: UnitsOfWork) -> None:
    cancelled = asyncio.Event()

    async def for_ever(payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    await enqueue(units)
    runner = JobRunner(units, {KIND: Work(for_ever)}, lease=timedelta(seconds=0.6))
    await runner.start()
    async with asyncio.timeout(10):
        while not runner.held:
            await asyncio.sleep(0.02)
        async with units.write(system()) as tx:
            stolen = {"lease_token": UUID(int=1), "lease_until": tx.now + LEASE}
            await tx.session.execute(update(Job).values(**stolen))
        await cancelled.wait()
    await runner.stop()
    job = await the_job(units)
    assert (job.state, job.lease_token) == ("running", UUID(int=1))


async def test_failures_are_tried_again_after_growing_pauses(units: UnitsOfWork) -> None:
    await enqueue(units)
    runner = JobRunner(units, {KIND: Work(Recorder(failures=1))})
    await runner.start()
    async with asyncio.timeout(10):
        while (job := await the_job(units)).error is None:
            await asyncio.sleep(0.02)
    await runner.stop()
    assert (job.state, job.attempts, job.error) == ("due", 1, "ValueError: not today")
    assert timedelta(seconds=0.9) < job.run_at - clock.now() + timedelta(seconds=0.5) < timedelta(seconds=3.6)
    pauses = [rows.retry_pause(attempt).total_seconds() for attempt in (1, 2, 3, 4)]
    assert [1 <= pauses[0] <= 3, 2 <= pauses[1] <= 6, 4 <= pauses[2] <= 12, 8 <= pauses[3] <= 24] == [True] * 4
    assert rows.retry_pause(60) <= timedelta(seconds=5400)


async def test_after_the_last_attempt_a_job_is_dead_and_keeps_its_error(
    units: UnitsOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "FIRST_RETRY_S", 0.01)
    monkeypatch.setattr(runner_module, "SWEEP_S", 0.05)
    recorder = Recorder(failures=100)
    await enqueue(units)
    runner = JobRunner(units, {KIND: Work(recorder)})
    await runner.start()
    (job,) = await until_ended(units)
    await runner.stop()
    assert (job.state, job.attempts, job.error) == ("dead", 5, "ValueError: not today")
    assert job.finished_at is not None
    assert len(recorder.seen) == 5


async def test_a_job_that_kills_its_worker_every_time_is_dead_in_the_end(units: UnitsOfWork) -> None:
    await enqueue(units)
    moment = clock.now()
    for attempt in range(1, 6):
        (claimed,) = await claim(units, at=moment)
        assert claimed.attempts == attempt
        moment += LEASE + timedelta(seconds=1)
    assert await claim(units, at=moment) == []
    job = await the_job(units)
    assert (job.state, job.error) == ("dead", rows.LEASE_LOST)


async def test_a_handler_that_takes_too_long_has_failed(units: UnitsOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "RUN_TIMEOUT_S", 0.1)

    async def for_ever(payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
        await asyncio.Event().wait()

    await enqueue(units)
    runner = JobRunner(units, {KIND: Work(for_ever)})
    await runner.start()
    async with asyncio.timeout(10):
        while (job := await the_job(units)).error is None:
            await asyncio.sleep(0.02)
    await runner.stop()
    assert (job.state, job.error) == ("due", "TimeoutError: ")


async def test_stopping_gives_back_what_does_not_finish_in_time(units: UnitsOfWork) -> None:
    async def for_ever(payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
        await asyncio.Event().wait()

    await enqueue(units)
    runner = JobRunner(units, {KIND: Work(for_ever)})
    await runner.start()
    async with asyncio.timeout(10):
        while not runner.held:
            await asyncio.sleep(0.02)
    await runner.stop(within_s=0.2)
    await runner.stop()
    job = await the_job(units)
    assert (job.state, job.attempts, job.lease_token) == ("due", 0, None)


async def test_a_key_is_taken_while_its_row_lives(units: UnitsOfWork) -> None:
    for _ in range(2):
        await enqueue(units, 3, key="welcome")
    assert [job.payload for job in await all_jobs(units)] == [{"number": 0}]


async def test_a_rolled_back_unit_leaves_no_job(units: UnitsOfWork) -> None:
    with pytest.raises(ZeroDivisionError):
        async with units.write(system()) as tx:
            tx.enqueue(KIND, {})
            raise ZeroDivisionError
    assert await all_jobs(units) == []


async def test_kinds_without_a_handler_here_are_left_to_others(units: UnitsOfWork) -> None:
    await enqueue(units)
    runner = JobRunner(units, {"other": Work(Recorder())})
    await runner.start()
    await asyncio.sleep(0.3)
    await runner.stop()
    assert (await the_job(units)).state == "due"


async def test_a_periodic_kind_has_one_row_that_comes_round(units: UnitsOfWork) -> None:
    recorder = Recorder(failures=0)

    async def run(payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
        await recorder({"number": 0}, tenant_id)

    for _ in range(2):
        runner = JobRunner(units, {KIND: Work(run, every=timedelta(hours=1))})
        await runner.start()
        async with asyncio.timeout(10):
            while not recorder.seen or runner.held:
                await asyncio.sleep(0.02)
        await runner.stop()
    job = await the_job(units)
    assert (job.state, job.attempts, job.key) == ("due", 0, "periodic")
    assert timedelta(minutes=59) < job.run_at - clock.now() <= timedelta(hours=1)
    assert len(recorder.seen) == 1


async def test_a_periodic_kind_that_always_fails_still_comes_round(
    units: UnitsOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "FIRST_RETRY_S", 0.01)
    monkeypatch.setattr(runner_module, "SWEEP_S", 0.05)

    async def fail(payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
        raise ValueError("not today")

    runner = JobRunner(units, {KIND: Work(fail, every=timedelta(hours=1))})
    await runner.start()
    async with asyncio.timeout(10):
        while (job := await the_job(units)).run_at < clock.now() + timedelta(minutes=50):
            await asyncio.sleep(0.05)
    await runner.stop()
    assert (job.state, job.attempts, job.error) == ("due", 0, "ValueError: not today")


async def test_two_workers_do_two_thousand_jobs_and_none_twice(settings: Settings, units: UnitsOfWork) -> None:
    await enqueue(units, 2000)
    # On Postgres the second worker is as good as another process: it has connections of its own.
    other = units if settings.embedded else UnitsOfWork(Database(settings))
    recorders = Recorder(), Recorder()
    runners = [
        JobRunner(of, {KIND: Work(recorder)}, concurrency=16)
        for of, recorder in zip((units, other), recorders, strict=True)
    ]
    for runner in runners:
        await runner.start()
    jobs = await until_ended(units)
    for runner in runners:
        await runner.stop()
    if other is not units:
        other.services.close()
        await other._database.close()
    seen = [number for recorder in recorders for number, _ in recorder.seen]
    assert sorted(seen) == list(range(2000))
    assert all(recorder.seen for recorder in recorders)
    assert {(job.state, job.attempts) for job in jobs} == {("done", 1)}
