"""Writing and reading the feed. A position is a topic and an offset; offsets are dense and in commit order."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BindParameter, TextClause, Uuid, bindparam, case, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.errors import Invalid
from app.core.rows import insert_rows
from models import FeedEntry, FeedTopic, Tenant


@dataclass(frozen=True, slots=True)
class FeedItem:
    """An entry that has no offset yet."""

    topic: str
    kind: str
    subject_id: UUID
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a topic stands: the offset of its last entry."""

    topic: str
    head: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a topic that a client can come back to. The epoch changes when offsets may repeat (a restore)."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return encode_cursor(self.epoch, self.offset)


def customer_topic(customer_id: UUID) -> str:
    """The topic of everything about one customer."""
    return f"customer:{customer_id.hex}"


def segment_topic(segment_id: UUID) -> str:
    """The topic of who enters and leaves a segment."""
    return f"segment:{segment_id.hex}"


def conversation_topic(conversation_id: UUID) -> str:
    """The topic of everything in one conversation, notes included: for agents."""
    return f"conversation:{conversation_id.hex}"


def visitor_topic(visitor_id: UUID) -> str:
    """The topic of what one visitor may know of their conversations."""
    return f"visitor:{visitor_id.hex}"


INBOX_TOPIC = "inbox"
"""The topic of everything in all conversations of a tenant."""

DELIVERIES_TOPIC = "deliveries"
"""The topic of everything that becomes of a tenant's deliveries, and of what people let themselves be told about."""

REPORTED_TOPIC = "reported"
"""The topic of what only reporting webhooks ask for: visitors and widgets, and contacts where a webhook asks."""


def campaign_topic(campaign_id: UUID) -> str:
    """The topic of how far a campaign has come."""
    return f"campaign:{campaign_id.hex}"


def is_shared_topic(topic: str) -> bool:
    """Whether units that have nothing else in common write to the topic. Such topics are locked last."""
    return topic.startswith(("segment:", "campaign:")) or topic in (INBOX_TOPIC, DELIVERIES_TOPIC, REPORTED_TOPIC)


def encode_cursor(epoch: str, offset: int) -> str:
    """The text of a cursor. The planner writes the same in SQL."""
    return f"{epoch}-{offset}"


CURSOR = re.compile(r"([0-9a-z]{1,16})-(0|[1-9][0-9]{0,17})\Z")


def decode_cursor(text: str, field: str = "after") -> Cursor:
    """The cursor in ``text``. Raises :class:`Invalid` at ``field``."""
    match = CURSOR.match(text)
    if match is None:
        raise Invalid.at(field, "is not a cursor of this server")
    return Cursor(match[1], int(match[2]))


def _raise_heads(grown: str) -> TextClause:
    """Raises the heads of many topics, in the order in which they are given, and says where they stand now.

    The batch is a parameter: a VALUES list of a hundred rows takes longer to compile than to run.
    """
    return text(
        f"INSERT INTO feed_topics (tenant_id, topic, head, floor) SELECT :tenant_id, {grown} "
        "ON CONFLICT (tenant_id, topic) DO UPDATE SET head = feed_topics.head + excluded.head RETURNING topic, head"
    ).bindparams(bindparam("tenant_id", type_=Uuid()))


RAISE_HEADS = {
    "sqlite": _raise_heads("value ->> 0, value ->> 1, 0 FROM json_each(:grown) WHERE true"),
    "postgresql": _raise_heads(
        "topic, raise, 0 FROM unnest(cast(:topics AS text[]), cast(:counts AS bigint[])) AS grown(topic, raise)"
    ),
}


