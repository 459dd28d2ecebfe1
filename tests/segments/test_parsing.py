"""Rules as JSON: every form goes there and back, and whatever is wrong is refused with the path of the condition."""

from typing import Any

import pytest

from app.core.errors import Invalid
from app.segments import parse_rule, read_rule, to_json
from app.segments.limits import MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES

SEGMENT = "seg_" + "0" * 12 + "7" + "0" * 3 + "8" + "0" * 15
PRO = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}

FORMS: list[dict[str, Any]] = [
    PRO,
    {"and": [PRO, {"or": [PRO, {"not": PRO}]}]},
    {"attribute": {"path": ["address", "city"], "is": {"in": ["Berlin", "Rome"]}}},
    *(
        {"attribute": {"name": "a", "is": test}}
        for test in (
            {"equals": 1.5},
            {"equals": True},
            {"in": [1, 2.5]},
            {"contains": "x"},
            {"startsWith": "x"},
            {"endsWith": "x"},
            {"has": "vip"},
            {"lessThan": 1},
            {"atMost": 1},
            {"moreThan": 1},
            {"atLeast": 1},
            {"between": [1, 1]},
            {"exists": False},
            {"empty": True},
            {"before": "2026-03-01"},
            {"after": "2026-03-01T10:00:00.000000Z"},
            {"on": "2028-02-29"},
            {"inTheLast": {"minutes": 5}},
            {"longerAgoThan": {"weeks": 2}},
            {"withinTheNext": {"hours": 36}},
            {"anniversaryWithin": {"days": 0}},
        )
    ),
    {"identity": {"kind": "email", "is": {"endsWith": "@example.com"}}},
    {"device": {}},
    {"device": {"platform": {"in": ["ios"]}, "lastUsedAt": {"inTheLast": {"days": 3}}}},
    {"consent": {"channel": "in_app", "is": "unknown"}},
    {"timezone": {"is": {"startsWith": "Europe/"}}},
    {"locale": {"is": {"exists": True}}},
    {"createdAt": {"is": {"inTheLast": {"days": 1}}}},
    {"updatedAt": {"is": {"before": "2026-03-01"}}},
    {"segment": {"id": SEGMENT}},
    {"event": {"name": "visit"}},
    {
        "event": {
            "name": "purchase",
            "where": [{"property": {"name": "amount", "is": {"moreThan": 50}}}, {"not": {"or": [
                {"property": {"path": ["item", "sku"], "is": {"equals": "a"}}}
            ]}}],
            "within": {"from": "2026-01-01", "to": "2026-02-01T00:00:00.000000Z"},
            "count": {"between": [2, 5]},
        }
    },
    {"event": {"name": "e", "within": {"last": {"days": 90}}, "first": {"withinTheNext": {"days": 1}}}},
    {"event": {"name": "e", "sum": {"property": "amount", "is": {"atLeast": 100.25}}}},
    {"event": {"name": "e", "distinct": {"path": ["item", "sku"], "is": {"moreThan": 2}}}},
]  # fmt: skip


@pytest.mark.parametrize("document", FORMS, ids=str)
def test_a_rule_goes_there_and_back(document: dict[str, Any]) -> None:
    assert to_json(read_rule(document)) == document


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"event": {"name": "e", "count": {"atLeast": 1}}}, {"event": {"name": "e"}}),
        (
            {"identity": {"kind": "email", "is": {"in": [" Ann@Example.COM"]}}},
            {"identity": {"kind": "email", "is": {"in": ["ann@example.com"]}}},
        ),
        (
            {"identity": {"kind": "phone", "is": {"equals": "+1 (415) 555-2671"}}},
            {"identity": {"kind": "phone", "is": {"equals": "+14155552671"}}},
        ),
        (
            {"createdAt": {"is": {"before": "2026-03-01T02:00:00.1234567+02:00"}}},
            {"createdAt": {"is": {"before": "2026-03-01T00:00:00.123456Z"}}},
        ),
        (
            {"createdAt": {"is": {"before": "2026-03-01 02:00:00"}}},
            {"createdAt": {"is": {"before": "2026-03-01T02:00:00.000000Z"}}},
        ),
    ],
)
def test_there_is_one_stored_form(given: dict[str, Any], stored: dict[str, Any]) -> None:
    assert to_json(read_rule(given)) == stored


def issues(document: object) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        read_rule(document)
    return [(issue.path, issue.message) for issue in refused.value.issues]


def attribute(test: object) -> dict[str, Any]:
    return {"attribute": {"name": "a", "is": test}}


def event(**keys: object) -> dict[str, Any]:
    return {"event": {"name": "e", **keys}}


