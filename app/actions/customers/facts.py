"""What callers say about customers, and the one form in which it is compared and stored."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.core.contact import check_text, normalise_email, normalise_locale, normalise_phone, normalise_timezone
from app.core.documents import check_name, check_size, check_value
from app.core.errors import Invalid, Issue, NotFound

EXTERNAL_ID = "external_id"
EMAIL = "email"
PHONE = "phone"
ANONYMOUS_ID = "anonymous_id"
NAME_KINDS = (EXTERNAL_ID, EMAIL, PHONE, ANONYMOUS_ID)
"""The kinds of names, strongest first: which one finds a person when several are given."""

RESERVED_ATTRIBUTES = frozenset({"id", *NAME_KINDS})
MAX_NAME_VALUE = 320
MAX_ATTRIBUTES = 300
MAX_ATTRIBUTE_BYTES = 10_000
CHANNELS = ("email", "sms", "push", "in_app", "whatsapp")
"""Ways to reach somebody; the graph's enum has the same."""
CONSENT_STATUSES = ("subscribed", "unsubscribed")
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
MAX_AHEAD = timedelta(hours=24)

Name = tuple[str, str]
"""A kind and a normalised value: what an identity stores."""


@dataclass(frozen=True, slots=True)
class CustomerRef:
    """One way to say which customer. ``kind``: ``id`` (then ``value`` is the UUID's hex) or one of ``NAME_KINDS``."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What an identify says; None says nothing about it.

    ``customer_id`` addresses a customer who must exist. An attribute of None is removed. ``consents`` maps a channel to
    ``subscribed`` or ``unsubscribed``.
    """

    customer_id: UUID | None = None
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    anonymous_id: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    timezone: str | None = None
    locale: str | None = None
    consents: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None

    @property
    def names(self) -> dict[str, str]:
        """The names given, by kind, strongest first."""
        given = {EXTERNAL_ID: self.external_id, EMAIL: self.email, PHONE: self.phone, ANONYMOUS_ID: self.anonymous_id}
        return {kind: value for kind, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Identified:
    """Whom an identify was about, whether they are new, and whether anything is different now."""

    customer_id: UUID
    created: bool
    changed: bool


def normalise_name(kind: str, value: object, path: str) -> str:
    """The stored form of a name. Raises :class:`Invalid` at ``path``."""
    if kind == EMAIL:
        return normalise_email(value, path)
    if kind == PHONE:
        return normalise_phone(value, path)
    if kind in NAME_KINDS:
        return check_text(value, path, longest=MAX_NAME_VALUE, shortest=1)
    raise Invalid.at(path, f"must be one of id, {', '.join(NAME_KINDS)}")


def normalise_ref(ref: CustomerRef, path: str = "customer") -> CustomerRef:
    """The reference with its value normalised. Raises :class:`Invalid`, or :class:`NotFound` for what is no UUID."""
    if ref.kind != "id":
        return CustomerRef(ref.kind, normalise_name(ref.kind, ref.value, path))
    try:
        return CustomerRef("id", UUID(ref.value).hex)
    except ValueError as broken:
        raise NotFound("customer", path) from broken


def normalise_facts(facts: CustomerFacts, now: datetime) -> CustomerFacts:
    """The facts as they are stored and compared. Raises one :class:`Invalid` that names every offending field."""
    issues: list[Issue] = []
    clean: dict[str, Any] = {"customer_id": facts.customer_id, "attributes": facts.attributes, "consents": {}}
    for kind, value in facts.names.items():
        with _gathering(issues):
            clean[kind] = normalise_name(kind, value, kind)
    if facts.timezone is not None:
        with _gathering(issues):
            clean["timezone"] = normalise_timezone(facts.timezone)
    if facts.locale is not None:
        with _gathering(issues):
            clean["locale"] = normalise_locale(facts.locale)
    if facts.created_at is not None:
        with _gathering(issues):
            clean["created_at"] = check_moment(facts.created_at, "created_at", now)
    for name, value in facts.attributes.items():
        with _gathering(issues):
            check_attribute(name, value)
    for channel, status in facts.consents.items():
        with _gathering(issues):
            check_consent(channel, status, f"consents.{channel}")
            clean["consents"][channel] = status
    if facts.customer_id is None and not facts.names:
        issues.append(
            Issue(EXTERNAL_ID, "an external id, an e-mail address, a phone number or an anonymous id is needed")
        )
    if issues:
        raise Invalid(*issues)
    return CustomerFacts(**clean)


@contextmanager
def _gathering(issues: list[Issue]) -> Iterator[None]:
    try:
        yield
    except Invalid as invalid:
        issues.extend(invalid.issues)


def check_attribute(name: str, value: object) -> None:
    """Raises :class:`Invalid` unless ``name`` may be an attribute and ``value`` its value; None removes it."""
    path = f"attributes.{name}"
    check_name(name, path)
    if name in RESERVED_ATTRIBUTES:
        raise Invalid.at(path, "is a name of the customer, not an attribute")
    check_value(value, path)
    check_size(value, path, MAX_ATTRIBUTE_BYTES)


def check_consent(channel: str, status: str, path: str) -> None:
    """Raises :class:`Invalid` unless ``channel`` is a channel's name and ``status`` says something about it."""
    if channel not in CHANNELS:
        raise Invalid.at(path, f"is not a channel ({', '.join(CHANNELS)})")
    if status not in CONSENT_STATUSES:
        raise Invalid.at(path, f"must be {' or '.join(CONSENT_STATUSES)}")


def check_moment(moment: datetime, path: str, now: datetime) -> datetime:
    """``moment`` in UTC. Raises :class:`Invalid` when it has no zone, is before 1970 or over 24 hours ahead."""
    if moment.tzinfo is None:
        raise Invalid.at(path, "must have a time zone")
    if moment < EARLIEST:
        raise Invalid.at(path, "must not be before 1970")
    if moment > now + MAX_AHEAD:
        raise Invalid.at(path, "must not be more than 24 hours in the future")
    return moment.astimezone(UTC)
