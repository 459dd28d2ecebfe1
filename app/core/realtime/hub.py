"""The hub: tells the subscriptions of this process, and those of the others, that a topic of the feed has grown.

What it carries are hints, and :mod:`signals`, which are stored nowhere. The truth is the feed, so a lost hint costs a
listener at most :data:`FALLBACK_S` seconds. Listeners here are woken at once; the other processes hear it over a
:mod:`wire`, which is watched by its own heartbeat, thrown away when it falls silent, and built anew; then every
listener is woken, since hints may be lost.
"""

import asyncio
import contextlib
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.core import logging, metrics
from app.core.ids import new_id
from app.core.realtime.signals import Row, Signal, SignalBoard, Signals
from app.core.realtime.wire import IN_MEMORY, Wire, open_wire

if TYPE_CHECKING:
    from app.core.tx import Released

log = logging.logger(__name__)

FALLBACK_S = 15.0
HEARTBEAT_S = 3.0
SILENCE_S = 10.0
FIRST_BACKOFF_S = 0.2
LAST_BACKOFF_S = 5.0
GATHER_S = 0.005
"""How long hints are gathered into one message after one was sent."""
PENDING = 10_000
"""Topics that may wait for the wire; more of them become one message: everything may have grown."""
PER_MESSAGE = 500

TopicKey = tuple[UUID, str]


class Draining(Exception):
    """This server is shutting down: end the stream, so that the client reconnects elsewhere."""


