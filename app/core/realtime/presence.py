"""Who is here: agents with an inbox open and visitors with a widget open, over all processes.

Presence is kept as signals: each process announces its own every :data:`ANNOUNCE_S` seconds, and those of one that died
are forgotten after :data:`FORGET_S`.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.ids import new_id
from app.core.realtime.hub import Hub
from app.core.realtime.signals import Signal

AGENT, VISITOR = "agent", "visitor"
KINDS = (AGENT, VISITOR)
ANNOUNCE_S = 10.0
FORGET_S = 30.0
LINGER_S = 2.0
"""How long somebody who left is still here: a page that is reloaded does not flicker."""

One = tuple[UUID, str, UUID]
"""Tenant, kind and id."""
Hear = Callable[[UUID, str, UUID], None]


@dataclass(frozen=True, slots=True)
class PresenceChange:
    """Somebody came or went. ``kind`` is ``agent`` (``id`` is a user's) or ``visitor``."""

    kind: str
    id: UUID
    present: bool


class Presence:
    """Who is here. ``on_enter`` hears whom the first subscription in this process brings, ``on_leave`` who has gone
    from it; neither may block."""

    def __init__(self, hub: Hub, on_enter: Hear = lambda *_: None, on_leave: Hear = lambda *_: None) -> None:
        self._hub = hub
        self._on_enter, self._on_leave = on_enter, on_leave
        self._holder = new_id().hex
        self._here: Counter[One] = Counter()
        self._leaving: dict[One, asyncio.TimerHandle] = {}
        self._announcer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to announce."""
        if self._announcer is None:
            self._announcer = asyncio.create_task(self._announce(), name="presence")

    async def stop(self) -> None:
        """Ends announcing; the others forget who was here. May be called twice."""
        task, self._announcer = self._announcer, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        for leaving in self._leaving.values():
            leaving.cancel()
        self._leaving.clear()

    @contextmanager
    def here(self, tenant_id: UUID, kind: str, id: UUID) -> Iterator[None]:
        """Somebody is here until the block ends, and for as long as any other such block of theirs runs."""
        one = (tenant_id, kind, id)
        self._enter(one)
        try:
            yield
        finally:
            self._leave(one)

    def present(self, tenant_id: UUID, kind: str) -> set[UUID]:
        """The ids of who is here now, in any process."""
        found = map(_change, self._hub.known_signals(tenant_id, _channel(kind)))
        return {change.id for change in found if change is not None and change.present}

    async def changes(self, tenant_id: UUID) -> AsyncIterator[PresenceChange]:
        """First everybody who is here, then who comes and goes. Ends when the server drains."""
        async for signal in self._hub.signals(tenant_id, *map(_channel, KINDS)):
            change = _change(signal)
            if change is not None:
                yield change

    def in_this_process(self, kind: str) -> dict[UUID, set[UUID]]:
        """The ids of who is here in this process, by tenant."""
        ids: defaultdict[UUID, set[UUID]] = defaultdict(set)
        for tenant_id, its_kind, id in self._here:
            if its_kind == kind:
                ids[tenant_id].add(id)
        return dict(ids)

    def _enter(self, one: One) -> None:
        self._here[one] += 1
        if self._here[one] > 1:
            return
        lingering = self._leaving.pop(one, None)
        if lingering is not None:
            lingering.cancel()
        self._tell(one, present=True)
        self._on_enter(*one)

    def _leave(self, one: One) -> None:
        self._here[one] -= 1
        if self._here[one] > 0:
            return
        del self._here[one]
        if not self._hub.draining.is_set():
            self._leaving[one] = asyncio.get_running_loop().call_later(LINGER_S, self._gone, one)

    def _gone(self, one: One) -> None:
        del self._leaving[one]
        self._tell(one, present=False)
        self._on_leave(*one)

    def _tell(self, one: One, *, present: bool) -> None:
        tenant_id, kind, id = one
        data: dict[str, Any] | None = {} if present else None
        self._hub.signal(tenant_id, _channel(kind), f"{kind}:{id.hex}", data, FORGET_S, holder=self._holder)

    async def _announce(self) -> None:
        while True:
            await asyncio.sleep(ANNOUNCE_S)
            for one in [*self._here, *self._leaving]:
                self._tell(one, present=True)


def _channel(kind: str) -> str:
    return f"presence:{kind}"


def _change(signal: Signal) -> PresenceChange | None:
    kind, _, id = signal.key.partition(":")
    with contextlib.suppress(ValueError):
        return PresenceChange(kind, UUID(hex=id), signal.data is not None)
    return None
