"""The open streams of this process, and the one watch over all of them.

A stream costs no timer of its own: once a second the watch ends those that took too long to introduce themselves, whose
reader stopped reading, whose credential ran out or was taken back, and, when the server is stopping, all of them.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from starlette.types import Message, Send

from app.core import clock
from app.core.logging import logger
from app.core.metrics import OPEN_SOCKETS
from resolvers.transport.callers import Caller, Callers
from resolvers.transport.refusals import Refusal

if TYPE_CHECKING:
    from app.runtime import Runtime

TICK_S = 1.0
SEND_TIMEOUT_S = 20.0
RECHECK_S = 30.0
VISITOR_STREAMS = 30
"""How many one visitor may have open: a tab takes one, and anybody may become a visitor."""
MOST_HELD = 4 * 1024 * 1024
"""How many characters of results the operations of one stream may hold while its peer does not read."""
log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a stream was ended by us: a websocket close code and a reason. ``abrupt``: the peer no longer reads."""

    code: int
    reason: str
    abrupt: bool = False


STALLED = Ending(1008, "The reader is too slow: resume from the last cursor", abrupt=True)
FULL = Ending(1008, "Too much is waiting to be read: resume from the last cursor")
EXPIRED = Ending(4403, "The credential has expired")
REVOKED = Ending(4403, "The credential is no longer valid")
CHANGED = Ending(4403, "The permissions have changed: connect again")
LEFT = Ending(1005, "The peer has left", abrupt=True)
RESTARTING = Ending(1012, "Service restart")


class PeerGone(Exception):
    """There is nobody left to send to."""


class Connection(ABC):
    """One open stream. ``caller`` is None until it has introduced itself."""

    transport: ClassVar[str]
    __slots__ = (
        "_clock",
        "_counted",
        "_held",
        "_sends",
        "_task",
        "caller",
        "checked_at",
        "ending",
        "moved_at",
        "raw_send",
    )

    def __init__(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection lives in a task")
        self._clock = loop.time
        self._task = task
        self.raw_send = send
        self._sends = self._held = 0
        self._counted: str | None = None
        self.caller: Caller | None = None
        self.ending: Ending | None = None
        self.moved_at = self.checked_at = loop.time()

    @abstractmethod
    def overdue(self, now: float) -> Ending | None:
        """Why the stream must end now, by its own rules."""

    def end(self, ending: Ending) -> None:
        """Ends the stream from outside its task, once."""
        if self.ending is None:
            self.ending = ending
            self._task.cancel()

    async def send(self, message: Message) -> None:
        """Sends one ASGI message; the watch sees how long the peer has not been reading. Raises :class:`PeerGone`.

        Every operation of a stream waits here with a result of its own, so what they hold together is bounded."""
        size = len(message.get("text", ""))
        if self._held and self._held + size > MOST_HELD:
            self.end(FULL)
        self._held += size
        try:
            await self.sending(self.raw_send(message))
        finally:
            self._held -= size

    async def sending(self, under_way: Awaitable[None]) -> None:
        """Waits for a sending of :attr:`raw_send` as :meth:`send` does."""
        if not self._sends:
            self.moved_at = self._clock()
        self._sends += 1
        try:
            await under_way
        except (OSError, RuntimeError) as lost:
            raise PeerGone from lost
        finally:
            self._sends -= 1
            self.moved_at = self._clock()

    def stalled(self, now: float) -> bool:
        return self._sends > 0 and now - self.moved_at > SEND_TIMEOUT_S


class Connections:
    """Counts streams per caller and watches over them."""

    def __init__(self, runtime: "Runtime", callers: Callers) -> None:
        self._draining = runtime.hub.draining
        self._callers = callers
        self._allowed = runtime.settings.sockets_per_caller
        self._open: set[Connection] = set()
        self._counts: Counter[str] = Counter()
        self._watching: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._open)

    @property
    def draining(self) -> bool:
        """Whether the server is stopping."""
        return bool(self._draining.is_set())

    def add(self, connection: Connection, key: str) -> bool:
        """Takes a stream under watch, counted under ``key``. False when there are too many of that key."""
        if not self._count(connection, key, connection.caller):
            return False
        self._open.add(connection)
        OPEN_SOCKETS.labels(connection.transport).inc()
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="watch over streams")
        return True

    def introduce(self, connection: Connection, caller: Caller) -> bool:
        """Counts a stream under its caller from now on. False when the caller has too many."""
        if not self._count(connection, caller.key, caller):
            return False
        connection.caller = caller
        return True

    def remove(self, connection: Connection) -> None:
        """Forgets a stream that has ended."""
        if connection in self._open:
            self._open.remove(connection)
            OPEN_SOCKETS.labels(connection.transport).dec()
        self._uncount(connection)

    def _count(self, connection: Connection, key: str, caller: Caller | None) -> bool:
        if connection._counted == key:
            return True
        of_visitor = caller is not None and caller.principal.kind == "visitor"
        if self._counts[key] >= (min(VISITOR_STREAMS, self._allowed) if of_visitor else self._allowed):
            return False
        self._uncount(connection)
        self._counts[key] += 1
        connection._counted = key
        return True

    def _uncount(self, connection: Connection) -> None:
        key, connection._counted = connection._counted, None
        if key is not None:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key]

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while self._open:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._draining.wait(), TICK_S)
            now = loop.time()
            try:
                self._sweep(now)
            except Exception:
                log.exception("graph.watch_failed")
            if self._checking is None or self._checking.done():
                self._checking = asyncio.create_task(self._recheck(now), name="recheck of credentials")
            if self.draining:
                await asyncio.sleep(TICK_S)
        self._watching = None

    def _sweep(self, now: float) -> None:
        for connection in list(self._open):
            ending = RESTARTING if self.draining else _overdue(connection, now)
            if ending is not None:
                connection.end(ending)

    async def _recheck(self, now: float) -> None:
        for connection in [one for one in self._open if one.caller and now - one.checked_at > RECHECK_S]:
            connection.checked_at = now
            caller = connection.caller
            if caller is None or caller.credential is None:
                continue
            try:
                current = await self._callers.identify(caller.credential, caller.address, "", caller.origin)
            except Refusal:
                connection.end(REVOKED)
            except Exception:
                log.warning("graph.recheck_failed", exc_info=True)
            else:
                if current.principal != caller.principal and connection.caller is caller:
                    connection.end(CHANGED)


def _overdue(connection: Connection, now: float) -> Ending | None:
    if connection.stalled(now):
        return STALLED
    expires_at = connection.caller.principal.expires_at if connection.caller else None
    if expires_at is not None and expires_at <= clock.now():
        return EXPIRED
    return connection.overdue(now)
