"""The house's own upkeep, across all tenants. Only the system does these things, in bounded batches: each call removes
at most about ``limit`` rows and returns how many it removed."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, exists, or_, select
from sqlmodel import col

from app.core import feed
from app.core.access import Scope
from app.core.errors import Forbidden
from app.core.tx import Tx
from models import EmailToken, Job, RefreshToken, Session

KEEP_TOKENS = timedelta(days=7)
"""Tokens that have run out stay a while, so that using one again is still recognised as what it is."""
KEEP_DONE_JOBS = timedelta(days=3)
KEEP_DEAD_JOBS = timedelta(days=30)


async def trim_feed(tx: Tx, *, older_than: timedelta, limit: int) -> int:
    """Removes entries of the feed that are older; a subscription that resumes from before them is told of the gap."""
    tx.require(Scope.TENANT_WRITE)
    _require_system(tx)
    return await feed.trim_feed(tx.session, tx.now - older_than, limit)


async def purge_tokens(tx: Tx, *, limit: int) -> int:
    """Removes refresh tokens and mailed tokens that ran out long ago."""
    tx.require(Scope.TENANT_WRITE)
    _require_system(tx)
    before = tx.now - KEEP_TOKENS
    removed = await _remove(tx, RefreshToken.token_hash, col(RefreshToken.expires_at) < before, limit)
    return removed + await _remove(tx, EmailToken.token_hash, col(EmailToken.expires_at) < before, limit)


async def purge_sessions(tx: Tx, *, limit: int) -> int:
    """Removes sessions whose last refresh token is gone."""
    tx.require(Scope.TENANT_WRITE)
    _require_system(tx)
    empty = ~exists().where(col(RefreshToken.session_id) == col(Session.id))
    return await _remove(tx, Session.id, (col(Session.created_at) < tx.now - KEEP_TOKENS) & empty, limit)


async def purge_jobs(tx: Tx, *, limit: int) -> int:
    """Removes jobs that were done or given up long ago."""
    tx.require(Scope.TENANT_WRITE)
    _require_system(tx)
    return await _remove(tx, Job.id, or_(_ended(tx.now, "done"), _ended(tx.now, "dead")), limit)


def _ended(now: datetime, state: str) -> ColumnElement[bool]:
    keep = KEEP_DONE_JOBS if state == "done" else KEEP_DEAD_JOBS
    return (col(Job.state) == state) & (col(Job.finished_at) < now - keep)


async def _remove(tx: Tx, key: Any, which: ColumnElement[bool], limit: int) -> int:
    some = select(key).where(which).limit(limit)
    statement = delete(key.class_).where(key.in_(some)).execution_options(synchronize_session=False)
    result = await tx.session.execute(statement)
    return result.rowcount if isinstance(result, CursorResult) else 0


def _require_system(tx: Tx) -> None:
    if tx.principal.kind != "system" or tx.principal.tenant_id is not None:
        raise Forbidden("Only the system itself does this.")
