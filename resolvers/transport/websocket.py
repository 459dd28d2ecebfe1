"""The ``graphql-transport-ws`` protocol: many operations over one socket.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md, with these choices of ours:

* ``connection_init`` must bring a credential (``Authorization``, ``X-Api-Key`` or ``apiKey`` in its payload, or the
  headers of the handshake); the public has no business on a socket.
* The socket is closed with 4403 when the credential expires or is taken back. A ``ping`` whose payload brings a fresh
  credential of the same caller renews it; operations that are under way go on with the scopes they began with.
* A reader that takes nothing for 20 seconds is dropped; a client that sends too much, or lets too much wait to be read,
  is closed with 1008; a stopping server closes with 1012. After any of these a client resumes from its last cursor.
* Whoever is refused at the beginning for coming too often is closed with 4429: their credential may be a good one.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from app.core.errors import RapportError
from app.core.logging import logger
from app.core.realtime.hub import Draining
from resolvers.live import Result, Seat
from resolvers.protocol import Engine, Refused
from resolvers.transport.callers import (
    Callers,
    credential_of_headers,
    credential_of_payload,
    origin_of,
    request_id_of,
)
from resolvers.transport.connections import LEFT, RESTARTING, Connection, Connections, Ending, PeerGone
from resolvers.transport.documents import Documents
from resolvers.transport.frames import Closing, frame_of, id_of, last_frame, next_frame, payload_of, quoted, said, short
from resolvers.transport.outbox import Outbox
from resolvers.transport.parameters import parse_object
from resolvers.transport.refusals import Refusal, refusal_of

PROTOCOL = "graphql-transport-ws"
INIT_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
MAX_OPERATIONS = 100
MESSAGES, PER_SECONDS = 500, 10.0
ACKNOWLEDGED, PONG = said('{"type":"connection_ack"}'), said('{"type":"pong"}')
log = logger(__name__)


class LiveSeat(Seat):
    """An operation that a live stream tells its results."""

    __slots__ = ("_socket", "concluded", "name", "quoted")

    def __init__(self, socket: "Socket", name: str) -> None:
        super().__init__()
        self._socket = socket
        self.name = name
        self.quoted = quoted(name)
        self.concluded = False

    def hear(self, result: Result) -> None:
        """See :meth:`Seat.hear`. The frame is made once for all who chose the same id."""
        frame = result.frames.get(self.quoted)
        if frame is None:
            frame = result.frames[self.quoted] = next_frame(self.quoted, result.body)
        self._socket.outbox.push(self.name, frame)

    def over(self, failure: Exception | None) -> None:
        """See :meth:`Seat.over`."""
        self.concluded = True
        self._socket.conclude(self, failure)


class Socket(Connection):
    """One websocket. The task that made it reads; every operation is a task of its own."""

    transport = "websocket"
    __slots__ = (
        "_acknowledged",
        "_callers",
        "_connections",
        "_documents",
        "_engine",
        "_headers",
        "_initialised",
        "_messages",
        "_opened_at",
        "_operations",
        "_receive",
        "_window",
        "address",
        "outbox",
    )

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        engine: Engine,
        callers: Callers,
        documents: Documents,
        connections: Connections,
    ) -> None:
        super().__init__(send)
        self._receive = receive
        self._engine = engine
        self._callers = callers
        self._documents = documents
        self._connections = connections
        self._headers: dict[bytes, bytes] | None = dict(scope["headers"])
        self.address = scope["client"][0] if scope.get("client") else ""
        self._operations: dict[str, asyncio.Task[None] | LiveSeat] = {}
        self.outbox = Outbox(self)
        self._initialised = self._acknowledged = False
        self._opened_at = self._window = self._clock()
        self._messages = 0

    async def run(self, subprotocols: list[str]) -> None:
        """Serves the socket until it is closed. No operation outlives this call."""
        await self._receive()
        if not self._callers.welcomes(self._headers or {}):
            await self.raw_send({"type": "websocket.close", "code": 4403, "reason": "Foreign origin"})
            return
        spoken = PROTOCOL if PROTOCOL in subprotocols else None
        try:
            await self.send({"type": "websocket.accept", "subprotocol": spoken})
            if spoken is None:
                raise Closing(4406, "Subprotocol not acceptable")
            if self._connections.draining:
                raise Closing(RESTARTING.code, RESTARTING.reason)
            if not self._connections.add(self, f"handshake:{self.address}"):
                raise Closing(4429, "Too many sockets")
            await self._read()
        except Closing as closing:
            self.ending = self.ending or closing.ending
        except PeerGone:
            pass
        except asyncio.CancelledError:
            if self.ending is None:
                raise
            self._task.uncancel()
        finally:
            await self._finish()

    def overdue(self, now: float) -> Ending | None:
        if not self._acknowledged and now - self._opened_at > INIT_TIMEOUT_S:
            return Ending(4408, "Connection initialisation timeout")
        return None

    async def _read(self) -> None:
        while await self._take(await self._receive()):  # no name for the message: an idle socket would keep it
            pass

    async def _take(self, message: Message) -> bool:
        if message["type"] == "websocket.disconnect":
            return False
        self._count_message()
        await self._handle(frame_of(message.get("text")))
        return True

    def _count_message(self) -> None:
        now = self._clock()
        if now - self._window > PER_SECONDS:
            self._window, self._messages = now, 0
        self._messages += 1
        if self._messages > MESSAGES:
            raise Closing(1008, f"More than {MESSAGES} messages in {PER_SECONDS:.0f} seconds")

    async def _handle(self, frame: Mapping[str, Any]) -> None:
        match frame.get("type"):
            case "subscribe":
                self._begin(id_of(frame), frame.get("payload"))
            case "complete":
                await self._stop(id_of(frame))
            case "ping":
                await self._pong(payload_of(frame))
            case "pong":
                payload_of(frame)
            case "connection_init":
                await self._introduce(payload_of(frame))
            case _:
                raise Closing(4400, "Unknown message type")

    async def _introduce(self, payload: Mapping[str, Any]) -> None:
        if self._initialised:
            raise Closing(4429, "Too many initialisation requests")
        self._initialised = True
        headers, self._headers = self._headers or {}, None
        request_id = request_id_of(headers).decode()
        try:
            credential = credential_of_payload(payload) or credential_of_headers(headers)
            if credential is None:
                raise Closing(4403, "A credential is required")
            caller = await self._callers.identify(credential, self.address, request_id, origin_of(headers))
        except (Refusal, RapportError) as refused:
            code = 4429 if refused.code == "RATE_LIMITED" else 4403
            raise Closing(code, short(refused.message)) from refused
        if not self._connections.introduce(self, caller):
            raise Closing(4429, "Too many sockets")
        self._acknowledged = True
        await self.send(ACKNOWLEDGED)

    async def _pong(self, payload: Mapping[str, Any]) -> None:
        if self.caller is not None and payload:
            await self._renew(payload)
        await self.send(PONG)

    async def _renew(self, payload: Mapping[str, Any]) -> None:
        old = self.caller
        try:
            credential = credential_of_payload(payload)
            if credential is None or old is None:
                return
            new = await self._callers.identify(credential, self.address, old.principal.request_id or "", old.origin)
        except (Refusal, RapportError) as refused:
            raise Closing(4403, short(refused.message)) from refused
        before, after = old.principal, new.principal
        if (before.kind, before.id, before.tenant_id) != (after.kind, after.id, after.tenant_id):
            raise Closing(4403, "The credential is another caller's")
        self.caller = new
        self.checked_at = self._clock()

    def _begin(self, name: str, payload: Any) -> None:
        if self.caller is None:
            raise Closing(4401, "Unauthorized")
        if name in self._operations:
            raise Closing(4409, f"Subscriber for {name} already exists")
        if not isinstance(payload, dict):
            raise Closing(4400, "`payload` must be an object")
        full = len(self._operations) >= MAX_OPERATIONS
        operation = self._refuse_one_more(name) if full else self._operate(name, payload)
        self._operations[name] = asyncio.create_task(operation)

    async def _stop(self, name: str) -> None:
        """Ends an operation that the client no longer wants. Its id is free when this returns."""
        while (operation := self._operations.get(name)) is not None:
            if isinstance(operation, LiveSeat):
                operation.leave()
                self._operations.pop(name, None)
            else:
                operation.cancel()
                await asyncio.wait({operation})  # it may have taken a seat at the last moment
        await self.outbox.take_back(name)

    async def _operate(self, name: str, payload: Mapping[str, Any]) -> None:
        seat = LiveSeat(self, name)
        try:
            refusal = await self._perform(seat, payload)
            if seat.stream is not None:
                self._operations[name] = seat
            elif not seat.concluded:
                await self.send(last_frame(seat.quoted, refusal))
        except PeerGone:
            pass
        finally:
            if self._operations.get(name) is not seat:
                seat.leave()
                self._operations.pop(name, None)

    def conclude(self, seat: LiveSeat, failure: Exception | None) -> None:
        """Has the last word on an operation whose live stream is over."""
        if self._operations.get(seat.name) is seat:
            del self._operations[seat.name]
        if self._connections.draining:
            self.end(RESTARTING)
        else:
            self.outbox.push(seat.name, last_frame(seat.quoted, None if failure is None else _refusal(failure)))

    async def _perform(self, seat: LiveSeat, payload: Mapping[str, Any]) -> bytes | None:
        """Runs an operation to its end, or until ``seat`` is taken. Returns the response of its refusal, if any."""
        try:
            await self._answer(seat, payload)
        except PeerGone:
            raise
        except Draining:
            self.end(RESTARTING)
            raise PeerGone from None
        except Exception as failure:
            if not isinstance(failure, Refused | Refusal | RapportError):
                log.exception("graph.operation_failed", request_id=self.caller and self.caller.principal.request_id)
            return _refusal(failure)
        return None

    async def _answer(self, seat: LiveSeat, payload: Mapping[str, Any]) -> None:
        caller = self.caller
        if caller is None:
            raise RuntimeError("an operation without a caller")
        await self._callers.charge(caller)
        request = self._documents.request(parse_object(payload))
        if self._engine.kind(request) != "subscription":
            answer = await self._engine.execute(request, caller.principal)
            if not answer.executed:
                raise Refused(answer)
            await self.send(next_frame(seat.quoted, answer.body))
            return
        stream = self._engine.subscribe(request, caller.principal, seat)
        try:
            async for result in stream:
                await self.send(next_frame(seat.quoted, result))
        finally:
            await stream.aclose()
        if self._connections.draining:
            # It ended because we stop, not because it is over: "complete" would keep the client from coming back.
            raise Draining

    async def _refuse_one_more(self, name: str) -> None:
        message = f"This socket has {MAX_OPERATIONS} operations already."
        try:
            await self.send(last_frame(quoted(name), Refusal(503, message, "OVERLOADED", retry_after=1).body))
        except PeerGone:
            pass
        finally:
            self._operations.pop(name, None)

    async def _finish(self) -> None:
        """Ends what is under way, then says why. A peer that does not read is not waited for."""
        ending = self.ending = self.ending or LEFT
        for operation in self._operations.values():
            if isinstance(operation, LiveSeat):
                operation.leave()
            else:
                operation.cancel()
        tasks = [operation for operation in self._operations.values() if isinstance(operation, asyncio.Task)]
        if tasks:
            await asyncio.wait(tasks)
        await self.outbox.close()
        self._operations.clear()
        self._connections.remove(self)
        if not ending.abrupt:
            with suppress(PeerGone, TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self.send({"type": "websocket.close", "code": ending.code, "reason": ending.reason})


def _refusal(failure: Exception) -> bytes:
    """The response that says why an operation is over."""
    match failure:
        case Refused():
            return failure.answer.body
        case Refusal():
            return failure.body
        case RapportError():
            return refusal_of(failure).body
    return Refusal(500, "Internal error", "INTERNAL").body
