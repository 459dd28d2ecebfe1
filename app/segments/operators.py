"""The tests of a value as JSON: which operators there are, where each is allowed, and both ways between them."""

from collections.abc import Callable
from typing import Any

from app.core.errors import Invalid
from app.segments.limits import MAX_ANNIVERSARY_DAYS, MAX_VALUES
from app.segments.moments import write_moment
from app.segments.rules import (
    After,
    AnniversaryWithin,
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
    Test,
    WithinTheNext,
)
from app.segments.shapes import (
    read_boolean,
    read_day,
    read_list,
    read_moment_at,
    read_number,
    read_only_pair,
    read_scalar,
    read_span,
    read_text,
    read_whole,
)

NUMBERS = ("equals", "lessThan", "atMost", "moreThan", "atLeast", "between")
ABSOLUTE = ("before", "after", "on")
MOMENTS = (*ABSOLUTE, "inTheLast", "longerAgoThan", "withinTheNext", "anniversaryWithin")
TEXTS = ("equals", "in", "contains", "startsWith", "endsWith", "exists")
WORDS = ("equals", "in")
PROPERTIES = ("equals", "in", "contains", "startsWith", "endsWith", "has", *NUMBERS[1:], "exists", "empty", *ABSOLUTE)
VALUES = (*PROPERTIES, *MOMENTS[len(ABSOLUTE) :])
"""Which operators may be used where: ``VALUES`` on attributes, ``PROPERTIES`` on an event's properties (whose verdict
must not change with the clock), ``TEXTS`` on names, timezone and locale, ``WORDS`` on platforms, ``MOMENTS`` on
moments, ``NUMBERS`` on counts and figures."""


def parse_test(value: object, path: str, allowed: tuple[str, ...]) -> Test:
    """The test of an object with exactly one of the allowed operators. Raises :class:`Invalid` at what is wrong."""
    operator, operand = read_only_pair(value, path, allowed, "operator")
    test = READERS[operator](operand, f"{path}.{operator}")
    if allowed in (TEXTS, WORDS):
        _must_be_text(test, f"{path}.{operator}")
    elif allowed == NUMBERS and isinstance(test, Equals):
        read_number(test.value, f"{path}.{operator}")
    return test


def _must_be_text(test: Test, path: str) -> None:
    if isinstance(test, Equals) and not isinstance(test.value, str):
        raise Invalid.at(path, "must be a text")
    if isinstance(test, OneOf) and not isinstance(test.values[0], str):
        raise Invalid.at(path, "must be a list of texts")


def _read_values(value: object, path: str) -> OneOf:
    values = read_list(value, path)
    if len(values) > MAX_VALUES:
        raise Invalid.at(path, f"must have at most {MAX_VALUES} values (MAX_VALUES)")
    read = tuple(read_scalar(item, f"{path}.{place}") for place, item in enumerate(values))
    for place, item in enumerate(read):
        if type_of(item) != type_of(read[0]):
            raise Invalid.at(f"{path}.{place}", f"must be a {type_of(read[0])} as the first value is")
    return OneOf(read)


def _read_between(value: object, path: str) -> Between:
    if not isinstance(value, list) or len(value) != 2:
        raise Invalid.at(path, "must be a list of two numbers")
    return Between(read_number(value[0], f"{path}.0"), read_number(value[1], f"{path}.1"))


def _read_anniversary(value: object, path: str) -> AnniversaryWithin:
    _, days = read_only_pair(value, path, ("days",), "unit")
    return AnniversaryWithin(read_whole(days, f"{path}.days", 0, MAX_ANNIVERSARY_DAYS))


def type_of(value: Scalar) -> str:
    """The JSON type of a scalar: text, number or boolean."""
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


READERS: dict[str, Callable[[object, str], Test]] = {
    "equals": lambda value, path: Equals(read_scalar(value, path)),
    "in": _read_values,
    "contains": lambda value, path: Matches("contains", read_text(value, path)),
    "startsWith": lambda value, path: Matches("startsWith", read_text(value, path)),
    "endsWith": lambda value, path: Matches("endsWith", read_text(value, path)),
    "has": lambda value, path: Has(read_scalar(value, path)),
    "lessThan": lambda value, path: Compares("lessThan", read_number(value, path)),
    "atMost": lambda value, path: Compares("atMost", read_number(value, path)),
    "moreThan": lambda value, path: Compares("moreThan", read_number(value, path)),
    "atLeast": lambda value, path: Compares("atLeast", read_number(value, path)),
    "between": _read_between,
    "exists": lambda value, path: Exists(read_boolean(value, path)),
    "empty": lambda value, path: Empty(read_boolean(value, path)),
    "before": lambda value, path: Before(read_moment_at(value, path)),
    "after": lambda value, path: After(read_moment_at(value, path)),
    "on": lambda value, path: On(read_day(value, path)),
    "inTheLast": lambda value, path: InTheLast(read_span(value, path)),
    "longerAgoThan": lambda value, path: LongerAgoThan(read_span(value, path)),
    "withinTheNext": lambda value, path: WithinTheNext(read_span(value, path)),
    "anniversaryWithin": _read_anniversary,
}


def operator_of(test: Test) -> str:
    """The JSON key of a test."""
    match test:
        case Matches() | Compares():
            return test.how
        case _:
            return OPERATORS[type(test)]


OPERATORS: dict[type, str] = {
    Equals: "equals",
    OneOf: "in",
    Has: "has",
    Between: "between",
    Exists: "exists",
    Empty: "empty",
    Before: "before",
    After: "after",
    On: "on",
    InTheLast: "inTheLast",
    LongerAgoThan: "longerAgoThan",
    WithinTheNext: "withinTheNext",
    AnniversaryWithin: "anniversaryWithin",
}


def write_test(test: Test) -> dict[str, Any]:
    """The JSON that :func:`parse_test` reads as ``test``."""
    return {operator_of(test): _operand(test)}


def _operand(test: Test) -> Any:
    match test:
        case Equals(value) | Has(value):
            return value
        case OneOf(values):
            return list(values)
        case Matches(_, text):
            return text
        case Compares(_, number):
            return number
        case Between(low, high):
            return [low, high]
        case Exists(wanted) | Empty(wanted):
            return wanted
        case Before(moment) | After(moment) | On(moment):
            return write_moment(moment)
        case InTheLast(span) | LongerAgoThan(span) | WithinTheNext(span):
            return {span.unit: span.amount}
        case AnniversaryWithin(days):
            return {"days": days}
