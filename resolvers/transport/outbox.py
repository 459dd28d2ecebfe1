"""Pushing frames at a socket: at once while it takes them, through a bounded queue while it does not.

A thousand sockets are told the same without a task for each. The ASGI server's ``send`` does not wait unless the peer
reads too slowly, so it is stepped by hand; only where it does wait is it left to a task, which then sends what has
queued up behind it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Generator
from typing import Any

from starlette.types import Message

from resolvers.transport.connections import FULL, LEFT, Connection, PeerGone

MOST_FRAMES = 500
MOST_CHARACTERS = 1024 * 1024


class Outbox:
    """What is pushed to one connection. Every frame has an owner, who may take back what has not been sent yet."""

    __slots__ = ("_characters", "_connection", "_current", "_pumping", "_waiting")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: deque[tuple[object, Message]] | None = None
        self._characters = 0
        self._current: object = None
        self._pumping: asyncio.Task[None] | None = None

    def push(self, owner: object, message: Message) -> None:
        """Sends now or in its turn. Ends the connection when its peer has gone or too much is waiting."""
        if self._waiting is not None:
            self._queue(owner, message)
            return
        step: Any = self._connection.raw_send(message).__await__()
        try:
            awaited = next(step)
        except StopIteration:
            return
        except (OSError, RuntimeError):
            self._connection.end(LEFT)
            return
        self._waiting = deque()
        self._current = owner
        self._pumping = asyncio.create_task(self._pump(_Rest(step, awaited)), name="outbox")

    async def take_back(self, owner: object) -> None:
        """Drops what ``owner`` has not sent yet. When this returns, nothing of it will be sent any more."""
        if self._waiting is None:
            return
        kept = deque(entry for entry in self._waiting if entry[0] is not owner)
        self._waiting = kept
        self._characters = sum(len(message["text"]) for _, message in kept)
        if self._current is owner and self._pumping is not None:
            await self._stop()
            self._pumping = asyncio.create_task(self._pump(None), name="outbox")

    async def close(self) -> None:
        """Drops everything."""
        await self._stop()
        self._waiting = None

    def _queue(self, owner: object, message: Message) -> None:
        assert self._waiting is not None
        self._waiting.append((owner, message))
        self._characters += len(message["text"])
        if len(self._waiting) > MOST_FRAMES or self._characters > MOST_CHARACTERS:
            self._connection.end(FULL)

    async def _stop(self) -> None:
        pumping, self._pumping = self._pumping, None
        if pumping is not None:
            pumping.cancel()
            await asyncio.wait({pumping})

    async def _pump(self, rest: Awaitable[None] | None) -> None:
        try:
            if rest is not None:
                await self._connection.sending(rest)
            while self._waiting:
                self._current, message = self._waiting.popleft()
                self._characters -= len(message["text"])
                await self._connection.send(message)
        except PeerGone:
            self._connection.end(LEFT)
        else:
            self._waiting = self._current = self._pumping = None


class _Rest:
    """What is left of a sending that was stepped once and waits for ``awaited``."""

    def __init__(self, step: Generator[Any, Any, None], awaited: Any) -> None:
        self._step = step
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, None]:
        awaited = self._awaited
        while True:
            try:
                try:
                    sent = yield awaited
                except BaseException as thrown:  # a cancellation is for what is waiting
                    awaited = self._step.throw(thrown)
                else:
                    awaited = self._step.send(sent)
            except StopIteration:
                return
