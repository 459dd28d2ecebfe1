"""Rules as typed input: everything that a rule can say goes in, and what is wrong is told at its condition."""

import pytest

from app.segments import read_rule, to_json
from app.segments.limits import MAX_CONDITIONS, MAX_DEPTH
from tests.graph.callers import Caller, Json
from tests.graph.mutations import PRO
from tests.graph.test_mutations import mutate, refuse

PREVIEW = "query($rule: RuleInput!) { previewSegment(rule: $rule) { count } }"


DAYS: Json = {"days": 30}
NUMBERS: list[Json] = [
    {"equals": 3}, {"lessThan": 3}, {"atMost": 3}, {"moreThan": 3}, {"atLeast": 3}, {"between": [1, 3]}
]  # fmt: skip
ABSOLUTE: list[Json] = [{"before": "2026-03-01"}, {"after": "2026-03-01T10:00:00Z"}, {"on": "2026-03-01"}]
RELATIVE: list[Json] = [
    {"inTheLast": {"minutes": 5}}, {"longerAgoThan": {"hours": 5}}, {"withinTheNext": {"weeks": 2}},
    {"anniversaryWithin": {"days": 7}},
]  # fmt: skip
TEXTS: list[Json] = [
    {"equals": "a"}, {"in": ["a", "b"]}, {"contains": "a"}, {"startsWith": "a"}, {"endsWith": "a"}, {"exists": True}
]  # fmt: skip
OF_PROPERTIES: list[Json] = [
    *TEXTS, {"equals": True}, {"equals": 1.5}, {"in": [1, 2.5]}, {"has": "a"}, *NUMBERS[1:], {"empty": False}, *ABSOLUTE
]  # fmt: skip
KINDS = ("external_id", "email", "phone", "anonymous_id")
RULES: list[Json] = [
    *({"attribute": {"name": "x", "is": test}} for test in (*OF_PROPERTIES, *RELATIVE)),
    {"attribute": {"path": ["address", "city"], "is": {"equals": "Rome"}}},
    *({"timezone": {"is": test}} for test in TEXTS),
    {"locale": {"is": {"startsWith": "de"}}},
    *({"createdAt": {"is": test}} for test in (*ABSOLUTE, *RELATIVE)),
    {"updatedAt": {"is": {"inTheLast": DAYS}}},
    *({"identity": {"kind": kind, "is": {"exists": False}}} for kind in KINDS),
    *({"consent": {"channel": channel, "is": "unknown"}} for channel in ("email", "sms", "push", "in_app", "whatsapp")),
    *({"consent": {"channel": "email", "is": said}} for said in ("subscribed", "unsubscribed")),
    {"device": {}},
    {"conversation": {}},
    {"conversation": {"status": {"equals": "open"}, "waitingSince": {"longerAgoThan": {"minutes": 10}}}},
    {"conversation": {"status": {"in": ["open", "closed"]}, "closedAt": {"inTheLast": DAYS}, "createdAt": ABSOLUTE[0]}},
    *({"conversation": {"count": test}} for test in NUMBERS),
    *({"rating": {"is": test}} for test in NUMBERS),
    {"device": {"platform": {"in": ["ios", "web"]}, "lastUsedAt": {"inTheLast": DAYS}}},
    {"device": {"platform": {"equals": "ios"}}},
    {"event": {"name": "buy"}},
    *({"event": {"name": "buy", "count": test}} for test in NUMBERS),
    *({"event": {"name": "buy", "within": within}} for within in (
        {"from": "2026-01-01"}, {"to": "2026-02-01"}, {"from": "2026-01-01", "to": "2026-02-01"}, {"last": DAYS})),
    {"event": {"name": "buy", "first": {"inTheLast": DAYS}}},
    {"event": {"name": "buy", "last": {"before": "2026-01-01"}}},
    *({"event": {"name": "buy", figure: {"property": "amount", "is": {"moreThan": 2}}}}
      for figure in ("sum", "average", "minimum", "maximum", "distinct")),
    {"event": {"name": "buy", "sum": {"path": ["total", "net"], "is": {"atLeast": 2.5}}}},
    *({"event": {"name": "buy", "where": [{"property": {"name": "x", "is": test}}]}} for test in OF_PROPERTIES),
    {"event": {"name": "buy", "where": [
        {"or": [{"property": {"path": ["a", "b"], "is": {"exists": True}}},
                {"not": {"and": [{"property": {"name": "x", "is": {"equals": 1}}}]}}]}]}},
    {"and": [{"or": [PRO, {"not": {"event": {"name": "buy"}}}]}, {"locale": {"is": {"exists": True}}}]},
]  # fmt: skip


async def test_whatever_a_rule_can_say_goes_in_as_it_comes_out(owner: Caller) -> None:
    """Numbers without a fraction stay whole."""
    for rule in RULES:
        done = await mutate(owner, "createSegment", {"name": "s", "rule": rule}, "segment { rule }")
        assert done["segment"]["rule"] == to_json(read_rule(rule)), rule


