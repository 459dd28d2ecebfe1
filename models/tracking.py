"""Links of campaigns, and what people and machines did with messages."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from models.base import TenantRow, belongs_to, json_column


class Link(TenantRow, table=True):
    """An address to which a campaign's messages lead. ``url`` is as in the template: it may hold Liquid."""

    __tablename__ = "links"
    __table_args__ = (
        belongs_to("campaigns", "campaign_id"),
        UniqueConstraint("tenant_id", "campaign_id", "digest"),
        UniqueConstraint("tenant_id", "number"),
    )

    id: UUID = Field(primary_key=True)
    number: int
    campaign_id: UUID
    url: str = Field(max_length=4000)
    digest: str = Field(max_length=64)
    created_at: datetime


class Engagement(TenantRow, table=True):
    """One opening or click that was seen. ``verdict``: ``human``, ``scanner``, ``proxy`` or ``unknown``."""

    __tablename__ = "engagements"
    __table_args__ = (
        belongs_to("deliveries", "delivery_id"),
        Index("ix_engagements_delivery", "tenant_id", "delivery_id", "occurred_at"),
    )

    id: UUID = Field(primary_key=True)
    delivery_id: UUID
    kind: str = Field(max_length=10)
    link_id: UUID | None = None
    url: str | None = Field(default=None, max_length=4000)
    verdict: str = Field(max_length=10)
    reasons: list[str] = Field(default_factory=list, sa_column=json_column())
    user_agent: str = Field(default="", max_length=500)
    address: str = Field(default="", max_length=45)
    occurred_at: datetime
