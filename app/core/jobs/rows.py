"""The jobs table: adding work, claiming it under a lease, and completing it under a fence.

A claim stamps its rows with a fresh token and a lease. Whoever ends a run names the token: once the lease has run out
and somebody else has claimed the row, the old holder's word no longer counts. Moments are those of the process's clock,
so the clocks of several machines must agree within a few of the lease's thirty seconds.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.ids import new_id
from models import Job

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 5
FIRST_RETRY_S = 2.0
LAST_RETRY_S = 3600.0
ERROR_LENGTH = 2000
PERIODIC = "periodic"
"""The key of the one row that a periodic kind has."""
LEASE_LOST = "The worker was lost before it finished, on every attempt."


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be added. ``key`` makes adding idempotent per kind while the row lives."""

    kind: str
    payload: dict[str, Any]
    run_at: datetime
    key: str | None
    tenant_id: UUID | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in our hands until the lease ends. ``attempts`` counts this run."""

    id: UUID
    token: UUID
    tenant_id: UUID | None
    kind: str
    payload: dict[str, Any]
    attempts: int
    max_attempts: int


async def insert_jobs(session: AsyncSession, jobs: Sequence[NewJob], now: datetime) -> None:
    """Stores the jobs; those whose kind and key are there already are left as they are."""
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [
        {
            "id": new_id(),
            "tenant_id": job.tenant_id,
            "kind": job.kind,
            "payload": job.payload,
            "state": "due",
            "run_at": job.run_at,
            "attempts": 0,
            "max_attempts": MAX_ATTEMPTS,
            "key": job.key,
            "created_at": now,
        }
        for job in jobs
    ]
    if rows:
        connection = await session.connection()
        await connection.execute(upsert(Job).on_conflict_do_nothing(index_elements=["kind", "key"]), rows)


async def ensure_periodic(session: AsyncSession, kinds: Collection[str], now: datetime) -> None:
    """Gives every periodic kind its one row; one that died is due again."""
    await insert_jobs(session, [NewJob(kind, {}, now, PERIODIC, None) for kind in kinds], now)
    await session.execute(
        update(Job)
        .where(col(Job.key) == PERIODIC, col(Job.kind).in_(kinds), col(Job.state) == "dead")
        .values(state="due", attempts=0, run_at=now, finished_at=None)
        .execution_options(synchronize_session=False)
    )


async def anything_to_do(session: AsyncSession, kinds: Collection[str], now: datetime) -> bool:
    """Whether a claim would find something: a read, so that an idle sweep costs the writer nothing."""
    due = exists().where(col(Job.state) == "due", col(Job.run_at) <= now, col(Job.kind).in_(kinds))
    lost = exists().where(col(Job.state) == "running", col(Job.lease_until) <= now)
    return bool((await session.execute(select(due | lost))).scalar_one())


async def claim(
    session: AsyncSession, kinds: Collection[str], limit: int, now: datetime, lease: timedelta = LEASE
) -> list[Claim]:
    """Takes up to ``limit`` due jobs of these kinds, the longest due first. Nobody else gets them during the lease."""
    token = new_id()
    due = (
        select(col(Job.id))
        .where(col(Job.state) == "due", col(Job.run_at) <= now, col(Job.kind).in_(kinds))
        .order_by(col(Job.run_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = await session.execute(
        update(Job)
        .where(col(Job.id).in_(select(due.c.id)))
        .values(state="running", attempts=col(Job.attempts) + 1, lease_token=token, lease_until=now + lease)
        .returning(
            col(Job.id),
            col(Job.tenant_id),
            col(Job.kind),
            col(Job.payload),
            col(Job.attempts),
            col(Job.max_attempts),
        )
        .execution_options(synchronize_session=False)
    )
    return [
        Claim(id, token, tenant_id, kind, payload, attempts, max_attempts)
        for id, tenant_id, kind, payload, attempts, max_attempts in taken
    ]


async def release_lost(session: AsyncSession, now: datetime, *, everything: bool = False) -> int:
    """Makes jobs due again whose lease has run out; one that was on its last attempt is dead. Returns how many.

    ``everything``: also those whose lease still runs. Only for a process that knows it is alone.
    """
    lost = [col(Job.state) == "running"] if everything else [col(Job.state) == "running", col(Job.lease_until) <= now]
    ended = {"lease_token": None, "lease_until": None}
    spent = col(Job.attempts) >= col(Job.max_attempts)
    count = 0
    for which, values in (
        ([*lost, spent], {"state": "dead", "error": LEASE_LOST, "finished_at": now}),
        (lost, {"state": "due"}),
    ):
        statement = update(Job).where(*which).values(**values, **ended).returning(col(Job.id))
        rows = await session.execute(statement.execution_options(synchronize_session=False))
        count += len(rows.all())
    return count


async def renew(session: AsyncSession, claims: Collection[Claim], until: datetime) -> set[UUID]:
    """Prolongs the leases; returns the ids of the jobs that are still ours."""
    if not claims:
        return set()
    statement = (
        update(Job)
        .where(
            col(Job.state) == "running",
            col(Job.id).in_([claim.id for claim in claims]),
            col(Job.lease_token).in_({claim.token for claim in claims}),
        )
        .values(lease_until=until)
        .returning(col(Job.id))
    )
    return set((await session.execute(statement.execution_options(synchronize_session=False))).scalars())


async def complete(session: AsyncSession, claim: Claim, now: datetime) -> bool:
    """Marks the job done. False when it is no longer ours."""
    return await _end(session, claim, state="done", finished_at=now, error=None)


async def complete_until(session: AsyncSession, claim: Claim, next_run: datetime, error: str | None = None) -> bool:
    """Ends this run of a periodic job, which is due again at ``next_run``. False when it is no longer ours."""
    return await _end(session, claim, state="due", run_at=next_run, attempts=0, error=error and error[:ERROR_LENGTH])


async def fail(session: AsyncSession, claim: Claim, error: str, now: datetime) -> str | None:
    """Ends a run that raised: the job is due again after a growing pause, or ``dead`` after its last attempt.

    Returns the new state, or None when the job is no longer ours.
    """
    if claim.attempts >= claim.max_attempts:
        ours = await _end(session, claim, state="dead", error=error[:ERROR_LENGTH], finished_at=now)
        return "dead" if ours else None
    run_at = now + retry_pause(claim.attempts)
    ours = await _end(session, claim, state="due", error=error[:ERROR_LENGTH], run_at=run_at)
    return "due" if ours else None


async def give_back(session: AsyncSession, claim: Claim) -> bool:
    """Ends a run that was cut short by a shutdown: due at once, and not counted as an attempt."""
    return await _end(session, claim, state="due", attempts=claim.attempts - 1)


def retry_pause(attempts: int) -> timedelta:
    """How long to wait after the ``attempts``-th failure: doubling from two seconds to an hour, give or take half."""
    seconds = min(FIRST_RETRY_S * 2 ** (attempts - 1), LAST_RETRY_S)
    return timedelta(seconds=seconds * random.uniform(0.5, 1.5))  # noqa: S311


async def _end(session: AsyncSession, claim: Claim, **values: Any) -> bool:
    statement = (
        update(Job)
        .where(col(Job.id) == claim.id, col(Job.lease_token) == claim.token, col(Job.state) == "running")
        .values(lease_token=None, lease_until=None, **values)
        .returning(col(Job.id))
    )
    ended = await session.execute(statement.execution_options(synchronize_session=False))
    return ended.scalar_one_or_none() is not None
