"""From our rule to a Parcelvoy list rule, where there is one that means the same."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from app.core.clock import iso
from app.rest.parcelvoy.paths import write_path
from app.rest.parcelvoy.rules import FIELDS, IDENTITIES, NEGATIVE, NUMBERS, SET, TEXTS
from app.segments.moments import end_of, read_moment, start_of

OurRule = dict[str, Any]
ListRule = dict[str, Any]

RULES = UUID("5b0ec3a8-2f0e-5c41-9a53-6a3b5b1f6d10")
"""The namespace of the rules' ids, which name their place."""
NAMES = {ours: theirs for theirs, ours in FIELDS.items()}
WORDS = {ours: theirs for theirs, ours in TEXTS.items() if ours != "equals"}
COMPARISONS = {ours: theirs for theirs, ours in NUMBERS.items()}
IS_SET = {there: word for word, there in SET.items()}
OPPOSITES = {positive: negative for negative, positive in NEGATIVE.items()}


class _Unsayable(Exception):
    """Parcelvoy has no words for this."""


def write_list_rule(rule: OurRule | None) -> ListRule | None:
    """The list rule that means the same as ``rule``; None where there is none.

    Those are rules about attributes and properties, names, timezone, locale, ``createdAt`` and whether something was
    ever done; counts, windows, devices, consent, other segments and what depends on the clock are Rapport's own.
    """
    if rule is None:
        return None
    try:
        written = _written(rule, "user", "rule")
    except _Unsayable:
        return None
    return written if written["type"] == "wrapper" else _wrapper("and", [rule], "user", "rule")


def _written(rule: OurRule, group: str, place: str) -> ListRule:
    key, value = next(iter(rule.items()))
    if key in ("and", "or"):
        return _wrapper(key, value, group, place)
    if key == "not":
        return _negative(value, group, place) or _wrapper("none", [value], group, place)
    if key == "event":
        return _event(value, place)
    test = value.get("is")
    if not isinstance(test, dict):
        raise _Unsayable
    operator, operand = next(iter(test.items()))
    if operator == "in":
        return _wrapper("or", [_with_test(rule, {"equals": item}) for item in operand], group, place)
    if operator == "between":
        low, high = operand
        return _wrapper("and", [_with_test(rule, {"atLeast": low}), _with_test(rule, {"atMost": high})], group, place)
    if operator == "empty" and operand is False:
        return _wrapper("none", [_with_test(rule, {"empty": True})], group, place)
    kind, word, said = _said(key, operator, operand)
    return {
        "uuid": _id(place),
        "type": kind,
        "group": group,
        "path": _path(key, value),
        "operator": word,
        "value": said,
    }


def _wrapper(operator: str, rules: list[OurRule], group: str, place: str, **more: Any) -> ListRule:
    children = [_written(rule, group, f"{place}.{at}") for at, rule in enumerate(rules)]
    plain = {"uuid": _id(place), "type": "wrapper", "group": group, "path": "$", "operator": operator}
    return {**plain, **more, "children": children}


def _negative(rule: OurRule, group: str, place: str) -> ListRule | None:
    """``not`` of one condition, where Parcelvoy has a word for that."""
    if next(iter(rule)) in ("and", "or", "not", "event"):
        return None
    written = _written(rule, group, place)
    opposite = OPPOSITES.get(written["operator"]) if written["type"] == "string" else None
    if opposite is None:
        return None
    return {**written, "operator": opposite}


def _event(event: Mapping[str, Any], place: str) -> ListRule:
    did = {"name": event["name"], "where": event.get("where", [])}
    if event.get("count") == {"equals": 0} and "within" not in event:
        return _wrapper("none", [{"event": did}], "user", place)
    if event.keys() - {"name", "where"}:
        raise _Unsayable
    return _wrapper("and", did["where"], "event", place, path="$.name", value=event["name"])


def _with_test(rule: OurRule, test: OurRule) -> OurRule:
    key, value = next(iter(rule.items()))
    return {key: {**value, "is": test}}


def _path(key: str, value: Mapping[str, Any]) -> str:
    """The path to what a condition is about."""
    if key == "identity":
        return f"$.{value['kind']}"
    if key in NAMES:
        return f"$.{NAMES[key]}"
    if key not in ("attribute", "property"):
        raise _Unsayable
    names = (value["name"],) if "name" in value else tuple(value["path"])
    spoken_for = names[0] in (*IDENTITIES, *FIELDS, "id") and key == "attribute" and len(names) == 1
    path = None if spoken_for else write_path(names)
    if path is None:
        raise _Unsayable
    return path


def _said(key: str, operator: str, operand: Any) -> tuple[str, str, Any]:
    """The type, the operator and the value of a condition."""
    if operator == "exists":
        return "string", IS_SET[operand], None
    if operator == "empty":
        return "string", "empty", None
    if operator in ("before", "after", "on"):
        return _moment(operator, operand)
    if operator == "equals" and isinstance(operand, str):
        return _template_free("=", operand)
    if operator in WORDS:
        return _template_free(WORDS[operator], operand)
    if operator in COMPARISONS and not isinstance(operand, bool):
        return "number", COMPARISONS[operator], operand
    raise _Unsayable


def _template_free(operator: str, text: str) -> tuple[str, str, str]:
    if "{{" in text:
        raise _Unsayable
    return "string", operator, text


def _moment(operator: str, operand: str) -> tuple[str, str, str]:
    moment = read_moment(operand)
    if moment is None or operator == "on":
        raise _Unsayable
    if operator == "before":
        return "date", "<", iso(start_of(moment))
    after_all_days = iso(end_of(moment))
    if read_moment(after_all_days) is None:
        raise _Unsayable
    return "date", ">" if isinstance(moment, datetime) else ">=", after_all_days


def _id(place: str) -> str:
    return str(uuid5(RULES, place))
