"""Topics, what people say about them, and suppressed addresses, as the graph shows them."""

from enum import Enum
from typing import Annotated, Any

import strawberry

import models
from app.actions import consent as actions
from app.core.access import Scope
from resolvers.context import Info
from resolvers.customers.inputs import CustomerRefInput
from resolvers.integrations.types import MessageChannel
from resolvers.nodes import Node
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Ref, Rows, column, connection, many, one, rows, table_type
from resolvers.scalars import Connection, DateTime, enum_value

IN_PLACE = Order("tp", "position", descending=False, counts=True)
LATEST = Order("sp", "created_at")


@table_type(models.SubscriptionTopic, noun="subscription_topic", scope=Scope.CAMPAIGNS_READ)
class SubscriptionTopic(Node):
    """Something that people can be told about, and can unsubscribe from."""

    number: int = column("Its small number in the tenant, for systems that need one.")
    name: str = column("What people are shown.")
    description: str = column("What people are told about it.")
    subscribed_by_default: bool = column("Whether whoever has said nothing is told about it.")
    position: int = column("Where it stands on the preference page, from 0.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")


@strawberry.enum(description="Why nothing is sent to an address.")
class SuppressionReason(Enum):
    """As stored, in capitals."""

    HARD_BOUNCE = enum_value("hard_bounce", description="A server said that there is no such address.")
    SOFT_BOUNCES = enum_value("soft_bounces", description="It refused too many messages in a row.")
    COMPLAINT = enum_value("complaint", description="Its owner called a message spam.")
    MANUAL = enum_value("manual", description="Somebody said so.")


@table_type(models.Suppression, noun="suppression", scope=Scope.CUSTOMERS_READ)
class Suppression(Node):
    """An address to which nothing is sent."""

    channel: MessageChannel = column("Over which channel.")
    address: str = column("The address, normalised.")
    reason: SuppressionReason = column("Why.")
    detail: str = column("What was said about it.")
    created_at: DateTime = column("Since when.")


@strawberry.type(description="A topic as it stands for one customer.")
class TopicPreference:
    """Whether they are told about it."""

    topic: SubscriptionTopic = strawberry.field(description="The topic.")
    is_subscribed: bool = strawberry.field(description="Whether they are told about it.")
    said: bool = strawberry.field(description="Whether they said so; otherwise it is the topic's default.")


@strawberry.type
class ConsentQuery:
    """Root fields about consent."""

    @one(
        lambda: SubscriptionTopic,
        "One topic, or null.",
        graphql_type=SubscriptionTopic | None,
        scope=Scope.CAMPAIGNS_READ,
    )
    def subscription_topic(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The topic's public id.")]
    ) -> Rows:
        topic = rows(models.SubscriptionTopic)
        return topic.where(topic.c.id == given.key("subscription_topic", id))

    @many(
        lambda: SubscriptionTopic,
        "All topics, as the preference page has them.",
        graphql_type=list[SubscriptionTopic],
        scope=Scope.CAMPAIGNS_READ,
    )
    def subscription_topics(self: Any) -> Rows:
        return rows(models.SubscriptionTopic).ordered(IN_PLACE)

    @connection(
        lambda: Suppression,
        "Suppressed addresses, the latest first.",
        graphql_type=Connection[Suppression],
        scope=Scope.CUSTOMERS_READ,
    )
    def suppressions(
        self: Any,
        channel: Annotated[
            MessageChannel | None, strawberry.argument(description="Only those of this channel.")
        ] = None,
        reason: Annotated[SuppressionReason | None, strawberry.argument(description="Only those for this.")] = None,
        search: Annotated[str | None, strawberry.argument(description="Part of the address.")] = None,
    ) -> Rows:
        found = rows(models.Suppression).ordered(LATEST)
        if channel is not None:
            found = found.where(found.c.channel == channel.value)
        if reason is not None:
            found = found.where(found.c.reason == reason.value)
        return found.where(given.contains([found.c.address], search))

    @strawberry.field(description="Every topic, as it stands for one customer.")
    async def subscription_preferences(
        self, info: Info, customer: Annotated[CustomerRefInput, strawberry.argument(description="The customer.")]
    ) -> list[TopicPreference]:
        info.context.principal.require(Scope.CUSTOMERS_READ)
        async with info.context.read() as reading:
            found = await actions.subscription_preferences(reading, customer=customer.ref())
        return [preference_of(one) for one in found]


def preference_of(preference: actions.TopicPreference) -> TopicPreference:
    """In the graph's words."""
    topic: Any = Ref(SubscriptionTopic, preference.topic.id)
    return TopicPreference(topic=topic, is_subscribed=preference.is_subscribed, said=preference.said)
