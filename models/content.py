"""What is said: senders, layouts, snippets, and the contents of campaigns."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import TenantRow, belongs_to, json_column


class Sender(TenantRow, table=True):
    """From whom messages come. ``kind``: ``email`` or ``phone``, which says what ``address`` is."""

    __tablename__ = "senders"
    __table_args__ = (UniqueConstraint("tenant_id", "number"), UniqueConstraint("tenant_id", "kind", "address", "name"))

    id: UUID = Field(primary_key=True)
    number: int
    kind: str = Field(max_length=10)
    name: str = Field(default="", max_length=200)
    address: str = Field(max_length=320)
    created_at: datetime
    updated_at: datetime


class Layout(TenantRow, table=True):
    """A frame around e-mails: ``body`` is Liquid with ``{{ content }}`` in it."""

    __tablename__ = "layouts"
    __table_args__ = (UniqueConstraint("tenant_id", "number"), UniqueConstraint("tenant_id", "name"))

    id: UUID = Field(primary_key=True)
    number: int
    name: str = Field(max_length=200)
    body: str
    created_at: datetime
    updated_at: datetime


class Snippet(TenantRow, table=True):
    """A piece of Liquid that contents use by its name: ``{{ snippets.footer }}``."""

    __tablename__ = "snippets"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=150)
    value: str = Field(max_length=16_000)
    created_at: datetime
    updated_at: datetime


class Content(TenantRow, table=True):
    """What one test group of a campaign is sent in one language over one channel.

    ``language`` "" is what everybody gets who has no better one. ``body`` is HTML of an e-mail, and the text of every
    other channel. ``fields`` is what else a channel has: of a push ``title``, ``image_url``, ``link``, ``sound``,
    ``custom_data``; of a webhook ``url``, ``method``; of an e-mail ``cc``, ``bcc``, ``amp``. All texts are Liquid.
    ``version`` goes up with every change.
    """

    __tablename__ = "contents"
    __table_args__ = (
        belongs_to("campaigns", "campaign_id"),
        belongs_to("senders", "sender_id", ondelete="NO ACTION"),
        belongs_to("layouts", "layout_id", ondelete="NO ACTION"),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "campaign_id", "channel", "test_group", "language"),
    )

    id: UUID = Field(primary_key=True)
    number: int
    campaign_id: UUID
    channel: str = Field(max_length=20)
    test_group: int = 0
    language: str = Field(default="", max_length=35)
    name: str = Field(default="", max_length=200)
    sender_id: UUID | None = None
    from_address: str = Field(default="", max_length=500)
    reply_to: str = Field(default="", max_length=500)
    layout_id: UUID | None = None
    subject: str = Field(default="", max_length=2000)
    preheader: str = Field(default="", max_length=2000)
    body: str = ""
    plain: str | None = None
    headers: list[dict[str, str]] = Field(default_factory=list, sa_column=json_column())
    fields: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    version: int = 1
    created_at: datetime
    updated_at: datetime
