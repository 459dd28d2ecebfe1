"""What a resolver knows of the request it works for."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import strawberry

from app.core.access import PUBLIC, Principal
from app.core.errors import Invalid
from app.core.tx import Reading, Tx
from resolvers.documents import Prepared
from resolvers.live import Course

if TYPE_CHECKING:
    from app.runtime import Runtime
    from resolvers.planner.reader import Reader

MAX_ASKED = 5
"""Previews, explanations, estimates and series of segments in one operation: each may go over all customers of the
tenant, or render what takes long."""

Info = strawberry.Info["GraphContext", Any]


@dataclass(slots=True)
class GraphContext:
    """The caller, what is running, and the document with its plans."""

    principal: Principal
    runtime: "Runtime"
    reader: "Reader"
    prepared: Prepared
    course: Course = field(default_factory=Course)
    _asked: int = 0

    def ask_much(self) -> None:
        """Counts what one operation asks that takes long, which the planner's cost does not know. Raises
        :class:`Invalid`."""
        self._asked += 1
        if self._asked > MAX_ASKED:
            raise Invalid.at("operation", f"asks more than {MAX_ASKED} times for what takes long, as a preview")

    def keep(self, lasting: AbstractContextManager[None]) -> None:
        """Enters what lasts until the caller's subscription ends, also where a live stream goes on for many (see
        :class:`resolvers.feed.Follower`)."""
        self.course.keep(lasting)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """A unit of work of the caller."""
        async with self.runtime.write(self.principal) as tx:
            yield tx

    @asynccontextmanager
    async def write_public(self) -> AsyncIterator[Tx]:
        """A unit of work of nobody yet, for what anybody may ask: whoever calls, no tenant is theirs in it."""
        public = PUBLIC.through(self.principal.source, self.principal.request_id)
        async with self.runtime.write(public) as tx:
            yield tx

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Reading]:
        """A consistent view for the caller."""
        async with self.runtime.read(self.principal) as reading:
            yield reading
