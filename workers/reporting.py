"""Calls of reporting webhooks that ended long ago are removed."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.actions.reporting import purge_calls
from app.core.access import system
from app.runtime import Runtime
from workers.registry import handles

BATCH = 500


@handles("reporting.purge", every=timedelta(days=1))
async def purge(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Drops calls that were made a week ago, or given up a month ago."""
    removed = BATCH
    while removed == BATCH:
        async with runtime.write(system()) as tx:
            removed = await purge_calls(tx, limit=BATCH)
