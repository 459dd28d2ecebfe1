"""Customer.io's audience filters: ``and``, ``or``, ``not``, ``segment`` and ``attribute`` (``eq``, ``exists``).

``eq`` compares as texts: ``"5"`` and ``5`` find people whose attribute is the text ``5`` or the number. The fields
``id``, ``email``, ``phone``, ``timezone``, ``language`` (or ``locale``) and ``unsubscribed`` are what Track calls so.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from app.core.errors import Invalid, Issue
from app.rest.door.places import Places
from app.segments.shapes import gathering, read_list, read_object, read_only_pair

OurRule = dict[str, Any]
Filter = dict[str, Any]

KEYS = ("and", "or", "not", "segment", "attribute")
OPERATORS = ("eq", "exists")
IDENTITIES = {"id": "external_id", "email": "email", "phone": "phone"}
FIELDS = {"timezone": "timezone", "language": "locale", "locale": "locale"}
UNFIT = ("cio_id", "created_at")
UNSUBSCRIBED = {"consent": {"channel": "email", "is": "unsubscribed"}}
UNKNOWN = {"consent": {"channel": "email", "is": "unknown"}}
SAFE_INTEGER = 2**63 - 1


def read_filter(document: object, segments: Mapping[int, str], path: str = "filter") -> tuple[OurRule, Places]:
    """Our rule, and where each part of it was said. ``segments`` has the public ids of segments by number.

    Raises :class:`Invalid` with the paths of the filter.
    """
    places = Places()
    return _read(document, path, "rule", segments, places), places


def numbers_in(document: object) -> set[int]:
    """The numbers of the segments that a filter names, whether or not it is well-formed."""
    found, waiting = set(), [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            segment = value.get("segment")
            number = segment.get("id") if isinstance(segment, Mapping) else None
            if isinstance(number, int) and not isinstance(number, bool):
                found.add(number)
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


def _read(document: object, said: str, path: str, segments: Mapping[int, str], places: Places) -> OurRule:
    places.note(path, said)
    key, value = read_only_pair(document, said, KEYS, "condition")
    if key == "not":
        return {"not": _read(value, f"{said}.not", f"{path}.not", segments, places)}
    if key in ("and", "or"):
        issues: list[Issue] = []
        rules = []
        for place, inner in enumerate(read_list(value, f"{said}.{key}")):
            with gathering(issues):
                rules.append(_read(inner, f"{said}.{key}.{place}", f"{path}.{key}.{place}", segments, places))
        if issues:
            raise Invalid(*issues)
        return {key: rules}
    if key == "segment":
        return _segment(value, f"{said}.segment", segments)
    places.note(path, f"{said}.attribute.value")
    return _attribute(value, f"{said}.attribute")


def _segment(value: object, said: str, segments: Mapping[int, str]) -> OurRule:
    number = read_object(value, said, ("id",), ("id",))["id"]
    if not isinstance(number, int) or isinstance(number, bool) or number not in segments:
        raise Invalid.at(f"{said}.id", "is not the id of a segment")
    return {"segment": {"id": segments[number]}}


def _attribute(value: object, said: str) -> OurRule:
    given = read_object(value, said, ("field", "operator", "value"), ("field", "operator"))
    field, operator = given["field"], given["operator"]
    if not isinstance(field, str):
        raise Invalid.at(f"{said}.field", "must be text")
    if field in UNFIT:
        raise Invalid.at(f"{said}.field", f"people cannot be filtered by {field}")
    if operator not in OPERATORS:
        raise Invalid.at(f"{said}.operator", f"must be one of {', '.join(OPERATORS)}")
    if operator == "exists":
        return {"not": UNKNOWN} if field == "unsubscribed" else _about(field, {"exists": True})
    text = as_text(given.get("value"))
    if text is None:
        raise Invalid.at(f"{said}.value", "must be a text, a number or a boolean")
    if field == "unsubscribed":
        if text not in ("true", "false"):
            raise Invalid.at(f"{said}.value", "must be true or false")
        return UNSUBSCRIBED if text == "true" else {"not": UNSUBSCRIBED}
    if field in IDENTITIES or field in FIELDS:
        return _about(field, {"equals": text})
    same = [_about(field, {"equals": value}) for value in values_of(text)]
    return same[0] if len(same) == 1 else {"or": same}


def _about(field: str, test: OurRule) -> OurRule:
    if field in IDENTITIES:
        return {"identity": {"kind": IDENTITIES[field], "is": test}}
    if field in FIELDS:
        return {FIELDS[field]: {"is": test}}
    return {"attribute": {"name": field, "is": test}}


def as_text(value: object) -> str | None:
    """A scalar as Customer.io shows and compares it: ``true``, ``5`` (also for 5.0), ``0.5``. None for all else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) <= SAFE_INTEGER:
        return str(int(value))
    if isinstance(value, int | float):
        return orjson.dumps(value).decode() if abs(value) <= SAFE_INTEGER else str(value)
    return value if isinstance(value, str) else None


