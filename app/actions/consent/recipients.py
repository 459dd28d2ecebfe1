"""What the recipient of a message says by its links: nothing more, this topic not, or these topics only.

Who holds the link is taken for the recipient, so these actions run as our own work for the tenant of the link.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from app.actions.consent.preferences import TopicPreference, preferences_of, status_of
from app.actions.consent.store import UNSUBSCRIBED, TopicConsents, TopicStore
from app.actions.consent.suppressions import addresses_in
from app.actions.customers import set_consent
from app.actions.customers.facts import CHANNELS, CustomerRef
from app.actions.deliveries.known import ADDRESS_KINDS
from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.core.access import Scope
from app.core.counters import Count, add_counts
from app.core.errors import NotFound
from app.core.tx import Reading, Tx
from models import Campaign, Consent, Customer, Delivery, Identity, SubscriptionTopic, Tenant

MERGES = 20
"""How far a chain of merges is followed."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom a message went, who they are today, and what they are told about.

    ``topic_id`` is the topic of the message. ``is_reachable``: they have not unsubscribed from its channel.
    """

    delivery_id: UUID
    customer_id: UUID
    channel: str
    address: str
    locale: str | None
    company: str
    topic_id: UUID | None
    is_reachable: bool
    topics: list[TopicPreference]

    @property
    def topic(self) -> TopicPreference | None:
        """The topic of the message, if it is about one that still exists."""
        return next((one for one in self.topics if one.topic.id == self.topic_id), None)


async def find_recipient(reading: Reading, *, delivery_id: UUID) -> Recipient:
    """Who was sent a message. Raises :class:`NotFound` when the message or the person is no more."""
    reading.require(Scope.CUSTOMERS_READ)
    delivery, topic_id = await _delivery(reading, delivery_id)
    customer_id = await _today(reading, delivery.customer_id)
    session = reading.session
    locale = (await session.execute(select(col(Customer.locale)).where(col(Customer.id) == customer_id))).scalar_one()
    said = select(col(Consent.status)).where(
        col(Consent.customer_id) == customer_id, col(Consent.channel) == delivery.channel
    )
    company = (await session.execute(select(col(Tenant.name)).where(col(Tenant.id) == reading.tenant_id))).scalar_one()
    return Recipient(
        delivery_id,
        customer_id,
        delivery.channel,
        delivery.recipient,
        locale,
        company,
        topic_id,
        (await session.execute(said)).scalar_one_or_none() != UNSUBSCRIBED,
        await preferences_of(TopicStore(reading), customer_id),
    )


async def unsubscribe(tx: Tx, *, delivery_id: UUID) -> UUID:
    """Ends what a message was about for its recipient: its topic, or the channel if it has none.

    Said twice it is said once. Who tries a message out at an address of their own says nothing for the person whose
    message it would be. Returns the customer's id; raises :class:`NotFound` when the message or the person is no more.
    """
    tx.require(Scope.CUSTOMERS_WRITE)
    delivery, topic_id = await _delivery(tx, delivery_id)
    customer_id = await _today(tx, delivery.customer_id)
    if not await _was_theirs(tx, delivery, customer_id):
        return customer_id
    if topic_id is not None:
        was_subscribed = await _subscribed(tx, customer_id, topic_id)
        await TopicConsents(tx).say(customer_id, {topic_id: UNSUBSCRIBED}, delivery_id=delivery_id)
        await _count_topics(tx, delivery, int(was_subscribed))
    elif delivery.channel in CHANNELS:
        await _consent(tx, customer_id, delivery.channel, UNSUBSCRIBED)
    await _note(tx, delivery)
    return customer_id


async def save_preferences(tx: Tx, *, delivery_id: UUID, topics: Mapping[UUID, bool], is_reachable: bool) -> UUID:
    """Takes over what the recipient of a message has chosen: each topic that is named, and the message's channel.

    Topics that there are not are passed over, and so is who tries a message out, as with :func:`unsubscribe`. Returns
    the customer's id; raises :class:`NotFound` as that does.
    """
    tx.require(Scope.CUSTOMERS_WRITE)
    delivery, topic_id = await _delivery(tx, delivery_id)
    customer_id = await _today(tx, delivery.customer_id)
    if not await _was_theirs(tx, delivery, customer_id):
        return customer_id
    consents = TopicConsents(tx)
    standing = await preferences_of(consents, customer_id)
    chosen = {
        one.topic.id: topics[one.topic.id]
        for one in standing
        if one.topic.id in topics and topics[one.topic.id] != one.is_subscribed
    }
    await consents.say(
        customer_id, {key: status_of(subscribed) for key, subscribed in chosen.items()}, delivery_id=delivery_id
    )
    await _count_topics(tx, delivery, sum(not subscribed for subscribed in chosen.values()))
    if delivery.channel in CHANNELS:
        said = select(col(Consent.status)).where(
            col(Consent.customer_id) == customer_id, col(Consent.channel) == delivery.channel
        )
        was_reachable = (await tx.session.execute(said)).scalar_one_or_none() != UNSUBSCRIBED
        if was_reachable != is_reachable:
            await _consent(tx, customer_id, delivery.channel, status_of(is_reachable))
    if not is_reachable or (topic_id is not None and chosen.get(topic_id) is False):
        await _note(tx, delivery)
    return customer_id


async def _delivery(reading: Reading, delivery_id: UUID) -> tuple[Delivery, UUID | None]:
    """The message and the topic that it is about, if there still is that topic."""
    found = (
        await reading.session.execute(select(Delivery).where(col(Delivery.id) == delivery_id))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("message")
    if found.campaign_id is None:
        return found, None
    topic = (
        select(col(SubscriptionTopic.id))
        .join(Campaign, col(Campaign.topic_id) == col(SubscriptionTopic.id))
        .where(col(Campaign.id) == found.campaign_id, col(SubscriptionTopic.deleted_at).is_(None))
    )
    return found, (await reading.session.execute(topic)).scalar_one_or_none()


async def _today(reading: Reading, customer_id: UUID) -> UUID:
    """Who a person is now that they may have been merged. Raises :class:`NotFound` for who was deleted."""
    for _ in range(MERGES):
        statement = select(col(Customer.status), col(Customer.merged_into_id)).where(col(Customer.id) == customer_id)
        row = (await reading.session.execute(statement)).one_or_none()
        if row is None or row.status == "deleted":
            break
        if row.merged_into_id is None:
            return customer_id
        customer_id = row.merged_into_id
    raise NotFound("customer")


async def _was_theirs(tx: Tx, delivery: Delivery, customer_id: UUID) -> bool:
    """Whether who has the message is who it was made for: a test may have gone to anybody."""
    kind = ADDRESS_KINDS.get(delivery.channel)
    if not delivery.is_test or kind is None:
        return True
    theirs = select(col(Identity.id)).where(
        col(Identity.customer_id) == customer_id,
        col(Identity.kind) == kind,
        col(Identity.value).in_(addresses_in(delivery.channel, delivery.recipient)),
    )
    return (await tx.session.execute(theirs.limit(1))).first() is not None


async def _consent(tx: Tx, customer_id: UUID, channel: str, status: str) -> None:
    await set_consent(tx, customer=CustomerRef("id", customer_id.hex), channel=channel, status=status)


async def _subscribed(reading: Reading, customer_id: UUID, topic_id: UUID) -> bool:
    standing = await preferences_of(TopicStore(reading), customer_id)
    return any(one.is_subscribed for one in standing if one.topic.id == topic_id)


async def _count_topics(tx: Tx, delivery: Delivery, topics: int) -> None:
    """Counts from how many topics a message made its recipient unsubscribe."""
    if topics and not delivery.is_test:
        subjects = (tx.tenant_id, delivery.campaign_id, delivery.content_id)
        await add_counts(tx, [Count(one, "topic_unsubscribed", tx.now, topics) for one in subjects if one])


async def _note(tx: Tx, delivery: Delivery) -> None:
    """Notes on the message, once, that it made somebody unsubscribe."""
    noted = (
        update(Delivery)
        .where(col(Delivery.id) == delivery.id, col(Delivery.unsubscribed_at).is_(None))
        .values(unsubscribed_at=tx.now)
        .returning(col(Delivery.id))
    )
    if (await tx.session.execute(noted, execution_options={"synchronize_session": False})).first() is None:
        return
    event = DeliveryEvent(
        delivery.id,
        delivery.customer_id,
        delivery.campaign_id,
        delivery.content_id,
        delivery.run_id,
        delivery.channel,
        "unsubscribed",
        tx.now,
        counts=not delivery.is_test,
    )
    await tell_deliveries(tx, [event])
