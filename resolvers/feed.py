"""Streams over the feed: replay what was missed, then wait for more, and say so when something cannot be replayed."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

import strawberry

from app.actions.feed import FeedStart, read_following, start_following, start_following_segment
from app.core.access import Scope
from app.core.errors import Unauthenticated
from app.core.feed import Cursor
from app.core.realtime.hub import Draining
from app.core.tx import Reading
from models import FeedEntry
from resolvers.context import GraphContext
from resolvers.scalars import enum_value

Item = TypeVar("Item")


class Begin(Protocol):
    """Finds where following begins: after a cursor, or now."""

    def __call__(self, reading: Reading, *, after: str | None) -> Awaitable[FeedStart]: ...


@strawberry.interface(description="Something that came over a subscription.")
class FeedItem:
    """Every payload has a cursor to come back to."""

    cursor: str = strawberry.field(description="Subscribe again with this as after, and nothing is missed or doubled.")


@strawberry.enum(description="Why something cannot be replayed.")
class GapReason(Enum):
    """The reasons of :meth:`app.core.feed.Topic.misses`."""

    TRIMMED = enum_value("trimmed", description="It is older than what is kept; what is kept follows.")
    EPOCH = enum_value("epoch", description="The database was restored since; what is new follows.")
    AHEAD = enum_value("ahead", description="The cursor is ahead of the feed; what is new follows.")


@strawberry.type(description="Something was missed and cannot be replayed: load the state again.")
class FeedGap(FeedItem):
    """Instead of silence."""

    reason: GapReason = strawberry.field(description="Why.")


@dataclass(frozen=True, slots=True)
class Follower:
    """One subscription's place in one topic of the feed. ``begin`` says where it starts, given a cursor."""

    context: GraphContext
    begin: Begin
    scope: Scope

    @classmethod
    def of_customer(cls, context: GraphContext, customer_id: UUID, scope: Scope) -> "Follower":
        """Follows one customer."""
        return cls(context, partial(start_following, customer_id=customer_id, scope=scope), scope)

    @classmethod
    def of_segment(cls, context: GraphContext, segment_id: UUID) -> "Follower":
        """Follows who enters and leaves a segment."""
        return cls(context, partial(start_following_segment, segment_id=segment_id), Scope.SEGMENTS_READ)

    async def follow(
        self, after: str | None, present: Callable[[FeedEntry, str], Item | None]
    ) -> AsyncGenerator[Item | FeedGap, None]:
        """Every entry that ``present`` does not turn into None, in order, each once. Ends when the server drains."""
        tenant_id = self.context.principal.tenant_id
        if tenant_id is None:
            raise Unauthenticated("Sign in or send an API key.")
        async with self.context.read() as reading:
            start = await self.begin(reading, after=after)
        if start.gap is not None:
            yield FeedGap(cursor=str(Cursor(start.epoch, start.offset)), reason=GapReason(start.gap))
        offset = start.offset
        async with self.context.runtime.hub.listen(tenant_id, start.topic) as bell:
            while True:
                async with self.context.read() as reading:
                    entries = await read_following(reading, topic=start.topic, offset=offset, scope=self.scope)
                for entry in entries:
                    cursor = str(Cursor(start.epoch, entry.position))
                    if entry.position != offset + 1:
                        before = str(Cursor(start.epoch, entry.position - 1))
                        yield FeedGap(cursor=before, reason=GapReason.TRIMMED)
                    offset = entry.position
                    item = present(entry, cursor)
                    if item is not None:
                        yield item
                if not entries:
                    try:
                        await bell.wait()
                    except Draining:
                        return


def version(entry: FeedEntry) -> str:
    """The moment of the feed at which an entry's row is read, for followers to share one reading."""
    return f"{entry.topic}:{entry.position}"
