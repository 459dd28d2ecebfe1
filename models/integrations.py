"""Over which providers a tenant sends."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import TenantRow, json_column


class Integration(TenantRow, table=True):
    """A provider over which a channel's messages go.

    ``kind``: outbox, smtp, telnyx, twilio, web_push, fcm, apns, webhook or chat. ``settings`` may be read;
    ``credentials`` are sealed by :mod:`app.core.sealing` and never shown. ``callback_key`` is the public name under
    which the provider calls us back. Of each channel the one that ``is_default`` is used.
    """

    __tablename__ = "integrations"
    __table_args__ = (UniqueConstraint("tenant_id", "number"), UniqueConstraint("callback_key"))

    id: UUID = Field(primary_key=True)
    number: int
    name: str = Field(max_length=200)
    kind: str = Field(max_length=20)
    channel: str = Field(max_length=20)
    settings: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    credentials: str | None = None
    callback_key: str = Field(max_length=40)
    is_default: bool = False
    is_enabled: bool = True
    last_error: str | None = Field(default=None, max_length=2000)
    failed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
