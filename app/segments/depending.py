"""What a rule can depend on: which changes of a customer can change whether it is true of them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from app.segments.rules import (
    RELATIVE,
    And,
    AttributeIs,
    ConsentIs,
    Did,
    FieldIs,
    HasConversation,
    HasDevice,
    IdentityIs,
    InSegment,
    LastWindow,
    Not,
    Occurrence,
    Or,
    RatingIs,
    Rule,
)

TIME = "time"
FIELD_KINDS = {"timezone": "timezone", "locale": "locale", "createdAt": "created", "updatedAt": "updated"}


class Dependency(NamedTuple):
    """One thing that a rule looks at.

    ``kind`` and ``name``: ``attribute`` (the name of the attribute, or of the one that holds a nested value), ``event``
    (the event's name), ``identity`` (its kind), ``consent`` (the channel), ``segment`` (the hex of its id); and with an
    empty name ``device``, ``conversation``, ``timezone``, ``locale``, ``created``, ``updated`` (when the customer was),
    and ``time`` for a rule that the clock alone can change.
    """

    kind: str
    name: str = ""


def dependencies(rule: Rule) -> frozenset[Dependency]:
    """Everything that the rule looks at. A customer's status matters to every rule and is not among it."""
    return frozenset(_dependencies(rule))


def segments_of(rule: Rule) -> frozenset[UUID]:
    """The segments whose members the rule asks for."""
    return frozenset(UUID(hex=found.name) for found in dependencies(rule) if found.kind == "segment")


def _dependencies(rule: Rule) -> Iterator[Dependency]:
    match rule:
        case And(rules) | Or(rules):
            for inner in rules:
                yield from _dependencies(inner)
        case Not(inner):
            yield from _dependencies(inner)
        case AttributeIs(path, _):
            yield Dependency("attribute", path[0])
        case FieldIs(field, _):
            yield Dependency(FIELD_KINDS[field])
        case IdentityIs(kind, _):
            yield Dependency("identity", kind)
        case HasDevice():
            yield Dependency("device")
        case ConsentIs(channel, _):
            yield Dependency("consent", channel)
        case InSegment(segment_id):
            yield Dependency("segment", segment_id.hex)
        case Did(name):
            yield Dependency("event", name)
        case HasConversation() | RatingIs():
            yield Dependency("conversation")
    if _is_timed(rule):
        yield Dependency(TIME)


def _is_timed(rule: Rule) -> bool:
    match rule:
        case AttributeIs(_, test) | FieldIs(_, test):
            return isinstance(test, RELATIVE)
        case HasDevice(_, last_used):
            return isinstance(last_used, RELATIVE)
        case HasConversation():
            return any(isinstance(test, RELATIVE) for test in rule.moments.values())
        case Did(_, _, within, measure):
            relative = isinstance(measure, Occurrence) and isinstance(measure.test, RELATIVE)
            return relative or isinstance(within, LastWindow)
    return False


def find_circle(start: UUID, uses: Mapping[UUID, frozenset[UUID]]) -> list[UUID]:
    """The way from ``start`` through what each segment uses back to ``start``; empty where there is none.

    ``uses`` maps segments to the segments that their rules ask for; ``start`` with the rule that it is to have.
    """
    came_from: dict[UUID, UUID] = {}
    waiting = [start]
    while waiting:
        segment = waiting.pop()
        for used in sorted(uses.get(segment, frozenset())):
            if used == start:
                return _way_back(segment, start, came_from)
            if used not in came_from:
                came_from[used] = segment
                waiting.append(used)
    return []


def _way_back(last: UUID, start: UUID, came_from: Mapping[UUID, UUID]) -> list[UUID]:
    way = [start]
    while last != start:
        way.insert(1, last)
        last = came_from[last]
    return [*way, start]


def in_order(uses: Mapping[UUID, frozenset[UUID]]) -> list[UUID]:
    """The segments such that each comes after those it uses. Without circles, which saving refuses."""
    ordered: dict[UUID, None] = {}
    waiting = [(segment, False) for segment in sorted(uses, reverse=True)]
    while waiting:
        segment, ready = waiting.pop()
        if ready:
            ordered[segment] = None
        elif segment not in ordered:
            waiting.append((segment, True))
            waiting += [(used, False) for used in sorted(uses[segment], reverse=True) if used in uses]
    return list(ordered)