NO_NUMBER = "must be a number"
NO_MOMENT = "must be a date such as 2026-03-01 or a moment such as 2026-03-01T10:00:00Z"


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [
        (None, "rule", "must be an object"),
        ([PRO], "rule", "must be an object"),
        ({"and": []}, "rule.and", "must not be empty"),
        ({"or": PRO}, "rule.or", "must be a list"),
        ({"not": [PRO]}, "rule.not", "must be an object"),
        ({"and": [PRO, 1]}, "rule.and.1", "must be an object"),
        ({"attribute": {"name": "a"}}, "rule.attribute.is", "is missing"),
        ({"attribute": {"is": {"equals": 1}}}, "rule.attribute", "must have exactly one of name, path"),
        ({"attribute": {"name": "", "is": {"equals": 1}}}, "rule.attribute.name", "must not be empty"),
        ({"attribute": {"path": ["a"] * 6, "is": {"equals": 1}}}, "rule.attribute.path",
         "must have at most 5 names (MAX_PATH)"),
        (attribute({"equals": None}), "rule.attribute.is.equals", "must be a text, a number or a boolean"),
        (attribute({"equals": 1e999}), "rule.attribute.is.equals", "must be a finite number of at most 64 bits"),
        (attribute({"equals": 2**63}), "rule.attribute.is.equals", "must be a finite number of at most 64 bits"),
        (attribute({"equals": "\x00"}), "rule.attribute.is.equals", "contains a character that cannot be stored"),
        (attribute({"lessThan": "5"}), "rule.attribute.is.lessThan", NO_NUMBER),
        (attribute({"lessThan": True}), "rule.attribute.is.lessThan", NO_NUMBER),
        (attribute({"between": [1]}), "rule.attribute.is.between", "must be a list of two numbers"),
        (attribute({"between": [1, "2"]}), "rule.attribute.is.between.1", NO_NUMBER),
        (attribute({"between": [2, 1]}), "rule.attribute.is.between", "must not end before it begins"),
        (attribute({"in": []}), "rule.attribute.is.in", "must not be empty"),
        (attribute({"in": ["a", 1]}), "rule.attribute.is.in.1", "must be a text as the first value is"),
        (attribute({"in": [1, True]}), "rule.attribute.is.in.1", "must be a number as the first value is"),
        (attribute({"contains": ""}), "rule.attribute.is.contains", "must not be empty"),
        (attribute({"exists": "yes"}), "rule.attribute.is.exists", "must be true or false"),
        (attribute({"before": "yesterday"}), "rule.attribute.is.before", NO_MOMENT),
        (attribute({"after": "2026-02-30"}), "rule.attribute.is.after", NO_MOMENT),
        (attribute({"on": "2026-03-01T00:00:00Z"}), "rule.attribute.is.on", "must be a date such as 2026-03-01"),
        (attribute({"inTheLast": {"days": 0}}), "rule.attribute.is.inTheLast.days",
         "must be a whole number from 1 to 36500"),
        (attribute({"inTheLast": {"days": 1, "hours": 1}}), "rule.attribute.is.inTheLast",
         "must have exactly one unit (minutes, hours, days, weeks)"),
        (attribute({"inTheLast": {"months": 1}}), "rule.attribute.is.inTheLast.months",
         "is unknown here (known: minutes, hours, days, weeks)"),
        (attribute({"anniversaryWithin": {"days": 365}}), "rule.attribute.is.anniversaryWithin.days",
         "must be a whole number from 0 to 364"),
        ({"identity": {"kind": "name", "is": {"equals": "x"}}}, "rule.identity.kind",
         "must be one of external_id, email, phone, anonymous_id"),
        ({"identity": {"kind": "email", "is": {"equals": "x"}}}, "rule.identity.is.equals",
         "is not an e-mail address"),
        ({"identity": {"kind": "phone", "is": {"in": ["+14155552671", "12"]}}}, "rule.identity.is.in.1",
         "is not an international phone number (+ and the country code first)"),
        ({"locale": {"is": {"equals": 5}}}, "rule.locale.is.equals", "must be a text"),
        ({"timezone": {"is": {"in": [5]}}}, "rule.timezone.is.in", "must be a list of texts"),
        ({"device": {"platform": {"equals": 1}}}, "rule.device.platform.equals", "must be a text"),
        ({"consent": {"channel": "fax", "is": "unknown"}}, "rule.consent.channel",
         "must be one of email, sms, push, in_app, whatsapp"),
        ({"segment": {"id": "seg_1"}}, "rule.segment.id", "is not the id of a segment (seg_…)"),
        (event(within={}), "rule.event.within", "must have from, to or both, or else last alone"),
        (event(within={"last": {"days": 1}, "to": "2026-01-01"}), "rule.event.within",
         "must have from, to or both, or else last alone"),
        (event(within={"from": "2026-03-02", "to": "2026-03-01"}), "rule.event.within", "must end after it begins"),
        (event(within={"from": "2026-03-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}), "rule.event.within",
         "must end after it begins"),
        (event(count={"atLeast": -1}), "rule.event.count.atLeast", "must be a whole number from 0 to 1000000"),
        (event(count={"atLeast": 1.5}), "rule.event.count.atLeast", "must be a whole number from 0 to 1000000"),
        (event(count={"lessThan": 0}), "rule.event.count.lessThan", "can never be: no count is below 0"),
        (event(count={"equals": "3"}), "rule.event.count.equals", NO_NUMBER),
        (event(count={"between": [3, 1]}), "rule.event.count.between", "must not end before it begins"),
        (event(count={"atLeast": 3, "atMost": 1}), "rule.event.count",
         "must have exactly one operator (equals, lessThan, atMost, moreThan, atLeast, between)"),
        (event(count={"atLeast": 3}, first={"on": "2026-03-01"}), "rule.event.first",
         "an event is measured by one of count, first, last, sum, average, minimum, maximum, distinct only"),
        (event(sum={"property": "p", "is": {"equals": 0.1234567}}), "rule.event.sum.is.equals",
         "must have at most 6 decimals (MAX_DECIMALS)"),
        (event(sum={"is": {"equals": 1}}), "rule.event.sum", "must have exactly one of property, path"),
        (event(where=[PRO]), "rule.event.where.0.attribute", "is unknown here (known: and, or, not, property)"),
        (event(where=[{"property": {"name": "p", "is": {"between": [2, 1]}}}]),
         "rule.event.where.0.property.is.between", "must not end before it begins"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_path(document: object, path: str, message: str) -> None:
    assert issues(document) == [(path, message)]


def test_unknown_words_name_what_is_known() -> None:
    known = (
        "and, or, not, attribute, identity, device, consent, timezone, locale, createdAt, updatedAt, event, "
        "conversation, rating, segment"
    )
    assert issues({"nor": [PRO]}) == [("rule.nor", f"is unknown here (known: {known})")]
    ((path, message),) = issues(attribute({"notEquals": 1}))
    assert path == "rule.attribute.is.notEquals"
    assert message.startswith("is unknown here (known: equals, in, contains,")


def test_an_events_property_may_not_depend_on_the_clock() -> None:
    where = [{"property": {"name": "due", "is": {"inTheLast": {"days": 1}}}}]
    assert [path for path, _ in issues(event(where=where))] == ["rule.event.where.0.property.is.inTheLast"]


def test_every_wrong_condition_is_named_at_once() -> None:
    rule = {"and": [attribute({"lessThan": "x"}), PRO, {"or": [{"what": 1}, event(count={"equals": -1})]}]}
    assert [path for path, _ in issues(rule)] == [
        "rule.and.0.attribute.is.lessThan",
        "rule.and.2.or.0.what",
        "rule.and.2.or.1.event.count.equals",
    ]


def test_at_most_fifty_things_are_named() -> None:
    assert len(issues({"and": [{"what": 1}] * 120})) == 50


# ---- limits ---------------------------------------------------------------------------------------------------------


def test_the_largest_rule_is_accepted_and_one_condition_more_is_not() -> None:
    rules = [attribute({"atLeast": number}) for number in range(MAX_CONDITIONS)]
    read_rule({"and": rules})
    over = [("rule", "must have at most 200 conditions (MAX_CONDITIONS)")]
    assert issues({"and": [*rules, PRO]}) == over
    assert issues({"or": [PRO] * 1000}) == over


def test_property_conditions_count_as_well() -> None:
    wheres = [{"property": {"name": "p", "is": {"atLeast": number}}} for number in range(MAX_CONDITIONS)]
    assert issues(event(where=wheres)) == [("rule", "must have at most 200 conditions (MAX_CONDITIONS)")]


def nested(levels: int) -> dict[str, Any]:
    rule: dict[str, Any] = PRO
    for _ in range(levels - 1):
        rule = {"not": rule}
    return rule


def test_the_deepest_rule_is_accepted_and_one_level_more_is_not() -> None:
    read_rule(nested(MAX_DEPTH))
    too_deep = "is nested more than 20 levels deep (MAX_DEPTH)"
    assert issues(nested(MAX_DEPTH + 1)) == [("rule" + ".not" * MAX_DEPTH, too_deep)]
    assert issues(nested(50)) == [("rule" + ".not" * MAX_DEPTH, too_deep)]
    assert issues(nested(20_000))[0][1] == too_deep


def test_a_list_of_values_has_a_limit() -> None:
    parse_rule(attribute({"in": list(range(MAX_VALUES))}))
    assert issues(attribute({"in": list(range(MAX_VALUES + 1))})) == [
        ("rule.attribute.is.in", "must have at most 1000 values (MAX_VALUES)")
    ]
