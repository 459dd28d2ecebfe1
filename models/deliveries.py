"""Deliveries: one message to one person each, what was sent, and what came back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from models.base import TenantRow, belongs_to, json_column

QUEUED = text("state = 'queued'")
PARKED = text("due_at > '9998-12-30 00:00:00+00'")
"""With :data:`QUEUED`: it waits for its campaign, in words that fit the text of SQLite as well as Postgres."""
IN_HAND = text("state IN ('claimed', 'sending')")
QUEUED_AND_PARKED = text(f"{QUEUED.text} AND {PARKED.text}")
KNOWN = text("provider_message_id IS NOT NULL")


class Delivery(TenantRow, table=True):
    """One message to one person over one channel, sent or not.

    ``occurrence_id`` makes it once: the run's id, or what names one transactional send. ``state``: ``draft``,
    ``queued`` (until ``due_at``), ``claimed`` (in a worker's hands, nothing sent), ``sending`` (handed over, unknown
    how), ``sent``, ``delivered``, ``bounced``, ``failed``, ``skipped`` (a gate said no; ``reason`` names it),
    ``in_doubt`` (a worker was lost while it was ``sending``) or ``cancelled``. ``lane`` 0 is transactional, 1 the
    rest. ``priority`` is that of the campaign. ``recipient`` that is there before it is sent is used instead of the
    person's own address. ``is_test``: sent by hand to see what it looks like; asks for no consent and counts nowhere.
    ``decision`` is the list of gates with their values and verdicts. Each moment is when that first happened;
    ``human_…`` leaves out what machines did. The last instant of the year 9998 as ``due_at`` means: parked while its
    campaign is paused.

    ``data`` is what this one message was called with, all of it optional: ``data`` (``trigger`` in Liquid, over what
    the run brought along), ``event`` (the same in Liquid), ``content`` (subject, preheader, body, plain, from_address,
    reply_to, headers, fields: instead of what the content says, or of a content), ``language``, ``devices`` (of a push:
    ``all``, ``last_used`` or a token) and ``device`` (one that is not stored: token, platform), ``options``
    (is_tracked, is_retained, inlines_css, sends_to_unsubscribed: instead of the campaign's).
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        belongs_to("customers", "customer_id"),
        belongs_to("campaigns", "campaign_id"),
        belongs_to("campaign_runs", "run_id"),
        belongs_to("contents", "content_id", ondelete="NO ACTION"),
        UniqueConstraint("tenant_id", "occurrence_id", "customer_id", "channel"),
        Index(
            "ix_deliveries_due",
            "lane",
            "tenant_id",
            "channel",
            "priority",
            "due_at",
            sqlite_where=QUEUED,
            postgresql_where=QUEUED,
        ),
        Index("ix_deliveries_in_hand", "lease_until", sqlite_where=IN_HAND, postgresql_where=IN_HAND),
        Index("ix_deliveries_run", "tenant_id", "run_id", "state"),
        Index(
            "ix_deliveries_parked",
            "tenant_id",
            "campaign_id",
            "due_at",
            sqlite_where=QUEUED_AND_PARKED,
            postgresql_where=QUEUED_AND_PARKED,
        ),
        Index("ix_deliveries_campaign", "tenant_id", "campaign_id", "id"),
        Index("ix_deliveries_customer", "tenant_id", "customer_id", "id"),
        Index(
            "ix_deliveries_provider_message",
            "tenant_id",
            "provider_message_id",
            sqlite_where=KNOWN,
            postgresql_where=KNOWN,
        ),
    )

    id: UUID = Field(primary_key=True)
    customer_id: UUID
    campaign_id: UUID | None = None
    run_id: UUID | None = None
    occurrence_id: UUID
    content_id: UUID | None = None
    channel: str = Field(max_length=20)
    test_group: int | None = None
    lane: int = 1
    priority: int = 5
    is_test: bool = False
    state: str = Field(max_length=10)
    reason: str | None = Field(default=None, max_length=40)
    error: str | None = Field(default=None, max_length=2000)
    recipient: str = Field(default="", max_length=1000)
    subject: str = Field(default="", max_length=1000)
    data: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    decision: list[dict[str, Any]] | None = Field(default=None, sa_column=json_column(nullable=True))
    integration_id: UUID | None = None
    provider_message_id: str | None = Field(default=None, max_length=300)
    attempts: int = 0
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    due_at: datetime
    created_at: datetime
    attempted_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    opened_at: datetime | None = None
    human_opened_at: datetime | None = None
    clicked_at: datetime | None = None
    human_clicked_at: datetime | None = None
    converted_at: datetime | None = None
    bounced_at: datetime | None = None
    complained_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    failed_at: datetime | None = None


class ArchivedMessage(TenantRow, table=True):
    """What was handed to the provider, as it was handed over. ``fields`` is what the channel has besides."""

    __tablename__ = "archived_messages"
    __table_args__ = (belongs_to("deliveries", "delivery_id"),)

    delivery_id: UUID = Field(primary_key=True)
    from_address: str = Field(default="", max_length=500)
    reply_to: str = Field(default="", max_length=500)
    subject: str = Field(default="", max_length=2000)
    preheader: str = Field(default="", max_length=2000)
    body: str = ""
    plain: str = ""
    headers: list[dict[str, str]] = Field(default_factory=list, sa_column=json_column())
    fields: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    created_at: datetime
