"""Segments through the graph: their members at any moment, reasons, and who may see them."""

from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.access import Scope
from app.core.ids import new_id, parse_id, public_id
from app.runtime import Runtime
from resolvers.engine import GraphEngine
from tests.graph.callers import Caller, everything_stored
from tests.graph.conftest import new_owner
from tests.graph.mutations import PRO
from tests.graph.statements import Recorder
from tests.graph.test_mutations import make_segment, mutate, refuse
from workers.segments import build_segment

READERS = (Scope.SEGMENTS_READ, Scope.CUSTOMERS_READ)
SEEN = "query($id: ID!) { segment(id: $id) { name kind state progress memberCount version rule } }"
MEMBERS = """query($id: ID!, $asOf: DateTime) {
    segment(id: $id) { memberCount members(asOf: $asOf) { totalCount nodes { externalId } } }
}"""
SEGMENTS_OF = """query($id: ID!, $asOf: DateTime) {
    customer(id: $id) { segments(asOf: $asOf) { totalCount nodes { name } } }
}"""
PREVIEW = (
    "query($rule: RuleInput!, $sample: Int) { previewSegment(rule: $rule, sample: $sample) { count sample { id } } }"
)
EXPLAIN = """query($segment: ID!, $customer: ID!) {
    explainMembership(segmentId: $segment, customerId: $customer) {
        isMember enteredAt cause verdicts { kind path depth holds because flipsAt }
    }
}"""
SERIES = """query($id: ID!, $start: DateTime!, $end: DateTime!, $step: SeriesStep! = DAY) {
    memberCountSeries(segmentId: $id, start: $start, end: $end, step: $step) { at count }
}"""


async def person(owner: Caller, name: str, **facts: Any) -> str:
    done = await mutate(owner, "identifyCustomer", {"externalId": name, **facts}, "customer { id }")
    return str(done["customer"]["id"])


async def people(owner: Caller) -> list[str]:
    """Two on the pro plan and one who is not."""
    plans = {"ada": "pro", "bob": "pro", "cy": "free"}
    return [await person(owner, name, attributes={"plan": plan}) for name, plan in plans.items()]


async def build(owner: Caller, segment: str) -> None:
    """Does what the background does."""
    await build_segment(owner.house, {"segment": parse_id("segment", segment).hex}, owner.principal.tenant_id)


async def members(owner: Caller, segment: str, as_of: str | None = None) -> list[str]:
    """The members' names; the count agrees with them."""
    found = (await owner.data(MEMBERS, id=segment, asOf=as_of))["segment"]
    names = sorted(node["externalId"] for node in found["members"]["nodes"])
    assert found["members"]["totalCount"] == len(names)
    assert as_of is not None or found["memberCount"] == len(names)
    return names


# ---- members --------------------------------------------------------------------------------------------------------


async def test_a_segment_is_built_and_its_members_are_seen_both_ways(owner: Caller) -> None:
    ada, _, cy = await people(owner)
    segment = await make_segment(owner, "pros", PRO)
    assert (await owner.data(SEEN, id=segment))["segment"]["state"] == "BUILDING"
    await build(owner, segment)
    assert (await owner.data(SEEN, id=segment))["segment"] == {
        "name": "pros", "kind": "DYNAMIC", "state": "READY", "progress": 1000, "memberCount": 2, "version": 1,
        "rule": PRO,
    }  # fmt: skip
    assert await members(owner, segment) == ["ada", "bob"]
    assert (await owner.data(SEGMENTS_OF, id=ada))["customer"]["segments"] == {
        "totalCount": 1,
        "nodes": [{"name": "pros"}],
    }
    assert (await owner.data(SEGMENTS_OF, id=cy))["customer"]["segments"]["totalCount"] == 0


async def test_who_was_a_member_at_a_moment_is_remembered(owner: Caller) -> None:
    ada, _, _ = await people(owner)
    before = clock.iso(clock.now())
    segment = await make_segment(owner, "pros", PRO)
    await build(owner, segment)
    between = clock.iso(clock.now())
    await mutate(owner, "updateCustomer", {"id": ada, "attributes": {"plan": "free"}}, "customer { id }")
    assert await members(owner, segment) == ["bob"]
    assert await members(owner, segment, between) == ["ada", "bob"]
    assert await members(owner, segment, before) == []
    assert (await owner.data(SEGMENTS_OF, id=ada, asOf=between))["customer"]["segments"]["totalCount"] == 1
    assert (await owner.data(SEGMENTS_OF, id=ada))["customer"]["segments"]["totalCount"] == 0
    text = """query($id: ID!, $ended: Boolean) { segment(id: $id) { memberships(ended: $ended) {
        totalCount nodes { enterCause leaveCause leftAt customer { externalId } segment { name } }
    } } }"""
    ended = (await owner.data(text, id=segment, ended=True))["segment"]["memberships"]["nodes"]
    assert [(stay["customer"]["externalId"], stay["leaveCause"]) for stay in ended] == [("ada", "attribute:plan")]
    assert ended[0]["segment"] == {"name": "pros"}
    assert ended[0]["leftAt"] > between
    lasting = (await owner.data(text, id=segment, ended=False))["segment"]["memberships"]["nodes"]
    assert [(stay["enterCause"], stay["leftAt"]) for stay in lasting] == [("build", None)]
    assert (await owner.data(text, id=segment))["segment"]["memberships"]["totalCount"] == 2


