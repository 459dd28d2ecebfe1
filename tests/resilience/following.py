"""A subscriber that loses its connection and comes back with its last cursor."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.resilience.cluster import Cluster

PATIENCE_S = 15


@asynccontextmanager
async def listening(*subscribers: "Subscriber") -> AsyncIterator[None]:
    """Lets them follow until the block ends, which is cancelled when one of them fails."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(subscriber.run()) for subscriber in subscribers]
        yield
        for task in tasks:
            task.cancel()


class Subscriber:
    """Follows one subscription field, whose payloads have a ``cursor``, for ever. ``items`` is all that came, in order.

    ``document`` is an operation with the variables ``$id`` and ``$after``; ``path`` is where it is asked.
    """

    def __init__(
        self,
        cluster: Cluster,
        chance: random.Random,
        key: str,
        document: str,
        followed_id: str,
        after: str,
        path: str = "/graphql",
    ) -> None:
        self.items: list[dict[str, Any]] = []
        self.cuts = 0
        self._cluster = cluster
        self._chance = chance
        self._key = key
        self._document = document
        self._followed_id = followed_id
        self._path = path
        self._after = after
        self._socket: ClientConnection | None = None
        self._streaming = asyncio.Event()
        self._came = asyncio.Condition()

    async def run(self) -> None:
        """Follows until it is cancelled. Fails when the server answers with an error instead of a payload."""
        while True:
            try:
                await self._follow(self._cluster.url)
            except (OSError, WebSocketException, TimeoutError):
                pass
            finally:
                self._streaming.clear()
            await asyncio.sleep(self._chance.uniform(0, 0.05))

    async def cut(self) -> None:
        """Drops the connection in the midst of streaming, without a word of goodbye."""
        while True:
            await self._streaming.wait()
            await asyncio.sleep(self._chance.uniform(0, 0.03))
            if self._streaming.is_set() and self._socket is not None:
                break
        self._streaming.clear()
        self._socket.transport.abort()
        self.cuts += 1

    async def received(self, count: int, within: float) -> None:
        """Returns when ``count`` items have come, or after ``within`` seconds: what is missing is for the caller."""
        async with self._came:
            try:
                async with asyncio.timeout(within):
                    await self._came.wait_for(lambda: len(self.items) >= count)
            except TimeoutError:
                return

    async def _follow(self, url: str) -> None:
        async with connect(
            f"{url.replace('http', 'ws', 1)}{self._path}",
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
            open_timeout=PATIENCE_S,
            close_timeout=0.1,
            compression=None,
            proxy=None,
        ) as socket:
            self._socket = socket
            await self._send({"type": "connection_init", "payload": {"Authorization": f"Bearer {self._key}"}})
            async with asyncio.timeout(PATIENCE_S):
                acknowledged = json.loads(await socket.recv())
            assert acknowledged["type"] == "connection_ack", acknowledged
            variables = {"id": self._followed_id, "after": self._after}
            payload = {"query": self._document, "variables": variables}
            await self._send({"type": "subscribe", "id": "1", "payload": payload})
            self._streaming.set()
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "complete":
                    return
                if message["type"] == "ping":
                    await self._send({"type": "pong"})
                elif message["type"] == "next":
                    await self._take(message["payload"])
                else:
                    raise AssertionError(message)

    async def _take(self, payload: dict[str, Any]) -> None:
        assert not payload.get("errors"), payload
        (item,) = payload["data"].values()
        self._after = item["cursor"]
        self.items.append(item)
        async with self._came:
            self._came.notify_all()

    async def _send(self, message: dict[str, Any]) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps(message))
