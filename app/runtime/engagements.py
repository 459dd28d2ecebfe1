"""Openings and clicks on their way into the database: nobody who opens a message waits for a commit.

What is noted is written within moments, together with what came meanwhile, and before the process ends. A crash loses
those moments. When too much waits, whoever notes more waits for room.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextvars import Context
from uuid import UUID

from app.actions.tracking import Seen, record_engagements
from app.core import logging
from app.core.access import system
from app.core.tx import UnitsOfWork

log = logging.logger(__name__)

GATHER_S = 0.02
MAX_UNIT = 100
MAX_WAITING = 20_000
ATTEMPTS = 3
RETRY_S = 0.5


class Engagements:
    """Writes what is noted, one unit of work for each tenant at a time."""

    def __init__(self, units: UnitsOfWork) -> None:
        self._units = units
        self._waiting: list[tuple[UUID, Seen]] = []
        self._room = asyncio.Event()
        self._room.set()
        self._flusher: asyncio.Task[None] | None = None

    async def note(self, tenant_id: UUID, seen: Seen) -> None:
        """Takes an opening or click over. Returns at once, unless very much waits already."""
        await self._room.wait()
        self._waiting.append((tenant_id, seen))
        if len(self._waiting) >= MAX_WAITING:
            self._room.clear()
        if self._flusher is None:
            # In a context of its own: a unit of work that is open around the caller is not the flusher's.
            self._flusher = asyncio.create_task(self._flush(), name="engagements", context=Context())

    async def drain(self) -> None:
        """Returns when everything that was noted is written."""
        while self._flusher is not None:
            await asyncio.wait([self._flusher])

    async def _flush(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_S)
                batch, self._waiting = self._waiting[:MAX_UNIT], self._waiting[MAX_UNIT:]
                if len(self._waiting) < MAX_WAITING:
                    self._room.set()
                by_tenant: dict[UUID, list[Seen]] = defaultdict(list)
                for tenant_id, seen in batch:
                    by_tenant[tenant_id].append(seen)
                for tenant_id, mine in by_tenant.items():
                    await self._write(tenant_id, mine)
        finally:
            self._flusher = None

    async def _write(self, tenant_id: UUID, seen: Sequence[Seen]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._units.write(system(tenant_id)) as tx:
                    await record_engagements(tx, seen)
                return
            except Exception as failure:
                log.warning("engagements could not be written", attempt=attempt, count=len(seen), error=repr(failure))
                await asyncio.sleep(RETRY_S * attempt)
        log.error("engagements are lost", tenant=tenant_id.hex, count=len(seen))