async def append_to_feed(
    session: AsyncSession, tenant_id: UUID, items: Sequence[FeedItem], now: datetime, also: Iterable[str] = ()
) -> list[Position]:
    """Gives each item the next offset of its topic and stores it; of the topics in ``also`` only the lock is taken.

    Topics are locked in one order, so that two transactions cannot wait for each other.
    """
    counts = Counter(dict.fromkeys(also, 0))
    counts.update(item.topic for item in items)
    topics = sorted(counts)
    connection = await session.connection()
    if connection.dialect.name == "postgresql":
        grown: dict[str, Any] = {"topics": topics, "counts": [counts[topic] for topic in topics]}
    else:
        grown = {"grown": orjson.dumps([[topic, counts[topic]] for topic in topics]).decode()}
    raised = await connection.execute(RAISE_HEADS[connection.dialect.name], {"tenant_id": tenant_id, **grown})
    heads: dict[str, int] = dict(raised.all())
    following = {topic: heads[topic] - counts[topic] for topic in topics}
    entries = []
    for item in items:
        following[item.topic] += 1
        entries.append(
            {
                "tenant_id": tenant_id,
                "topic": item.topic,
                "position": following[item.topic],
                "kind": item.kind,
                "subject_id": item.subject_id,
                "data": item.data,
                "created_at": now,
            }
        )
    await insert_rows(connection, FeedEntry, entries)
    return [Position(topic, heads[topic]) for topic in topics if counts[topic]]


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic offers to be replayed: entries from ``floor`` + 1 to ``head``."""

    epoch: str
    head: int
    floor: int

    def misses(self, after: Cursor) -> str | None:
        """Why what came after ``after`` cannot be replayed: ``epoch``, ``trimmed``, ``ahead``, or None if it can."""
        if after.epoch != self.epoch:
            return "epoch"
        if after.offset < self.floor:
            return "trimmed"
        return "ahead" if after.offset > self.head else None


async def read_topic(session: AsyncSession, tenant_id: UUID, topic: str) -> Topic:
    """The state of a topic; one that nobody wrote to yet is empty."""
    epoch = (await session.execute(select(col(Tenant.feed_epoch)).where(col(Tenant.id) == tenant_id))).scalar_one()
    row = (
        await session.execute(
            select(col(FeedTopic.head), col(FeedTopic.floor)).where(
                col(FeedTopic.tenant_id) == tenant_id, col(FeedTopic.topic) == topic
            )
        )
    ).one_or_none()
    return Topic(epoch, *(row or (0, 0)))


async def read_entries(
    session: AsyncSession, tenant_id: UUID, topic: str, after: int, limit: int
) -> Sequence[FeedEntry]:
    """Up to ``limit`` entries of a topic after an offset, in order."""
    statement = (
        select(FeedEntry)
        .where(col(FeedEntry.tenant_id) == tenant_id, col(FeedEntry.topic) == topic, col(FeedEntry.position) > after)
        .order_by(col(FeedEntry.position))
        .limit(limit)
    )
    return (await session.execute(statement)).scalars().all()


async def trim_feed(session: AsyncSession, before: datetime, limit: int = 500) -> int:
    """Drops entries older than ``before`` (about ``limit`` of them) and raises their topics' floors. Returns how many.

    Two statements whatever the number of topics, so that SQLite's one writer is not held for long.
    """
    old = (
        select(col(FeedEntry.tenant_id), col(FeedEntry.topic), col(FeedEntry.position))
        .where(col(FeedEntry.created_at) < before)
        .order_by(col(FeedEntry.created_at))
        .limit(limit)
    )
    rows = (await session.execute(old)).all()
    floors: dict[tuple[UUID, str], int] = {}
    for tenant_id, topic, position in rows:
        floors[tenant_id, topic] = max(position, floors.get((tenant_id, topic), 0))
    if not floors:
        return 0
    raised = [{"of": tenant_id, "named": topic, "to": floor} for (tenant_id, topic), floor in sorted(floors.items())]
    of: BindParameter[UUID] = bindparam("of")
    named: BindParameter[str] = bindparam("named")
    to: BindParameter[int] = bindparam("to")
    connection = await session.connection()
    await connection.execute(
        update(FeedTopic)
        .where(col(FeedTopic.tenant_id) == of, col(FeedTopic.topic) == named)
        .values(floor=case((col(FeedTopic.floor) > to, col(FeedTopic.floor)), else_=to)),
        raised,
    )
    await connection.execute(
        delete(FeedEntry).where(
            col(FeedEntry.tenant_id) == of, col(FeedEntry.topic) == named, col(FeedEntry.position) <= to
        ),
        raised,
    )
    return len(rows)
