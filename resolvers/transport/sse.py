"""Server-sent events: one operation per response (the distinct connections mode of GraphQL over SSE).

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. Every result is an event ``next``; ``complete`` says
that the operation is over. A stream that ends without it was cut (credential, slow reader, stopping server): the client
comes back with its last cursor.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from starlette.types import Receive, Send

from app.core.errors import RapportError
from app.core.logging import logger
from app.core.realtime.hub import Draining
from resolvers.protocol import Refused
from resolvers.transport.connections import LEFT, Connection, Connections, Ending, PeerGone
from resolvers.transport.media import EVENTS
from resolvers.transport.refusals import Header, Refusal, refusal_of

KEEP_ALIVE_S = 12.0
CLOSE_TIMEOUT_S = 2.0
COMMENT = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"
HEADERS: list[Header] = [
    (b"content-type", EVENTS.content_type),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
log = logger(__name__)


class EventStream(Connection):
    """A response that goes on until its operation ends, its reader leaves, or the watch ends it."""

    transport = "sse"
    __slots__ = ("_connections", "_receive", "_request_id")

    def __init__(self, receive: Receive, send: Send, connections: Connections, request_id: str) -> None:
        super().__init__(send)
        self._receive = receive
        self._connections = connections
        self._request_id = request_id

    def overdue(self, now: float) -> Ending | None:
        return None

    async def run(self, results: AsyncGenerator[bytes, None], headers: list[Header]) -> None:
        """Sends the results. The generator is closed when this returns."""
        tasks: set[asyncio.Task[None]] = set()
        try:
            await self.send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *headers]})
            await self._write(COMMENT)
            tasks = {asyncio.create_task(self._pump(results)), asyncio.create_task(self._until_left())}
            while not (await asyncio.wait(tasks, timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED))[0]:
                await self._write(COMMENT)
        except PeerGone:
            self.ending = self.ending or LEFT
        except asyncio.CancelledError:
            if self.ending is None:
                raise
            self._task.uncancel()
        finally:
            await self._finish(tasks, results)

    async def _pump(self, results: AsyncGenerator[bytes, None]) -> None:
        with suppress(PeerGone):
            try:
                async for result in results:
                    await self._write(_next(result))
                if self._connections.draining:
                    # It ended because we stop, not because it is over: the client must come back.
                    return
            except Refused as refused:
                await self._write(_next(refused.answer.body))
            except Refusal as refusal:
                await self._write(_next(refusal.body))
            except RapportError as error:
                await self._write(_next(refusal_of(error).body))
            except PeerGone:
                raise
            except Draining:
                return
            except Exception:
                log.exception("graph.operation_failed", request_id=self._request_id)
                await self._write(_next(Refusal(500, "Internal error", "INTERNAL").body))
            await self._write(COMPLETE)

    async def _until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _write(self, chunk: bytes) -> None:
        await self.send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _finish(self, tasks: set[asyncio.Task[None]], results: AsyncGenerator[bytes, None]) -> None:
        ending = self.ending = self.ending or Ending(1000, "complete")
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await results.aclose()
        self._connections.remove(self)
        if not ending.abrupt:
            with suppress(PeerGone, TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self.send({"type": "http.response.body", "body": b""})


def _next(result: bytes) -> bytes:
    """An event. JSON has no raw line breaks, so one ``data`` line always holds it."""
    return b"event: next\ndata: " + result + b"\n\n"
