"""What customers did."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from models.base import TenantRow, belongs_to, json_column

ANONYMOUS = text("customer_id IS NULL")
KEYED = text("idempotency_key IS NOT NULL")


class Event(TenantRow, table=True):
    """One fact about a person. ``occurred_at`` is when it happened, ``received_at`` when we were told.

    An anonymous event has no customer until its ``anonymous_id`` is joined to one. Two equal rows are two events:
    only an equal idempotency key makes them one.
    """

    __tablename__ = "events"
    __table_args__ = (
        belongs_to("customers", "customer_id", ondelete="CASCADE"),
        Index("ix_events_customer", "tenant_id", "customer_id", "occurred_at", "id"),
        Index("ix_events_customer_name", "tenant_id", "customer_id", "name", "occurred_at"),
        Index("ix_events_occurred", "tenant_id", "occurred_at", "id"),
        Index("ix_events_name", "tenant_id", "name", "occurred_at"),
        Index("ix_events_anonymous", "tenant_id", "anonymous_id", sqlite_where=ANONYMOUS, postgresql_where=ANONYMOUS),
        Index("uq_events_key", "tenant_id", "idempotency_key", unique=True, sqlite_where=KEYED, postgresql_where=KEYED),
    )

    id: UUID = Field(primary_key=True)
    customer_id: UUID | None = None
    anonymous_id: str | None = Field(default=None, max_length=320)
    name: str = Field(max_length=150)
    properties: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    occurred_at: datetime
    received_at: datetime
    source: str = Field(max_length=20)
    idempotency_key: str | None = Field(default=None, max_length=200)
