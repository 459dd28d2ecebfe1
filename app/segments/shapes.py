"""Reading JSON of a known shape: each function gives the value or raises Invalid with the path of what is wrong."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from app.core.contact import check_text
from app.core.documents import MAX_STRING, check_name, check_value
from app.core.errors import Invalid, Issue
from app.segments.limits import MAX_ISSUES, MAX_PATH, MAX_SPAN_DAYS
from app.segments.moments import read_moment
from app.segments.rules import UNITS, Moment, Number, Path, Scalar, Span


def read_object(value: object, path: str, allowed: Collection[str], required: Collection[str] = ()) -> dict[str, Any]:
    """An object with no keys but the allowed ones, and all of the required ones."""
    if not isinstance(value, Mapping):
        raise Invalid.at(path, "must be an object")
    unknown = [key for key in value if key not in allowed]
    if unknown:
        raise Invalid(*(Issue(below(path, key), f"is unknown here (known: {', '.join(allowed)})") for key in unknown))
    missing = [key for key in required if key not in value]
    if missing:
        raise Invalid(*(Issue(f"{path}.{key}", "is missing") for key in missing))
    return dict(value)


def read_only_pair(value: object, path: str, allowed: Collection[str], noun: str) -> tuple[str, Any]:
    """The key and value of an object that has exactly one key."""
    given = read_object(value, path, allowed)
    if len(given) != 1:
        raise Invalid.at(path, f"must have exactly one {noun} ({', '.join(allowed)})")
    return next(iter(given.items()))


def read_list(value: object, path: str) -> list[Any]:
    """A list with something in it."""
    if not isinstance(value, list):
        raise Invalid.at(path, "must be a list")
    if not value:
        raise Invalid.at(path, "must not be empty")
    return value


def read_text(value: object, path: str) -> str:
    """A text of 1 to 1,000 characters."""
    return check_text(value, path, longest=MAX_STRING, shortest=1)


def read_boolean(value: object, path: str) -> bool:
    """``true`` or ``false``."""
    if not isinstance(value, bool):
        raise Invalid.at(path, "must be true or false")
    return value


def read_number(value: object, path: str) -> Number:
    """A finite number of at most 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid.at(path, "must be a number")
    check_value(value, path)
    return value


def read_whole(value: object, path: str, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Invalid.at(path, f"must be a whole number from {low} to {high}")
    return value


def read_scalar(value: object, path: str) -> Scalar:
    """A text, a number or a boolean."""
    if not isinstance(value, str | int | float):
        raise Invalid.at(path, "must be a text, a number or a boolean")
    check_value(value, path)
    return value


def read_moment_at(value: object, path: str) -> Moment:
    """A date, or a date with a time, as text."""
    moment = read_moment(value) if isinstance(value, str) else None
    if moment is None:
        raise Invalid.at(path, "must be a date such as 2026-03-01 or a moment such as 2026-03-01T10:00:00Z")
    return moment


def read_day(value: object, path: str) -> Moment:
    """A date without a time, as text."""
    moment = read_moment(value) if isinstance(value, str) else None
    if moment is None or isinstance(moment, datetime):
        raise Invalid.at(path, "must be a date such as 2026-03-01")
    return moment


def read_span(value: object, path: str) -> Span:
    """``{"days": 30}``: exactly one unit, and a length of at least one and at most 36,500 days."""
    unit, amount = read_only_pair(value, path, tuple(UNITS), "unit")
    return Span(unit, read_whole(amount, f"{path}.{unit}", 1, MAX_SPAN_DAYS * UNITS["days"] // UNITS[unit]))


def read_way(given: Mapping[str, Any], path: str, key: str) -> Path:
    """The way to a value: one name under ``key``, or a list of names under ``path``."""
    if (key in given) == ("path" in given):
        raise Invalid.at(path, f"must have exactly one of {key}, path")
    if key in given:
        return (check_name(given[key], f"{path}.{key}"),)
    names = read_list(given["path"], f"{path}.path")
    if len(names) > MAX_PATH:
        raise Invalid.at(f"{path}.path", f"must have at most {MAX_PATH} names (MAX_PATH)")
    return tuple(check_name(name, f"{path}.path.{place}") for place, name in enumerate(names))


def below(path: str, key: object) -> str:
    """The path of a key that is not ours: shortened, because it may be anything."""
    text = key if isinstance(key, str) else repr(key)
    return f"{path}.{text[:100]}"


@contextmanager
def gathering(issues: list[Issue]) -> Iterator[None]:
    """Goes on after what is wrong in the block, up to ``MAX_ISSUES``."""
    try:
        yield
    except Invalid as invalid:
        issues.extend(invalid.issues)
        if len(issues) >= MAX_ISSUES:
            raise Invalid(*issues[:MAX_ISSUES]) from None
