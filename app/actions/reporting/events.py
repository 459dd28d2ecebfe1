"""What can be reported in which dialect, and which topics of the feed say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from app.core.errors import Invalid
from app.core.feed import DELIVERIES_TOPIC, INBOX_TOPIC, REPORTED_TOPIC
from models import FeedEntry

CUSTOMERIO, SILENTCHAT = "customerio", "silentchat"

METRICS = {
    "drafted": "drafted",
    "attempted": "attempted",
    "sent": "sent",
    "delivered": "delivered",
    "deferred": "deferred",
    "opened": "opened",
    "clicked": "clicked",
    "converted": "converted",
    "bounced": "bounced",
    "complained": "spammed",
    "unsubscribed": "unsubscribed",
    "suppressed": "dropped",
    "skipped": "undeliverable",
    "failed": "failed",
}
"""Our metrics that Customer.io reports, and its words for them."""

OBJECTS = ("email", "push", "sms", "in_app", "whatsapp", "webhook", "slack")
PREFERENCES = "customer_subscription_preferences_changed"
CUSTOMER_EVENTS = {
    "customer.subscribed": ("customer_subscribed", "subscribed"),
    "customer.unsubscribed": ("customer_unsubscribed", "unsubscribed"),
    "customer.preferences_changed": (PREFERENCES, "cio_subscription_preferences_changed"),
}
"""Entries about a person's consent: the name in a webhook's list, and the ``metric`` of the payload."""

CUSTOMERIO_EVENTS = frozenset(
    {
        *(name for name, _ in CUSTOMER_EVENTS.values()),
        "customer_cio_subscription_preferences_changed",
        *(f"{kind}_{metric}" for kind in OBJECTS for metric in METRICS.values()),
        "sms_replied",
        "whatsapp_replied",
    }
)
"""Every name that Customer.io's own list may hold; those of slack and of replies never happen here."""

SILENTCHAT_EVENTS = frozenset(
    {
        "conversation.created",
        "conversation.closed",
        "conversation.assigned",
        "message.created",
        "contact.created",
        "contact.updated",
        "visitor.identified",
        "widget.installed",
        "subscription.updated",
    }
)

EVENTS = {CUSTOMERIO: CUSTOMERIO_EVENTS, SILENTCHAT: SILENTCHAT_EVENTS}
TOPICS = {CUSTOMERIO: (DELIVERIES_TOPIC,), SILENTCHAT: (INBOX_TOPIC, REPORTED_TOPIC)}
"""Which topics each dialect follows; cursors of a replay are those of the first."""

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Owed:
    """A call that an entry of the feed makes: the event's name in the webhook's list, and the whole body."""

    entry: FeedEntry
    ordering_id: UUID
    event: str
    payload: Mapping[str, Any]

    @property
    def key(self) -> str:
        """What makes the call once."""
        return f"{self.entry.topic}:{self.entry.position}"


def event_id(entry: FeedEntry) -> str:
    """A ULID that is the same whenever, and to whomever, the entry is reported: its receiver may go by it."""
    milliseconds = int(entry.created_at.timestamp() * 1000)
    named = f"{entry.tenant_id.hex}:{entry.topic}:{entry.position}".encode()
    number = (milliseconds << 80) | int.from_bytes(blake2b(named, digest_size=10).digest(), "big")
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -5, -5))


def unix(moment: datetime) -> int:
    """Whole unix seconds."""
    return int(moment.timestamp())


def checked_events(dialect: str, events: Sequence[str]) -> list[str]:
    """The events without doubles. Raises :class:`Invalid` at ``dialect`` or ``events``."""
    known = EVENTS.get(dialect)
    if known is None:
        raise Invalid.at("dialect", f"must be one of {', '.join(EVENTS)}")
    if not events:
        raise Invalid.at("events", "must not be empty")
    for place, event in enumerate(events):
        if event not in known:
            raise Invalid.at(f"events.{place}", "is not an event that can be reported")
    return list(dict.fromkeys(events))
