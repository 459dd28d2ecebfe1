"""The rules of SiloCDP and the CRM, there and back, and the places at which they are refused."""

from typing import Any

import pytest
from hypothesis import given

from app.rest.crm.rules import read_criteria, write_criteria
from app.rest.door.places import Places
from app.rest.silocdp.rules import read_rules, write_rules
from app.segments import parse_rule, to_json
from tests.doors.ruling import NUMBERS, PROFILE, refused, rules

# ---- SiloCDP --------------------------------------------------------------------------------------------------------


@PROFILE
@given(rules())
def test_silocdp_says_every_rule(rule: dict[str, Any]) -> None:
    written = write_rules(rule)
    assert read_rules(written)[0] == rule
    assert to_json(parse_rule(read_rules(rule)[0])) == rule


def test_silocdp_lists_of_rules() -> None:
    one, other = {"consent": {"channel": "sms", "is": "subscribed"}}, {"segment": {"id": NUMBERS[1]}}
    assert read_rules([])[0] is None
    assert read_rules([one])[0] == one
    assert read_rules([one, other])[0] == {"and": [one, other]}
    assert write_rules(None) == []
    assert write_rules({"and": [one]}) == [{"and": [one]}]
    assert write_rules({"or": [one, other]}) == [{"or": [one, other]}]


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ("all", "rules"),
        ([5], "rules.0"),
        ([{"attribute": {"name": "a", "is": {"atLeast": "x"}}}], "rules.0.attribute.is.atLeast"),
        ([{"locale": {"is": {"equals": "de"}}}, {"or": [{"x": 1}]}], "rules.1.or.0.x"),
        ({"and": [{"event": {"name": "e", "count": {"atLeast": -1}}}]}, "rules.and.0.event.count.atLeast"),
        ([{"attribute": {"name": "a", "is": {"equals": n}}} for n in (1, 2)], "rules.1.attribute.is.equals"),
    ],
)
def test_silocdp_tells_the_place(rules: Any, path: str) -> None:
    assert refused(lambda: read_rules(rules)) == [path]


# ---- CRM ------------------------------------------------------------------------------------------------------------


@PROFILE
@given(rules())
def test_the_crm_says_every_rule(rule: dict[str, Any]) -> None:
    criteria = write_criteria(rule)
    assert criteria is not None and criteria["combinator"] in ("AND", "OR")
    assert read_criteria(criteria)[0] == rule


def test_the_crm_has_its_own_words() -> None:
    said = {
        "combinator": "AND",
        "rules": [
            {"field": "engagementScore", "operator": "gte", "value": 70},
            {"field": "membershipTier", "operator": "in", "value": ["Gold", "Platinum"]},
            {"field": "attributes.email", "operator": "eq", "value": "x"},
            {"field": "emailOptIn", "operator": "eq", "value": False},
            {"field": "email", "operator": "endsWith", "value": "@example.com"},
            {"field": "segmentId", "operator": "neq", "value": NUMBERS[1]},
            {"combinator": "OR", "rules": [{"field": "createdAt", "operator": "inTheLast", "value": {"days": 30}}]},
            {"rule": {"event": {"name": "purchase", "count": {"atLeast": 3}}}},
            {"field": "plan", "operator": "notIn", "value": ["free"]},
        ],
    }
    rule, _ = read_criteria(said)
    assert rule == {
        "and": [
            {"attribute": {"name": "engagementScore", "is": {"atLeast": 70}}},
            {"attribute": {"name": "membershipTier", "is": {"in": ["Gold", "Platinum"]}}},
            {"attribute": {"name": "email", "is": {"equals": "x"}}},
            {"not": {"consent": {"channel": "email", "is": "subscribed"}}},
            {"identity": {"kind": "email", "is": {"endsWith": "@example.com"}}},
            {"not": {"segment": {"id": NUMBERS[1]}}},
            {"or": [{"createdAt": {"is": {"inTheLast": {"days": 30}}}}]},
            {"event": {"name": "purchase", "count": {"atLeast": 3}}},
            {"not": {"attribute": {"name": "plan", "is": {"in": ["free"]}}}},
        ]
    }
    assert write_criteria(rule) == said
    assert write_criteria(None) is None


@pytest.mark.parametrize(
    ("criteria", "paths"),
    [
        ([], ["criteria"]),
        ({"combinator": "AND"}, ["criteria.rules"]),
        ({"combinator": "XOR", "rules": []}, ["criteria.combinator"]),
        ({"combinator": "AND", "rules": []}, ["criteria.rules"]),
        ({"combinator": "AND", "rules": [{"field": "a", "operator": "eq"}]}, ["criteria.rules.0.value"]),
        (
            {
                "combinator": "OR",
                "rules": [
                    {"field": "a", "operator": "like", "value": 1},
                    {"combinator": "OR", "rules": [{"field": 5, "operator": "eq", "value": 1}]},
                    {"field": "smsOptIn", "operator": "gte", "value": True},
                    {"field": "smsOptIn", "operator": "eq", "value": 1},
                    {"field": "locale", "operator": "gt", "value": 1},
                ],
            },
            [
                "criteria.rules.0.operator",
                "criteria.rules.1.rules.0.field",
                "criteria.rules.2.operator",
                "criteria.rules.3.value",
                "criteria.rules.4.operator",
            ],
        ),
        (
            {
                "combinator": "OR",
                "rules": [
                    {"field": "a", "operator": "gte", "value": "70"},
                    {"field": "a", "operator": "notIn", "value": []},
                    {"field": " ", "operator": "eq", "value": 1},
                    {"field": "segmentId", "operator": "eq", "value": 7},
                    {"rule": {"event": {"name": ""}}},
                    {"field": "createdAt", "operator": "before", "value": "soon"},
                ],
            },
            [
                "criteria.rules.0.value",
                "criteria.rules.1.value",
                "criteria.rules.2.field",
                "criteria.rules.3.value",
                "criteria.rules.4.rule.event.name",
                "criteria.rules.5.value",
            ],
        ),
        (
            {"combinator": "AND", "rules": [{"field": "a", "operator": "eq", "value": n} for n in (1, 2)]},
            ["criteria.rules.1.value"],
        ),
    ],
)
def test_the_crm_tells_the_place(criteria: Any, paths: list[str]) -> None:
    assert refused(lambda: read_criteria(criteria)) == paths


def test_places_fall_back_on_what_is_around() -> None:
    places = Places()
    places.note("rule", "said")
    places.note("rule.and.1", "said.1")
    assert [places.said(path) for path in ("rule.and.1.x", "rule.and.10", "rule", "other")] == [
        "said.1",
        "said",
        "said",
        "other",
    ]