async def test_a_rule_is_written_in_a_document_too(owner: Caller) -> None:
    text = """mutation { createSegment(input: {name: "s", rule: {and: [
        {attribute: {name: "plan", is: {in: ["pro", "team"]}}},
        {event: {name: "buy", where: [{property: {name: "amount", is: {moreThan: 50}}}], count: {atLeast: 3}}},
        {not: {consent: {channel: in_app, is: unsubscribed}}}
    ]}}) { segment { rule kind state version memberCount } } }"""
    assert (await owner.data(text))["createSegment"]["segment"] == {
        "rule": {
            "and": [
                {"attribute": {"name": "plan", "is": {"in": ["pro", "team"]}}},
                {"event": {
                    "name": "buy",
                    "where": [{"property": {"name": "amount", "is": {"moreThan": 50}}}],
                    "count": {"atLeast": 3},
                }},
                {"not": {"consent": {"channel": "in_app", "is": "unsubscribed"}}},
            ]
        },
        "kind": "DYNAMIC", "state": "BUILDING", "version": 1, "memberCount": 0,
    }  # fmt: skip


WRONG: list[tuple[Json, str]] = [
    ({"and": []}, "rule.and"),
    ({"and": [PRO, PRO, {"attribute": {"name": "age", "is": {"between": [9, 1]}}}]},
     "rule.and.2.attribute.is.between"),
    ({"attribute": {"is": {"exists": True}}}, "rule.attribute"),
    ({"createdAt": {"is": {"before": "soon"}}}, "rule.createdAt.is.before"),
    ({"conversation": {"status": {"in": ["open", "lost"]}}}, "rule.conversation.status.in.1"),
    ({"conversation": {"count": {"atLeast": 0.5}}}, "rule.conversation.count.atLeast"),
    ({"rating": {"is": {"atLeast": 6}}}, "rule.rating.is.atLeast"),
    ({"device": {"lastUsedAt": {"inTheLast": {"days": 0}}}}, "rule.device.lastUsedAt.inTheLast.days"),
    ({"event": {"name": "buy", "count": {"atLeast": 1.5}}}, "rule.event.count.atLeast"),
    ({"event": {"name": "buy", "where": [{"not": {"property": {"name": "x", "is": {"on": "now"}}}}]}},
     "rule.event.where.0.not.property.is.on"),
    ({"event": {"name": "buy", "within": {"from": "2026-02-01", "to": "2026-01-01"}}}, "rule.event.within"),
    ({"event": {"name": "buy", "count": {"equals": 1}, "sum": {"property": "x", "is": {"equals": 1}}}},
     "rule.event.sum"),
    ({"segment": {"id": "cust_1"}}, "rule.segment.id"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "at"), WRONG, ids=[at for _, at in WRONG])
async def test_a_wrong_rule_is_refused_at_the_condition(owner: Caller, rule: Json, at: str) -> None:
    assert await owner.refusal(PREVIEW, rule=rule) == {"code": "INVALID", "field": at}
    refusal = await refuse(owner, "createSegment", {"name": "s", "rule": rule})
    assert refusal == {"code": "INVALID", "field": f"input.{at}"}


async def test_all_that_is_wrong_with_a_rule_is_said_at_once(owner: Caller) -> None:
    wrong = [{"createdAt": {"is": {"on": "x"}}}, PRO, {"segment": {"id": "x"}}]
    error = await owner.error(PREVIEW, rule={"or": wrong})
    assert [issue["field"] for issue in error["extensions"]["issues"]] == [
        "rule.or.0.createdAt.is.on",
        "rule.or.2.segment.id",
    ]


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"and": [PRO], "or": [PRO]},
        {"attribute": {"name": "x", "is": {"equals": None}}},
        {"attribute": {"name": "x", "is": {"equals": [1]}}},
        {"attribute": {"name": "x", "is": {"equals": 1, "exists": True}}},
        {"attribute": {"name": "x", "is": {"like": 1}}},
        {"consent": {"channel": "EMAIL", "is": "unknown"}},
        {"weather": {"is": "fine"}},
    ],
)
async def test_what_is_no_rule_at_all_is_refused_by_its_type(owner: Caller, rule: Json) -> None:
    assert (await owner.refusal(PREVIEW, rule=rule))["code"] == "BAD_REQUEST"


def nested(levels: int) -> Json:
    rule: Json = PRO
    for _ in range(levels - 1):
        rule = {"and": [rule]}
    return rule


async def test_a_rule_beyond_a_limit_is_refused_by_its_name(owner: Caller) -> None:
    assert (await owner.data(PREVIEW, rule=nested(MAX_DEPTH)))["previewSegment"]["count"] == 0
    for levels in (MAX_DEPTH + 1, 50, 80):
        error = await owner.error(PREVIEW, rule=nested(levels))
        assert error["extensions"]["code"] == "INVALID"
        assert "MAX_DEPTH" in error["message"]
    error = await owner.error(PREVIEW, rule={"or": [PRO] * (MAX_CONDITIONS + 1)})
    assert error["extensions"]["field"] == "rule"
    assert "MAX_CONDITIONS" in error["message"]


@pytest.mark.parametrize("levels", [150, 400, 2000])
async def test_no_rule_is_too_deep_to_be_refused(owner: Caller, levels: int) -> None:
    refusal = await owner.refusal(PREVIEW, rule=nested(levels))
    assert refusal["code"] in {"INVALID", "BAD_REQUEST"}


async def test_one_operation_cannot_ask_rules_without_end(owner: Caller) -> None:
    """Each of these may go over everybody, which aliases would multiply."""

    def asking(times: int) -> str:
        asked = " ".join(f"a{number}: previewSegment(rule: $rule) {{ count }}" for number in range(times))
        return f"query($rule: RuleInput!) {{ {asked} }}"

    assert set(await owner.data(asking(5), rule=PRO)) == {"a0", "a1", "a2", "a3", "a4"}
    assert await owner.refusal(asking(6), rule=PRO) == {"code": "INVALID", "field": "operation"}
