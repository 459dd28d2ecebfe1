"""Transactional messages go first: while one is being made, campaigns wait between their steps.

A lane of their own is not enough in one process: a message of one's own takes some twenty short steps, and behind a
campaign each of them would wait for a long one, of the event loop and of SQLite's only writer.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

MANY = 1000
WAY_S = 0.1
"""How long a step of a campaign waits at most, so that a stream of transactional messages does not stop campaigns."""


class Urgency:
    """Who is in a hurry, and who gives way. ``one_writer``: the database is SQLite, whose writers stand in line; of all
    campaigns one at a time stands there."""

    def __init__(self, *, one_writer: bool) -> None:
        self._hurrying = 0
        self._line = asyncio.Semaphore(1 if one_writer else MANY)
        self._clear = asyncio.Event()
        self._clear.set()

    @contextmanager
    def hurrying(self) -> Iterator[None]:
        """Others give way for the length of the block."""
        self._more(1)
        try:
            yield
        finally:
            self._more(-1)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside :meth:`hurrying`: nobody needs to give way meanwhile, for a provider is waited for."""
        self._more(-1)
        try:
            yield
        finally:
            self._more(1)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A campaign's turn to write."""
        async with self._line:
            await self.give_way()
            yield

    async def give_way(self) -> None:
        """Waits until nobody is in a hurry, yet at most :data:`WAY_S`."""
        if not self._hurrying:
            return
        try:
            async with asyncio.timeout(WAY_S):
                await self._clear.wait()
        except TimeoutError:
            return

    def _more(self, by: int) -> None:
        self._hurrying += by
        if self._hurrying:
            self._clear.clear()
        else:
            self._clear.set()
