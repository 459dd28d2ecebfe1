"""The rule language as a tree: what a segment's members have in common. ``docs/segments.md`` describes it.

A rule is true or false of a customer, never unknown: ``Not`` is the exact complement of what it holds. Make rules with
:func:`app.segments.read_rule`; what is built by hand must be checked like any other (write it with ``to_json`` and read
that). Compare their JSON rather than rules: to Python ``Equals(1)`` and ``Equals(True)`` are equal.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

Scalar = str | int | float | bool
Number = int | float
Path = tuple[str, ...]
"""The way to a value in a document: ``("plan",)``, or ``("address", "city")`` for a nested one."""
Moment = date | datetime
"""A whole day in UTC (a plain ``date``), or one moment (an aware ``datetime``)."""

UNITS = {"minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}
"""The units of a span, in seconds."""


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time as it was written: ``Span("days", 30)``."""

    unit: str
    amount: int

    @property
    def delta(self) -> timedelta:
        """The length."""
        return timedelta(seconds=self.seconds)

    @property
    def seconds(self) -> int:
        """The length in seconds."""
        return UNITS[self.unit] * self.amount


# ---- tests: what is asked of one value ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Equals:
    """The value is this one, and of its type: ``1`` is ``1.0``, but neither ``"1"`` nor ``true``."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class OneOf:
    """``in``: the value is one of these, which are all of one type."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """A text with this in it, case-sensitive. ``how``: contains, startsWith or endsWith."""

    how: Literal["contains", "startsWith", "endsWith"]
    text: str


@dataclass(frozen=True, slots=True)
class Has:
    """The value is a list that has this among its items."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Compares:
    """A number compared with this one. ``how``: lessThan, atMost, moreThan or atLeast."""

    how: Literal["lessThan", "atMost", "moreThan", "atLeast"]
    number: Number


@dataclass(frozen=True, slots=True)
class Between:
    """A number from ``low`` to ``high``, both included."""

    low: Number
    high: Number


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a value (or, not ``wanted``: there is none). JSON's null is none."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class Empty:
    """There is no value, or it is ``""``, ``[]`` or ``{}`` (or, not ``wanted``: it is none of these)."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class Before:
    """A moment earlier than this one; earlier than the beginning of this day."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class After:
    """A moment later than this one; after the end of this day."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class On:
    """A moment of this day in UTC."""

    day: date


@dataclass(frozen=True, slots=True)
class InTheLast:
    """A moment ``m`` with ``now - span < m <= now``."""

    span: Span


@dataclass(frozen=True, slots=True)
class LongerAgoThan:
    """A moment ``m`` with ``m <= now - span``."""

    span: Span


@dataclass(frozen=True, slots=True)
class WithinTheNext:
    """A moment ``m`` with ``now < m <= now + span``."""

    span: Span


@dataclass(frozen=True, slots=True)
class AnniversaryWithin:
    """The next return of the date's month and day is today or at most ``days`` days ahead, in UTC.

    The 29th of February returns on the 1st of March in years that have none.
    """

    days: int


TextTest = Equals | OneOf | Matches | Exists
NumberTest = Equals | Compares | Between
MomentTest = Before | After | On | InTheLast | LongerAgoThan | WithinTheNext | AnniversaryWithin
Test = Equals | OneOf | Matches | Has | Compares | Between | Exists | Empty | MomentTest
RELATIVE = (InTheLast, LongerAgoThan, WithinTheNext, AnniversaryWithin)
"""The tests whose answer changes with the clock."""


# ---- conditions: the leaves -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AttributeIs:
    """The customer's attribute at ``path`` passes the test."""

    path: Path
    test: Test


@dataclass(frozen=True, slots=True)
class FieldIs:
    """One of the customer's own fields passes the test: timezone, locale (texts), createdAt, updatedAt (moments)."""

    field: Literal["timezone", "locale", "createdAt", "updatedAt"]
    test: Test


