"""Segments, live."""

from collections.abc import AsyncGenerator
from enum import Enum
from typing import Annotated

import strawberry

from app.core.access import Scope
from app.core.ids import parse_id
from models import FeedEntry
from resolvers.context import Info
from resolvers.customers.subscriptions import After
from resolvers.customers.types import Customer
from resolvers.feed import FeedGap, FeedItem, Follower, version
from resolvers.planner.declare import Ref
from resolvers.scalars import DateTime, enum_value


@strawberry.enum(description="What became of a customer and a segment.")
class SegmentChangeKind(Enum):
    """The kinds of the feed's entries."""

    ENTERED = enum_value("segment.entered", description="They are a member now.")
    LEFT = enum_value("segment.left", description="They are a member no longer.")


@strawberry.type(description="A customer entered or left a segment.")
class SegmentChange(FeedItem):
    """Who, and why."""

    change: SegmentChangeKind = strawberry.field(description="Whether they entered or left.")
    changed_at: DateTime = strawberry.field(description="When.")
    cause: str = strawberry.field(description="What made them.")
    customer: Customer | None = strawberry.field(description="The customer as they are now; null if erased since.")


SegmentChangesItem = Annotated[
    SegmentChange | FeedGap, strawberry.union("SegmentChangesItem", description="A change, or a gap in what is told.")
]


@strawberry.type
class SegmentSubscription:
    """Following a segment."""

    @strawberry.subscription(description="Everybody who enters or leaves one segment, in order, each change once.")
    async def segment_changes(
        self,
        info: Info,
        segment_id: Annotated[strawberry.ID, strawberry.argument(description="Which segment to follow.")],
        after: After = None,
    ) -> AsyncGenerator[SegmentChangesItem, None]:
        info.context.principal.require(Scope.SEGMENTS_READ)
        key = parse_id("segment", segment_id, "segment_id")
        async for item in Follower.of_segment(info.context, key).follow(after, _change):
            yield item


def _change(entry: FeedEntry, cursor: str) -> SegmentChange:
    return SegmentChange(
        cursor=cursor,
        change=SegmentChangeKind(entry.kind),
        changed_at=DateTime(entry.created_at),
        cause=entry.data["cause"],
        customer=Ref(Customer, entry.subject_id, version(entry)),  # type: ignore[arg-type]
    )
