"""Changing topics, what people say about them, and the list of suppressed addresses."""

from typing import Any
from uuid import UUID

import strawberry

from app.actions import consent as actions
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from resolvers.consent.types import SubscriptionTopic, Suppression, TopicPreference, preference_of
from resolvers.context import Info
from resolvers.customers.inputs import CustomerRefInput
from resolvers.customers.types import ConsentStatus
from resolvers.integrations.types import MessageChannel
from resolvers.leave import mutation
from resolvers.planner.declare import Ref


@strawberry.input(description="A new topic.")
class CreateSubscriptionTopicInput:
    """What people are shown."""

    name: str = strawberry.field(description="What people are shown.")
    description: str = strawberry.field(default="", description="What people are told about it.")
    subscribed_by_default: bool = strawberry.field(
        default=True, description="Whether whoever has said nothing is told about it."
    )
    position: int | None = strawberry.field(
        default=None, description="Where it stands on the preference page; last if left out."
    )


@strawberry.input(description="What changes about a topic. What is left out stays.")
class UpdateSubscriptionTopicInput:
    """A topic and what is new."""

    topic_id: strawberry.ID = strawberry.field(description="The topic.")
    name: str | None = strawberry.field(default=None, description="What people are shown.")
    description: str | None = strawberry.field(default=None, description="What people are told about it.")
    subscribed_by_default: bool | None = strawberry.field(
        default=None, description="Whether whoever has said nothing is told about it."
    )
    position: int | None = strawberry.field(default=None, description="Where it stands on the preference page.")


@strawberry.input(description="A topic that is to be deleted.")
class DeleteSubscriptionTopicInput:
    """Which topic."""

    topic_id: strawberry.ID = strawberry.field(description="The topic.")


@strawberry.input(description="What a customer says about a topic.")
class SetTopicConsentInput:
    """Who, what about, and what."""

    customer: CustomerRefInput = strawberry.field(description="Who says it.")
    topic_id: strawberry.ID = strawberry.field(description="About which topic.")
    status: ConsentStatus = strawberry.field(description="What they say.")


@strawberry.input(description="An address to which nothing is to be sent any more.")
class SuppressAddressInput:
    """An address of a channel."""

    channel: MessageChannel = strawberry.field(description="Over which channel.")
    address: str = strawberry.field(description="The e-mail address, or the phone number in E.164.")
    detail: str = strawberry.field(default="", description="Why.")


@strawberry.input(description="A suppressed address that may be sent to again.")
class UnsuppressAddressInput:
    """Which suppression ends."""

    suppression_id: strawberry.ID = strawberry.field(description="The suppression.")


@strawberry.type(description="A topic after a change.")
class SubscriptionTopicPayload:
    """The topic as it is now."""

    topic: SubscriptionTopic = strawberry.field(description="The topic as it is now.")


@strawberry.type(description="Which topic was deleted.")
class DeleteSubscriptionTopicPayload:
    """The id that was."""

    topic_id: strawberry.ID = strawberry.field(description="The topic that was deleted.")


@strawberry.type(description="What a customer is told about after a change.")
class TopicConsentPayload:
    """Every topic, as it stands for them now."""

    preferences: list[TopicPreference] = strawberry.field(description="Every topic, as it stands for them now.")


@strawberry.type(description="A suppressed address.")
class SuppressionPayload:
    """The suppression."""

    suppression: Suppression = strawberry.field(description="The suppression.")


@strawberry.type(description="Which suppression ended.")
class UnsuppressAddressPayload:
    """The id that was."""

    suppression_id: strawberry.ID = strawberry.field(description="The suppression that ended.")


def _topic(key: UUID) -> SubscriptionTopicPayload:
    return SubscriptionTopicPayload(topic=Ref(SubscriptionTopic, key))  # type: ignore[arg-type]


@strawberry.type
class ConsentMutation:
    """Changes to topics, consents and suppressions."""

    @mutation(Scope.CAMPAIGNS_WRITE, "Makes a topic.")
    async def create_subscription_topic(
        self, info: Info, input: CreateSubscriptionTopicInput
    ) -> SubscriptionTopicPayload:
        async with info.context.write() as tx:
            topic = await actions.create_topic(
                tx,
                name=input.name,
                description=input.description,
                subscribed_by_default=input.subscribed_by_default,
                position=input.position,
            )
        return _topic(topic.id)

    @mutation(Scope.CAMPAIGNS_WRITE, "Changes a topic. What people have said about it stays.")
    async def update_subscription_topic(
        self, info: Info, input: UpdateSubscriptionTopicInput
    ) -> SubscriptionTopicPayload:
        key = parse_id("subscription_topic", input.topic_id, "topic_id")
        async with info.context.write() as tx:
            await actions.update_topic(
                tx,
                topic_id=key,
                name=input.name,
                description=input.description,
                subscribed_by_default=input.subscribed_by_default,
                position=input.position,
            )
        return _topic(key)

    @mutation(Scope.CAMPAIGNS_WRITE, "Deletes a topic of which nothing more is to be sent.")
    async def delete_subscription_topic(
        self, info: Info, input: DeleteSubscriptionTopicInput
    ) -> DeleteSubscriptionTopicPayload:
        key = parse_id("subscription_topic", input.topic_id, "topic_id")
        async with info.context.write() as tx:
            await actions.delete_topic(tx, topic_id=key)
        return DeleteSubscriptionTopicPayload(topic_id=strawberry.ID(public_id("subscription_topic", key)))

    @mutation(Scope.CUSTOMERS_WRITE, "Writes down what a customer says about a topic.")
    async def set_topic_consent(self, info: Info, input: SetTopicConsentInput) -> TopicConsentPayload:
        key = parse_id("subscription_topic", input.topic_id, "topic_id")
        customer = input.customer.ref()
        async with info.context.write() as tx:
            await actions.set_topic_consent(tx, customer=customer, topic_id=key, status=input.status.value)
            found: Any = await actions.subscription_preferences(tx, customer=customer)
        return TopicConsentPayload(preferences=[preference_of(one) for one in found])

    @mutation(Scope.CUSTOMERS_WRITE, "Sends nothing more to an address.")
    async def suppress_address(self, info: Info, input: SuppressAddressInput) -> SuppressionPayload:
        async with info.context.write() as tx:
            row = await actions.suppress_address(
                tx, channel=input.channel.value, address=input.address, detail=input.detail
            )
        return SuppressionPayload(suppression=Ref(Suppression, row.id))  # type: ignore[arg-type]

    @mutation(Scope.CUSTOMERS_WRITE, "Allows messages to an address again.")
    async def unsuppress_address(self, info: Info, input: UnsuppressAddressInput) -> UnsuppressAddressPayload:
        key = parse_id("suppression", input.suppression_id, "suppression_id")
        async with info.context.write() as tx:
            await actions.unsuppress_address(tx, suppression_id=key)
        return UnsuppressAddressPayload(suppression_id=strawberry.ID(public_id("suppression", key)))