@dataclass(frozen=True, slots=True)
class IdentityIs:
    """Some name of this kind passes the test. ``kind``: external_id, email, phone or anonymous_id."""

    kind: str
    test: TextTest


@dataclass(frozen=True, slots=True)
class HasDevice:
    """There is a device, of such a platform and last used then where these are given."""

    platform: Equals | OneOf | None = None
    last_used: MomentTest | None = None


@dataclass(frozen=True, slots=True)
class ConsentIs:
    """What the customer said about a channel. ``status``: subscribed, unsubscribed or unknown (never said)."""

    channel: str
    status: Literal["subscribed", "unsubscribed", "unknown"]


@dataclass(frozen=True, slots=True)
class InSegment:
    """The customer is a member of another segment."""

    segment_id: UUID


@dataclass(frozen=True, slots=True)
class PropertyIs:
    """The property at ``path`` of an event passes the test. Only inside ``Did.where``."""

    path: Path
    test: Test


@dataclass(frozen=True, slots=True)
class Window:
    """When an event happened, from ``start`` (included) to ``end`` (excluded). A whole day is included either way."""

    start: Moment | None = None
    end: Moment | None = None


@dataclass(frozen=True, slots=True)
class LastWindow:
    """An event ``m`` happened with ``now - span < m <= now``."""

    span: Span


@dataclass(frozen=True, slots=True)
class Count:
    """How many such events there are."""

    test: NumberTest


@dataclass(frozen=True, slots=True)
class Occurrence:
    """When the ``first`` or ``last`` such event happened. False where there is none."""

    which: Literal["first", "last"]
    test: MomentTest


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure over a property of such events: ``sum``, ``average``, ``minimum`` and ``maximum`` of those that are
    numbers, ``distinct`` the number of different texts, numbers and booleans.

    Of nothing, ``sum`` and ``distinct`` are 0 and the others make the condition false.
    """

    function: Literal["sum", "average", "minimum", "maximum", "distinct"]
    path: Path
    test: NumberTest


Measure = Count | Occurrence | Amount
AT_LEAST_ONCE = Count(Compares("atLeast", 1))


@dataclass(frozen=True, slots=True)
class Did:
    """The customer's events of this name, of which all of ``where`` is true, in the window, measure so."""

    name: str
    where: "tuple[PropertyRule, ...]" = ()
    within: Window | LastWindow | None = None
    measure: Measure = AT_LEAST_ONCE


HAS_ONE = Compares("atLeast", 1)


@dataclass(frozen=True, slots=True)
class HasConversation:
    """So many of the customer's conversations have one of these statuses, and began, have been waiting for an answer
    since, and were closed at such moments, where these are given. One that is not closed has no ``closed_at``."""

    status: Equals | OneOf | None = None
    created_at: MomentTest | None = None
    waiting_since: MomentTest | None = None
    closed_at: MomentTest | None = None
    count: NumberTest = HAS_ONE

    @property
    def moments(self) -> "dict[str, MomentTest]":
        """The tests of moments by column."""
        given = {"created_at": self.created_at, "waiting_since": self.waiting_since, "closed_at": self.closed_at}
        return {column: test for column, test in given.items() if test is not None}


@dataclass(frozen=True, slots=True)
class RatingIs:
    """The customer's last rating of a conversation, 1 to 5, passes the test. False of who never rated."""

    test: NumberTest


# ---- trees ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class And:
    """All of these are true. There is at least one."""

    rules: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of these is true."""

    rules: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """This is false."""

    rule: "Rule"


Leaf = AttributeIs | FieldIs | IdentityIs | HasDevice | ConsentIs | InSegment | Did | HasConversation | RatingIs
PropertyRule = And | Or | Not | PropertyIs
"""A tree over one event's properties: its leaves are ``PropertyIs``."""
Rule = And | Or | Not | Leaf | PropertyIs
"""A tree over a customer: its leaves are ``Leaf`` (``PropertyIs`` only below ``Did.where``)."""
