"""Topics and what people said about them, in one unit of work."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from app.core.batches import is_postgres
from app.core.clock import iso
from app.core.errors import NotFound
from app.core.feed import DELIVERIES_TOPIC, customer_topic
from app.core.tx import Reading, Tx
from models import SubscriptionTopic, TopicConsent

SUBSCRIBED, UNSUBSCRIBED = "subscribed", "unsubscribed"


class TopicStore:
    """The topics of one unit of work. A deleted one is not found."""

    def __init__(self, reading: Reading) -> None:
        self._session = reading.session

    async def all(self) -> Sequence[SubscriptionTopic]:
        """All topics, in the order in which people are shown them."""
        statement = (
            select(SubscriptionTopic)
            .where(col(SubscriptionTopic.deleted_at).is_(None))
            .order_by(col(SubscriptionTopic.position), col(SubscriptionTopic.number))
        )
        return (await self._session.execute(statement)).scalars().all()

    async def get(self, topic_id: UUID, path: str = "topic_id") -> SubscriptionTopic:
        """One topic. Raises :class:`NotFound` at ``path``."""
        statement = select(SubscriptionTopic).where(
            col(SubscriptionTopic.id) == topic_id, col(SubscriptionTopic.deleted_at).is_(None)
        )
        found: SubscriptionTopic | None = (await self._session.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound("subscription topic", path)
        return found

    async def said(self, customer_id: UUID) -> dict[UUID, str]:
        """What a person said about which topic."""
        statement = select(col(TopicConsent.topic_id), col(TopicConsent.status)).where(
            col(TopicConsent.customer_id) == customer_id
        )
        return dict((await self._session.execute(statement)).tuples().all())


class TopicConsents(TopicStore):
    """Writes what people say about topics, and tells who listens."""

    def __init__(self, tx: Tx) -> None:
        super().__init__(tx)
        self._tx = tx

    async def say(self, customer_id: UUID, statuses: Mapping[UUID, str], *, delivery_id: UUID | None = None) -> bool:
        """Writes what one person says about topics. Returns whether that was new.

        ``delivery_id`` is the message that they answered by it.
        """
        known = await self.said(customer_id)
        new = {topic_id: status for topic_id, status in statuses.items() if known.get(topic_id) != status}
        if not new:
            return False
        tx = self._tx
        upsert = (postgresql if is_postgres(tx.session) else sqlite).insert(TopicConsent)
        statement = upsert.on_conflict_do_update(
            index_elements=["tenant_id", "customer_id", "topic_id"],
            set_={name: getattr(upsert.excluded, name) for name in ("status", "source", "changed_at")},
        )
        rows = [
            {
                "tenant_id": tx.tenant_id,
                "customer_id": customer_id,
                "topic_id": topic_id,
                "status": status,
                "source": tx.principal.source,
                "changed_at": tx.now,
            }
            for topic_id, status in sorted(new.items())
        ]
        await (await tx.session.connection()).execute(statement, rows)
        tx.emit(customer_topic(customer_id), "customer", customer_id, {"change": "consent"})
        data: dict[str, Any] = {
            "customer": customer_id.hex,
            "delivery": delivery_id.hex if delivery_id else None,
            "topics": {topic_id.hex: status for topic_id, status in sorted(new.items())},
            "at": iso(tx.now),
        }
        tx.emit(DELIVERIES_TOPIC, "customer.preferences_changed", customer_id, data)
        return True
