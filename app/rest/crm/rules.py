"""CRM criteria: ``{"combinator": "AND", "rules": [{"field": …, "operator": …, "value": …}, …]}``, and groups in groups.

Published are the form and the operators ``eq``, ``gte`` and ``in``; the rest of the grammar is ours:

* ``field`` is an attribute, or one of :data:`FIELDS`; ``attributes.<name>`` is an attribute whatever its name;
* ``operator`` is one of :data:`OPERATORS` (or its opposite in :data:`OPPOSITES`), or an operator of
  ``docs/segments.md`` by its own name, with the value that it has there;
* ``{"rule": …}`` holds a rule of ``docs/segments.md`` as it is: events and all else that three words cannot say.
"""

from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid, Issue
from app.rest.door.places import Places
from app.segments.operators import MOMENTS, READERS, TEXTS
from app.segments.shapes import gathering, read_list, read_object

OurRule = dict[str, Any]
Criteria = dict[str, Any]

COMBINATORS = {"AND": "and", "OR": "or"}
OPERATORS = {"eq": "equals", "gt": "moreThan", "gte": "atLeast", "lt": "lessThan", "lte": "atMost"}
OPPOSITES = {"neq": "equals", "notIn": "in", "notContains": "contains"}
"""Operators that are true where the one named is not: also where there is no value."""
OURS = {ours: theirs for theirs, ours in OPERATORS.items()}
NEGATED = {ours: theirs for theirs, ours in OPPOSITES.items()}
KNOWN = (*OPERATORS, *OPPOSITES, *(name for name in READERS if name not in OURS))

IDENTITIES = {"email": "email", "phoneNumber": "phone", "externalId": "external_id"}
CONSENTS = {"emailOptIn": "email", "smsOptIn": "sms", "pushOptIn": "push"}
OWN = ("timezone", "locale", "createdAt", "updatedAt")
FIELDS = (*IDENTITIES, *CONSENTS, *OWN, "segmentId")
"""Fields that are no attributes."""
PREFIX = "attributes."


def read_criteria(document: object, path: str = "criteria") -> tuple[OurRule, Places]:
    """Our rule, and where each part of it was said. Raises :class:`Invalid` with the paths of the criteria.

    ``AND`` of one rule is that rule. Values are not looked at here.
    """
    places = Places()
    places.note("rule", path)
    given = read_object(document, path, ("combinator", "rules"), ("combinator", "rules"))
    alone = given["combinator"] == "AND" and isinstance(given["rules"], list) and len(given["rules"]) == 1
    if alone:
        return _item(given["rules"][0], f"{path}.rules.0", "rule", places), places
    return _group(given, path, "rule", places), places


def _group(given: Mapping[str, Any], said: str, path: str, places: Places) -> OurRule:
    combinator = given["combinator"]
    if not isinstance(combinator, str) or combinator not in COMBINATORS:
        raise Invalid.at(f"{said}.combinator", f"must be one of {', '.join(COMBINATORS)}")
    key = COMBINATORS[combinator]
    places.note(f"{path}.{key}", f"{said}.rules")
    issues: list[Issue] = []
    rules = []
    for place, item in enumerate(read_list(given["rules"], f"{said}.rules")):
        with gathering(issues):
            rules.append(_item(item, f"{said}.rules.{place}", f"{path}.{key}.{place}", places))
    if issues:
        raise Invalid(*issues)
    return {key: rules}


def _item(item: object, said: str, path: str, places: Places) -> OurRule:
    places.note(path, said)
    if isinstance(item, Mapping) and "combinator" in item:
        return _group(read_object(item, said, ("combinator", "rules"), ("combinator", "rules")), said, path, places)
    if isinstance(item, Mapping) and "rule" in item:
        given = read_object(item, said, ("rule",))
        if not isinstance(given["rule"], Mapping):
            raise Invalid.at(f"{said}.rule", "must be an object")
        places.note(path, f"{said}.rule", deeper=True)
        return dict(given["rule"])
    given = read_object(item, said, ("field", "operator", "value"), ("field", "operator", "value"))
    field, operator = given["field"], given["operator"]
    if not isinstance(field, str):
        raise Invalid.at(f"{said}.field", "must be text")
    if not isinstance(operator, str) or operator not in KNOWN:
        raise Invalid.at(f"{said}.operator", f"must be one of {', '.join(KNOWN)}")
    return _condition(field, operator, given["value"], said, path, places)


