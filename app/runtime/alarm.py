"""Wakes when the clock alone changes who is in a segment: at the earliest moment noted, and not before.

Moments are rows, so one that passes while nobody runs is worked off at the next start. A process that notes an earlier
moment rings; a lost ring costs at most :data:`FALLBACK_S` seconds.
"""

import asyncio
import contextlib
from collections import defaultdict
from datetime import datetime
from uuid import UUID

from app.actions.segments.flipping import DueFlip, due_flips, flip, next_flip
from app.core import clock, logging
from app.core.access import system
from app.core.tx import UnitsOfWork

log = logging.logger(__name__)

FALLBACK_S = 15.0
RETRY_S = 1.0
BATCH = 200
"""Flips worked off in one unit of work."""


class Alarm:
    """Works off due flips, of all tenants."""

    def __init__(self, units: UnitsOfWork) -> None:
        self._units = units
        self._rung = asyncio.Event()
        self._next: datetime | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Begins to watch the clock."""
        if self._task is None:
            self._stopping = False
            self._task = asyncio.create_task(self._watch(), name="alarm")

    def ring(self, moment: datetime | None = None) -> None:
        """Says that something may change at ``moment``, or at one that is not known here. Never blocks."""
        if moment is None or self._next is None or moment < self._next:
            self._rung.set()

    async def stop(self) -> None:
        """Ends after the unit of work that is under way; what is due stays due. May be called twice."""
        task, self._task = self._task, None
        if task is not None:
            self._stopping = True
            self._rung.set()
            try:
                await asyncio.wait([task])
            finally:
                task.cancel()

    async def work_off(self) -> int:
        """Decides anew everything that is due. Returns how many flips that were. When one tenant's cannot be decided,
        the others' are, before it raises why."""
        done = 0
        while not self._stopping:
            async with self._units.read(system()) as reading:
                due = await due_flips(reading, limit=BATCH)
            if not due:
                return done
            by_tenant: dict[UUID, list[DueFlip]] = defaultdict(list)
            for one in due:
                by_tenant[one.tenant_id].append(one)
            failed: Exception | None = None
            for tenant_id, mine in by_tenant.items():
                try:
                    async with self._units.write(system(tenant_id)) as tx:
                        await flip(tx, due=mine)
                except Exception as failure:
                    failed = failure
            if failed is not None:
                raise failed
            done += len(due)
        return done

    async def _watch(self) -> None:
        while not self._stopping:
            self._rung.clear()
            try:
                await self.work_off()
                async with self._units.read(system()) as reading:
                    self._next = await next_flip(reading)
                wait_s = FALLBACK_S
                if self._next is not None:
                    wait_s = min(wait_s, max(0.0, (self._next - clock.now()).total_seconds()))
            except Exception as failure:
                log.warning("due flips could not be worked off", error=repr(failure))
                wait_s = RETRY_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._rung.wait()
