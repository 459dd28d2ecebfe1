"""Erasing a person: everything we know of them goes for good, and a receipt says how much that was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlmodel import SQLModel, col

from app.actions.customers.conversations import Conversations
from app.actions.customers.facts import CustomerRef, normalise_ref
from app.actions.customers.stays import ERASED, Stays
from app.actions.customers.store import CustomerStore
from app.core.access import Scope
from app.core.batches import among
from app.core.errors import NotFound
from app.core.feed import customer_topic
from app.core.ids import public_id
from app.core.tx import Tx
from models import (
    Consent,
    Customer,
    Delivery,
    Device,
    Event,
    FeedEntry,
    FeedTopic,
    Identity,
    Merge,
    MergeMove,
    TopicConsent,
)


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What was erased: how many rows of each kind of thing, and when."""

    customer_id: UUID
    counts: dict[str, int]
    erased_at: datetime


async def erase_customer(tx: Tx, *, customer: CustomerRef) -> ErasureReceipt:
    """Erases a customer, active or deleted, with everybody merged into them and all that is theirs, for ever.

    The audit log keeps the public id and the counts. Raises :class:`NotFound`.
    """
    tx.require(Scope.CUSTOMERS_ERASE)
    store = CustomerStore(tx)
    customer_id = await _erasable(tx, store, normalise_ref(customer))
    await Conversations(tx).lock([customer_id])
    await store.load(ids=[customer_id], alone=True)
    people = [customer_id, *await store.absorbed_by(customer_id)]
    await store.load(ids=people, alone=True)
    await Stays(tx).leave_all(people, ERASED)
    counts = await _delete_all(tx, people)
    tx.audit("customer.erase", public_id("customer", customer_id), counts)
    return ErasureReceipt(customer_id, counts, tx.now)


async def _erasable(tx: Tx, store: CustomerStore, ref: CustomerRef) -> UUID:
    if ref.kind != "id":
        return await store.resolve(ref)
    statement = select(col(Customer.id)).where(
        col(Customer.id) == UUID(ref.value), col(Customer.merged_into_id).is_(None)
    )
    found: UUID | None = (await tx.session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise NotFound("customer", "customer")
    return found


async def _delete_all(tx: Tx, people: Sequence[UUID]) -> dict[str, int]:
    """Deletes every row about ``people``, children first. Returns how many of each kind."""
    session = tx.session
    topics = [customer_topic(person_id) for person_id in people]
    merged = or_(among(session, Merge.winner_id, people), among(session, Merge.loser_id, people))
    await _delete(tx, MergeMove, col(MergeMove.merge_id).in_(select(col(Merge.id)).where(merged)))
    return {
        **await Conversations(tx).erase(people),
        "event": await _delete(tx, Event, among(session, Event.customer_id, people)),
        "device": await _delete(tx, Device, among(session, Device.customer_id, people)),
        "delivery": await _delete(tx, Delivery, among(session, Delivery.customer_id, people)),
        "topic_consent": await _delete(tx, TopicConsent, among(session, TopicConsent.customer_id, people)),
        "consent": await _delete(tx, Consent, among(session, Consent.customer_id, people)),
        "identity": await _delete(tx, Identity, among(session, Identity.customer_id, people)),
        "merge": await _delete(tx, Merge, merged),
        "feed_entry": await _delete(tx, FeedEntry, among(session, FeedEntry.topic, topics)),
        "feed_topic": await _delete(tx, FeedTopic, among(session, FeedTopic.topic, topics)),
        "customer": await _delete(tx, Customer, among(session, Customer.id, people)),
    }


async def _delete(tx: Tx, table: type[SQLModel], condition: Any) -> int:
    done = await tx.session.execute(delete(table).where(condition), execution_options={"synchronize_session": False})
    return int(done.rowcount)  # type: ignore[attr-defined]
