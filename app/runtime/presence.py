"""Keeps the leases on the presence of agents: those who have an inbox open in this process are there."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from app.actions.teams import renew_presence
from app.core import logging
from app.core.access import system
from app.core.realtime.hub import Hub
from app.core.realtime.presence import AGENT, Presence
from app.core.tx import UnitsOfWork

log = logging.logger(__name__)

RENEW_S = 15.0
RETRY_S = 2.0


class PresenceKeeper:
    """Renews the leases every :data:`RENEW_S` seconds, and at once when somebody comes. :attr:`presence` says who is
    here."""

    def __init__(self, hub: Hub, units: UnitsOfWork) -> None:
        self.presence = Presence(hub, self._entered)
        self._units = units
        self._come: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._rung = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to announce who is here and to keep their leases."""
        await self.presence.start()
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name="presence leases")

    async def stop(self) -> None:
        """Ends it; leases run out. May be called twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        await self.presence.stop()

    async def renew(self, agents: Mapping[UUID, set[UUID]]) -> bool:
        """Renews the leases of these users, by tenant. False when some could not be, which is in the log."""
        renewed = True
        for tenant_id, user_ids in agents.items():
            try:
                async with self._units.write(system(tenant_id)) as tx:
                    await renew_presence(tx, user_ids=user_ids)
            except Exception as failure:
                log.warning("leases of agents could not be renewed", tenant=tenant_id.hex, error=repr(failure))
                renewed = False
        return renewed

    def _entered(self, tenant_id: UUID, kind: str, id: UUID) -> None:
        if kind == AGENT:
            self._come[tenant_id].add(id)
            self._rung.set()

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        next_round = clock() + RENEW_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_round):
                    await self._rung.wait()
            self._rung.clear()
            come = dict(self._come)
            self._come.clear()
            if clock() < next_round:
                if not await self.renew(come):
                    next_round = min(next_round, clock() + RETRY_S)
            else:
                renewed = await self.renew(self.presence.in_this_process(AGENT))
                next_round = clock() + (RENEW_S if renewed else RETRY_S)
