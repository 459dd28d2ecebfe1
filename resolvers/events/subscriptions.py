"""Events, live."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from app.core.access import Scope
from app.core.ids import parse_id
from models import FeedEntry
from resolvers.context import Info
from resolvers.customers.subscriptions import After, CustomerId
from resolvers.events.types import Event, EventNames
from resolvers.feed import FeedGap, FeedItem, Follower, version
from resolvers.planner.declare import Ref


@strawberry.type(description="A customer did something.")
class TrackedEvent(FeedItem):
    """The event."""

    event: Event | None = strawberry.field(description="What they did; null if erased since.")


CustomerEventsItem = Annotated[
    TrackedEvent | FeedGap, strawberry.union("CustomerEventsItem", description="An event, or a gap in what is told.")
]


@strawberry.type
class EventSubscription:
    """Following what customers do."""

    @strawberry.subscription(
        description="Everything one customer does, in the order in which it was told to us, each once."
    )
    async def customer_events(
        self, info: Info, customer_id: CustomerId, names: EventNames = None, after: After = None
    ) -> AsyncGenerator[CustomerEventsItem, None]:
        info.context.principal.require(Scope.EVENTS_READ)
        key = parse_id("customer", customer_id, "customer_id")
        wanted = None if names is None else frozenset(names)

        def present(entry: FeedEntry, cursor: str) -> TrackedEvent | None:
            if entry.kind != "event" or (wanted is not None and entry.data["name"] not in wanted):
                return None
            return TrackedEvent(
                cursor=cursor,
                event=Ref(Event, entry.subject_id, version(entry)),  # type: ignore[arg-type]
            )

        async for item in Follower.of_customer(info.context, key, Scope.EVENTS_READ).follow(after, present):
            yield item
