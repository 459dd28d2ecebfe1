"""The ``graphql-transport-ws`` protocol: many operations over one socket.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md, with these choices of ours:

* ``connection_init`` must bring a credential (``Authorization``, ``X-Api-Key`` or ``apiKey`` in its payload, or the
  headers of the handshake); the public has no business on a socket.
* The socket is closed with 4403 when the credential expires or is taken back. A ``ping`` whose payload brings a fresh
  credential of the same caller renews it; operations that are under way go on with the scopes they began with.
* A reader that takes nothing for 20 seconds is dropped; a client that sends too much is closed with 1008; a stopping
  server closes with 1012. After any of these a client resumes from its last cursor.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from app.core.errors import RapportError
from app.core.logging import logger
from app.core.realtime.hub import Draining
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
from resolvers.transport.parameters import parse_object
from resolvers.transport.refusals import Refusal, refusal_of

PROTOCOL = "graphql-transport-ws"
INIT_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
MAX_OPERATIONS = 100
MAX_FRAME = 64 * 1024
MAX_ID = 128
MESSAGES, PER_SECONDS = 500, 10.0
log = logger(__name__)


class Closing(Exception):
    """The client broke the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.ending = Ending(code, reason)


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
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._initialised = self._acknowledged = False
        self._opened_at = self._window = self._clock()
        self._messages = 0

    async def run(self, subprotocols: list[str]) -> None:
        """Serves the socket until it is closed. No operation outlives this call."""
        await self._receive()
        if not self._callers.welcomes(self._headers or {}):
            await self._send({"type": "websocket.close", "code": 4403, "reason": "Foreign origin"})
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
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            self._count_message()
            frame = _parse(message.get("text"))
            await self._handle(frame)

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
                self._begin(_id(frame), frame.get("payload"))
            case "complete":
                await self._stop(_id(frame))
            case "ping":
                await self._pong(_payload(frame))
            case "pong":
                _payload(frame)
            case "connection_init":
                await self._introduce(_payload(frame))
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
            raise Closing(4403, _short(refused.message)) from refused
        if not self._connections.introduce(self, caller):
            raise Closing(4429, "Too many sockets")
        self._acknowledged = True
        await self._say(b'{"type":"connection_ack"}')

    async def _pong(self, payload: Mapping[str, Any]) -> None:
        if self.caller is not None and payload:
            await self._renew(payload)
        await self._say(b'{"type":"pong"}')

    async def _renew(self, payload: Mapping[str, Any]) -> None:
        old = self.caller
        try:
            credential = credential_of_payload(payload)
            if credential is None or old is None:
                return
            new = await self._callers.identify(credential, self.address, old.principal.request_id or "", old.origin)
        except (Refusal, RapportError) as refused:
            raise Closing(4403, _short(refused.message)) from refused
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
        task = self._operations.get(name)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
            self._operations.pop(name, None)

    async def _operate(self, name: str, payload: Mapping[str, Any]) -> None:
        quoted = orjson.dumps(name)
        try:
            refusal = await self._perform(quoted, payload)
            if refusal is None:
                await self._say(b'{"id":' + quoted + b',"type":"complete"}')
            else:
                await self._fail(quoted, refusal)
        except PeerGone:
            pass
        finally:
            self._operations.pop(name, None)

    async def _perform(self, quoted: bytes, payload: Mapping[str, Any]) -> bytes | None:
        """Runs an operation to its end. Returns the response of its refusal, if it was refused."""
        try:
            await self._answer(quoted, payload)
        except Refused as refused:
            return refused.answer.body
        except Refusal as refusal:
            return refusal.body
        except RapportError as error:
            return refusal_of(error).body
        except PeerGone:
            raise
        except Draining:
            self.end(RESTARTING)
            raise PeerGone from None
        except Exception:
            log.exception("graph.operation_failed", request_id=self.caller and self.caller.principal.request_id)
            return Refusal(500, "Internal error", "INTERNAL").body
        return None

    async def _answer(self, quoted: bytes, payload: Mapping[str, Any]) -> None:
        caller = self.caller
        if caller is None:
            raise RuntimeError("an operation without a caller")
        await self._callers.charge(caller)
        request = self._documents.request(parse_object(payload))
        prefix = b'{"id":' + quoted + b',"type":"next","payload":'
        if self._engine.kind(request) != "subscription":
            answer = await self._engine.execute(request, caller.principal)
            if not answer.executed:
                raise Refused(answer)
            await self._say(prefix + answer.body + b"}")
            return
        stream = self._engine.subscribe(request, caller.principal)
        send = self.send
        try:
            async for result in stream:
                await send({"type": "websocket.send", "text": (prefix + result + b"}").decode()})
        finally:
            await stream.aclose()
        if self._connections.draining:
            # It ended because we stop, not because it is over: "complete" would keep the client from coming back.
            raise Draining

    async def _refuse_one_more(self, name: str) -> None:
        message = f"This socket has {MAX_OPERATIONS} operations already."
        try:
            await self._fail(orjson.dumps(name), Refusal(503, message, "OVERLOADED").body)
        except PeerGone:
            pass
        finally:
            self._operations.pop(name, None)

    async def _fail(self, quoted: bytes, response: bytes) -> None:
        errors = orjson.dumps(orjson.loads(response)["errors"])
        await self._say(b'{"id":' + quoted + b',"type":"error","payload":' + errors + b"}")

    async def _say(self, message: bytes) -> None:
        await self.send({"type": "websocket.send", "text": message.decode()})

    async def _finish(self) -> None:
        """Ends what is under way, then says why. A peer that does not read is not waited for."""
        ending = self.ending = self.ending or LEFT
        for task in self._operations.values():
            task.cancel()
        if self._operations:
            await asyncio.wait(self._operations.values())
        self._operations.clear()
        self._connections.remove(self)
        if not ending.abrupt:
            with suppress(PeerGone, TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self.send({"type": "websocket.close", "code": ending.code, "reason": ending.reason})


def _parse(text: str | None) -> dict[str, Any]:
    if text is None:
        raise Closing(4400, "Only text frames are understood")
    if len(text) > MAX_FRAME:
        raise Closing(1009, "Message too big")
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as broken:
        raise Closing(4400, "The message is not JSON") from broken
    if not isinstance(frame, dict):
        raise Closing(4400, "The message must be an object")
    return frame


def _id(frame: Mapping[str, Any]) -> str:
    name = frame.get("id")
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_ID:
        raise Closing(4400, f"`id` must be a text of 1 to {MAX_ID} characters")
    return name


def _payload(frame: Mapping[str, Any]) -> dict[str, Any]:
    payload = frame.get("payload")
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise Closing(4400, "`payload` must be an object")
    return payload


def _short(reason: str) -> str:
    """A close frame has room for 123 bytes."""
    return reason.encode()[:120].decode(errors="ignore")