def values_of(text: str) -> Iterator[Any]:
    """Every value that shows as ``text``: the text itself, and a number or a boolean."""
    yield text
    if text in ("true", "false"):
        yield text == "true"
        return
    try:
        number = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    fits = isinstance(number, int | float) and not isinstance(number, bool) and abs(number) <= SAFE_INTEGER
    if fits and as_text(number) == text:
        yield number


# ---- and back -------------------------------------------------------------------------------------------------------


def write_filter(rule: OurRule | None, numbers: Mapping[str, int]) -> Filter | None:
    """The filter that :func:`read_filter` reads as ``rule``; None where there is none. ``numbers`` has those of
    segments by public id; a segment without one is deleted or unknown, and so nothing can be said of it."""
    if rule is None:
        return None
    key, value = next(iter(rule.items()))
    if key == "segment":
        number = numbers.get(value["id"])
        return None if number is None else {"segment": {"id": number}}
    attribute = _written_attribute(rule)
    if attribute is not None:
        return {"attribute": attribute}
    if key == "not":
        inner = write_filter(value, numbers)
        return None if inner is None else {"not": inner}
    if key not in ("and", "or"):
        return None
    inners = [write_filter(inner, numbers) for inner in value]
    return None if None in inners else {key: inners}


def _written_attribute(rule: OurRule) -> Filter | None:
    if rule == UNSUBSCRIBED or rule == {"not": UNSUBSCRIBED}:
        return {"field": "unsubscribed", "operator": "eq", "value": "true" if rule == UNSUBSCRIBED else "false"}
    if rule == {"not": UNKNOWN}:
        return {"field": "unsubscribed", "operator": "exists"}
    key, value = next(iter(rule.items()))
    alternatives = value if key == "or" else [rule]
    field = _field(alternatives[0])
    if field is None:
        return None
    test = next(iter(alternatives[0].values()))["is"]
    if test == {"exists": True} and key != "or":
        return {"field": field, "operator": "exists"}
    text = test.get("equals")
    if not isinstance(text, str):
        return None
    said = {"field": field, "operator": "eq", "value": text}
    same = orjson.dumps(_attribute(said, "attribute"), option=orjson.OPT_SORT_KEYS)
    return said if same == orjson.dumps(rule, option=orjson.OPT_SORT_KEYS) else None


def _field(condition: OurRule) -> str | None:
    """What Customer.io calls the thing that a condition is about."""
    key, value = next(iter(condition.items()))
    if key == "identity":
        return next((name for name, kind in IDENTITIES.items() if kind == value["kind"]), None)
    if key in ("timezone", "locale"):
        return "language" if key == "locale" else key
    name = value.get("name") if key == "attribute" else None
    spoken_for = {*IDENTITIES, *FIELDS, *UNFIT, "unsubscribed"}
    return name if isinstance(name, str) and name not in spoken_for else None
