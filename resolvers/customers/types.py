"""Customers and what belongs to them, as the graph shows them."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import and_, or_
from sqlalchemy.sql import ColumnElement

import models
from app.core.access import Scope
from resolvers.events.types import (
    Event,
    EventNames,
    EventOrder,
    EventsSince,
    EventsUntil,
    OrderEventsBy,
    select_events,
)
from resolvers.nodes import Node, feed_cursor, lookup, values_of
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, column, connection, many, one, rows, table_type
from resolvers.scalars import JSON, Connection, DateTime, enum_value

if TYPE_CHECKING:
    from resolvers.conversations.types import Conversation
    from resolvers.deliveries.types import Delivery
    from resolvers.segments.types import Segment
    from resolvers.visitors.types import Visitor


@strawberry.enum(description="Whether a customer is there to be talked to.")
class CustomerStatus(Enum):
    """As stored, in capitals."""

    ACTIVE = enum_value("active", description="A customer like any other.")
    MERGED = enum_value("merged", description="Became part of another customer; see mergedInto.")
    DELETED = enum_value("deleted", description="Was deleted; the names are free again.")


@strawberry.enum(description="What kind of name an identity is.")
class IdentityKind(Enum):
    """As stored, in capitals."""

    EXTERNAL_ID = enum_value("external_id", description="The id in the tenant's own systems.")
    EMAIL = enum_value("email", description="A normalised e-mail address.")
    PHONE = enum_value("phone", description="A phone number in E.164.")
    ANONYMOUS_ID = enum_value("anonymous_id", description="The id that a browser or app gave itself.")


@strawberry.enum(description="A way to reach somebody.")
class Channel(Enum):
    """As stored, in capitals."""

    EMAIL = enum_value("email", description="E-mail.")
    SMS = enum_value("sms", description="Text messages.")
    PUSH = enum_value("push", description="Push notifications.")
    IN_APP = enum_value("in_app", description="Messages inside the app or site.")
    WHATSAPP = enum_value("whatsapp", description="WhatsApp.")


@strawberry.enum(description="What somebody said about being reached on a channel.")
class ConsentStatus(Enum):
    """As stored, in capitals."""

    SUBSCRIBED = enum_value("subscribed", description="They want messages.")
    UNSUBSCRIBED = enum_value("unsubscribed", description="They do not want messages.")


@table_type(models.Identity, noun="identity", scope=Scope.CUSTOMERS_READ)
class Identity(Node):
    """A name by which a customer is known. One name names one customer."""

    kind: IdentityKind = column("What kind of name it is.")
    value: str = column("The name, normalised.")
    is_primary: bool = column("Whether it is the customer's main name of this kind.")
    source: str = column("The door through which it came.")
    created_at: DateTime = column("When it became a name of a customer.")

    @one(lambda: Customer, "The customer it names.", graphql_type=Annotated["Customer", strawberry.lazy(__name__)])
    def customer(self: Any) -> Rows:
        return customer_of(self)


@table_type(models.Device, noun="device", scope=Scope.CUSTOMERS_READ)
class Device(Node):
    """An installed app or browser that can be pushed to."""

    token: str = column("The platform's push token.")
    platform: str = column("ios, android, web or what the app said.")
    attributes: JSON = column("What the app says about itself.")
    last_used_at: DateTime | None = column("When it was last used.")
    created_at: DateTime = column("When it was first seen.")
    updated_at: DateTime = column("When it last changed.")

    @one(lambda: Customer, "Whose it is.", graphql_type=Annotated["Customer", strawberry.lazy(__name__)])
    def customer(self: Any) -> Rows:
        return customer_of(self)


@table_type(models.Consent, noun="consent", scope=Scope.CUSTOMERS_READ)
class Consent:
    """What a customer said about one channel."""

    channel: Channel = column("The channel.")
    status: ConsentStatus = column("What they said.")
    source: str = column("The door through which they said it.")
    changed_at: DateTime = column("When they last said it.")


@table_type(models.Merge, noun="merge", scope=Scope.CUSTOMERS_READ)
class Merge(Node):
    """Two customers who became one. It can be undone with unmergeCustomers."""

    merged_at: DateTime = column("When they became one.")
    unmerged_at: DateTime | None = column("When they were parted again.")

    @one(lambda: Customer, "Who remained.", graphql_type=Annotated["Customer", strawberry.lazy(__name__)])
    def winner(self: Any) -> Rows:
        customer = rows(models.Customer)
        return customer.where(customer.c.id == self.c.winner_id)

    @one(lambda: Customer, "Who became part of them.", graphql_type=Annotated["Customer", strawberry.lazy(__name__)])
    def loser(self: Any) -> Rows:
        customer = rows(models.Customer)
        return customer.where(customer.c.id == self.c.loser_id)


def customer_of(row: Rows) -> Rows:
    """The customer that a row with a ``customer_id`` belongs to."""
    customer = rows(models.Customer)
    return customer.where(customer.c.id == row.c.customer_id)


def stood_at(stay: Rows, moment: Any) -> ColumnElement[bool]:
    """The condition on stays in segments that they lasted at ``moment``; None: that they last."""
    lasts: ColumnElement[bool] = stay.c.left_at.is_(None)
    if moment is None:
        return lasts
    at = given.moment(moment)
    return and_(stay.c.entered_at <= at, or_(lasts, stay.c.left_at > at))


def primary_identity(customer: Rows, kind: str) -> ColumnElement[Any]:
    """The customer's main name of a kind."""
    identity = rows(models.Identity)
    mine = identity.where(
        identity.c.customer_id == customer.c.id, identity.c.kind == kind, identity.c.is_primary.is_(True)
    )
    return lookup(mine, identity.c.value)


