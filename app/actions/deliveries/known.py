"""What is known about a batch of messages before it is decided: people, campaigns, contents, rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.gates import Cap, QuietHours, Suppressed, Topic

ADDRESS_KINDS = {"email": "email", "sms": "phone", "whatsapp": "phone"}
"""Which of a person's names is their address on a channel. The other channels have none."""


@dataclass(slots=True)
class Recipient:
    """A person as templates and gates know them. ``attributes`` is JSON text: it is read where it is rendered."""

    id: UUID
    status: str
    attributes: str
    timezone: str | None
    locale: str | None
    suppressed_at: datetime | None
    created_at: datetime
    names: dict[str, str] = field(default_factory=dict)
    consent: str | None = None
    topics: dict[UUID, str] = field(default_factory=dict)
    devices: list["DeviceFacts"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device of the recipient."""

    token: str
    platform: str
    attributes: Mapping[str, Any]
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """What a campaign says of its messages."""

    id: UUID
    kind: str
    status: str
    topic_id: UUID | None
    throttle_per_s: int | None
    control_share: int
    ignores_caps: bool
    ignores_quiet_hours: bool
    sends_to_unsubscribed: bool
    is_tracked: bool
    is_retained: bool
    inlines_css: bool
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """Which content it is and in which version; ``stamps`` change with its layout and its sender."""

    id: UUID
    campaign_id: UUID
    channel: str
    test_group: int
    language: str
    version: int
    layout_id: UUID | None
    stamps: tuple[datetime | None, ...]


@dataclass(frozen=True, slots=True)
class CapFacts:
    """A frequency cap, and how many messages of its window each person has had."""

    name: str
    channel: str | None
    messages: int
    window_s: int
    sent: Mapping[UUID, int]

    def of(self, customer_id: UUID, more: int) -> Cap:
        """The cap for one person who gets ``more`` messages within this batch."""
        sent = self.sent.get(customer_id, 0) + more
        return Cap(self.name, self.channel, self.messages, self.window_s, sent)


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """The tenant's rules of sending. ``tracking_host``: where its links lead; None: to this server's own. ``resends``:
    the channels whose messages in doubt are sent again."""

    quiet_hours: QuietHours | None = None
    timezone: str = "UTC"
    tracks_opens: bool = True
    tracks_clicks: bool = True
    tracking_host: str | None = None
    resends: frozenset[str] = frozenset()


@dataclass(slots=True)
class Gathered:
    """Everything about a batch. ``people`` has the recipients by the customer a delivery names: of somebody who was
    merged it is the one they are now. ``snippets`` changes whenever a snippet does."""

    now: datetime
    people: dict[UUID, Recipient] = field(default_factory=dict)
    campaigns: dict[UUID, CampaignFacts] = field(default_factory=dict)
    topics: dict[UUID, Topic] = field(default_factory=dict)
    runs: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    contents: list[ContentFacts] = field(default_factory=list)
    suppressed: dict[str, Suppressed] = field(default_factory=dict)
    caps: list[CapFacts] = field(default_factory=list)
    policy: PolicyFacts = field(default_factory=PolicyFacts)
    snippets: tuple[int, datetime | None] = (0, None)


@lru_cache(maxsize=1024)
def timezone_of(name: str) -> ZoneInfo:
    """The timezone of that name, which was checked when it was stored."""
    return ZoneInfo(name)
