"""Signals: what is true only for moments (who types, who is here). Known to every process, stored nowhere.

A signal lives on a channel of a tenant under a key, and is over when somebody says so or its time has run out. Who
listens is told the latest of each key and nothing twice, so a slow listener costs one entry a key. A process that has
just come, or has lost the wire, hears everything again from the others; what is lost on the way is said again or runs
out.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from typing import Any
from uuid import UUID
from weakref import ReferenceType, finalize, ref

LONGEST_S = 300.0
KEYS = 10_000
"""Keys that a channel may have; a new one is dropped beyond."""
UNSENT = 20_000
"""Signals that may wait for the wire; what is new is dropped beyond, and told when it is repeated."""
REPEAT = 0.75
"""A repetition counts once this much or less of the time is left: repeating faster costs nobody anything."""

Channel = tuple[UUID, str]
Place = tuple[UUID, str, str, str]
"""Tenant, channel, key and holder."""
Row = Sequence[Any]
"""A signal as it travels: tenant, channel, key, holder, data, and the seconds that are left."""


@dataclass(frozen=True, slots=True)
class Signal:
    """The latest of one key; ``data`` is None when it is over."""

    key: str
    data: Mapping[str, Any] | None


@dataclass(slots=True)
class _Held:
    data: Mapping[str, Any]
    until: float
    mine: bool


class Signals:
    """The signals of one channel: first those that are, then each change. Ends when it is closed or the hub drains.

    ``async for signal in signals``; of changes that were not read yet only the latest of each key is kept. Made by
    :meth:`app.core.realtime.hub.Hub.signals`.
    """

    def __init__(self, known: Iterable[Signal]) -> None:
        self._unread = {signal.key: signal for signal in known}
        self._told = asyncio.Event()
        self._over = False
        if self._unread:
            self._told.set()

    def tell(self, signal: Signal) -> None:
        """Adds what has changed."""
        if not self._over:
            self._unread[signal.key] = signal
            self._told.set()

    def close(self) -> None:
        """Ends the iteration; what is unread is dropped."""
        self._over = True
        self._unread.clear()
        self._told.set()

    def __aiter__(self) -> "Signals":
        return self

    async def __anext__(self) -> Signal:
        await self._told.wait()
        if self._over:
            raise StopAsyncIteration
        signal = self._unread.pop(next(iter(self._unread)))
        if not self._unread:
            self._told.clear()
        return signal


class SignalBoard:
    """What this process knows of signals, who listens here, and what the others are still to be told."""

    def __init__(self) -> None:
        self._channels: defaultdict[Channel, dict[str, dict[str, _Held]]] = defaultdict(dict)
        self._listeners: defaultdict[Channel, dict[int, ReferenceType[Signals]]] = defaultdict(dict)
        self._unsent: dict[Place, None] = {}
        self._ends: list[tuple[float, Place]] = []
        self._scheduled: dict[Place, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def listen(self, tenant_id: UUID, *channels: str) -> Signals:
        """The channels' signals from now on. Forgotten once nobody holds on to it."""
        signals = Signals(known for channel in channels for known in self.known(tenant_id, channel))
        for channel in channels:
            self._listeners[tenant_id, channel][id(signals)] = ref(signals)
            finalize(signals, self._forget, (tenant_id, channel), id(signals)).atexit = False
        return signals

    def known(self, tenant_id: UUID, channel: str) -> list[Signal]:
        """What is true on a channel now."""
        keys = self._channels.get((tenant_id, channel), {})
        return [Signal(key, _latest(holders)) for key, holders in keys.items()]

    def close(self) -> None:
        """Ends every iteration and the clockwork."""
        for channel in list(self._listeners):
            for signals in self._listening(channel):
                signals.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def say(self, place: Place, data: Mapping[str, Any] | None, ttl_s: float) -> bool:
        """A signal of this process. Returns whether the others must be told."""
        held = self._held(place)
        if held is None and data is None:
            # Another process may hold what has not reached this one.
            return self._owe(place)
        left = held.until - _clock() if held is not None else 0.0
        if held is not None and held.data == data and left > ttl_s * REPEAT:
            return False
        self._put(place, data, ttl_s, mine=True)
        return self._owe(place)

    def hear(self, rows: Iterable[Row]) -> None:
        """Signals of another process. Raises ValueError or TypeError for what is none."""
        for tenant, channel, key, holder, data, ttl_s in rows:
            if data is not None and not isinstance(data, dict):
                raise ValueError("the data of a signal must be an object")
            self._put((UUID(tenant), str(channel), str(key), str(holder)), data, float(ttl_s), mine=False)

    def take_unsent(self, limit: int) -> list[Row]:
        """Up to ``limit`` signals for the wire. What could not be sent: :meth:`owe_everything`."""
        now = _clock()
        rows: list[Row] = []
        for place in list(islice(self._unsent, limit)):
            del self._unsent[place]
            tenant_id, *names = place
            held = self._held(place)
            rows.append([tenant_id.hex, *names, held and held.data, round(held.until - now, 3) if held else 0])
        return rows

    def owe_everything(self) -> bool:
        """The others are to be told all that this process said and that is still true. Returns whether that is any."""
        for (tenant_id, channel), keys in self._channels.items():
            for key, holders in keys.items():
                for holder, held in holders.items():
                    if held.mine:
                        self._owe((tenant_id, channel, key, holder))
        return self.owes

    @property
    def owes(self) -> bool:
        """Whether something waits for the wire."""
        return bool(self._unsent)

    @property
    def size(self) -> tuple[int, int]:
        """How many keys are known, and on how many channels somebody listens."""
        return sum(map(len, self._channels.values())), len(self._listeners)

    def _owe(self, place: Place) -> bool:
        if len(self._unsent) < UNSENT:
            self._unsent[place] = None
        return self.owes

    def _held(self, place: Place) -> _Held | None:
        tenant_id, channel, key, holder = place
        return self._channels.get((tenant_id, channel), {}).get(key, {}).get(holder)

    def _put(self, place: Place, data: Mapping[str, Any] | None, ttl_s: float, *, mine: bool) -> None:
        tenant_id, channel, key, holder = place
        keys = self._channels[tenant_id, channel]
        before = _latest(keys.get(key, {}))
        if data is None or ttl_s <= 0:
            holders = keys.get(key, {})
            holders.pop(holder, None)
            if not holders:
                keys.pop(key, None)
        elif key in keys or len(keys) < KEYS:
            until = _clock() + min(ttl_s, LONGEST_S)
            holders = keys.setdefault(key, {})
            holders.pop(holder, None)
            holders[holder] = _Held(data, until, mine)
            self._schedule(place, until)
        self._tell_of(tenant_id, channel, key, before)

    def _tell_of(self, tenant_id: UUID, channel: str, key: str, before: Mapping[str, Any] | None) -> None:
        """Tells listeners of a key that is not as it was, and drops a channel on which nothing is left."""
        keys = self._channels[tenant_id, channel]
        after = _latest(keys.get(key, {}))
        if not keys:
            del self._channels[tenant_id, channel]
        if after == before:
            return
        for signals in self._listening((tenant_id, channel)):
            signals.tell(Signal(key, after))

    def _schedule(self, place: Place, until: float) -> None:
        """Sees to it that somebody looks at ``place`` no later than ``until``: one entry of the heap each."""
        if self._scheduled.get(place, float("inf")) <= until:
            return
        self._scheduled[place] = until
        heappush(self._ends, (until, place))
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._ends:
            self._timer = asyncio.get_running_loop().call_at(self._ends[0][0], self._expire)

    def _expire(self) -> None:
        now = _clock()
        while self._ends and self._ends[0][0] <= now:
            until, place = heappop(self._ends)
            if self._scheduled.get(place) != until:
                continue
            del self._scheduled[place]
            held = self._held(place)
            if held is None:
                continue
            if held.until > now:
                self._schedule(place, held.until)
            else:
                self._put(place, None, 0, mine=False)
        self._set_timer()

    def _listening(self, channel: Channel) -> list[Signals]:
        alive = (reference() for reference in list(self._listeners.get(channel, {}).values()))
        return [signals for signals in alive if signals is not None]

    def _forget(self, channel: Channel, number: int) -> None:
        listeners = self._listeners[channel]
        listeners.pop(number, None)
        if not listeners:
            del self._listeners[channel]


def _latest(holders: dict[str, _Held]) -> Mapping[str, Any] | None:
    """What was said last by anybody who still holds the key."""
    return holders[next(reversed(holders))].data if holders else None


def _clock() -> float:
    return asyncio.get_running_loop().time()