class Listener:
    """A bell for one topic. It keeps no messages, so a slow reader costs nothing: read the feed after every ring."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """Makes the present or the next :meth:`wait` return."""
        self._bell.set()

    async def wait(self) -> None:
        """Returns when the topic may have grown since the last return, and after at most :data:`FALLBACK_S` seconds.

        Raises :class:`Draining` when the server is shutting down.
        """
        if not self._hub.draining.is_set():
            # Jitter keeps a thousand idle listeners from reading the feed in the same moment.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FALLBACK_S * random.uniform(0.7, 1.0)):  # noqa: S311
                    await self._bell.wait()
            self._bell.clear()
        if self._hub.draining.is_set():
            raise Draining


class Hub:
    """Rings listeners. ``redis_url`` may be empty: then there are no other processes to tell.

    ``draining`` is set from the beginning of a shutdown on.
    """

    def __init__(self, redis_url: str = "") -> None:
        self._url = redis_url or IN_MEMORY
        self._id = new_id().hex
        self._listeners: defaultdict[TopicKey, set[Listener]] = defaultdict(set)
        self._pending: dict[TopicKey, int] = {}
        self._owes_everything = False
        self._something_pending = asyncio.Event()
        self._board = SignalBoard()
        self._heard_at = 0.0
        self._heard_own = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self.connected = False
        self.draining = asyncio.Event()

    async def start(self) -> None:
        """Begins to connect, and does not wait for it: commits and local listeners do not need the wire."""
        if self._supervisor is None:
            self._supervisor = asyncio.create_task(self._supervise(), name="hub supervisor")

    async def stop(self) -> None:
        """Drains, and lets go of the wire. May be called twice."""
        self.drain()
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor}, timeout=5)
            self._supervisor = None

    def drain(self) -> None:
        """Ends every stream: each waiting listener, and each that waits later, raises :class:`Draining`."""
        self.draining.set()
        self.wake_all()
        self._board.close()

    def ring(self, released: "Released") -> None:
        """Tells everybody which topics a commit made grow. Never blocks."""
        if released.tenant_id is None:
            return
        for position in released.positions:
            topic = (released.tenant_id, position.topic)
            self._ring_local(topic)
            self._pending[topic] = position.head
        if len(self._pending) > PENDING:
            self._pending.clear()
            self._owes_everything = True
        if self._pending or self._owes_everything:
            self._something_pending.set()

    def signal(
        self, tenant_id: UUID, channel: str, key: str, data: Mapping[str, Any] | None, ttl_s: float, *, holder: str = ""
    ) -> None:
        """Tells everybody on a channel of a tenant what is true of ``key`` for the next ``ttl_s`` seconds (at most
        300); None: it is over. Never blocks; the same once more only prolongs it.

        ``data`` is JSON. A key may have holders: then it is over when the last ``holder`` says so.
        """
        if self.draining.is_set():
            return
        if self._board.say((tenant_id, channel, key, holder), data, ttl_s):
            self._something_pending.set()

    def signals(self, tenant_id: UUID, *channels: str) -> Signals:
        """What is true on channels, here and in other processes: ``async for`` gives first all that is known, then each
        change, the latest of each key. It ends when the server drains, and costs nothing once it is dropped.

        Several channels must not share keys.
        """
        signals = self._board.listen(tenant_id, *channels)
        if self.draining.is_set():
            signals.close()
        return signals

    def known_signals(self, tenant_id: UUID, channel: str) -> list[Signal]:
        """What is true on a channel now."""
        return self._board.known(tenant_id, channel)

    def wake_all(self) -> None:
        """Rings every listener of this process."""
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.ring()

    @asynccontextmanager
    async def listen(self, tenant_id: UUID, topic: str) -> AsyncIterator[Listener]:
        """A bell that rings when ``topic`` grows, until the block ends. Read the feed first, then wait."""
        listener = Listener(self)
        key = (tenant_id, topic)
        self._listeners[key].add(listener)
        metrics.LISTENERS.inc()
        try:
            yield listener
        finally:
            metrics.LISTENERS.dec()
            listeners = self._listeners[key]
            listeners.discard(listener)
            if not listeners:
                del self._listeners[key]

    @property
    def listening(self) -> int:
        """How many listeners there are."""
        return sum(map(len, self._listeners.values()))

    def _ring_local(self, topic: TopicKey) -> None:
        for listener in self._listeners.get(topic, ()):
            listener.ring()

    async def _supervise(self) -> None:
        backoff = FIRST_BACKOFF_S
        lives = 0
        while True:
            try:
                async with open_wire(self._url, self._hear) as wire:
                    await self._greet(wire)
                    if lives:
                        metrics.HUB_REBUILDS.inc()
                        log.info("hub is connected again")
                    lives, backoff, self.connected = lives + 1, FIRST_BACKOFF_S, True
                    self.wake_all()
                    await self._use(wire)
            except Exception as failure:
                cause = failure.exceptions[0] if isinstance(failure, ExceptionGroup) else failure
                log.warning("hub lost its wire", error=repr(cause), retry_in_s=round(backoff, 1))
            finally:
                self.connected = False
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311
            backoff = min(backoff * 2, LAST_BACKOFF_S)

    async def _greet(self, wire: Wire) -> None:
        """Proves that the wire carries: a message of ours must come back."""
        self._heard_own.clear()
        await wire.publish(self._message(hello=True))
        if self._board.owe_everything():
            self._something_pending.set()
        async with asyncio.timeout(SILENCE_S / 2):
            await self._heard_own.wait()

    async def _use(self, wire: Wire) -> None:
        """Publishes and beats until something fails; raises when the wire is dead."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publish(wire))
            group.create_task(self._beat(wire))

    async def _beat(self, wire: Wire) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await wire.publish(self._message())
            await asyncio.sleep(HEARTBEAT_S / 3)
            for _ in range(2):
                if not wire.listening:
                    raise ConnectionError("the listener has ended")
                if clock() - self._heard_at > SILENCE_S:
                    raise ConnectionError("the wire is silent")
                await asyncio.sleep(HEARTBEAT_S / 3)

    async def _publish(self, wire: Wire) -> None:
        while True:
            await self._something_pending.wait()
            self._something_pending.clear()
            everything, self._owes_everything = self._owes_everything, False
            batch = list(self._pending.items())
            self._pending.clear()
            try:
                if everything:
                    await wire.publish(self._message(everything=True))
                for start in range(0, len(batch), PER_MESSAGE):
                    await wire.publish(self._message(batch[start : start + PER_MESSAGE]))
                while signals := self._board.take_unsent(PER_MESSAGE):
                    await wire.publish(self._message(signals=signals))
            except BaseException:
                # What was not sent is unknown: the others must look at everything once the wire is back.
                self._owes_everything = True
                self._something_pending.set()
                raise
            await asyncio.sleep(GATHER_S)

    def _message(
        self,
        hints: Iterable[tuple[TopicKey, int]] = (),
        *,
        everything: bool = False,
        signals: Sequence[Row] = (),
        hello: bool = False,
    ) -> str:
        by_tenant: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        for (tenant_id, topic), head in hints:
            by_tenant[tenant_id.hex].append((topic, head))
        message: dict[str, Any] = {"hub": self._id, "everything": everything, "hints": by_tenant}
        if signals:
            message["signals"] = signals
        if hello:
            message["hello"] = True
        return json.dumps(message, separators=(",", ":"))

    def _hear(self, text: str) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        try:
            message = json.loads(text)
            if message["hub"] == self._id:
                self._heard_own.set()
                return
            if message["everything"]:
                self.wake_all()
            for tenant, topics in message["hints"].items():
                for topic, _ in topics:
                    self._ring_local((UUID(tenant), topic))
            self._board.hear(message.get("signals", ()))
            if message.get("hello") and self._board.owe_everything():
                self._something_pending.set()
        except (ValueError, KeyError, TypeError, AttributeError) as odd:
            log.warning("hub heard something that is no hint", error=repr(odd))
