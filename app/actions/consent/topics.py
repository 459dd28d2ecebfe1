"""Topics: what people can be told about."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.actions.consent.store import TopicStore
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import Conflict, Invalid
from app.core.ids import new_id, public_id
from app.core.numbers import next_number
from app.core.tx import Reading, Tx
from models import Campaign, SubscriptionTopic

MAX_TOPICS = 200
LONGEST_NAME = 200
LONGEST_DESCRIPTION = 1000
OVER = ("completed", "cancelled", "failed", "archived")
"""Campaigns in these states send nothing more."""


async def create_topic(
    tx: Tx, *, name: str, description: str = "", subscribed_by_default: bool = True, position: int | None = None
) -> SubscriptionTopic:
    """A new topic, shown last unless ``position`` says where. ``subscribed_by_default``: whether silence is consent.

    Raises :class:`Invalid`, also at ``name`` when there are 200 topics.
    """
    tx.require(Scope.CAMPAIGNS_WRITE)
    counted = select(func.count(), func.max(col(SubscriptionTopic.position))).where(
        col(SubscriptionTopic.deleted_at).is_(None)
    )
    count, last = (await tx.session.execute(counted)).one()
    if count >= MAX_TOPICS:
        raise Invalid.at("name", f"is one too many: there are {MAX_TOPICS} topics")
    topic = SubscriptionTopic(
        tenant_id=tx.tenant_id,
        id=new_id(),
        number=await next_number(tx, SubscriptionTopic),
        name=_name(name),
        description=check_text(description, "description", longest=LONGEST_DESCRIPTION),
        subscribed_by_default=subscribed_by_default,
        position=(-1 if last is None else last) + 1 if position is None else _position(position),
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.session.add(topic)
    await tx.session.flush()
    tx.audit("subscription_topic.create", public_id("subscription_topic", topic.id), {"name": topic.name})
    return topic


async def update_topic(
    tx: Tx,
    *,
    topic_id: UUID,
    name: str | None = None,
    description: str | None = None,
    subscribed_by_default: bool | None = None,
    position: int | None = None,
) -> SubscriptionTopic:
    """Changes what is given. What people have said stays. Raises :class:`NotFound` and as creating does."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    topic = await TopicStore(tx).get(topic_id)
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = _name(name)
    if description is not None:
        values["description"] = check_text(description, "description", longest=LONGEST_DESCRIPTION)
    if subscribed_by_default is not None:
        values["subscribed_by_default"] = subscribed_by_default
    if position is not None:
        values["position"] = _position(position)
    changed = {key: value for key, value in values.items() if getattr(topic, key) != value}
    if changed:
        for key, value in changed.items():
            setattr(topic, key, value)
        topic.updated_at = tx.now
        tx.audit("subscription_topic.update", public_id("subscription_topic", topic.id), changed)
    return topic


async def delete_topic(tx: Tx, *, topic_id: UUID) -> None:
    """Takes a topic away. Raises :class:`NotFound`, and :class:`Conflict` while a campaign may still send of it."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    topic = await TopicStore(tx).get(topic_id)
    using = select(col(Campaign.name)).where(
        col(Campaign.topic_id) == topic_id, col(Campaign.deleted_at).is_(None), col(Campaign.status).not_in(OVER)
    )
    name = (await tx.session.execute(using.order_by(col(Campaign.id)).limit(1))).scalar_one_or_none()
    if name is not None:
        raise Conflict(f"The campaign “{name}” is about this topic.", "topic_id")
    topic.deleted_at = tx.now
    tx.audit("subscription_topic.delete", public_id("subscription_topic", topic.id), {"name": topic.name})


async def get_topic(reading: Reading, *, topic_id: UUID) -> SubscriptionTopic:
    """One topic. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await TopicStore(reading).get(topic_id)


async def list_topics(reading: Reading) -> Sequence[SubscriptionTopic]:
    """All topics, in the order in which people are shown them."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await TopicStore(reading).all()


def _name(name: str) -> str:
    return check_text(name, "name", longest=LONGEST_NAME, shortest=1).strip()


def _position(position: int) -> int:
    if not 0 <= position < 1_000_000:
        raise Invalid.at("position", "must be 0 to 999,999")
    return position
