"""What a person wants to be told about, as members and keys say and see it."""

from dataclasses import dataclass
from uuid import UUID

from app.actions.consent.store import SUBSCRIBED, UNSUBSCRIBED, TopicConsents, TopicStore
from app.actions.customers.facts import CONSENT_STATUSES, CustomerRef, normalise_ref
from app.actions.customers.store import CustomerStore
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.tx import Reading, Tx
from models import SubscriptionTopic


@dataclass(frozen=True, slots=True)
class TopicPreference:
    """A topic, and whether a person is told about it. ``said`` is False where that is only the topic's default."""

    topic: SubscriptionTopic
    is_subscribed: bool
    said: bool


async def subscription_preferences(reading: Reading, *, customer: CustomerRef) -> list[TopicPreference]:
    """Every topic in its order, as it stands for one customer. Raises :class:`app.core.errors.NotFound`."""
    reading.require(Scope.CUSTOMERS_READ)
    customer_id = await CustomerStore(reading).resolve(normalise_ref(customer))
    return await preferences_of(TopicStore(reading), customer_id)


async def set_topic_consent(tx: Tx, *, customer: CustomerRef, topic_id: UUID, status: str) -> UUID:
    """Records that the customer is ``subscribed`` to or ``unsubscribed`` from a topic. Returns the customer's id.

    Raises :class:`Invalid`, or :class:`app.core.errors.NotFound` for the customer or the topic.
    """
    tx.require(Scope.CUSTOMERS_WRITE)
    if status not in CONSENT_STATUSES:
        raise Invalid.at("status", f"must be {' or '.join(CONSENT_STATUSES)}")
    _, person = await CustomerStore(tx).load_one(customer)
    consents = TopicConsents(tx)
    await consents.get(topic_id)
    await consents.say(person.id, {topic_id: status})
    return person.id


async def preferences_of(store: TopicStore, customer_id: UUID) -> list[TopicPreference]:
    """Every topic in its order, as it stands for somebody."""
    said = await store.said(customer_id)
    return [
        TopicPreference(topic, is_subscribed(topic, said.get(topic.id)), topic.id in said)
        for topic in await store.all()
    ]


def is_subscribed(topic: SubscriptionTopic, said: str | None) -> bool:
    """Whether who said this about the topic (None: nothing) may be told about it."""
    return topic.subscribed_by_default if said is None else said == SUBSCRIBED


def status_of(subscribed: bool) -> str:
    """The word for it."""
    return SUBSCRIBED if subscribed else UNSUBSCRIBED
