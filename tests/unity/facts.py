"""What can be said of a customer, whatever the dialect, and the values in which it is said.

A new kind of fact is a class here, a strategy in :data:`FACTS`, and a method ``say_<kind>`` on every mouth that can.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

EXTERNAL_ID, EMAIL, BROWSER = "ada/1", "ada@example.com", "browser-1"
"""The person whom every fact is about: known by these before it is said."""
OTHER_ID, OTHER_EMAIL = "bob", "bob@example.com"
"""A second person, known as well."""
UNCLAIMED = "browser-2"
"""A browser that has done something and is nobody's yet."""


@dataclass(frozen=True)
class Attributes:
    """Of the tenant's own; None removes one."""

    values: dict[str, Any]


@dataclass(frozen=True)
class Email:
    address: str


@dataclass(frozen=True)
class Phone:
    number: str


@dataclass(frozen=True)
class ExternalId:
    """A new id of the tenant's instead of the present one."""

    value: str


@dataclass(frozen=True)
class Place:
    """Where they are and what they speak."""

    timezone: str
    locale: str


@dataclass(frozen=True)
class KnownSince:
    moment: datetime


@dataclass(frozen=True)
class EmailConsent:
    subscribed: bool


@dataclass(frozen=True)
class Consent:
    """About a channel that is not e-mail."""

    channel: str
    subscribed: bool


@dataclass(frozen=True)
class Device:
    token: str
    platform: str
    attributes: dict[str, Any] | None
    last_used: datetime | None


@dataclass(frozen=True)
class DeviceGone:
    token: str


@dataclass(frozen=True)
class Suppressed:
    """True, or False after having been so."""

    yes: bool


@dataclass(frozen=True)
class Happened:
    """An event. ``twice``: it is sent again under the same key."""

    name: str
    properties: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    key: str | None = None
    twice: bool = False


@dataclass(frozen=True)
class Alias:
    """A browser, with what was done in it, is theirs."""

    browser: str


@dataclass(frozen=True)
class Merged:
    """The second person is them; or, with ``nobody``, somebody unknown is."""

    nobody: bool = False


@dataclass(frozen=True)
class Deleted:
    """Not known any more. ``twice``: said once more, of somebody unknown."""

    twice: bool = False


Fact = (
    Attributes
    | Email
    | Phone
    | ExternalId
    | Place
    | KnownSince
    | EmailConsent
    | Consent
    | Device
    | DeviceGone
    | Suppressed
    | Happened
    | Alias
    | Merged
    | Deleted
)

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(-1000, 1000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1.0, 0.1, -0.0, 1e-7, 1e15, 1e16, 2**53 + 1, 2**63 - 1, -(2**63)]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, text, st.sampled_from(["", " ", "true", "1", "x" * 1001]))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=5
)
attribute_names = st.one_of(
    st.sampled_from(["plan", "old", "größe", "two words", "a.b", "$type", "Email", "createdAt", "first_name"]),
    text.filter(lambda name: name not in SPOKEN_FOR),
)
SPOKEN_FOR = {
    "id",
    "email",
    "phone",
    "created_at",
    "anonymous_id",
    "external_id",
    "timezone",
    "language",
    "locale",
    "unsubscribed",
    "_update",
    "cio_id",
    "cio_relationships",
}
"""Names that one of the dialects keeps for itself."""
moments = st.one_of(
    st.integers(-2_000_000, 1_767_225_600).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.sampled_from([datetime(1970, 1, 1, tzinfo=UTC), datetime(2399, 1, 1, tzinfo=UTC)]),
)
addresses = st.sampled_from(
    [
        "new@example.com",
        "  New@Example.COM ",
        "ADA@example.com",
        "ada@bücher.example",
        "ada@xn--bcher-kva.example",
        "ada+tag@example.com",
        OTHER_EMAIL,
        "BOB@EXAMPLE.com",
        "nobody",
        "a@b@c",
        "a b@example.com",
    ]
)
phones = st.sampled_from(
    ["+14155552671", "+1 (415) 555-2671", " +49 30 901820 ", "+44 (0)20 7946 0018", "004930901820", "4155552671", "+1"]
)
external_ids = st.sampled_from(["ADA/1", "ada/2", "42", "ada 1", "a@b", OTHER_ID, "BOB", "ünï", EXTERNAL_ID, "x" * 321])
timezones = st.sampled_from(
    ["Europe/Berlin", " Europe/Berlin ", "UTC", "europe/berlin", "Mars/Base", "America/New_York"]
)
locales = st.sampled_from(["en", "EN_us", "de-CH", "zh-hant-tw", "english please", "sr_Latn", "de-CH-1996"])
platforms = st.sampled_from(["ios", "android", "web", "iOS", "windows phone"])
tokens = st.sampled_from(["token-1", "token-2", "tökén", "a/b c", "x" * 1001])
names = st.one_of(st.sampled_from(["bought", "Signed Up", "ünï", "x" * 150, "x" * 151]), text.filter(bool))
keys = st.none() | st.sampled_from(["01HXYZ", "a key", "k" * 201])
event_properties = st.dictionaries(text.filter(lambda name: name not in ("$type", "$name")), values, max_size=3)

FACTS: dict[type, st.SearchStrategy[Any]] = {
    Attributes: st.builds(Attributes, st.dictionaries(attribute_names, values, max_size=3)),
    Email: st.builds(Email, addresses),
    Phone: st.builds(Phone, phones),
    ExternalId: st.builds(ExternalId, external_ids),
    Place: st.builds(Place, timezones, locales),
    KnownSince: st.builds(KnownSince, moments),
    EmailConsent: st.builds(EmailConsent, st.booleans()),
    Consent: st.builds(Consent, st.sampled_from(["sms", "push", "in_app", "whatsapp"]), st.booleans()),
    Device: st.builds(
        Device,
        tokens,
        platforms,
        st.none() | st.dictionaries(st.sampled_from(["app", "os version"]), values, max_size=2),
        st.none() | moments,
    ),
    DeviceGone: st.builds(DeviceGone, st.sampled_from(["token-1", "token of nobody"])),
    Suppressed: st.builds(Suppressed, st.booleans()),
    Happened: st.builds(Happened, names, event_properties, st.none() | moments, keys, st.booleans()),
    Alias: st.builds(Alias, st.sampled_from([UNCLAIMED, BROWSER, "browser nobody saw", "b" * 321])),
    Merged: st.builds(Merged, st.booleans()),
    Deleted: st.builds(Deleted, st.booleans()),
}
"""Every fact and what is said of it."""
