"""Streams over the feed: replay what was missed, then wait for more, and say so when something cannot be replayed."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

import strawberry

from app.actions.feed import CHUNK, FeedStart, read_following, start_following, start_following_segment
from app.core.access import Scope
from app.core.errors import Unauthenticated
from app.core.feed import Cursor
from app.core.ids import public_id
from app.core.realtime.hub import Draining, Listener
from app.core.tx import Reading
from models import FeedEntry
from resolvers.context import GraphContext
from resolvers.live import Course
from resolvers.scalars import JSON, enum_value

Item = TypeVar("Item")
Read = TypeVar("Read")

IDS = {"run": "campaign_run", "link": "link"}
"""What entries about campaigns and deliveries name by keys, and the nouns of these."""


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
    """One subscription's place in one topic of the feed. ``begin`` says where it starts, given a cursor.

    ``shared``: everybody with the same tenant, scopes and arguments is told the same, and the resolver does nothing but
    pass on what :meth:`follow` yields; then sockets share one live stream (:mod:`resolvers.live`), in which the
    resolver runs once for all of them, and the run of each ends when it has caught up. Leave it False where the caller
    matters (``mine``); what lasts as long as each of them follows (presence) is for :meth:`GraphContext.keep`.
    """

    context: GraphContext
    begin: Begin
    scope: Scope
    shared: bool = False

    @classmethod
    def of_customer(cls, context: GraphContext, customer_id: UUID, scope: Scope) -> "Follower":
        """Follows one customer."""
        return cls(context, partial(start_following, customer_id=customer_id, scope=scope), scope, shared=True)

    @classmethod
    def of_segment(cls, context: GraphContext, segment_id: UUID) -> "Follower":
        """Follows who enters and leaves a segment."""
        begin = partial(start_following_segment, segment_id=segment_id)
        return cls(context, begin, Scope.SEGMENTS_READ, shared=True)

    async def follow(
        self, after: str | None, present: Callable[[FeedEntry, str], Item | None]
    ) -> AsyncGenerator[Item | FeedGap, None]:
        """Every entry that ``present`` does not turn into None, in order, each once. Ends when the server drains, and
        when a live stream goes on from where it has come to."""
        tenant_id = self.context.principal.tenant_id
        if tenant_id is None:
            raise Unauthenticated("Sign in or send an API key.")
        course = self.context.course if self.shared else Course()
        place = course.start
        if place is None:
            place = await _to_its_end(self._begin(after))
        if place.gap is not None:
            yield FeedGap(cursor=str(Cursor(place.epoch, place.offset)), reason=GapReason(place.gap))
        async with self.context.runtime.hub.listen(tenant_id, place.topic) as bell:
            while True:
                entries = await _to_its_end(self._read(place))
                for entry in entries:
                    if entry.position != place.offset + 1:
                        course.at = entry.position - 1
                        yield FeedGap(cursor=str(Cursor(place.epoch, course.at)), reason=GapReason.TRIMMED)
                    course.at = entry.position
                    place = replace(place, offset=entry.position)
                    item = present(entry, str(Cursor(place.epoch, entry.position)))
                    if item is not None:
                        yield item
                # What is committed after a chunk was read rings after that: a chunk that is not full is the last.
                idle = len(entries) < CHUNK
                if course.hands_over(place, idle=idle) or (idle and not await _rang(bell)):
                    return

    async def _begin(self, after: str | None) -> FeedStart:
        async with self.context.read() as reading:
            return await self.begin(reading, after=after)

    async def _read(self, place: FeedStart) -> Sequence[FeedEntry]:
        async with self.context.read() as reading:
            return await read_following(reading, topic=place.topic, offset=place.offset, scope=self.scope)


async def _to_its_end(reading: Coroutine[Any, Any, Read]) -> Read:
    """Awaits a reading that goes on when its reader leaves: cancelled, it would cost Postgres a connection."""
    task = asyncio.create_task(reading)
    task.add_done_callback(_look)
    return await asyncio.shield(task)


def _look(task: asyncio.Task[Any]) -> None:
    """Takes note of a failure that nobody waits for any more, so that asyncio does not complain of it."""
    if not task.cancelled():
        task.exception()


async def _rang(bell: Listener) -> bool:
    """Waits for the bell. False when the server drains."""
    try:
        await bell.wait()
    except Draining:
        return False
    return True


def version(entry: FeedEntry) -> str:
    """The moment of the feed at which an entry's row is read, for followers to share one reading."""
    return f"{entry.topic}:{entry.position}"


def shown(data: Mapping[str, Any]) -> JSON:
    """What an entry says besides its subject, as the graph shows it: things by their public ids."""
    ids = {name: public_id(noun, UUID(hex=data[name])) for name, noun in IDS.items() if data.get(name)}
    return JSON({**data, **ids})
