"""Finding deliveries, and asking whether somebody could be sent something."""

from enum import Enum
from typing import Annotated, Any

import strawberry

import models
from app.actions import deliveries as actions
from app.actions.feed import deliveries_cursor
from app.core.access import Scope
from app.core.ids import parse_id
from app.gates import Decision
from resolvers.context import Info
from resolvers.deliveries.types import MADE, Delivery, DeliveryState
from resolvers.integrations.types import MessageChannel
from resolvers.planner import arguments as given
from resolvers.planner.declare import Rows, connection, one, rows
from resolvers.scalars import JSON, Connection, DateTime, enum_value


@strawberry.input(description="Which deliveries. Everything given must hold.")
class DeliveryFilter:
    """Conditions on deliveries."""

    campaign_id: strawberry.ID | None = strawberry.field(default=None, description="Only of this campaign.")
    customer_id: strawberry.ID | None = strawberry.field(default=None, description="Only to this customer.")
    content_id: strawberry.ID | None = strawberry.field(default=None, description="Only of this content.")
    channel: MessageChannel | None = strawberry.field(default=None, description="Only over this channel.")
    states: list[DeliveryState] | None = strawberry.field(default=None, description="Only in these states.")
    transactional: bool | None = strawberry.field(default=None, description="Only those before campaigns, or not.")
    is_test: bool | None = strawberry.field(default=None, description="Only test messages, or none of them.")
    reason: str | None = strawberry.field(default=None, description="Only with this reason, as consent.")
    since: DateTime | None = strawberry.field(default=None, description="Made at this moment or later.")
    until: DateTime | None = strawberry.field(default=None, description="Made before this moment.")


WhichDeliveries = Annotated[DeliveryFilter | None, strawberry.argument(description="Which deliveries.")]


@strawberry.enum(description="What a gate says of a message.")
class GateVerdict(Enum):
    """As the gates say it, in capitals."""

    PASS = enum_value("pass", description="It may go on.")
    HOLD = enum_value("hold", description="Not now, but later.")
    STOP = enum_value("stop", description="Never.")


@strawberry.type(description="What one gate says.")
class GateEntry:
    """The gate, and by what it went."""

    gate: str = strawberry.field(
        description="audience, control, address, suppression, consent, cap, quiet_hours or throttle."
    )
    verdict: GateVerdict = strawberry.field(description="What it says.")
    value: JSON = strawberry.field(description="The values by which it went.")
    detail: str = strawberry.field(description="Why, in a sentence; empty where it is plain.")


@strawberry.type(description="Whether somebody could be sent something.")
class ContactDecision:
    """The gates that were asked; the last one decides."""

    verdict: GateVerdict = strawberry.field(description="Whether it may go, now, later or never.")
    reason: str | None = strawberry.field(description="The gate that holds or stops it.")
    detail: str = strawberry.field(description="Why, in a sentence.")
    until: DateTime | None = strawberry.field(description="When it could go, if that is later.")
    gates: list[GateEntry] = strawberry.field(description="What each gate says, in order, up to the deciding one.")

    @classmethod
    def of(cls, decision: Decision) -> "ContactDecision":
        """From what the gates said."""
        gates = [
            GateEntry(gate=entry.gate, verdict=GateVerdict(entry.verdict), value=JSON(entry.value), detail=entry.detail)
            for entry in decision.entries
        ]
        return cls(
            verdict=GateVerdict(decision.verdict),
            reason=decision.reason,
            detail=decision.detail,
            until=None if decision.until is None else DateTime(decision.until),
            gates=gates,
        )


def deliveries_matching(delivery: Rows, filter: Any) -> Rows:
    """Those of ``delivery`` that a filter lets through, those made last first."""
    delivery = delivery.ordered(MADE)
    if filter is None:
        return delivery
    if filter.transactional is not None:
        delivery = delivery.where(delivery.c.lane == 0 if filter.transactional else delivery.c.lane != 0)
    if filter.is_test is not None:
        delivery = delivery.where(delivery.c.is_test.is_(filter.is_test))
    if filter.channel is not None:
        delivery = delivery.where(delivery.c.channel == filter.channel.value)
    for noun in ("campaign", "customer", "content"):
        asked = getattr(filter, f"{noun}_id")
        if asked is not None:
            delivery = delivery.where(delivery.c[f"{noun}_id"] == given.key(noun, asked))
    return delivery.where(
        given.one_of(delivery.c.state, filter.states),
        given.equals(delivery.c.reason, filter.reason),
        given.since(delivery.c.created_at, filter.since),
        given.until(delivery.c.created_at, filter.until),
    )


@strawberry.type
class DeliveryQuery:
    """Root fields about deliveries."""

    @one(lambda: Delivery, "One delivery, or null.", graphql_type=Delivery | None, scope=Scope.DELIVERIES_READ)
    def delivery(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The delivery's public id.")]
    ) -> Rows:
        delivery = rows(models.Delivery)
        return delivery.where(delivery.c.id == given.key("delivery", id))

    @connection(
        lambda: Delivery,
        "Deliveries, those made last first.",
        graphql_type=Connection[Delivery],
        scope=Scope.DELIVERIES_READ,
    )
    def deliveries(self: Any, filter: WhichDeliveries = None) -> Rows:
        return deliveries_matching(rows(models.Delivery), filter)

    @strawberry.field(
        description="Where the feed of deliveries stands. Ask for it before you load a list, and subscribe to "
        "deliveryEvents with it as after: then nothing is missed."
    )
    async def deliveries_snapshot_cursor(self, info: Info) -> str:
        async with info.context.read() as reading:
            return await deliveries_cursor(reading)

    @strawberry.field(description="Whether a customer could be sent something: what the gates would say, and why.")
    async def can_contact(
        self,
        info: Info,
        customer_id: Annotated[strawberry.ID, strawberry.argument(description="Whom.")],
        channel: Annotated[MessageChannel, strawberry.argument(description="Over which channel.")],
        topic_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="About which subscription topic.")
        ] = None,
        at: Annotated[DateTime | None, strawberry.argument(description="When; now if left out.")] = None,
        transactional: Annotated[
            bool, strawberry.argument(description="Whether it is a transactional message.")
        ] = False,
    ) -> ContactDecision:
        info.context.principal.require(Scope.DELIVERIES_READ)
        customer = parse_id("customer", customer_id, "customer_id")
        topic = None if topic_id is None else parse_id("subscription_topic", topic_id, "topic_id")
        async with info.context.read() as reading:
            decision = await actions.can_contact(
                reading,
                customer_id=customer,
                channel=channel.value,
                topic_id=topic,
                at=at,
                is_transactional=transactional,
            )
        return ContactDecision.of(decision)
