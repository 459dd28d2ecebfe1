"""From a rule back to its JSON: what is stored, what the graph and the doors show. ``parse_rule`` reads it as equal."""

from typing import Any

from app.core.ids import public_id
from app.segments.moments import write_moment
from app.segments.operators import write_test
from app.segments.rules import (
    AT_LEAST_ONCE,
    HAS_ONE,
    Amount,
    And,
    AttributeIs,
    ConsentIs,
    Count,
    Did,
    FieldIs,
    HasConversation,
    HasDevice,
    IdentityIs,
    InSegment,
    LastWindow,
    Measure,
    Not,
    Occurrence,
    Or,
    Path,
    PropertyIs,
    RatingIs,
    Rule,
    Window,
)


def to_json(rule: Rule) -> dict[str, Any]:
    """The JSON of a rule, in the one form in which it is stored: what is the default is left out."""
    match rule:
        case And(rules):
            return {"and": [to_json(inner) for inner in rules]}
        case Or(rules):
            return {"or": [to_json(inner) for inner in rules]}
        case Not(inner):
            return {"not": to_json(inner)}
        case AttributeIs(path, test):
            return {"attribute": {**_way("name", path), "is": write_test(test)}}
        case PropertyIs(path, test):
            return {"property": {**_way("name", path), "is": write_test(test)}}
        case FieldIs(field, test):
            return {field: {"is": write_test(test)}}
        case IdentityIs(kind, test):
            return {"identity": {"kind": kind, "is": write_test(test)}}
        case ConsentIs(channel, status):
            return {"consent": {"channel": channel, "is": status}}
        case InSegment(segment_id):
            return {"segment": {"id": public_id("segment", segment_id)}}
        case HasDevice():
            return {"device": _device(rule)}
        case Did():
            return {"event": _event(rule)}
        case HasConversation():
            return {"conversation": _conversation(rule)}
        case RatingIs(test):
            return {"rating": {"is": write_test(test)}}


def _way(key: str, path: Path) -> dict[str, Any]:
    return {key: path[0]} if len(path) == 1 else {"path": list(path)}


def _device(device: HasDevice) -> dict[str, Any]:
    given = {"platform": device.platform, "lastUsedAt": device.last_used}
    return {key: write_test(test) for key, test in given.items() if test is not None}


def _conversation(rule: HasConversation) -> dict[str, Any]:
    given = {
        "status": rule.status,
        "createdAt": rule.created_at,
        "waitingSince": rule.waiting_since,
        "closedAt": rule.closed_at,
        "count": None if rule.count == HAS_ONE else rule.count,
    }
    return {key: write_test(test) for key, test in given.items() if test is not None}


def _event(did: Did) -> dict[str, Any]:
    event: dict[str, Any] = {"name": did.name}
    if did.where:
        event["where"] = [to_json(rule) for rule in did.where]
    if did.within is not None:
        event["within"] = _window(did.within)
    return event if did.measure == AT_LEAST_ONCE else event | _measure(did.measure)


def _window(within: Window | LastWindow) -> dict[str, Any]:
    if isinstance(within, LastWindow):
        return {"last": {within.span.unit: within.span.amount}}
    bounds = {"from": within.start, "to": within.end}
    return {key: write_moment(moment) for key, moment in bounds.items() if moment is not None}


def _measure(measure: Measure) -> dict[str, Any]:
    match measure:
        case Count(test):
            return {"count": write_test(test)}
        case Occurrence(which, test):
            return {which: write_test(test)}
        case Amount(function, path, test):
            return {function: {**_way("property", path), "is": write_test(test)}}