def _condition(field: str, operator: str, value: object, said: str, path: str, places: Places) -> OurRule:
    if operator in OPPOSITES:
        opposite = "eq" if operator == "neq" else OPPOSITES[operator]
        return {"not": _condition(field, opposite, value, said, f"{path}.not", places)}
    test = {OPERATORS.get(operator, operator): value}
    kind, condition = _about(field, test, said)
    name = next(iter(test))
    places.note(f"{path}.{kind}", f"{said}.field")
    places.note(f"{path}.{kind}.is", f"{said}.operator")
    places.note(f"{path}.{kind}.is.{name}", f"{said}.value")
    places.note(f"{path}.{kind}.id", f"{said}.value")
    return condition


def _about(field: str, test: OurRule, said: str) -> tuple[str, OurRule]:
    """The kind of our condition, and the condition."""
    if field in IDENTITIES:
        _must_have(test, TEXTS, said)
        return "identity", {"identity": {"kind": IDENTITIES[field], "is": test}}
    if field in OWN:
        _must_have(test, MOMENTS if field in ("createdAt", "updatedAt") else TEXTS, said)
        return field, {field: {"is": test}}
    if field in CONSENTS:
        wanted = _only_equals(test, said)
        if not isinstance(wanted, bool):
            raise Invalid.at(f"{said}.value", "must be true or false")
        asked = {"consent": {"channel": CONSENTS[field], "is": "subscribed"}}
        return "consent", asked if wanted else {"not": asked}
    if field == "segmentId":
        return "segment", {"segment": {"id": _only_equals(test, said)}}
    return "attribute", {"attribute": {"name": field.removeprefix(PREFIX), "is": test}}


def _must_have(test: OurRule, operators: tuple[str, ...], said: str) -> None:
    if not test.keys() <= set(operators):
        raise Invalid.at(f"{said}.operator", f"must be one of {', '.join(OURS.get(name, name) for name in operators)}")


def _only_equals(test: OurRule, said: str) -> object:
    if "equals" not in test:
        raise Invalid.at(f"{said}.operator", "must be one of eq, neq")
    return test["equals"]


# ---- and back -------------------------------------------------------------------------------------------------------


def write_criteria(rule: OurRule | None) -> Criteria | None:
    """The criteria that :func:`read_criteria` reads as ``rule``; None for a segment without a rule."""
    if rule is None:
        return None
    group = _written_group(rule)
    if group is None or (group["combinator"] == "AND" and len(group["rules"]) == 1):
        return {"combinator": "AND", "rules": [_written(rule)]}
    return group


def _written_group(rule: OurRule) -> Criteria | None:
    for combinator, key in COMBINATORS.items():
        if key in rule:
            return {"combinator": combinator, "rules": [_written(inner) for inner in rule[key]]}
    return None


def _written(rule: OurRule) -> Criteria:
    return _written_group(rule) or _triple(rule, OURS) or _opposite(rule) or {"rule": rule}


def _opposite(rule: OurRule) -> Criteria | None:
    """``not`` of one condition, where the CRM has a word for that."""
    inner = rule.get("not")
    if inner is None:
        return None
    consent = inner.get("consent")
    if consent is not None:
        triple = _triple(inner, OURS)
        return triple and {**triple, "value": False}
    if "segment" in inner:
        return {"field": "segmentId", "operator": "neq", "value": inner["segment"]["id"]}
    triple = _triple(inner, NEGATED)
    return triple if triple is not None and triple["operator"] in OPPOSITES else None


def _triple(rule: OurRule, words: Mapping[str, str]) -> Criteria | None:
    """A condition about one field in three words, or None."""
    kind, about = next(iter(rule.items()))
    if kind == "segment":
        return {"field": "segmentId", "operator": "eq", "value": about["id"]}
    if kind == "consent":
        field = next((name for name, channel in CONSENTS.items() if channel == about["channel"]), None)
        return {"field": field, "operator": "eq", "value": True} if field and about["is"] == "subscribed" else None
    field = _field(kind, about)
    if field is None:
        return None
    operator, value = next(iter(about["is"].items()))
    return {"field": field, "operator": words.get(operator, operator), "value": value}


def _field(kind: str, about: Mapping[str, Any]) -> str | None:
    if kind in OWN:
        return kind
    if kind == "identity":
        return next((name for name, known in IDENTITIES.items() if known == about["kind"]), None)
    if kind != "attribute" or "name" not in about:
        return None
    name: str = about["name"]
    return PREFIX + name if name in FIELDS or name.startswith(PREFIX) else name
