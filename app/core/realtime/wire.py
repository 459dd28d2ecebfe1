"""The wire of hints between processes: one channel of one ``Broadcast``, for as long as it lives.

broadcaster's listener dies silently with its connection and does not come back, its ``disconnect`` raises what killed
it and leaves tasks behind (encode/broadcaster#121). A wire is therefore opened, used until it is silent, and thrown
away; whoever supervises it opens another. This file alone knows broadcaster, its private names included.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from broadcaster import Broadcast

CONNECT_TIMEOUT_S = 5.0
PUBLISH_TIMEOUT_S = 2.0
CLOSE_TIMEOUT_S = 1.0
IN_MEMORY = "memory://"


def channel_of(url: str) -> str:
    """The one channel of an installation. Redis channels span its databases, so the number is part of the name."""
    parts = urlsplit(url)
    number = parse_qs(parts.query).get("db", [parts.path.strip("/")])[0]
    return f"rapport:hints:{number or 0}"


class Wire:
    """An open connection. ``listening`` turns false when nothing will be heard any more."""

    def __init__(self, broadcast: Any, channel: str, reader: asyncio.Task[None]) -> None:
        self._broadcast = broadcast
        self._channel = channel
        self._reader = reader

    @property
    def listening(self) -> bool:
        """Whether every task that a message passes through is still running."""
        return not any(task.done() for task in (self._reader, *_tasks_of(self._broadcast)))

    async def publish(self, text: str) -> None:
        """Sends ``text`` to every process, this one included. Raises within two seconds when it cannot."""
        async with asyncio.timeout(PUBLISH_TIMEOUT_S):
            await self._broadcast.publish(self._channel, text)


@asynccontextmanager
async def open_wire(url: str, hear: Callable[[str], None]) -> AsyncIterator[Wire]:
    """Connects, subscribes, and calls ``hear`` with every message until the block ends. Raises when it cannot connect.

    ``url`` is ``redis://…``, ``rediss://…`` or :data:`IN_MEMORY`. ``hear`` must be quick: nothing is queued behind it.
    """
    broadcast = Broadcast(url)
    channel = channel_of(url)
    subscribed = asyncio.Event()
    reader: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await broadcast.connect()
            reader = asyncio.create_task(_read(broadcast, channel, hear, subscribed), name="wire reader")
            ready = asyncio.create_task(subscribed.wait())
            await asyncio.wait({reader, ready}, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
        if reader.done():
            reader.result()
        yield Wire(broadcast, channel, reader)
    finally:
        await _throw_away(broadcast, reader)


async def _read(broadcast: Any, channel: str, hear: Callable[[str], None], subscribed: asyncio.Event) -> None:
    async with broadcast.subscribe(channel) as subscriber:
        subscribed.set()
        async for message in subscriber:
            hear(message.message)


def _tasks_of(broadcast: Any) -> list[asyncio.Task[None]]:
    tasks = (getattr(broadcast, "_listener_task", None), getattr(broadcast._backend, "_listener", None))
    return [task for task in tasks if isinstance(task, asyncio.Task)]


async def _throw_away(broadcast: Any, reader: asyncio.Task[None] | None) -> None:
    tasks = [*([reader] if reader else []), *_tasks_of(broadcast)]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()  # asked for, so that asyncio does not log it as never retrieved
    # Whatever closing a broken connection raises, the connection is gone afterwards.
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await broadcast._backend.disconnect()
