"""Whether one value can pass several tests at once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import inf
from typing import Any

from app.core.documents import same_value
from app.segments.moments import end_of, read_moment, start_of
from app.segments.numbers import passes
from app.segments.operators import type_of
from app.segments.rules import (
    After,
    Before,
    Between,
    Compares,
    Empty,
    Equals,
    Exists,
    Has,
    InTheLast,
    LongerAgoThan,
    Matches,
    On,
    OneOf,
    Scalar,
    WithinTheNext,
)

EVERYTHING = frozenset({"none", "text", "number", "boolean", "list", "object"})
ANOTHER_TYPE = "asks for another type of value than a condition beside it"
IMPOSSIBLE = "can never be true together with a condition beside it"

Range = tuple[float, bool, float, bool]
"""Low, whether low itself is out, high, whether high itself is out."""
ALL: Range = (-inf, False, inf, False)


def conflict_of(tests: Sequence[Any], new: Any) -> str | None:
    """Why no value passes ``new`` and all of ``tests``, which one value can pass; None where some value may."""
    together = [*tests, new]
    if not frozenset.intersection(*(_types(test) for test in together)):
        return ANOTHER_TYPE
    listed = [values for test in together if (values := _values(test)) is not None]
    if listed:
        return None if any(all(_may_pass(test, value) for test in together) for value in listed[0]) else IMPOSSIBLE
    for ranges in (map(_numbers, together), map(_moments, together), map(_relative, together)):
        if _is_nothing(ranges):
            return IMPOSSIBLE
    return None if _texts_agree(together) else IMPOSSIBLE


def _types(test: Any) -> frozenset[str]:
    """The types of value that can pass."""
    match test:
        case Equals(value):
            return frozenset({type_of(value)})
        case OneOf(values):
            return frozenset({type_of(values[0])})
        case Matches():
            return frozenset({"text"})
        case Compares() | Between():
            return frozenset({"number"})
        case Has():
            return frozenset({"list"})
        case Exists(wanted):
            return EVERYTHING - {"none"} if wanted else frozenset({"none"})
        case Empty(wanted):
            return EVERYTHING - {"none"} if not wanted else EVERYTHING - {"number", "boolean"}
    return frozenset({"text", "number"})


def _values(test: Any) -> tuple[Scalar, ...] | None:
    match test:
        case Equals(value):
            return (value,)
        case OneOf(values):
            return values
    return None


def _may_pass(test: Any, value: Scalar) -> bool:
    """Whether a value passes, or might at some time."""
    match test:
        case Equals(wanted):
            return same_value(wanted, value)
        case OneOf(values):
            return any(same_value(wanted, value) for wanted in values)
        case Matches(how, text):
            return isinstance(value, str) and _matches(value, how, text)
        case Compares() | Between():
            return type_of(value) == "number" and passes(test, value)  # type: ignore[arg-type]
        case Empty(wanted):
            return (value == "") == wanted
        case Before() | After() | On():
            return not isinstance(value, str) or _is_in(value, _moments(test))
    return True


def _matches(value: str, how: str, text: str) -> bool:
    if how == "contains":
        return text in value
    return value.startswith(text) if how == "startsWith" else value.endswith(text)


def _is_in(text: str, bounds: Range) -> bool:
    moment = read_moment(text)
    at = None if moment is None else start_of(moment).timestamp()
    return at is not None and not _is_nothing([bounds, (at, False, at, False)])


# ---- ranges ---------------------------------------------------------------------------------------------------------


def _numbers(test: Any) -> Range:
    match test:
        case Between(low, high):
            return (low, False, high, False)
        case Compares("lessThan" | "atMost" as how, number):
            return (-inf, False, number, how == "lessThan")
        case Compares(how, number):
            return (number, how == "moreThan", inf, False)
    return ALL


def _moments(test: Any) -> Range:
    match test:
        case Before(moment):
            return (-inf, False, start_of(moment).timestamp(), True)
        case After(moment):
            return (end_of(moment).timestamp(), isinstance(moment, datetime), inf, False)
        case On(day):
            return (start_of(day).timestamp(), False, end_of(day).timestamp(), True)
    return ALL


def _relative(test: Any) -> Range:
    """In seconds from now."""
    match test:
        case InTheLast(span):
            return (-span.seconds, True, 0, False)
        case LongerAgoThan(span):
            return (-inf, False, -span.seconds, False)
        case WithinTheNext(span):
            return (0, True, span.seconds, False)
    return ALL


def _is_nothing(ranges: Iterable[Range]) -> bool:
    """Whether the ranges have nothing in common."""
    given = list(ranges)
    low, low_out = max((low, out) for low, out, _, _ in given)
    high, high_in = min((high, not out) for _, _, high, out in given)
    return low > high or (low == high and (low_out or not high_in))


def _texts_agree(tests: Sequence[Any]) -> bool:
    """Whether there is a text with all of these starts and ends."""
    parts = [test for test in tests if isinstance(test, Matches)]
    starts = sorted((test.text for test in parts if test.how == "startsWith"), key=len)
    ends = sorted((test.text for test in parts if test.how == "endsWith"), key=len)
    if parts and any(test == Empty(True) for test in tests):
        return False
    return all(starts[-1].startswith(text) for text in starts) and all(ends[-1].endswith(text) for text in ends)
