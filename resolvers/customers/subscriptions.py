"""Customers, live."""

from collections.abc import AsyncGenerator
from enum import Enum
from typing import Annotated

import strawberry

from app.core.access import Scope
from app.core.ids import parse_id
from models import FeedEntry
from resolvers.context import Info
from resolvers.customers.types import Customer
from resolvers.feed import FeedGap, FeedItem, Follower, version
from resolvers.planner.declare import Ref
from resolvers.scalars import DateTime, enum_value

CustomerId = Annotated[strawberry.ID, strawberry.argument(description="Whom to follow.")]
After = Annotated[
    str | None,
    strawberry.argument(description="A cursor of an earlier payload or a snapshotCursor; from now on if left out."),
]


@strawberry.enum(description="What became of a customer.")
class CustomerChangeKind(Enum):
    """The changes that actions emit."""

    IDENTIFIED = enum_value("identified", description="Became known.")
    UPDATED = enum_value("updated", description="Names, attributes or preferences changed.")
    ALIASED = enum_value("aliased", description="An anonymous browser or app became theirs.")
    MERGED = enum_value("merged", description="Somebody became part of them, or they of somebody.")
    UNMERGED = enum_value("unmerged", description="A merge was undone.")
    SUPPRESSED = enum_value("suppressed", description="Nothing may be sent to them any more.")
    UNSUPPRESSED = enum_value("unsuppressed", description="They may be sent messages again.")
    CONSENT = enum_value("consent", description="They said something about a channel.")
    DEVICE = enum_value("device", description="A device was added, changed or forgotten.")
    DELETED = enum_value("deleted", description="They were deleted.")


@strawberry.type(description="Something about a customer changed.")
class CustomerChange(FeedItem):
    """What changed, and the customer as they are."""

    change: CustomerChangeKind = strawberry.field(description="What became of them.")
    changed_at: DateTime = strawberry.field(description="When.")
    customer: Customer | None = strawberry.field(description="The customer as they are now; null if erased since.")


CustomerChangedItem = Annotated[
    CustomerChange | FeedGap, strawberry.union("CustomerChangedItem", description="A change, or a gap in what is told.")
]


@strawberry.type
class CustomerSubscription:
    """Following a customer."""

    @strawberry.subscription(description="Every change of one customer, in order, each once.")
    async def customer_changed(
        self, info: Info, customer_id: CustomerId, after: After = None
    ) -> AsyncGenerator[CustomerChangedItem, None]:
        info.context.principal.require(Scope.CUSTOMERS_READ)
        key = parse_id("customer", customer_id, "customer_id")
        follower = Follower.of_customer(info.context, key, Scope.CUSTOMERS_READ)
        async for item in follower.follow(after, _change):
            yield item


def _change(entry: FeedEntry, cursor: str) -> CustomerChange | None:
    if entry.kind != "customer":
        return None
    return CustomerChange(
        cursor=cursor,
        change=CustomerChangeKind(entry.data["change"]),
        changed_at=DateTime(entry.created_at),
        customer=Ref(Customer, entry.subject_id, version(entry)),  # type: ignore[arg-type]
    )
