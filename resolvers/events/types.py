"""What customers did, as the graph shows it."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import models
from app.core.access import Scope
from resolvers.nodes import Node
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, column, connection, one, rows, table_type
from resolvers.scalars import JSON, Connection, DateTime, enum_value

if TYPE_CHECKING:
    from resolvers.customers.types import Customer


@strawberry.enum(description="How events are ordered.")
class EventOrder(Enum):
    """By the moment they happened."""

    NEWEST = enum_value("newest", description="What happened last comes first.")
    OLDEST = enum_value("oldest", description="What happened first comes first.")


ORDERS = {
    EventOrder.NEWEST: Order("n", "occurred_at"),
    EventOrder.OLDEST: Order("o", "occurred_at", descending=False),
}
EventNames = Annotated[list[str] | None, strawberry.argument(description="Only events of these names.")]
EventsSince = Annotated[DateTime | None, strawberry.argument(description="Only what happened then or later.")]
EventsUntil = Annotated[DateTime | None, strawberry.argument(description="Only what happened before then.")]
OrderEventsBy = Annotated[EventOrder, strawberry.argument(description="Which come first.")]


def select_events(event: Rows, names: Any, since: Any, until: Any, order_by: EventOrder) -> Rows:
    """Events narrowed by what was asked for, in the order asked for."""
    return event.where(
        given.one_of(event.c.name, names),
        given.since(event.c.occurred_at, since),
        given.until(event.c.occurred_at, until),
    ).ordered(ORDERS[order_by])


@table_type(models.Event, noun="event", scope=Scope.EVENTS_READ)
class Event(Node):
    """One thing somebody did."""

    name: str = column("What they did, as the tenant calls it.")
    properties: JSON = column("The details, by name.")
    occurred_at: DateTime = column("When it happened.")
    received_at: DateTime = column("When Rapport was told.")
    source: str = column("The door through which it came.")
    anonymous_id: str | None = column("The browser or app it came from, where that was said.")
    idempotency_key: str | None = column("The key under which it was sent, if any.")

    @one(
        lambda: None,  # type: ignore[arg-type,return-value]
        "Who did it; null for an anonymous event that nobody has claimed yet.",
        graphql_type=Annotated["Customer", strawberry.lazy("resolvers.customers.types")] | None,
        scope=Scope.CUSTOMERS_READ,
    )
    def customer(self: Any) -> Rows:
        customer = rows(models.Customer)
        return customer.where(customer.c.id == self.c.customer_id)


@strawberry.type
class EventQuery:
    """Root fields about events."""

    @connection(
        lambda: Event,
        "What happened, of all customers and of visitors who are not customers yet.",
        graphql_type=Connection[Event],
        scope=Scope.EVENTS_READ,
    )
    def events(
        self: Any,
        names: EventNames = None,
        since: EventsSince = None,
        until: EventsUntil = None,
        order_by: OrderEventsBy = EventOrder.NEWEST,
    ) -> Rows:
        return select_events(rows(models.Event), names, since, until, order_by)
