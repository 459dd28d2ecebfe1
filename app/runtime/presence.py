"""Keeps the leases on the presence of agents: those who have an inbox open in this process are there."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from app.actions.teams import end_presence, renew_presence
from app.core import logging
from app.core.access import system
from app.core.realtime.hub import Hub
from app.core.realtime.presence import AGENT, Presence
from app.core.tx import UnitsOfWork

log = logging.logger(__name__)

RENEW_S = 15.0
RETRY_S = 2.0


class PresenceKeeper:
    """Renews the leases every :data:`RENEW_S` seconds, and at once when somebody comes, and ends them soon after
    somebody goes. :attr:`presence` says who is here."""

    def __init__(self, hub: Hub, units: UnitsOfWork) -> None:
        self.presence = Presence(hub, self._entered, self._left)
        self._units = units
        self._come: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._gone: defaultdict[UUID, set[UUID]] = defaultdict(set)
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
        return await self._each(agents, renew_presence)

    async def _end(self, agents: Mapping[UUID, set[UUID]]) -> None:
        """Ends the leases of those who are in no other process either."""
        gone = {tenant_id: ids - self.presence.present(tenant_id, AGENT) for tenant_id, ids in agents.items()}
        await self._each({tenant_id: ids for tenant_id, ids in gone.items() if ids}, end_presence)

    async def _each(self, agents: Mapping[UUID, set[UUID]], action: Callable[..., Awaitable[None]]) -> bool:
        done = True
        for tenant_id, user_ids in agents.items():
            try:
                async with self._units.write(system(tenant_id)) as tx:
                    await action(tx, user_ids=user_ids)
            except Exception as failure:
                log.warning("leases of agents could not be written", tenant=tenant_id.hex, error=repr(failure))
                done = False
        return done

    def _entered(self, tenant_id: UUID, kind: str, id: UUID) -> None:
        if kind == AGENT:
            self._come[tenant_id].add(id)
            self._rung.set()

    def _left(self, tenant_id: UUID, kind: str, id: UUID) -> None:
        if kind == AGENT:
            self._gone[tenant_id].add(id)
            self._rung.set()

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        next_round = clock() + RENEW_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_round):
                    await self._rung.wait()
            self._rung.clear()
            come, gone = dict(self._come), dict(self._gone)
            self._come.clear()
            self._gone.clear()
            await self._end(gone)
            if clock() < next_round:
                if not await self.renew(come):
                    next_round = min(next_round, clock() + RETRY_S)
            else:
                renewed = await self.renew(self.presence.in_this_process(AGENT))
                next_round = clock() + (RENEW_S if renewed else RETRY_S)
