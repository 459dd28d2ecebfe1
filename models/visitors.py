"""The visitors who come to widgets, and the pages they look at."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from models.base import TenantRow, belongs_to


class Visitor(TenantRow, table=True):
    """A browser in which a widget was opened.

    ``customer_id`` is set once it is known who that is. ``proven_id`` is the external id that the tenant's own server
    vouched for (an HMAC); it alone, and no merge of customers, lets a visitor see conversations begun elsewhere.
    """

    __tablename__ = "visitors"
    __table_args__ = (
        belongs_to("widgets", "widget_id"),
        belongs_to("customers", "customer_id"),
        Index("ix_visitors_customer", "tenant_id", "customer_id"),
        Index("ix_visitors_proven", "tenant_id", "proven_id"),
        Index("ix_visitors_seen", "tenant_id", "seen_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    widget_id: UUID
    customer_id: UUID | None = None
    proven_id: str | None = Field(default=None, max_length=150)
    name: str = Field(default="", max_length=200)
    email: str | None = Field(default=None, max_length=320)
    locale: str | None = Field(default=None, max_length=35)
    timezone: str | None = Field(default=None, max_length=64)
    user_agent: str = Field(default="", max_length=500)
    referrer: str = Field(default="", max_length=2000)
    page_url: str = Field(default="", max_length=2000)
    page_title: str = Field(default="", max_length=300)
    page_count: int = 0
    session_version: int = 0
    created_at: datetime
    seen_at: datetime


class VisitorPage(TenantRow, table=True):
    """A page that a visitor looked at. The latest hundred are kept."""

    __tablename__ = "visitor_pages"
    __table_args__ = (
        belongs_to("visitors", "visitor_id"),
        Index("ix_visitor_pages_visitor", "tenant_id", "visitor_id", "seen_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    visitor_id: UUID
    url: str = Field(max_length=2000)
    title: str = Field(default="", max_length=300)
    seen_at: datetime