async def test_members_come_page_by_page(owner: Caller) -> None:
    segment = await make_segment(owner, "some")
    refs = [{"externalId": name} for name in "abcde"]
    for ref in refs:
        await person(owner, ref["externalId"])
    await mutate(owner, "addSegmentMembers", {"segmentId": segment, "customers": refs}, "changed")
    text = """query($id: ID!, $after: String) { segment(id: $id) { members(first: 2, after: $after) {
        nodes { externalId } pageInfo { endCursor hasNextPage } } } }"""
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        page = (await owner.data(text, id=segment, after=cursor))["segment"]["members"]
        seen += [node["externalId"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
    assert sorted(seen) == list("abcde")
    assert page["pageInfo"]["hasNextPage"] is False


async def test_a_static_segment_is_filled_by_hand(owner: Caller) -> None:
    ada, bob, _ = await people(owner)
    segment, other = await make_segment(owner, "some"), await make_segment(owner, "copy")
    await mutate(owner, "identifyCustomer", {"externalId": "cy", "email": "cy@example.com"}, "created")
    customers = [{"id": ada}, {"externalId": "nobody"}, {"email": "CY@example.com"}, {"id": ada}]
    added = await mutate(
        owner,
        "addSegmentMembers",
        {"segmentId": segment, "customers": customers},
        "changed unknown segment { memberCount }",
    )
    assert added == {"changed": 2, "unknown": [1], "segment": {"memberCount": 2}}
    csv = f"id,note\n{bob},x\n{ada},y\nnonsense,z\n"
    imported = await mutate(
        owner, "importSegmentMembers", {"segmentId": segment, "csv": csv}, "added already refused { line reason }"
    )
    assert imported == {"added": 1, "already": 1, "refused": [{"line": 4, "reason": "names no customer"}]}
    copied = await mutate(owner, "copySegmentMembers", {"segmentId": other, "fromSegmentId": segment}, "added")
    assert copied == {"added": 3}
    removed = await mutate(
        owner,
        "removeSegmentMembers",
        {"segmentId": segment, "customers": [{"id": ada}, {"id": bob}]},
        "changed unknown",
    )
    assert removed == {"changed": 2, "unknown": []}
    assert await members(owner, segment) == ["cy"]
    assert await members(owner, other) == ["ada", "bob", "cy"]


async def test_what_uses_a_segment_is_named_and_keeps_it(owner: Caller) -> None:
    segment = await make_segment(owner, "pros", PRO)
    user = await make_segment(owner, "all but pros", {"not": {"segment": {"id": segment}}})
    found = await owner.data("query($id: ID!) { segment(id: $id) { usedBy { id name } } }", id=segment)
    assert found["segment"]["usedBy"] == [{"id": user, "name": "all but pros"}]
    assert await refuse(owner, "deleteSegment", {"segmentId": segment}) == {
        "code": "CONFLICT", "field": "input.segmentId"
    }  # fmt: skip
    for key in (user, segment):
        assert await mutate(owner, "deleteSegment", {"segmentId": key}, "segmentId") == {"segmentId": key}
    text = "query($id: ID!) { segment(id: $id) { id } node(id: $id) { id } segments { totalCount } }"
    assert await owner.data(text, id=segment) == {"segment": None, "node": None, "segments": {"totalCount": 0}}


async def test_segments_are_listed_filtered_and_ordered(owner: Caller) -> None:
    for name, rule in (("Pros", PRO), ("Friends", None), ("Prospects", None)):
        await make_segment(owner, name, rule)
    text = """query($filter: SegmentFilter, $by: SegmentOrder! = CREATED_OLDEST) {
        segments(filter: $filter, orderBy: $by) { totalCount nodes { name number } } }"""

    async def names(**variables: Any) -> list[str]:
        return [node["name"] for node in (await owner.data(text, **variables))["segments"]["nodes"]]

    assert await names() == ["Pros", "Friends", "Prospects"]
    assert await names(by="CREATED_NEWEST") == ["Prospects", "Friends", "Pros"]
    assert await names(filter={"search": "pro"}) == ["Pros", "Prospects"]
    assert await names(filter={"kind": "DYNAMIC"}) == await names(filter={"state": "BUILDING"}) == ["Pros"]
    listed = (await owner.data(text))["segments"]
    assert (listed["totalCount"], [node["number"] for node in listed["nodes"]]) == (3, [1, 2, 3])


# ---- what a rule would find, and why --------------------------------------------------------------------------------


async def test_a_preview_counts_and_shows_some_and_changes_nothing(owner: Caller, house: Runtime) -> None:
    ada, bob, _ = await people(owner)
    before = await everything_stored(house)
    found = (await owner.data(PREVIEW, rule=PRO, sample=1))["previewSegment"]
    assert found == {"count": 2, "sample": [{"id": bob}]}
    found = await owner.data(PREVIEW, rule={"not": {"attribute": {"name": "plan", "is": {"equals": "free"}}}})
    assert {node["id"] for node in found["previewSegment"]["sample"]} == {ada, bob}
    assert (await owner.refusal(PREVIEW, rule=PRO, sample=101)) == {"code": "INVALID", "field": "sample"}
    assert await everything_stored(house) == before


DAYS = {"days": 30}


async def test_membership_is_explained_condition_by_condition(owner: Caller) -> None:
    ada = await person(owner, "ada", attributes={"plan": "pro"})
    event = await mutate(owner, "track", {"customer": {"id": ada}, "name": "buy"}, "event { id occurredAt }")
    rule = {
        "and": [
            PRO,
            {"not": {"locale": {"is": {"equals": "de"}}}},
            {"event": {"name": "buy", "within": {"last": DAYS}}},
        ]
    }
    segment = await make_segment(owner, "s", rule)
    await build(owner, segment)
    found = (await owner.data(EXPLAIN, segment=segment, customer=ada))["explainMembership"]
    assert (found["isMember"], found["cause"]) == (True, "build")
    assert found["enteredAt"] is not None
    verdicts = found["verdicts"]
    assert [(one["kind"], one["path"], one["depth"], one["holds"]) for one in verdicts] == [
        ("and", "rule", 0, True),
        ("attribute", "rule.and.0.attribute", 1, True),
        ("not", "rule.and.1", 1, True),
        ("locale", "rule.and.1.not.locale", 2, False),
        ("event", "rule.and.2.event", 1, True),
    ]
    assert verdicts[1]["because"] == {"value": "pro"}
    assert verdicts[4]["because"] == {"measured": 1, "events": [event["event"]]}  # fmt: skip
    assert verdicts[0]["flipsAt"] == verdicts[4]["flipsAt"] > clock.iso(clock.now() + timedelta(days=29))
    blind = owner.without(Scope.EVENTS_READ)
    hidden = (await blind.data(EXPLAIN, segment=segment, customer=ada))["explainMembership"]["verdicts"]
    assert hidden == [*verdicts[:4], {**verdicts[4], "because": {}}]


async def test_a_stay_in_a_static_segment_is_explained_by_its_cause(owner: Caller) -> None:
    ada = await person(owner, "ada")
    segment = await make_segment(owner, "some")
    found = (await owner.data(EXPLAIN, segment=segment, customer=ada))["explainMembership"]
    assert found == {"isMember": False, "enteredAt": None, "cause": None, "verdicts": []}
    await mutate(owner, "addSegmentMembers", {"segmentId": segment, "customers": [{"id": ada}]}, "changed")
    found = (await owner.data(EXPLAIN, segment=segment, customer=ada))["explainMembership"]
    assert (found["isMember"], found["cause"], found["verdicts"]) == (True, "added", [])


async def test_the_number_of_members_is_shown_as_it_went(owner: Caller) -> None:
    ada = await person(owner, "ada")
    segment = await make_segment(owner, "some")
    start = clock.now() - timedelta(hours=2)
    await mutate(owner, "addSegmentMembers", {"segmentId": segment, "customers": [{"id": ada}]}, "changed")
    series = await owner.data(
        SERIES, id=segment, start=clock.iso(start), end=clock.iso(start + timedelta(hours=3)), step="HOUR"
    )
    moments = [clock.iso(start + timedelta(hours=hours)) for hours in range(4)]
    counts = [0, 0, 0, 1]
    assert series["memberCountSeries"] == [
        {"at": at, "count": count} for at, count in zip(moments, counts, strict=True)
    ]
    wrong = await owner.refusal(SERIES, id=segment, start=moments[1], end=moments[0])
    assert wrong == {"code": "INVALID", "field": "end"}
    long = await owner.refusal(SERIES, id=segment, start=moments[0], end="2036-01-01T00:00:00Z", step="HOUR")
    assert long == {"code": "INVALID", "field": "step"}


# ---- who may --------------------------------------------------------------------------------------------------------

WHY = "query($id: ID!, $who: ID!) { explainMembership(segmentId: $id, customerId: $who) { cause } }"
ASKED = [
    ("{ segments { totalCount } }", Scope.SEGMENTS_READ),
    ("{ customers { nodes { segments { totalCount } } } }", Scope.SEGMENTS_READ),
    ("{ segments { nodes { members { totalCount } } } }", Scope.CUSTOMERS_READ),
    ("{ segments { nodes { memberships { totalCount } } } }", Scope.CUSTOMERS_READ),
    ("query($id: ID!) { segment(id: $id) { id } }", Scope.SEGMENTS_READ),
    ("query($id: ID!) { node(id: $id) { id } }", Scope.SEGMENTS_READ),
    ('{ previewSegment(rule: {locale: {is: {exists: true}}}) { count } }', Scope.SEGMENTS_READ),
    ('{ previewSegment(rule: {locale: {is: {exists: true}}}) { count } }', Scope.CUSTOMERS_READ),
    (WHY, Scope.SEGMENTS_READ),
    (WHY, Scope.CUSTOMERS_READ),
    ('query($id: ID!) { memberCountSeries(segmentId: $id, start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z") '
     "{ count } }", Scope.SEGMENTS_READ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "scope"), ASKED)
async def test_everything_about_segments_asks_for_its_scope(owner: Caller, text: str, scope: Scope) -> None:
    ids = {"id": await make_segment(owner, "s", PRO), "who": await person(owner, "ada")}
    key = owner.key(*READERS)
    assert await key.data(text, **ids)
    assert await key.without(scope).refusal(text, **ids) == {"code": "FORBIDDEN", "scope": scope.value}
    assert await owner.nobody.refusal(text, **ids) == {"code": "UNAUTHENTICATED"}


async def test_segments_of_another_tenant_are_not_found(owner: Caller, house: Runtime, engine: GraphEngine) -> None:
    stranger = await new_owner(house, engine)
    foreign, mine = await make_segment(stranger, "theirs", PRO), await make_segment(owner, "mine", PRO)
    await people(stranger)
    await build(stranger, foreign)
    ada, absent = await person(owner, "ada"), public_id("segment", new_id())
    their_ada = (await stranger.data('{ customer(externalId: "ada") { id } }'))["customer"]["id"]
    for key in (foreign, absent):
        text = "query($id: ID!) { segment(id: $id) { id } node(id: $id) { id } }"
        assert await owner.data(text, id=key) == {"segment": None, "node": None}
        refusal = await owner.refusal(EXPLAIN, segment=key, customer=ada)
        assert refusal == {"code": "NOT_FOUND", "field": "segmentId"}
        moments = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
        assert await owner.refusal(SERIES, id=key, **moments) == {"code": "NOT_FOUND", "field": "segmentId"}
        refusal = await owner.refusal(PREVIEW, rule={"or": [PRO, {"segment": {"id": key}}]})
        assert refusal == {"code": "INVALID", "field": "rule.or.1.segment.id"}
    assert await owner.refusal(EXPLAIN, segment=mine, customer=their_ada) == {
        "code": "NOT_FOUND", "field": "customerId"
    }  # fmt: skip
    static = await make_segment(owner, "some")
    added = await mutate(
        owner, "addSegmentMembers", {"segmentId": static, "customers": [{"id": their_ada}]}, "changed unknown"
    )
    assert added == {"changed": 0, "unknown": [0]}


async def test_every_statement_about_segments_is_kept_to_the_tenant(owner: Caller, house: Runtime) -> None:
    recorder = Recorder(house.database)
    segment, ada = await make_segment(owner, "s", PRO), await person(owner, "ada", attributes={"plan": "pro"})
    assert owner.principal.tenant_id is not None
    recorder.ran.clear()
    moment = clock.iso(clock.now())
    for text, variables in (
        (MEMBERS, {"id": segment}),
        (MEMBERS, {"id": segment, "asOf": moment}),
        (SEGMENTS_OF, {"id": ada, "asOf": moment}),
        (
            "{ segments { nodes { usedBy { name } snapshotCursor"
            " memberships { nodes { segment { id } customer { id } } } } } }",
            {},
        ),
        (PREVIEW, {"rule": PRO}),
        ("{ auditLog { nodes { subject { id } } } }", {}),
    ):
        await owner.data(text, **variables)
    assert {"segments", "segment_memberships", "segment_dependencies", "customers"} <= recorder.check(
        owner.principal.tenant_id
    )


async def test_the_audit_log_leads_to_the_segment(owner: Caller) -> None:
    segment = await make_segment(owner, "pros", PRO)
    found = await owner.data(
        "query($id: ID!) { auditLog(subjectId: $id) { nodes { action subject { ... on Segment { name } } } } }",
        id=segment,
    )
    assert found["auditLog"]["nodes"] == [{"action": "segment.create", "subject": {"name": "pros"}}]
