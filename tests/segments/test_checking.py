"""Contradictions are refused where they are, and what can be true is not."""

from typing import Any

import pytest

from app.core.errors import Invalid
from app.segments import read_rule

ANOTHER_TYPE = "asks for another type of value than a condition beside it"
IMPOSSIBLE = "can never be true together with a condition beside it"


def plan(test: dict[str, Any]) -> dict[str, Any]:
    return {"attribute": {"name": "plan", "is": test}}


def bought(**keys: Any) -> dict[str, Any]:
    return {"event": {"name": "purchase", **keys}}


def email(status: str) -> dict[str, Any]:
    return {"consent": {"channel": "email", "is": status}}


def created(test: dict[str, Any]) -> dict[str, Any]:
    return {"createdAt": {"is": test}}


def talk(**keys: Any) -> dict[str, Any]:
    return {"conversation": {"status": {"equals": "open"}, **keys}}


def rated(test: dict[str, Any]) -> dict[str, Any]:
    return {"rating": {"is": test}}


PRO = plan({"equals": "pro"})


@pytest.mark.parametrize(
    ("one", "other", "path", "message"),
    [
        (PRO, plan({"equals": "free"}), "attribute.is.equals", IMPOSSIBLE),
        (plan({"equals": 1}), plan({"equals": True}), "attribute.is.equals", ANOTHER_TYPE),
        (PRO, plan({"equals": 1}), "attribute.is.equals", ANOTHER_TYPE),
        (PRO, plan({"atLeast": 1}), "attribute.is.atLeast", ANOTHER_TYPE),
        (PRO, plan({"in": ["free", "basic"]}), "attribute.is.in", IMPOSSIBLE),
        (plan({"in": ["a", "b"]}), plan({"in": ["c"]}), "attribute.is.in", IMPOSSIBLE),
        (plan({"equals": 5}), plan({"lessThan": 5}), "attribute.is.lessThan", IMPOSSIBLE),
        (plan({"atLeast": 5}), plan({"lessThan": 5}), "attribute.is.lessThan", IMPOSSIBLE),
        (plan({"between": [1, 2]}), plan({"between": [3, 4]}), "attribute.is.between", IMPOSSIBLE),
        (PRO, plan({"exists": False}), "attribute.is.exists", ANOTHER_TYPE),
        (PRO, plan({"empty": True}), "attribute.is.empty", IMPOSSIBLE),
        (plan({"empty": True}), plan({"contains": "x"}), "attribute.is.contains", IMPOSSIBLE),
        (plan({"atLeast": 1}), plan({"empty": True}), "attribute.is.empty", ANOTHER_TYPE),
        (plan({"has": "x"}), plan({"contains": "x"}), "attribute.is.contains", ANOTHER_TYPE),
        (PRO, plan({"startsWith": "P"}), "attribute.is.startsWith", IMPOSSIBLE),
        (plan({"startsWith": "ab"}), plan({"startsWith": "ac"}), "attribute.is.startsWith", IMPOSSIBLE),
        (PRO, plan({"before": "2026-01-01"}), "attribute.is.before", IMPOSSIBLE),
        (plan({"before": "2026-01-01"}), plan({"after": "2026-01-01"}), "attribute.is.after", IMPOSSIBLE),
        (plan({"on": "2026-01-01"}), plan({"on": "2026-01-02"}), "attribute.is.on", IMPOSSIBLE),
        (plan({"equals": "2026-01-03"}), plan({"on": "2026-01-02"}), "attribute.is.on", IMPOSSIBLE),
        (plan({"equals": True}), plan({"on": "2026-01-02"}), "attribute.is.on", ANOTHER_TYPE),
        (created({"inTheLast": {"days": 1}}), created({"longerAgoThan": {"days": 1}}), "createdAt.is.longerAgoThan",
         IMPOSSIBLE),
        (created({"inTheLast": {"days": 1}}), created({"withinTheNext": {"days": 1}}), "createdAt.is.withinTheNext",
         IMPOSSIBLE),
        (email("subscribed"), email("unknown"), "consent.is", IMPOSSIBLE),
        (bought(count={"atLeast": 3}), bought(count={"atMost": 1}), "event.count.atMost", IMPOSSIBLE),
        (bought(), bought(count={"equals": 0}), "event.count.equals", IMPOSSIBLE),
        (bought(first={"after": "2026-01-01"}), bought(first={"before": "2026-01-01"}), "event.first.before",
         IMPOSSIBLE),
        (bought(sum={"property": "p", "is": {"atLeast": 3}}), bought(sum={"property": "p", "is": {"lessThan": 3}}),
         "event.sum.is.lessThan", IMPOSSIBLE),
        (talk(count={"atLeast": 3}), talk(count={"atMost": 1}), "conversation.count.atMost", IMPOSSIBLE),
        (talk(), talk(count={"equals": 0}), "conversation.count.equals", IMPOSSIBLE),
        (rated({"atMost": 2}), rated({"atLeast": 3}), "rating.is.atLeast", IMPOSSIBLE),
    ],
)  # fmt: skip
def test_two_conditions_that_exclude_each_other_are_refused(
    one: dict[str, Any], other: dict[str, Any], path: str, message: str
) -> None:
    for rule, place in (({"and": [one, other]}, "1"), ({"and": [one, {"and": [other]}]}, "1.and.0")):
        with pytest.raises(Invalid) as refused:
            read_rule(rule)
        assert [(issue.path, issue.message) for issue in refused.value.issues] == [
            (f"rule.and.{place}.{path}", message)
        ]
    read_rule({"or": [one, other]})
    read_rule({"and": [one, {"not": other}]})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PRO, PRO),
        (plan({"equals": 1}), plan({"equals": 1.0})),
        (plan({"atLeast": 5}), plan({"atMost": 5})),
        (PRO, plan({"empty": False})),
        (plan({"empty": True}), plan({"exists": True})),
        (plan({"empty": True}), plan({"equals": ""})),
        (plan({"startsWith": "ab"}), plan({"startsWith": "abc"})),
        (plan({"equals": "2026-01-02T10:00:00Z"}), plan({"on": "2026-01-02"})),
        (plan({"atLeast": 1_700_000_000}), plan({"inTheLast": {"days": 30}})),
        (created({"inTheLast": {"days": 30}}), created({"longerAgoThan": {"days": 7}})),
        (created({"after": "2026-01-01"}), created({"before": "2026-01-03"})),
        (bought(count={"atLeast": 3}), bought(count={"atMost": 1}, within={"last": {"days": 1}})),
        (bought(count={"atLeast": 3}), bought(sum={"property": "p", "is": {"lessThan": 1}})),
        ({"identity": {"kind": "anonymous_id", "is": {"equals": "a"}}},
         {"identity": {"kind": "anonymous_id", "is": {"equals": "b"}}}),
    ],
)  # fmt: skip
def test_what_can_be_true_together_is_accepted(one: dict[str, Any], other: dict[str, Any]) -> None:
    read_rule({"and": [one, other]})
    read_rule({"and": [other, one]})


def test_a_condition_and_its_opposite_are_refused() -> None:
    with pytest.raises(Invalid) as refused:
        read_rule({"and": [bought(), PRO, {"not": bought()}]})
    assert [(issue.path, issue.message) for issue in refused.value.issues] == [("rule.and.2", "contradicts rule.and.0")]


def test_the_properties_of_one_event_are_looked_at_together() -> None:
    where = [{"property": {"name": "p", "is": {"atLeast": 5}}}, {"property": {"name": "p", "is": {"lessThan": 5}}}]
    with pytest.raises(Invalid) as refused:
        read_rule(bought(where=where))
    assert [issue.path for issue in refused.value.issues] == ["rule.event.where.1.property.is.lessThan"]
    read_rule(bought(where=[{"or": where}]))


def test_a_contradiction_inside_an_alternative_is_found() -> None:
    with pytest.raises(Invalid) as refused:
        read_rule({"or": [PRO, {"not": {"and": [PRO, plan({"equals": "x"})]}}]})
    assert [issue.path for issue in refused.value.issues] == ["rule.or.1.not.and.1.attribute.is.equals"]
