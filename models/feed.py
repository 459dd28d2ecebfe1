"""The feed: everything a client can subscribe to, in an order that never has a hole."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from models.base import TenantRow, json_column


class FeedTopic(TenantRow, table=True):
    """The head of one topic. Offsets are taken under this row's lock, so commit order is offset order.

    ``head`` is the last offset given out (0: none); entries up to and including ``floor`` have been trimmed.
    """

    __tablename__ = "feed_topics"

    topic: str = Field(primary_key=True, max_length=80)
    head: int = Field(sa_type=BigInteger)
    floor: int = Field(default=0, sa_type=BigInteger)


class FeedEntry(TenantRow, table=True):
    """One entry of a topic: what kind of thing happened to which row (``subject_id``)."""

    __tablename__ = "feed_entries"
    __table_args__ = (Index("ix_feed_entries_created", "created_at"),)

    topic: str = Field(primary_key=True, max_length=80)
    position: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = Field(max_length=40)
    subject_id: UUID
    data: dict[str, Any] = Field(sa_column=json_column())
    created_at: datetime
