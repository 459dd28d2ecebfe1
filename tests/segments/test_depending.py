"""What a rule depends on, and circles of segments."""

from typing import Any
from uuid import UUID

import pytest

from app.core.ids import public_id
from app.segments import dependencies, find_circle, in_order, read_rule, segments_of

A, B, C, D = (UUID(int=number) for number in range(1, 5))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"attribute": {"path": ["address", "city"], "is": {"equals": "x"}}}, {("attribute", "address")}),
        ({"attribute": {"name": "due", "is": {"withinTheNext": {"days": 1}}}}, {("attribute", "due"), ("time", "")}),
        ({"attribute": {"name": "due", "is": {"before": "2026-01-01"}}}, {("attribute", "due")}),
        ({"identity": {"kind": "email", "is": {"exists": True}}}, {("identity", "email")}),
        ({"device": {"lastUsedAt": {"inTheLast": {"days": 1}}}}, {("device", ""), ("time", "")}),
        ({"device": {}}, {("device", "")}),
        ({"consent": {"channel": "sms", "is": "unknown"}}, {("consent", "sms")}),
        ({"timezone": {"is": {"exists": True}}}, {("timezone", "")}),
        ({"locale": {"is": {"exists": True}}}, {("locale", "")}),
        ({"createdAt": {"is": {"anniversaryWithin": {"days": 1}}}}, {("created", ""), ("time", "")}),
        ({"updatedAt": {"is": {"after": "2026-01-01"}}}, {("updated", "")}),
        ({"event": {"name": "e"}}, {("event", "e")}),
        ({"event": {"name": "e", "within": {"from": "2026-01-01"}}}, {("event", "e")}),
        ({"event": {"name": "e", "within": {"last": {"days": 1}}}}, {("event", "e"), ("time", "")}),
        ({"event": {"name": "e", "last": {"longerAgoThan": {"days": 1}}}}, {("event", "e"), ("time", "")}),
        ({"conversation": {}}, {("conversation", "")}),
        ({"conversation": {"closedAt": {"after": "2026-01-01"}}}, {("conversation", "")}),
        ({"conversation": {"waitingSince": {"longerAgoThan": {"hours": 1}}}}, {("conversation", ""), ("time", "")}),
        ({"rating": {"is": {"atMost": 2}}}, {("conversation", "")}),
        ({"segment": {"id": public_id("segment", A)}}, {("segment", A.hex)}),
    ],
)
def test_every_condition_says_what_it_looks_at(rule: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert dependencies(read_rule(rule)) == expected
    both = {"and": [{"event": {"name": "x"}}, {"not": {"or": [rule]}}]}
    assert dependencies(read_rule(both)) == expected | {("event", "x")}


def test_the_segments_of_a_rule() -> None:
    rule = {"or": [{"segment": {"id": public_id("segment", A)}}, {"not": {"segment": {"id": public_id("segment", B)}}}]}
    assert segments_of(read_rule(rule)) == {A, B}


def uses(**given: str) -> dict[UUID, frozenset[UUID]]:
    known = {"a": A, "b": B, "c": C, "d": D}
    return {known[name]: frozenset(known[other] for other in others) for name, others in given.items()}


def test_circles_are_found_with_their_way() -> None:
    assert find_circle(A, uses(a="a")) == [A, A]
    assert find_circle(A, uses(a="bd", b="c", c="a", d="")) == [A, B, C, A]
    assert find_circle(A, uses(a="bc", b="d", c="d", d="")) == []
    assert find_circle(A, uses(a="b", b="c", c="b")) == []
    assert find_circle(A, uses(b="a")) == []


def test_segments_come_after_those_they_use() -> None:
    assert in_order(uses(a="bc", b="d", c="d", d="")) == [D, B, C, A]
    assert in_order(uses(a="", b="a")) == [A, B]
    assert in_order(uses(a="d", c="a")) == [A, C]
