"""Rules that can never be true: found before they are saved, with the path of the condition that makes them so.

What one ``and`` requires of the same thing is gathered and must be possible together. Not every contradiction is found
(that would be deciding logic in general); every one that is reported is one.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from app.core.errors import Invalid, Issue
from app.segments.limits import MAX_ISSUES, MAX_RATING
from app.segments.moments import end_of, start_of
from app.segments.numbers import passes
from app.segments.operators import operator_of
from app.segments.possible import conflict_of
from app.segments.rules import (
    HAS_ONE,
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
    Not,
    Or,
    PropertyIs,
    RatingIs,
    Rule,
    Window,
)
from app.segments.writing import to_json

Placed = tuple[Any, str]
"""A condition and its path."""


def check_rule(rule: Rule, path: str = "rule") -> None:
    """Raises one :class:`Invalid` that names every condition found to make the rule, or a part of it, impossible."""
    issues: dict[str, Issue] = {}
    for issue in _issues(rule, path):
        issues.setdefault(issue.path, issue)
    if issues:
        raise Invalid(*list(issues.values())[:MAX_ISSUES])


def _issues(rule: Rule, path: str) -> Iterator[Issue]:
    match rule:
        case And(rules):
            for place, inner in enumerate(rules):
                yield from _issues(inner, f"{path}.and.{place}")
            yield from _conflicts(list(_required(rule, path)))
        case Or(rules):
            for place, inner in enumerate(rules):
                yield from _issues(inner, f"{path}.or.{place}")
        case Not(inner):
            yield from _issues(inner, f"{path}.not")
        case AttributeIs(_, test):
            yield from _of_test(test, f"{path}.attribute.is")
        case PropertyIs(_, test):
            yield from _of_test(test, f"{path}.property.is")
        case Did():
            yield from _of_event(rule, f"{path}.event")
        case HasConversation():
            yield from _of_count(rule.count, f"{path}.conversation.count")
        case RatingIs(test):
            yield from _of_rating(test, f"{path}.rating.is")


def _of_test(test: Any, path: str) -> Iterator[Issue]:
    if isinstance(test, Between) and test.low > test.high:
        yield Issue(f"{path}.between", "must not end before it begins")


def _of_rating(test: Any, path: str) -> Iterator[Issue]:
    if isinstance(test, Compares) and not any(passes(test, rating) for rating in range(1, MAX_RATING + 1)):
        yield Issue(f"{path}.{test.how}", f"can never be: ratings are 1 to {MAX_RATING}")
    yield from _of_test(test, path)


def _of_event(did: Did, path: str) -> Iterator[Issue]:
    for place, rule in enumerate(did.where):
        yield from _issues(rule, f"{path}.where.{place}")
    placed = [_required(rule, f"{path}.where.{place}") for place, rule in enumerate(did.where)]
    yield from _conflicts([found for required in placed for found in required])
    within, measure = did.within, did.measure
    if isinstance(within, Window) and _is_over_at_once(within):
        yield Issue(f"{path}.within", "must end after it begins")
    match measure:
        case Count(test):
            yield from _of_count(test, f"{path}.count")
        case Amount("distinct", _, test):
            yield from _of_count(test, f"{path}.distinct.is")
        case Amount(function, _, test):
            yield from _of_test(test, f"{path}.{function}.is")


def _is_over_at_once(window: Window) -> bool:
    bounds = window.start, window.end
    return bounds[0] is not None and bounds[1] is not None and start_of(bounds[0]) >= end_of(bounds[1])


def _of_count(test: Any, path: str) -> Iterator[Issue]:
    if isinstance(test, Compares) and test.how == "lessThan" and not passes(test, 0):
        yield Issue(f"{path}.lessThan", "can never be: no count is below 0")
    yield from _of_test(test, path)


# ---- what is required together --------------------------------------------------------------------------------------


def _required(rule: Rule, path: str) -> Iterator[Placed]:
    """The conditions that must all be true for the rule to be."""
    if isinstance(rule, And):
        for place, inner in enumerate(rule.rules):
            yield from _required(inner, f"{path}.and.{place}")
    else:
        yield rule, path


def _conflicts(required: list[Placed]) -> Iterator[Issue]:
    """The first condition about each thing that cannot be true with those before it."""
    subjects: dict[bytes, list[Any]] = {}
    seen: dict[bytes, str] = {}
    for rule, path in required:
        opposite = orjson.dumps(to_json(rule.rule if isinstance(rule, Not) else Not(rule)))
        if opposite in seen:
            yield Issue(path, f"contradicts {seen[opposite]}")
        seen[orjson.dumps(to_json(rule))] = path
        subject = _subject(rule)
        if subject is None:
            continue
        about, test, where = subject
        tests = subjects.setdefault(about, [])
        conflict = conflict_of(tests, test)
        if conflict is not None:
            yield Issue(f"{path}.{where}", conflict)
        else:
            tests.append(test)


def _subject(rule: Any) -> tuple[bytes, Any, str] | None:
    """What a condition is about, what it asks of that, and where that is said. None: of nothing with one value."""
    match rule:
        case AttributeIs(path, test):
            return orjson.dumps(["attribute", path]), test, f"attribute.is.{operator_of(test)}"
        case PropertyIs(path, test):
            return orjson.dumps(["property", path]), test, f"property.is.{operator_of(test)}"
        case FieldIs(field, test):
            return orjson.dumps(["field", field]), test, f"{field}.is.{operator_of(test)}"
        case ConsentIs(channel, status):
            return orjson.dumps(["consent", channel]), Equals(status), "consent.is"
        case RatingIs(test):
            return orjson.dumps(["rating"]), test, f"rating.is.{operator_of(test)}"
        case HasConversation():
            about = to_json(replace(rule, count=HAS_ONE))
            return orjson.dumps(about), rule.count, f"conversation.count.{operator_of(rule.count)}"
        case Did(_, _, _, measure):
            about = to_json(Did(rule.name, rule.where, rule.within))
            function = measure.function if isinstance(measure, Amount) else type(measure).__name__
            way = measure.path if isinstance(measure, Amount) else getattr(measure, "which", None)
            return orjson.dumps([about, function, way]), measure.test, f"event.{_where(measure)}"
    return None


def _where(measure: Any) -> str:
    operator = operator_of(measure.test)
    match measure:
        case Count():
            return f"count.{operator}"
        case Amount(function):
            return f"{function}.is.{operator}"
    return f"{measure.which}.{operator}"
