"""The bytes of files: those that nobody needs any more are removed."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.actions.files import KEPT_UNSENT, nobodys_keys, purge_unsent_files
from app.core import clock
from app.core.access import system
from app.runtime import Runtime
from workers.registry import handles

BATCH = 200


@handles("files.erase")
async def erase_files(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Removes the bytes of files whose rows are gone."""
    await runtime.services.storage.remove(payload["keys"])


@handles("files.purge", every=timedelta(hours=1))
async def purge_files(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Drops uploads that no message carries."""
    removed = BATCH
    while removed == BATCH:
        async with runtime.write(system()) as tx:
            removed = await purge_unsent_files(tx, limit=BATCH)


@handles("files.sweep", every=timedelta(days=1))
async def sweep_storage(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Removes bytes that have no row: a server was stopped between the two, or the row went with its visitor."""
    storage = runtime.services.storage
    before = clock.now() - KEPT_UNSENT
    await storage.remove_unfinished(before)
    async for portion in storage.listed():
        keys = [found.key for found in portion if found.written_at < before]
        async with runtime.read(system()) as reading:
            lost = await nobodys_keys(reading, keys=keys, exclusive=storage.exclusive)
        await storage.remove(lost)
