"""How a tenant sends: by which rules, and how often at most."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from models.base import TenantRow, belongs_to, json_column


class SendingPolicy(TenantRow, table=True):
    """A tenant's rules of sending; no row means the defaults.

    ``quiet_hours``: ``from`` and ``to`` (``21:00``, in the recipient's timezone) and ``channels``. ``timezone`` is that
    of people who have none. ``in_doubt``: by channel ``keep`` or ``resend``. ``soft_bounce_limit`` soft bounces in a
    row make an address suppressed.
    """

    __tablename__ = "sending_policies"
    __table_args__ = (belongs_to("domains", "tracking_domain_id", ondelete="NO ACTION"),)

    quiet_hours: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    timezone: str = Field(default="UTC", max_length=64)
    in_doubt: dict[str, str] = Field(default_factory=dict, sa_column=json_column())
    soft_bounce_limit: int = 5
    tracks_opens: bool = True
    tracks_clicks: bool = True
    tracking_domain_id: UUID | None = None
    updated_at: datetime


class FrequencyCap(TenantRow, table=True):
    """At most ``messages`` to one person in any ``window_s`` seconds; ``channel`` null: over all channels."""

    __tablename__ = "frequency_caps"

    id: UUID = Field(primary_key=True)
    name: str = Field(default="", max_length=200)
    channel: str | None = Field(default=None, max_length=20)
    messages: int
    window_s: int
    created_at: datetime
