"""Typed JSON that customers send us: attributes and event properties. What may be in it, and when two are the same."""

from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from typing import Any

import orjson

from app.core.contact import check_text, is_storable
from app.core.errors import Invalid

MAX_NAME = 150
MAX_STRING = 1000
MAX_DEPTH = 5
MAX_INTEGER = 2**63 - 1


def check_name(name: object, path: str) -> str:
    """A name of an attribute, a property or an event: 1 to 150 characters."""
    if type(name) is str and _is_name(name):
        return name
    return check_text(name, path, longest=MAX_NAME, shortest=1)


@lru_cache(maxsize=4096)
def _is_name(text: str) -> bool:
    """The quick answer: names are few and come again and again."""
    return 0 < len(text) <= MAX_NAME and is_storable(text) and not text.isspace()


def check_document(document: Mapping[str, Any], path: str, *, max_bytes: int) -> dict[str, Any]:
    """``document``, if its names and values may be stored and its JSON is no longer than ``max_bytes``.

    Raises :class:`Invalid` at ``path`` or at the offending value below it.
    """
    if not isinstance(document, Mapping):
        raise Invalid.at(path, "must be an object")
    checked = dict(document)
    _check_object(checked, path, MAX_DEPTH + 1)
    check_size(checked, path, max_bytes)
    return checked


def check_size(value: object, path: str, max_bytes: int) -> None:
    """Raises :class:`Invalid` when the JSON of a checked ``value`` is longer than ``max_bytes``."""
    if len(orjson.dumps(value)) > max_bytes:
        raise Invalid.at(path, f"must be at most {max_bytes} bytes of JSON")


def check_value(value: object, path: str, depth: int = MAX_DEPTH) -> None:
    """Raises :class:`Invalid` unless ``value`` is a string of up to 1,000 characters, a finite 64-bit number, a boolean
    or null, or a list or object of these nested at most ``depth`` deep."""
    kind = type(value)
    if kind is str:
        if len(value) > MAX_STRING:  # type: ignore[arg-type]
            raise Invalid.at(path, f"must be at most {MAX_STRING} characters long")
        if not is_storable(value):  # type: ignore[arg-type]
            raise Invalid.at(path, "contains a character that cannot be stored")
    elif kind is bool or value is None:
        return
    elif kind is int or kind is float:
        if not (isfinite(value) and -MAX_INTEGER - 1 <= value <= MAX_INTEGER):  # type: ignore[arg-type, operator]
            raise Invalid.at(path, "must be a finite number of at most 64 bits")
    elif kind is dict:
        _check_object(value, path, depth)  # type: ignore[arg-type]
    elif kind is list:
        _check_depth(path, depth)
        for index, item in enumerate(value):  # type: ignore[arg-type, var-annotated]
            check_value(item, f"{path}.{index}", depth - 1)
    else:
        raise Invalid.at(path, "must be a string, a number, a boolean, a list or an object")


def _check_object(value: dict[str, Any], path: str, depth: int) -> None:
    _check_depth(path, depth)
    for name, item in value.items():
        check_name(name, path)
        if not _is_plain(item):
            check_value(item, f"{path}.{name}", depth - 1)


def _is_plain(value: object) -> bool:
    """The quick answer for the commonest values, of which nothing more needs to be asked."""
    if type(value) is str:
        return len(value) <= MAX_STRING and value.isascii() and "\x00" not in value
    if type(value) is int or type(value) is float:
        return -MAX_INTEGER <= value <= MAX_INTEGER
    return type(value) is bool


def _check_depth(path: str, depth: int) -> None:
    if depth <= 0:
        raise Invalid.at(path, f"is nested more than {MAX_DEPTH} deep")


def same_value(one: object, other: object) -> bool:
    """Whether two JSON values are the same: 1 and 1.0 are, 1 and true are not (Python says they are)."""
    if one != other:
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return all(same_value(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return all(same_value(a, b) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool)
