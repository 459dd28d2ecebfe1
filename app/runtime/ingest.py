"""Group commit: events and identifies that arrive while a commit runs share the next one.

Nobody waits on purpose: the first one in starts at once, and whoever comes while it commits goes together afterwards.
An answer is given only after the commit that made it true.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError

from app.actions.customers import CustomerFacts, Identified, identify_many
from app.actions.events import NewEvent, Tracked, track_many
from app.core.access import Principal, Scope
from app.core.errors import Overloaded
from app.core.metrics import GROUP_COMMIT_ITEMS
from app.core.tx import UnitsOfWork

MAX_WAITING = 10_000
"""Items in memory that are not committed yet; more are refused."""
MAX_UNIT = 500
"""Items of one unit of work."""
GATHER_S, GATHER_STEPS = 0.001, 4
MAX_COMMITTING = 4
"""Units of different callers that may be open at a time (Postgres; SQLite has one writer)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    """One request and who waits for its answer."""

    request: NewEvent | CustomerFacts
    answer: asyncio.Future[Any]


class Ingest:
    """Commits what many callers send at once in few units of work, each for one caller."""

    def __init__(self, units: UnitsOfWork) -> None:
        self._units = units
        self._waiting: dict[Principal, deque[_Item]] = {}
        self._count = 0
        self._flushers: set[asyncio.Task[None]] = set()
        self._committing = asyncio.Semaphore(MAX_COMMITTING)

    async def track(self, principal: Principal, event: NewEvent) -> Tracked:
        """Stores one event and returns after the commit. Raises as :func:`app.actions.events.track` does, and
        :class:`Overloaded` when too many wait already."""
        principal.require(Scope.EVENTS_WRITE)
        tracked: Tracked = await self._submit(principal, event)
        return tracked

    async def identify(self, principal: Principal, facts: CustomerFacts) -> Identified:
        """Identifies one customer and returns after the commit. Raises as :func:`app.actions.customers.identify` does,
        and :class:`Overloaded`."""
        principal.require(Scope.CUSTOMERS_WRITE)
        identified: Identified = await self._submit(principal, facts)
        return identified

    async def drain(self) -> None:
        """Returns when everything that was accepted is answered."""
        while self._flushers:
            await asyncio.wait(self._flushers)

    async def _submit(self, principal: Principal, request: NewEvent | CustomerFacts) -> Any:
        if self._count >= MAX_WAITING:
            raise Overloaded("Too much is waiting to be stored. Please try again shortly.")
        answer = asyncio.get_running_loop().create_future()
        self._count += 1
        queue = self._waiting.get(principal)
        if queue is not None:
            queue.append(_Item(request, answer))
        else:
            self._waiting[principal] = deque([_Item(request, answer)])
            # In a context of its own: a unit of work that is open around the caller is not the flusher's.
            flusher = asyncio.create_task(self._flush(principal), context=Context())
            self._flushers.add(flusher)
            flusher.add_done_callback(self._flushers.discard)
        return await answer

    async def _flush(self, principal: Principal) -> None:
        """Commits the caller's items, unit after unit, until none is left."""
        queue = self._waiting[principal]
        gathering = False
        try:
            while queue:
                async with self._committing:
                    if gathering:
                        await _gather(queue)
                    gathering = True
                    unit = [queue.popleft() for _ in range(min(len(queue), MAX_UNIT))]
                    try:
                        await self._commit_apart(principal, unit)
                    finally:
                        self._release(unit)
        finally:
            self._release(queue)
            del self._waiting[principal]

    def _release(self, items: Collection[_Item]) -> None:
        """Counts the items as done; whoever got no answer, because the server is stopping, waits no longer."""
        self._count -= len(items)
        for item in items:
            item.answer.cancel()

    async def _commit_apart(self, principal: Principal, items: Sequence[_Item]) -> None:
        """Commits who is identified before what happened, since events may be theirs. Two units, because both take
        locks on names: in one, the second lock could be waited for by somebody who waits for the first."""
        for kind in (CustomerFacts, NewEvent):
            unit = [item for item in items if isinstance(item.request, kind)]
            if unit:
                await self._commit(principal, unit)

    async def _commit(self, principal: Principal, unit: Sequence[_Item]) -> None:
        """Answers every item. When the database refuses the whole unit, each gets one chance alone."""
        GROUP_COMMIT_ITEMS.observe(len(unit))
        try:
            results: Sequence[object] = await self._run(principal, unit)
        except (DBAPIError, Overloaded):
            results = [await self._run_alone(principal, item) for item in unit]
        except Exception as failure:
            results = [failure] * len(unit)
        for item, result in zip(unit, results, strict=True):
            if item.answer.done():
                continue
            if isinstance(result, Exception):
                item.answer.set_exception(result)
            else:
                item.answer.set_result(result)

    async def _run_alone(self, principal: Principal, item: _Item) -> object:
        try:
            (result,) = await self._run(principal, [item])
        except Exception as failure:
            return failure
        return result

    async def _run(self, principal: Principal, unit: Sequence[_Item]) -> Sequence[object]:
        """The results of items of one kind, committed."""
        requests: list[Any] = [item.request for item in unit]
        async with self._units.write(principal) as tx:
            if isinstance(requests[0], CustomerFacts):
                return await identify_many(tx, requests)
            return await track_many(tx, requests)


async def _gather(queue: Collection[_Item]) -> None:
    """Lets those arrive who were answered a moment ago and ask again."""
    for _ in range(GATHER_STEPS):
        seen = len(queue)
        await asyncio.sleep(GATHER_S)
        if len(queue) == seen:
            return
