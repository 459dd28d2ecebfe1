"""Whether a person could be sent something: the same gates, asked without a message."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select
from sqlmodel import col

from app.actions.deliveries.claiming import CAMPAIGNS, TRANSACTIONAL, Claim
from app.actions.deliveries.deciding import Deciding
from app.actions.deliveries.gathering import gather_dry
from app.core.access import Scope
from app.core.errors import Invalid, NotFound
from app.core.ids import new_id
from app.core.tx import Reading
from app.gates import Decision
from models import Customer, SubscriptionTopic

CHANNELS = ("email", "sms", "push", "in_app", "whatsapp", "webhook")


async def can_contact(
    reading: Reading,
    *,
    customer_id: UUID,
    channel: str,
    topic_id: UUID | None = None,
    at: datetime | None = None,
    is_transactional: bool = False,
) -> Decision:
    """What the gates would say of a message to a customer over a channel, about a topic, at a moment (now).

    The frequency caps count what was sent until now. Raises :class:`NotFound` and :class:`Invalid`.
    """
    reading.require(Scope.DELIVERIES_READ)
    if channel not in CHANNELS:
        raise Invalid.at("channel", f"must be one of {', '.join(CHANNELS)}")
    await _known(reading, customer_id, topic_id)
    moment = at or reading.now
    claim = Claim(
        token=new_id(),
        id=new_id(),
        customer_id=customer_id,
        campaign_id=None,
        run_id=None,
        content_id=None,
        channel=channel,
        test_group=None,
        lane=TRANSACTIONAL if is_transactional else CAMPAIGNS,
        priority=5,
        is_test=False,
        reason=None,
        recipient="",
        data={},
        attempts=0,
        attempted_at=None,
        due_at=moment,
        created_at=moment,
    )
    known = replace(await gather_dry(reading, claim=claim, topic_id=topic_id), now=moment)
    return Deciding(known).decide(claim, topic_id)


async def _known(reading: Reading, customer_id: UUID, topic_id: UUID | None) -> None:
    person = exists().where(col(Customer.id) == customer_id, col(Customer.tenant_id) == reading.tenant_id)
    if not (await reading.session.execute(select(person))).scalar_one():
        raise NotFound("customer", "customer_id")
    if topic_id is None:
        return
    topic = exists().where(
        col(SubscriptionTopic.id) == topic_id,
        col(SubscriptionTopic.tenant_id) == reading.tenant_id,
        col(SubscriptionTopic.deleted_at).is_(None),
    )
    if not (await reading.session.execute(select(topic))).scalar_one():
        raise NotFound("subscription topic", "topic_id")
