"""The house's own upkeep: what has served its time is removed, in batches that hold the writer only for moments."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.actions import maintenance
from app.core.access import system
from app.core.tx import Tx
from app.runtime import Runtime
from workers.registry import handles

BATCH = 500


@handles("feed.trim", every=timedelta(hours=1))
async def trim_feed(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Drops what subscriptions can no longer be resumed from."""
    keep = timedelta(days=runtime.settings.feed_days)
    await _in_batches(runtime, lambda tx: maintenance.trim_feed(tx, older_than=keep, limit=BATCH))


@handles("tokens.purge", every=timedelta(days=1))
async def purge_tokens(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Drops tokens that have run out, and sessions that have none left."""
    await _in_batches(runtime, lambda tx: maintenance.purge_tokens(tx, limit=BATCH))
    await _in_batches(runtime, lambda tx: maintenance.purge_sessions(tx, limit=BATCH))


@handles("jobs.purge", every=timedelta(days=1))
async def purge_jobs(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Drops jobs that ended long ago."""
    await _in_batches(runtime, lambda tx: maintenance.purge_jobs(tx, limit=BATCH))


async def _in_batches(runtime: Runtime, remove: Callable[[Tx], Awaitable[int]]) -> None:
    """Repeats ``remove``, each time in a unit of its own, until it finds nothing more."""
    while True:
        async with runtime.write(system()) as tx:
            removed = await remove(tx)
        if not removed:
            return
