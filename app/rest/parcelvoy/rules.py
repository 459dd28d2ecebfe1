"""Parcelvoy's list rules: a tree of wrappers over conditions on the user or on one event (``contracts/parcelvoy.md``).

A string is compared with strings and a number with numbers; a negative operator is true where the positive one is not,
so also without a value; ``boolean`` asks whether a value is truthy (neither missing, ``false``, ``0`` nor ``""``); a
date without a time is its midnight in UTC. Templates as values are refused.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from math import isqrt
from typing import Any

from app.core.clock import iso
from app.core.errors import Invalid, Issue
from app.rest.door.places import Places
from app.rest.parcelvoy.paths import read_path
from app.segments.limits import MAX_CONDITIONS
from app.segments.moments import read_moment, start_of
from app.segments.shapes import gathering, read_object

OurRule = dict[str, Any]
KEYS = ("uuid", "root_uuid", "parent_uuid", "type", "group", "path", "operator", "value", "children")
WRAPPERS = ("and", "or", "none", "xor")
GROUPS = ("user", "event", "parent")
SET = {"is set": True, "is not set": False}
TEXTS = {"=": "equals", "starts with": "startsWith", "ends with": "endsWith", "contains": "contains"}
NEGATIVE = {"!=": "=", "not start with": "starts with", "not contain": "contains"}
NUMBERS = {"=": "equals", "<": "lessThan", "<=": "atMost", ">": "moreThan", ">=": "atLeast"}
OPERATORS = {
    "string": (*TEXTS, *NEGATIVE, "empty", *SET),
    "number": (*NUMBERS, "!=", *SET),
    "date": (*NUMBERS, "!=", *SET),
    "boolean": ("=", "!="),
    "array": ("empty", *SET),
}
TYPES = ("wrapper", *OPERATORS)
IDENTITIES = ("external_id", "email", "phone", "anonymous_id")
FIELDS = {"timezone": "timezone", "locale": "locale", "created_at": "createdAt"}
TICK = timedelta(microseconds=1)
"""No two moments are nearer to each other."""

Condition = Callable[[OurRule], OurRule]
"""Makes a condition of a test."""


def read_list_rule(document: object, path: str = "rule") -> tuple[OurRule, Places]:
    """Our rule, and where each part of it was said. Raises :class:`Invalid` with the paths of the list rule."""
    places = Places()
    return _read(document, path, "rule", "user", places), places


def _read(document: object, said: str, path: str, around: str, places: Places) -> OurRule:
    """``around`` is the group of the wrapper that the rule is in: user or event."""
    places.note(path, said)
    rule = read_object(document, said, KEYS, ("type",))
    kind = _word(rule["type"], f"{said}.type", TYPES)
    group = _word(rule.get("group", "parent"), f"{said}.group", GROUPS)
    group = around if group == "parent" else group
    if kind != "wrapper":
        if group != around:
            raise Invalid.at(f"{said}.group", f"must be {around} here")
        return _leaf(rule, kind, said, group)
    if group == "event" and around == "user":
        return _happened(rule, said, path, places)
    if group != around:
        raise Invalid.at(f"{said}.group", f"must be {around} here")
    return _wrapped(rule, said, path, around, places)


def _happened(rule: Mapping[str, Any], said: str, path: str, places: Places) -> OurRule:
    if read_path(rule.get("path", "$.name"), f"{said}.path") != ("name",):
        raise Invalid.at(f"{said}.path", "must be $.name")
    places.note(f"{path}.event.name", f"{said}.value")
    event: OurRule = {"name": rule.get("value")}
    if rule.get("children"):
        event["where"] = [_wrapped(rule, said, f"{path}.event.where.0", "event", places)]
    return {"event": event}


def _wrapped(rule: Mapping[str, Any], said: str, path: str, around: str, places: Places) -> OurRule:
    operator = _word(rule.get("operator", "and"), f"{said}.operator", WRAPPERS)
    children = rule.get("children")
    if not isinstance(children, list) or not children:
        raise Invalid.at(f"{said}.children", "must be a list of at least one rule")
    places.note(path, said)
    below = {"none": f"{path}.not.or"}.get(operator, f"{path}.{operator}")
    issues: list[Issue] = []
    rules = []
    for place, child in enumerate(children):
        with gathering(issues):
            rules.append(_read(child, f"{said}.children.{place}", f"{below}.{place}", around, places))
    if issues:
        raise Invalid(*issues)
    if operator == "xor":
        return _exactly_one(rules, f"{said}.children")
    return {"not": {"or": rules}} if operator == "none" else {operator: rules}


def _exactly_one(rules: list[OurRule], said: str) -> OurRule:
    if len(rules) ** 2 > MAX_CONDITIONS:
        raise Invalid.at(said, f"must be at most {isqrt(MAX_CONDITIONS)} rules in an xor")
    if len(rules) == 1:
        return rules[0]
    others = [[{"not": rule} for rule in rules[:at] + rules[at + 1 :]] for at in range(len(rules))]
    return {"or": [{"and": [rule, *without]} for rule, without in zip(rules, others, strict=True)]}


# ---- conditions -----------------------------------------------------------------------------------------------------


def _leaf(rule: Mapping[str, Any], kind: str, said: str, group: str) -> OurRule:
    operator = _word(rule.get("operator"), f"{said}.operator", OPERATORS[kind])
    value = rule.get("value")
    if isinstance(value, str) and "{{" in value:
        raise Invalid.at(f"{said}.value", "must not be a template")
    condition = _condition(read_path(rule.get("path"), f"{said}.path"), group, kind, said)
    if operator in SET:
        return condition({"exists": SET[operator]})
    if operator == "empty":
        return condition({"empty": True})
    if operator in NEGATIVE:
        return {"not": READERS[kind](NEGATIVE[operator], value, condition, f"{said}.value")}
    return READERS[kind](operator, value, condition, f"{said}.value")


def _condition(names: tuple[str, ...], group: str, kind: str, said: str) -> Condition:
    if group == "event":
        return lambda test: {"property": {**_way(names), "is": test}}
    if len(names) == 1 and names[0] in IDENTITIES:
        _must_be(("string",), kind, said)
        return lambda test: {"identity": {"kind": names[0], "is": test}}
    if len(names) == 1 and names[0] in FIELDS:
        _must_be(("date",) if names[0] == "created_at" else ("string",), kind, said)
        return lambda test: {FIELDS[names[0]]: {"is": test}}
    if names == ("id",):
        raise Invalid.at(f"{said}.path", "people cannot be filtered by $.id")
    return lambda test: {"attribute": {**_way(names), "is": test}}


def _must_be(kinds: tuple[str, ...], kind: str, said: str) -> None:
    if kind not in kinds:
        raise Invalid.at(f"{said}.type", f"must be {' or '.join(kinds)} for this path")


def _way(names: tuple[str, ...]) -> OurRule:
    return {"name": names[0]} if len(names) == 1 else {"path": list(names)}


def _string(operator: str, value: object, condition: Condition, said: str) -> OurRule:
    if not isinstance(value, str):
        raise Invalid.at(said, "must be text")
    return condition({TEXTS[operator]: value})


def _number(operator: str, value: object, condition: Condition, said: str) -> OurRule:
    if isinstance(value, str):
        try:
            value = float(value) if "." in value or "e" in value.lower() else int(value)
        except ValueError:
            raise Invalid.at(said, "must be a number") from None
    return condition({NUMBERS[operator]: value})


def _boolean(operator: str, value: object, condition: Condition, said: str) -> OurRule:
    falsy = [condition({"equals": value}) for value in (False, 0, "")]
    wanted = value not in (False, "false", 0, "0", "")
    return {"not": {"or": [condition({"exists": False}), *falsy]}} if wanted else {"or": falsy}


def _date(operator: str, value: object, condition: Condition, said: str) -> OurRule:
    moment = read_moment(value) if isinstance(value, str) else None
    if moment is None:
        raise Invalid.at(said, "must be a date such as 2026-03-01 or a moment such as 2026-03-01T10:00:00Z")
    at = start_of(moment)
    since, until = condition({"after": iso(at - TICK)}), condition({"before": iso(at + TICK)})
    by_operator = {
        "<": condition({"before": iso(at)}),
        "<=": until,
        ">": condition({"after": iso(at)}),
        ">=": since,
        "=": {"and": [since, until]},
    }
    return by_operator[operator]


def _word(value: object, path: str, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise Invalid.at(path, f"must be one of {', '.join(words)}")
    return value


READERS: dict[str, Callable[[str, object, Condition, str], OurRule]] = {
    "string": _string,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}
