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

MAX_RULES_ASKED = 5
"""Previews, explanations and series of one operation: each may go over all customers of the tenant."""

Info = strawberry.Info["GraphContext", Any]


@dataclass(slots=True)
class GraphContext:
    """The caller, what is running, and the document with its plans."""

    principal: Principal
    runtime: "Runtime"
    reader: "Reader"
    prepared: Prepared
    course: Course = field(default_factory=Course)
    _rules_asked: int = 0

    def ask_a_rule(self) -> None:
        """Counts what one operation asks of rules, which the planner's cost does not know. Raises :class:`Invalid`."""
        self._rules_asked += 1
        if self._rules_asked > MAX_RULES_ASKED:
            raise Invalid.at("operation", f"asks rules more than {MAX_RULES_ASKED} times")

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
