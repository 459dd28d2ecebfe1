"""From JSON to a rule. The shape is checked here, whether the rule can ever be true in :mod:`app.segments.checking`."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from app.core.contact import normalise_email, normalise_phone
from app.core.documents import check_name
from app.core.errors import Invalid, Issue
from app.core.ids import parse_id
from app.segments.limits import MAX_CONDITIONS, MAX_COUNT, MAX_DECIMALS, MAX_DEPTH, MAX_RATING
from app.segments.operators import MOMENTS, NUMBERS, PROPERTIES, TEXTS, VALUES, WORDS, parse_test
from app.segments.rules import (
    AT_LEAST_ONCE,
    Amount,
    And,
    AttributeIs,
    Between,
    Compares,
    ConsentIs,
    Count,
    Did,
    Equals,
    FieldIs,
    HasConversation,
    HasDevice,
    IdentityIs,
    InSegment,
    LastWindow,
    Matches,
    Measure,
    Not,
    NumberTest,
    Occurrence,
    OneOf,
    Or,
    PropertyIs,
    PropertyRule,
    RatingIs,
    Rule,
    Test,
    Window,
)
from app.segments.shapes import (
    gathering,
    read_list,
    read_moment_at,
    read_object,
    read_only_pair,
    read_span,
    read_way,
    read_whole,
)

GROUPS = ("and", "or", "not")
IDENTITY_KINDS = ("external_id", "email", "phone", "anonymous_id")
CHANNELS = ("email", "sms", "push", "in_app", "whatsapp")
STATUSES = ("subscribed", "unsubscribed", "unknown")
TALK_STATUSES = ("open", "pending", "snoozed", "closed")
TALK_MOMENTS = {"createdAt": "created_at", "waitingSince": "waiting_since", "closedAt": "closed_at"}
FIGURES = ("sum", "average", "minimum", "maximum", "distinct")
MEASURES = ("count", "first", "last", *FIGURES)
EVENT_KEYS = ("name", "where", "within", *MEASURES)


def parse_rule(document: object, path: str = "rule") -> Rule:
    """The rule that a JSON document describes. Names are normalised as identities are (e-mail in lower case, E.164).

    Raises one :class:`Invalid` whose issues name every offending condition by its path below ``path``
    (``rule.and.2.attribute.is.between``), or the limit that the rule exceeds. Contradictions are not looked for.
    """
    _check_limits(document, path)
    rule: Rule = _parse(document, path, LEAVES)
    return rule


def _check_limits(document: object, path: str) -> None:
    """Counts conditions and levels without recursion, so that no document can be too deep to be refused."""
    conditions, waiting = 0, [(document, path, 1)]
    while waiting:
        rule, at, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise Invalid.at(at, f"is nested more than {MAX_DEPTH} levels deep (MAX_DEPTH)")
        below = _below(rule, at)
        if not below or not _is_group(rule):
            conditions += 1
        if conditions > MAX_CONDITIONS:
            raise Invalid.at(path, f"must have at most {MAX_CONDITIONS} conditions (MAX_CONDITIONS)")
        waiting += [(inner, inner_path, depth + 1) for inner, inner_path in below]


def _is_group(rule: object) -> bool:
    return isinstance(rule, Mapping) and any(key in rule for key in GROUPS)


def _below(rule: object, path: str) -> list[tuple[object, str]]:
    """What may be rules inside this one, whether or not it is well-formed."""
    if not isinstance(rule, Mapping):
        return []
    found = [(inner, f"{path}.{key}.{place}") for key in ("and", "or") for place, inner in _items(rule.get(key))]
    if "not" in rule:
        found.append((rule["not"], f"{path}.not"))
    event = rule.get("event")
    if isinstance(event, Mapping):
        found += [(inner, f"{path}.event.where.{place}") for place, inner in _items(event.get("where"))]
    return found


def _items(value: object) -> list[tuple[int, object]]:
    return list(enumerate(value)) if isinstance(value, list) else []


Readers = dict[str, Callable[[object, str], Any]]


def _parse(document: object, path: str, leaves: Readers) -> Any:
    key, value = read_only_pair(document, path, (*GROUPS, *leaves), "condition")
    below = f"{path}.{key}"
    if key == "not":
        return Not(_parse(value, below, leaves))
    if key in GROUPS:
        rules = _parse_all(value, below, leaves)
        return And(rules) if key == "and" else Or(rules)
    return leaves[key](value, below)


def _parse_all(value: object, path: str, leaves: Readers) -> tuple[Any, ...]:
    issues: list[Issue] = []
    rules = []
    for place, rule in enumerate(read_list(value, path)):
        with gathering(issues):
            rules.append(_parse(rule, f"{path}.{place}", leaves))
    if issues:
        raise Invalid(*issues)
    return tuple(rules)


# ---- leaves ---------------------------------------------------------------------------------------------------------


def _attribute(value: object, path: str) -> AttributeIs:
    given = read_object(value, path, ("name", "path", "is"), ("is",))
    return AttributeIs(read_way(given, path, "name"), parse_test(given["is"], f"{path}.is", VALUES))


def _property(value: object, path: str) -> PropertyIs:
    given = read_object(value, path, ("name", "path", "is"), ("is",))
    return PropertyIs(read_way(given, path, "name"), parse_test(given["is"], f"{path}.is", PROPERTIES))


def _identity(value: object, path: str) -> IdentityIs:
    given = read_object(value, path, ("kind", "is"), ("kind", "is"))
    kind = _word(given["kind"], f"{path}.kind", IDENTITY_KINDS)
    test: Any = parse_test(given["is"], f"{path}.is", TEXTS)
    return IdentityIs(kind, _normal(kind, test, f"{path}.is"))


def _normal(kind: str, test: Any, path: str) -> Any:
    """The test with its texts in the form in which names of this kind are stored."""
    normalise = {"email": normalise_email, "phone": normalise_phone}.get(kind)
    if normalise is None:
        return test
    match test:
        case Equals(value):
            return Equals(normalise(value, f"{path}.equals"))
        case OneOf(values):
            return OneOf(tuple(normalise(value, f"{path}.in.{place}") for place, value in enumerate(values)))
        case Matches(how, text) if kind == "email":
            return Matches(how, text.lower())
    return test


def _device(value: object, path: str) -> HasDevice:
    given = read_object(value, path, ("platform", "lastUsedAt"))
    platform: Any = parse_test(given["platform"], f"{path}.platform", WORDS) if "platform" in given else None
    used: Any = parse_test(given["lastUsedAt"], f"{path}.lastUsedAt", MOMENTS) if "lastUsedAt" in given else None
    return HasDevice(platform, used)


def _consent(value: object, path: str) -> ConsentIs:
    given = read_object(value, path, ("channel", "is"), ("channel", "is"))
    status: Any = _word(given["is"], f"{path}.is", STATUSES)
    return ConsentIs(_word(given["channel"], f"{path}.channel", CHANNELS), status)


def _field(field: Any, operators: tuple[str, ...]) -> Callable[[object, str], FieldIs]:
    def read(value: object, path: str) -> FieldIs:
        given = read_object(value, path, ("is",), ("is",))
        return FieldIs(field, parse_test(given["is"], f"{path}.is", operators))

    return read


def _segment(value: object, path: str) -> InSegment:
    given = read_object(value, path, ("id",), ("id",))
    segment_id: UUID = parse_id("segment", given["id"], f"{path}.id")
    return InSegment(segment_id)


def _word(value: object, path: str, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise Invalid.at(path, f"must be one of {', '.join(words)}")
    return value


# ---- conversations --------------------------------------------------------------------------------------------------


def _conversation(value: object, path: str) -> HasConversation:
    given = read_object(value, path, ("status", *TALK_MOMENTS, "count"))
    tests: dict[str, Any] = {
        column: parse_test(given[key], f"{path}.{key}", MOMENTS) for key, column in TALK_MOMENTS.items() if key in given
    }
    if "status" in given:
        tests["status"] = _status(parse_test(given["status"], f"{path}.status", WORDS), f"{path}.status")
    if "count" in given:
        tests["count"] = _whole(parse_test(given["count"], f"{path}.count", NUMBERS), f"{path}.count")
    return HasConversation(**tests)


def _status(test: Any, path: str) -> Any:
    if isinstance(test, Equals):
        _word(test.value, f"{path}.equals", TALK_STATUSES)
    for place, value in enumerate(test.values if isinstance(test, OneOf) else ()):
        _word(value, f"{path}.in.{place}", TALK_STATUSES)
    return test


def _rating(value: object, path: str) -> RatingIs:
    given = read_object(value, path, ("is",), ("is",))
    test: Any = parse_test(given["is"], f"{path}.is", NUMBERS)
    for number, at in _numbers(test, f"{path}.is"):
        read_whole(number, at, 1, MAX_RATING)
    return RatingIs(test)


# ---- events ---------------------------------------------------------------------------------------------------------


def _event(value: object, path: str) -> Did:
    given = read_object(value, path, EVENT_KEYS, ("name",))
    name = check_name(given["name"], f"{path}.name")
    where: tuple[PropertyRule, ...] = ()
    if "where" in given:
        where = _parse_all(given["where"], f"{path}.where", {"property": _property})
    within = _window(given["within"], f"{path}.within") if "within" in given else None
    return Did(name, where, within, _measure(given, path))


def _window(value: object, path: str) -> Window | LastWindow:
    given = read_object(value, path, ("from", "to", "last"))
    if "last" in given and len(given) == 1:
        return LastWindow(read_span(given["last"], f"{path}.last"))
    if "last" in given or not given:
        raise Invalid.at(path, "must have from, to or both, or else last alone")
    bounds = {key: read_moment_at(bound, f"{path}.{key}") for key, bound in given.items()}
    return Window(bounds.get("from"), bounds.get("to"))


def _measure(given: Mapping[str, Any], path: str) -> Measure:
    keys = [key for key in MEASURES if key in given]
    if not keys:
        return AT_LEAST_ONCE
    if len(keys) > 1:
        raise Invalid.at(f"{path}.{keys[1]}", f"an event is measured by one of {', '.join(MEASURES)} only")
    key, at = keys[0], f"{path}.{keys[0]}"
    if key == "count":
        count = parse_test(given[key], at, NUMBERS)
        return Count(_whole(count, at))
    if key in FIGURES:
        figure = read_object(given[key], at, ("property", "path", "is"), ("is",))
        test = parse_test(figure["is"], f"{at}.is", NUMBERS)
        read: Any = _whole(test, f"{at}.is") if key == "distinct" else _decimal(key, test, f"{at}.is")
        function: Any = key
        return Amount(function, read_way(figure, at, "property"), read)
    which: Any = key
    moment: Any = parse_test(given[key], at, MOMENTS)
    return Occurrence(which, moment)


def _numbers(test: Any, path: str) -> list[tuple[Any, str]]:
    match test:
        case Between(low, high):
            return [(low, f"{path}.between.0"), (high, f"{path}.between.1")]
        case Compares(how, number):
            return [(number, f"{path}.{how}")]
        case _:
            return [(test.value, f"{path}.equals")]


def _whole(test: Test, path: str) -> Any:
    for number, at in _numbers(test, path):
        read_whole(number, at, 0, MAX_COUNT)
    return test


def _decimal(function: str, test: Test, path: str) -> NumberTest:
    """Sums and averages are compared to so many decimals, on both databases alike."""
    for number, at in _numbers(test, path):
        if function in {"sum", "average"} and round(number, MAX_DECIMALS) != number:
            raise Invalid.at(at, f"must have at most {MAX_DECIMALS} decimals (MAX_DECIMALS)")
    numbers: Any = test
    return numbers  # type: ignore[no-any-return]


LEAVES: Readers = {
    "attribute": _attribute,
    "identity": _identity,
    "device": _device,
    "consent": _consent,
    "timezone": _field("timezone", TEXTS),
    "locale": _field("locale", TEXTS),
    "createdAt": _field("createdAt", MOMENTS),
    "updatedAt": _field("updatedAt", MOMENTS),
    "event": _event,
    "conversation": _conversation,
    "rating": _rating,
    "segment": _segment,
}
