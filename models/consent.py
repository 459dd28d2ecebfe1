"""What people let themselves be told about, and addresses to which nothing is sent any more."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import TenantRow, belongs_to


class SubscriptionTopic(TenantRow, table=True):
    """Something one can be told about. ``subscribed_by_default``: whether silence is consent."""

    __tablename__ = "subscription_topics"
    __table_args__ = (UniqueConstraint("tenant_id", "number"),)

    id: UUID = Field(primary_key=True)
    number: int
    name: str = Field(max_length=200)
    description: str = Field(default="", max_length=1000)
    subscribed_by_default: bool = True
    position: int = 0
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


class TopicConsent(TenantRow, table=True):
    """What a person said about one topic: ``subscribed`` or ``unsubscribed``. No row: they never said."""

    __tablename__ = "topic_consents"
    __table_args__ = (belongs_to("customers", "customer_id"), belongs_to("subscription_topics", "topic_id"))

    customer_id: UUID = Field(primary_key=True)
    topic_id: UUID = Field(primary_key=True)
    status: str = Field(max_length=15)
    source: str = Field(max_length=20)
    changed_at: datetime


class Suppression(TenantRow, table=True):
    """An address to which nothing is sent. ``reason``: hard_bounce, soft_bounces, complaint or manual."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("tenant_id", "channel", "address"),)

    id: UUID = Field(primary_key=True)
    channel: str = Field(max_length=20)
    address: str = Field(max_length=1000)
    reason: str = Field(max_length=20)
    detail: str = Field(default="", max_length=1000)
    delivery_id: UUID | None = None
    created_at: datetime


class SoftBounces(TenantRow, table=True):
    """How often an address refused for the time being, in a row, since it last took a message."""

    __tablename__ = "soft_bounces"

    channel: str = Field(primary_key=True, max_length=20)
    address: str = Field(primary_key=True, max_length=320)
    count: int
    first_at: datetime
    last_at: datetime
