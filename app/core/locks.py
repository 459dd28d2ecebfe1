"""Locks on names that may have no row yet, so that two transactions cannot give one name to two people.

Only Postgres needs them: SQLite has one writer. A lock lasts until its transaction ends.
"""

from collections.abc import Iterable
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.batches import is_postgres

BUCKETS = 64
"""Locks of one tenant and kind. A batch of thousands of names must not fill the server's table of locks."""
DEADLOCK = "40P01"
"""Postgres's word for it (SQLSTATE)."""

TAKE = text(
    "SELECT CASE WHEN alone THEN pg_advisory_xact_lock(lock) ELSE pg_advisory_xact_lock_shared(lock) END "
    "FROM unnest(cast(:locks AS bigint[]), cast(:alone AS boolean[])) AS wanted(lock, alone)"
)


async def lock_names(
    session: AsyncSession, tenant_id: UUID, names: Iterable[str], shared: Iterable[str] = (), *, kind: str = "name"
) -> None:
    """Waits until this transaction alone may give out ``names``, and until nobody else gives out ``shared``.

    One call takes its locks in one order for all, so that no two calls wait for each other. A transaction that needs
    to call twice needs a ``kind`` of names for each call, and an order of the kinds.
    """
    if not is_postgres(session):
        return
    wanted = {_bucket(tenant_id, kind, name): False for name in shared}
    wanted.update({_bucket(tenant_id, kind, name): True for name in names})
    if wanted:
        ordered = sorted(wanted.items())
        await session.execute(TAKE, {"locks": [lock for lock, _ in ordered], "alone": [alone for _, alone in ordered]})


def is_deadlock(failure: DBAPIError) -> bool:
    """Whether Postgres ended a transaction because it and another waited for each other: it may be tried again."""
    return getattr(failure.orig, "sqlstate", None) == DEADLOCK


def _bucket(tenant_id: UUID, kind: str, name: str) -> int:
    number = blake2b(name.encode(), digest_size=8, key=tenant_id.bytes).digest()[0] % BUCKETS
    lock = blake2b(tenant_id.bytes + bytes([number]) + kind.encode(), digest_size=8)
    return int.from_bytes(lock.digest(), "big", signed=True)