@table_type(models.Customer, noun="customer", scope=Scope.CUSTOMERS_READ)
class Customer(Node):
    """A person the tenant talks to."""

    status: CustomerStatus = column("Whether they are there to be talked to.")
    external_id: str | None = column(
        "Their id in the tenant's own systems.", lambda c: primary_identity(c, "external_id")
    )
    email: str | None = column("Their main e-mail address.", lambda c: primary_identity(c, "email"))
    phone: str | None = column("Their main phone number, in E.164.", lambda c: primary_identity(c, "phone"))
    attributes: JSON = column("What is known about them, by name.")
    timezone: str | None = column("Their IANA timezone.")
    locale: str | None = column("Their language, as a BCP 47 tag.")
    suppressed: bool = column("Whether nothing may be sent to them.", lambda c: c.c.suppressed_at.is_not(None))
    suppressed_at: DateTime | None = column("Since when nothing may be sent to them.")
    created_at: DateTime = column("When they were first known.")
    updated_at: DateTime = column("When anything about them last changed.")
    snapshot_cursor: str = column(
        "Where this customer's feed stands in the very moment of this answer: subscribe with it as after and nothing "
        "is missed or doubled.",
        lambda customer: feed_cursor("customer", customer),
    )

    @many(lambda: Identity, "Every name they are known by.", graphql_type=list[Identity], size=3)
    def identities(
        self: Any,
        kinds: Annotated[list[IdentityKind] | None, strawberry.argument(description="Only these kinds.")] = None,
    ) -> Rows:
        identity = rows(models.Identity)
        return identity.where(identity.c.customer_id == self.c.id, given.one_of(identity.c.kind, kinds))

    @many(lambda: Device, "Their devices.", graphql_type=list[Device], size=2)
    def devices(self: Any) -> Rows:
        device = rows(models.Device)
        return device.where(device.c.customer_id == self.c.id)

    @many(lambda: Consent, "What they said about each channel.", graphql_type=list[Consent], size=2)
    def consents(self: Any) -> Rows:
        consent = rows(models.Consent)
        return consent.where(consent.c.customer_id == self.c.id).ordered(Order("c", "channel", descending=False))

    @connection(lambda: Event, "What they did.", graphql_type=Connection[Event], scope=Scope.EVENTS_READ)
    def events(
        self: Any,
        names: EventNames = None,
        since: EventsSince = None,
        until: EventsUntil = None,
        order_by: OrderEventsBy = EventOrder.NEWEST,
    ) -> Rows:
        event = rows(models.Event)
        return select_events(event.where(event.c.customer_id == self.c.id), names, since, until, order_by)

    @one(lambda: Event, "The last thing they did.", graphql_type=Event | None, scope=Scope.EVENTS_READ)
    def last_event(self: Any, names: EventNames = None) -> Rows:
        event = rows(models.Event)
        return select_events(event.where(event.c.customer_id == self.c.id), names, None, None, EventOrder.NEWEST)

    @connection(
        lambda: None,  # type: ignore[arg-type,return-value]
        "The segments that they are in.",
        graphql_type=Connection[Annotated["Segment", strawberry.lazy("resolvers.segments.types")]],
        scope=Scope.SEGMENTS_READ,
    )
    def segments(
        self: Any,
        as_of: Annotated[
            DateTime | None, strawberry.argument(description="The segments that they were in at this moment.")
        ] = None,
    ) -> Rows:
        segment, stay = rows(models.Segment), rows(models.SegmentMembership)
        mine = stay.where(stay.c.customer_id == self.c.id, stood_at(stay, as_of))
        return segment.where(segment.c.id.in_(values_of(mine, stay.c.segment_id)))

    @one(
        lambda: Customer,
        "Whom they became part of, if they were merged.",
        graphql_type=Annotated["Customer", strawberry.lazy(__name__)] | None,
    )
    def merged_into(self: Any) -> Rows:
        customer = rows(models.Customer)
        return customer.where(customer.c.id == self.c.merged_into_id)

    @many(lambda: Merge, "Who became part of them and was not parted again.", graphql_type=list[Merge], size=1)
    def merges(self: Any) -> Rows:
        merge = rows(models.Merge)
        return merge.where(merge.c.winner_id == self.c.id, merge.c.unmerged_at.is_(None))

    @connection(
        lambda: None,  # type: ignore[arg-type,return-value]
        "Their conversations, those with the latest activity first.",
        graphql_type=Connection[Annotated["Conversation", strawberry.lazy("resolvers.conversations.types")]],
        scope=Scope.CONVERSATIONS_READ,
    )
    def conversations(self: Any) -> Rows:
        conversation = rows(models.Conversation)
        return conversation.where(conversation.c.customer_id == self.c.id).ordered(Order("an", "active_at"))

    @connection(
        lambda: None,  # type: ignore[arg-type,return-value]
        "The browsers in which they opened a widget, those seen last first.",
        graphql_type=Connection[Annotated["Visitor", strawberry.lazy("resolvers.visitors.types")]],
        scope=Scope.CONVERSATIONS_READ,
    )
    def visitors(self: Any) -> Rows:
        visitor = rows(models.Visitor)
        return visitor.where(visitor.c.customer_id == self.c.id).ordered(Order("s", "seen_at"))

    @connection(
        lambda: None,  # type: ignore[arg-type,return-value]
        "What was sent to them or was not, those made last first.",
        graphql_type=Connection[Annotated["Delivery", strawberry.lazy("resolvers.deliveries.types")]],
        scope=Scope.DELIVERIES_READ,
    )
    def deliveries(self: Any) -> Rows:
        delivery = rows(models.Delivery)
        return delivery.where(delivery.c.customer_id == self.c.id).ordered(Order("dm", "created_at"))
