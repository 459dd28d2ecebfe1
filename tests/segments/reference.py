"""What a rule means, in plain Python and in memory: the property tests hold both databases to this."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.documents import same_value
from app.segments.moments import read_moment
from app.segments.rules import (
    After,
    Amount,
    And,
    AnniversaryWithin,
    AttributeIs,
    Before,
    Between,
    Compares,
    ConsentIs,
    Count,
    Did,
    Empty,
    Equals,
    Exists,
    FieldIs,
    Has,
    HasConversation,
    HasDevice,
    IdentityIs,
    InSegment,
    InTheLast,
    LastWindow,
    LongerAgoThan,
    Matches,
    Not,
    Occurrence,
    On,
    OneOf,
    Or,
    PropertyIs,
    RatingIs,
    Window,
    WithinTheNext,
)

DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MISSING = object()


@dataclass
class Happened:
    name: str
    properties: dict[str, Any]
    occurred_at: datetime


@dataclass
class Talk:
    id: UUID
    status: str
    created_at: datetime
    waiting_since: datetime | None
    closed_at: datetime | None
    rating: int | None
    rated_at: datetime | None


@dataclass
class Person:
    """A customer with everything that a rule can ask about."""

    id: UUID
    status: str
    attributes: dict[str, Any]
    timezone: str | None
    locale: str | None
    created_at: datetime
    updated_at: datetime
    identities: list[tuple[str, str]] = field(default_factory=list)
    devices: list[tuple[str, datetime | None]] = field(default_factory=list)
    consents: dict[str, str] = field(default_factory=dict)
    events: list[Happened] = field(default_factory=list)
    segments: set[UUID] = field(default_factory=set)
    talks: list[Talk] = field(default_factory=list)


def is_member(rule: Any, person: Person, now: datetime) -> bool:
    return person.status == "active" and holds(rule, person, now)


def holds(rule: Any, person: Person, now: datetime) -> bool:
    match rule:
        case And(rules):
            return all(holds(inner, person, now) for inner in rules)
        case Or(rules):
            return any(holds(inner, person, now) for inner in rules)
        case Not(inner):
            return not holds(inner, person, now)
        case AttributeIs(path, test):
            return value_passes(test, value_at(person.attributes, path), now)
        case FieldIs("timezone" | "locale" as name, test):
            return text_passes(test, getattr(person, name))
        case FieldIs(name, test):
            return moment_passes(test, person.created_at if name == "createdAt" else person.updated_at, now)
        case IdentityIs(kind, test):
            values = [value for known, value in person.identities if known == kind]
            if isinstance(test, Exists):
                return bool(values) == test.wanted
            return any(text_passes(test, value) for value in values)
        case HasDevice():
            return any(device_passes(rule, device, now) for device in person.devices)
        case ConsentIs(channel, status):
            return person.consents.get(channel, "unknown") == status
        case InSegment(segment_id):
            return segment_id in person.segments
        case Did():
            return did(rule, person, now)
        case HasConversation():
            return number_passes(rule.count, sum(talk_passes(rule, talk, now) for talk in person.talks))
        case RatingIs(test):
            rated = sorted((talk.rated_at, talk.id.int, talk.rating) for talk in person.talks if talk.rated_at)
            return bool(rated) and number_passes(test, rated[-1][2])
    raise TypeError(rule)


def device_passes(rule: HasDevice, device: tuple[str, datetime | None], now: datetime) -> bool:
    platform, used = device
    if rule.platform is not None and not text_passes(rule.platform, platform):
        return False
    return rule.last_used is None or (used is not None and moment_passes(rule.last_used, used, now))


def talk_passes(rule: HasConversation, talk: Talk, now: datetime) -> bool:
    if rule.status is not None and not text_passes(rule.status, talk.status):
        return False
    asked = (
        (rule.created_at, talk.created_at),
        (rule.waiting_since, talk.waiting_since),
        (rule.closed_at, talk.closed_at),
    )
    return all(test is None or (at is not None and moment_passes(test, at, now)) for test, at in asked)


# ---- values ---------------------------------------------------------------------------------------------------------


def value_at(document: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(document, dict) or name not in document:
            return MISSING
        document = document[name]
    return MISSING if document is None else document


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_passes(test: Any, value: Any, now: datetime) -> bool:
    match test:
        case Exists(wanted):
            return (value is not MISSING) == wanted
        case Empty(wanted):
            return (value is MISSING or value in ("", [], {})) == wanted
        case Equals(one):
            return value is not MISSING and same_value(one, value)
        case OneOf(values):
            return value is not MISSING and any(same_value(one, value) for one in values)
        case Matches():
            return isinstance(value, str) and text_passes(test, value)
        case Has(one):
            return isinstance(value, list) and any(same_value(one, item) for item in value)
        case Compares() | Between():
            return is_number(value) and number_passes(test, value)
    moment = moment_of(value)
    return moment is not None and moment_passes(test, moment, now)


def text_passes(test: Any, text: str | None) -> bool:
    match test:
        case Exists(wanted):
            return (text is not None) == wanted
        case Equals(one):
            return text == one
        case OneOf(values):
            return text in values
        case Matches("contains", part):
            return text is not None and part in text
        case Matches("startsWith", part):
            return text is not None and text.startswith(part)
        case Matches(_, part):
            return text is not None and text.endswith(part)
    raise TypeError(test)


def number_passes(test: Any, number: Any) -> bool:
    match test:
        case Equals(one):
            return bool(number == one)
        case Between(low, high):
            return bool(low <= number <= high)
        case Compares("lessThan", one):
            return bool(number < one)
        case Compares("atMost", one):
            return bool(number <= one)
        case Compares("moreThan", one):
            return bool(number > one)
        case Compares(_, one):
            return bool(number >= one)
    raise TypeError(test)


# ---- moments --------------------------------------------------------------------------------------------------------


def moment_of(value: Any) -> datetime | None:
    if isinstance(value, str):
        found = read_moment(value)
        return found if found is None or isinstance(found, datetime) else midnight(found)
    if is_number(value) and -30_610_224_000 <= value <= 221_845_391_999:
        return EPOCH + timedelta(seconds=int(value // 1))
    return None


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def span_of(moment: Any) -> tuple[datetime, datetime]:
    """The first and last moment that a day or a moment stands for."""
    if isinstance(moment, datetime):
        return moment, moment
    return midnight(moment), midnight(moment) + DAY - timedelta(microseconds=1)


def moment_passes(test: Any, moment: datetime, now: datetime) -> bool:
    match test:
        case Before(when):
            return moment < span_of(when)[0]
        case After(when):
            return moment > span_of(when)[1]
        case On(day):
            return moment.astimezone(UTC).date() == day
        case InTheLast(span):
            return now - span.delta < moment <= now
        case LongerAgoThan(span):
            return moment <= now - span.delta
        case WithinTheNext(span):
            return now < moment <= now + span.delta
        case AnniversaryWithin(days):
            ahead = [now.date() + timedelta(days=n) for n in range(days + 1)]
            return any(comes_round(moment.astimezone(UTC).date(), day) for day in ahead)
    raise TypeError(test)


def comes_round(date_: date, day: date) -> bool:
    if (date_.month, date_.day) == (day.month, day.day):
        return True
    leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
    return (date_.month, date_.day, day.month, day.day) == (2, 29, 3, 1) and not leap


# ---- events ---------------------------------------------------------------------------------------------------------


def did(rule: Did, person: Person, now: datetime) -> bool:
    events = [event for event in person.events if event.name == rule.name and in_window(rule.within, event, now)]
    events = [event for event in events if all(property_holds(one, event, now) for one in rule.where)]
    match rule.measure:
        case Count(test):
            return number_passes(test, len(events))
        case Occurrence(which, test):
            moments = sorted(event.occurred_at for event in events)
            return bool(moments) and moment_passes(test, moments[0 if which == "first" else -1], now)
        case Amount(function, path, test):
            return figure_passes(function, [value_at(event.properties, path) for event in events], test)
    raise TypeError(rule)


def in_window(within: Any, event: Happened, now: datetime) -> bool:
    match within:
        case None:
            return True
        case LastWindow(span):
            return now - span.delta < event.occurred_at <= now
        case Window(start, end):
            late = end is not None and (
                event.occurred_at >= end if isinstance(end, datetime) else event.occurred_at > span_of(end)[1]
            )
            return (start is None or event.occurred_at >= span_of(start)[0]) and not late
    raise TypeError(within)


def property_holds(rule: Any, event: Happened, now: datetime) -> bool:
    match rule:
        case And(rules):
            return all(property_holds(inner, event, now) for inner in rules)
        case Or(rules):
            return any(property_holds(inner, event, now) for inner in rules)
        case Not(inner):
            return not property_holds(inner, event, now)
        case PropertyIs(path, test):
            return value_passes(test, value_at(event.properties, path), now)
    raise TypeError(rule)


def figure_passes(function: str, values: list[Any], test: Any) -> bool:
    if function == "distinct":
        scalars = [value for value in values if isinstance(value, str | int | float)]
        return number_passes(test, len({(isinstance(value, bool), isinstance(value, str), value) for value in scalars}))
    numbers = [Decimal(repr(value)) for value in values if is_number(value)]
    exact = decimal_test(test)
    if function == "sum":
        return number_passes(exact, sum(numbers, Decimal()))
    if not numbers:
        return False
    if function == "average":
        return average_passes(exact, sum(numbers, Decimal()), len(numbers))
    return number_passes(exact, min(numbers) if function == "minimum" else max(numbers))


def decimal_test(test: Any) -> Any:
    match test:
        case Equals(one):
            return Equals(Decimal(repr(one)))  # type: ignore[arg-type]
        case Between(low, high):
            return Between(Decimal(repr(low)), Decimal(repr(high)))  # type: ignore[arg-type]
    return Compares(test.how, Decimal(repr(test.number)))  # type: ignore[arg-type]


def average_passes(test: Any, total: Decimal, count: int) -> bool:
    match test:
        case Equals(one):
            return bool(total == one * count)
        case Between(low, high):
            return bool(low * count <= total <= high * count)
    return number_passes(Compares(test.how, test.number * count), total)
