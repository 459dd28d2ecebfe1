"""What the gates go by: everything that is known of one message and its recipient at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Person:
    """The recipient. ``status`` as :class:`models.Customer` has it; ``suppressed_at``: to be left alone altogether."""

    status: str
    suppressed_at: datetime | None
    timezone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Suppressed:
    """An entry of the suppression list that holds for the message's address."""

    address: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Topic:
    """What the message is about. ``status`` is what the person said about it: None if they never did."""

    id: UUID
    name: str
    subscribed_by_default: bool
    status: str | None

    @property
    def is_subscribed(self) -> bool:
        """What the person said, or else what silence means."""
        return self.subscribed_by_default if self.status is None else self.status == "subscribed"


@dataclass(frozen=True, slots=True)
class Cap:
    """A frequency cap that holds for the message, and how many messages the person got in its window (``sent``)."""

    name: str
    channel: str | None
    messages: int
    window_s: int
    sent: int


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Nothing goes out from ``start`` to ``end``, in the recipient's timezone; they may span midnight."""

    start: time
    end: time
    channels: frozenset[str] | None = None
    """None: all of them."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One message. What does not hold for it is left out: no caps for those that ignore them, and so on.

    ``addresses``: where it can go: the e-mail address or phone number, or the devices' names; ``needs_address`` is
    False for channels that have none. ``consent`` is what the person said about the channel. ``asks_consent`` is False
    for what is sent to those who unsubscribed too. ``control_share``: per mille of the audience who get nothing; who is
    among them (``in_control``) is stopped. ``slot``: of a throttled campaign, the moment at which it is its turn.
    """

    channel: str
    person: Person
    addresses: Sequence[str] = ()
    needs_address: bool = True
    suppressed: Suppressed | None = None
    consent: str | None = None
    topic: Topic | None = None
    asks_consent: bool = True
    caps: Sequence[Cap] = ()
    quiet_hours: QuietHours | None = None
    slot: datetime | None = None
    per_second: int | None = None
    control_share: int = 0
    in_control: bool = False
    is_in_audience: bool = True
