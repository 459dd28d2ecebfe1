"""Other people's servers that want to hear what happens, and every call that is owed to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field

from models.base import TenantRow, belongs_to, json_column

DUE = text("state = 'due'")


class ReportingWebhook(TenantRow, table=True):
    """Where events are reported. ``dialect``: whose payloads and signatures: ``customerio`` or ``silentchat``.

    ``secret`` is sealed. ``cursors`` is how far each topic of the feed has been turned into calls.
    """

    __tablename__ = "reporting_webhooks"
    __table_args__ = (UniqueConstraint("tenant_id", "number"),)

    id: UUID = Field(primary_key=True)
    number: int
    name: str = Field(max_length=200)
    endpoint: str = Field(max_length=2000)
    dialect: str = Field(max_length=20)
    events: list[str] = Field(sa_column=json_column())
    full_resolution: bool = False
    with_content: bool = False
    secret: str
    is_enabled: bool = True
    cursors: dict[str, int] = Field(default_factory=dict, sa_column=json_column())
    failing_since: datetime | None = None
    last_error: str | None = Field(default=None, max_length=2000)
    created_at: datetime
    updated_at: datetime


class WebhookCall(TenantRow, table=True):
    """One event owed to one webhook. ``state``: ``due``, ``done`` or ``dead`` (seven days have not helped).

    Calls of one ``ordering_id`` (a customer or a conversation) go out one after the other, in the order of
    ``position``. ``event_key`` makes a call once.
    """

    __tablename__ = "webhook_calls"
    __table_args__ = (
        belongs_to("reporting_webhooks", "webhook_id"),
        UniqueConstraint("tenant_id", "webhook_id", "event_key"),
        Index("ix_webhook_calls_due", "tenant_id", "webhook_id", "run_at", sqlite_where=DUE, postgresql_where=DUE),
        Index(
            "ix_webhook_calls_order",
            "tenant_id",
            "webhook_id",
            "ordering_id",
            "position",
            sqlite_where=DUE,
            postgresql_where=DUE,
        ),
        Index("ix_webhook_calls_ended", "ended_at"),
        Index("ix_webhook_calls_state", "tenant_id", "webhook_id", "state", "position"),
    )

    id: UUID = Field(primary_key=True)
    webhook_id: UUID
    ordering_id: UUID
    position: int = Field(sa_type=BigInteger)
    event_key: str = Field(max_length=150)
    event: str = Field(max_length=60)
    payload: dict[str, Any] = Field(sa_column=json_column())
    state: str = Field(default="due", max_length=10)
    attempts: int = 0
    run_at: datetime
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    status_code: int | None = None
    error: str | None = Field(default=None, max_length=2000)
    created_at: datetime
    ended_at: datetime | None = None
