"""Following the feed: what a caller may follow, where to begin, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlmodel import col

from app.core.access import Scope
from app.core.errors import Forbidden, NotFound
from app.core.feed import (
    DELIVERIES_TOPIC,
    INBOX_TOPIC,
    Cursor,
    campaign_topic,
    conversation_topic,
    customer_topic,
    decode_cursor,
    read_entries,
    read_topic,
    segment_topic,
    visitor_topic,
)
from app.core.tx import Reading
from models import Campaign, Conversation, Customer, FeedEntry, Segment

CHUNK = 200


@dataclass(frozen=True, slots=True)
class FeedStart:
    """Where following begins. ``gap`` says why part of what was asked for cannot be replayed, if so."""

    topic: str
    epoch: str
    offset: int
    gap: str | None


async def start_following(
    reading: Reading, *, customer_id: UUID, after: str | None, scope: Scope, field: str = "after"
) -> FeedStart:
    """Where a follower of one customer begins: after the cursor ``after``, or now.

    Raises :class:`NotFound` for another tenant's customer and :class:`Invalid` for a cursor that is none. What was
    trimmed is a gap, and following goes on with what is left; a cursor of another epoch is a gap up to now.
    """
    reading.require(scope)
    known = select(exists().where(col(Customer.id) == customer_id, col(Customer.tenant_id) == reading.tenant_id))
    if not (await reading.session.execute(known)).scalar_one():
        raise NotFound("customer", "customer_id")
    return await _start(reading, customer_topic(customer_id), after, field)


async def start_following_segment(
    reading: Reading, *, segment_id: UUID, after: str | None, field: str = "after"
) -> FeedStart:
    """Where a follower of who enters and leaves a segment begins; as :func:`start_following`."""
    reading.require(Scope.SEGMENTS_READ)
    known = select(
        exists().where(
            col(Segment.id) == segment_id,
            col(Segment.tenant_id) == reading.tenant_id,
            col(Segment.deleted_at).is_(None),
        )
    )
    if not (await reading.session.execute(known)).scalar_one():
        raise NotFound("segment", "segment_id")
    return await _start(reading, segment_topic(segment_id), after, field)


async def start_following_campaign(
    reading: Reading, *, campaign_id: UUID, after: str | None, field: str = "after"
) -> FeedStart:
    """Where a follower of how far a campaign has come begins; as :func:`start_following`."""
    reading.require(Scope.CAMPAIGNS_READ)
    known = select(
        exists().where(
            col(Campaign.id) == campaign_id,
            col(Campaign.tenant_id) == reading.tenant_id,
            col(Campaign.deleted_at).is_(None),
        )
    )
    if not (await reading.session.execute(known)).scalar_one():
        raise NotFound("campaign", "campaign_id")
    return await _start(reading, campaign_topic(campaign_id), after, field)


async def start_following_conversation(
    reading: Reading, *, conversation_id: UUID, after: str | None, field: str = "after"
) -> FeedStart:
    """Where a follower of everything in one conversation, notes included, begins; as :func:`start_following`."""
    reading.require(Scope.CONVERSATIONS_READ)
    known = select(
        exists().where(col(Conversation.id) == conversation_id, col(Conversation.tenant_id) == reading.tenant_id)
    )
    if not (await reading.session.execute(known)).scalar_one():
        raise NotFound("conversation", "conversation_id")
    return await _start(reading, conversation_topic(conversation_id), after, field)


async def start_following_inbox(reading: Reading, *, after: str | None, field: str = "after") -> FeedStart:
    """Where a follower of all conversations begins; as :func:`start_following`."""
    reading.require(Scope.CONVERSATIONS_READ)
    return await _start(reading, INBOX_TOPIC, after, field)


async def start_following_own(reading: Reading, *, after: str | None, field: str = "after") -> FeedStart:
    """Where the calling visitor begins to follow what they may know; as :func:`start_following`."""
    reading.require(Scope.VISITOR)
    if reading.principal.kind != "visitor" or reading.principal.id is None:
        raise Forbidden("Only a visitor can follow this.", Scope.VISITOR.value)
    return await _start(reading, visitor_topic(reading.principal.id), after, field)


async def start_following_deliveries(
    reading: Reading, *, campaign_id: UUID | None, customer_id: UUID | None, after: str | None, field: str = "after"
) -> FeedStart:
    """Where a follower of what becomes of deliveries begins; as :func:`start_following`. The campaign and the customer
    whom they ask for must be the tenant's: raises :class:`NotFound`."""
    reading.require(Scope.DELIVERIES_READ)
    asked: tuple[tuple[Any, UUID | None, str], ...] = (
        (Campaign, campaign_id, "campaign"),
        (Customer, customer_id, "customer"),
    )
    for model, key, noun in asked:
        known = select(exists().where(col(model.id) == key, col(model.tenant_id) == reading.tenant_id))
        if key is not None and not (await reading.session.execute(known)).scalar_one():
            raise NotFound(noun, f"{noun}_id")
    return await _start(reading, DELIVERIES_TOPIC, after, field)


async def inbox_cursor(reading: Reading) -> str:
    """The cursor after everything that was told in the inbox so far."""
    reading.require(Scope.CONVERSATIONS_READ)
    return await _head(reading, INBOX_TOPIC)


async def deliveries_cursor(reading: Reading) -> str:
    """The cursor after everything that was told of deliveries so far."""
    reading.require(Scope.DELIVERIES_READ)
    return await _head(reading, DELIVERIES_TOPIC)


async def _head(reading: Reading, name: str) -> str:
    start = await _start(reading, name, None, "after")
    return str(Cursor(start.epoch, start.offset))


async def _start(reading: Reading, name: str, after: str | None, field: str) -> FeedStart:
    topic = await read_topic(reading.session, reading.tenant_id, name)
    if after is None:
        return FeedStart(name, topic.epoch, topic.head, None)
    cursor = decode_cursor(after, field)
    gap = topic.misses(cursor)
    offset = {None: cursor.offset, "trimmed": topic.floor}.get(gap, topic.head)
    return FeedStart(name, topic.epoch, offset, gap)


async def read_following(reading: Reading, *, topic: str, offset: int, scope: Scope) -> Sequence[FeedEntry]:
    """The entries after ``offset``, at most 200. The first one's position tells whether some were trimmed meanwhile."""
    reading.require(scope)
    return await read_entries(reading.session, reading.tenant_id, topic, offset, CHUNK)
