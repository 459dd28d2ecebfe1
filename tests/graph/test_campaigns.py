"""Campaigns in the graph: what the mutations do and refuse, what is found, and how far a campaign is, live."""

from typing import Any

from app.core.access import Scope
from app.core.ids import parse_id, public_id
from tests.graph.callers import Caller, everything_stored
from tests.graph.campaigning import CAMPAIGNS, make_plans, unknown_plans
from tests.graph.mutations import PRO
from tests.graph.test_mutations import make_segment, mutate, written
from workers import campaigns as work

ESTIMATE = """query($id: ID!, $to: RuleInput) { estimateAudience(campaignId: $id, recipients: $to) {
  targeted excluded control
  channels { channel noAddress suppressed notConsenting capped reachable }
} }"""
FOUND = """query($filter: CampaignFilter) { campaigns(filter: $filter, orderBy: CREATED_OLDEST) {
  totalCount nodes { name status }
} }"""
FOLLOW = """subscription($id: ID!, $after: String) { campaignProgress(campaignId: $id, after: $after) {
  ... on FeedItem { cursor }
  ... on CampaignProgress { kind data campaign { status runs { nodes { state prepared } } } }
} }"""


async def test_whoever_may_not_is_refused_and_leaves_no_trace(owner: Caller, stranger: Caller) -> None:
    plans, nothing = await make_plans(owner), unknown_plans()
    before = await everything_stored(owner.house)
    reader = owner.key(Scope.CAMPAIGNS_READ)
    for name, mutation in CAMPAIGNS.items():
        text, input = written(name, mutation.payload), mutation.input(plans)
        assert (await owner.nobody.refusal(text, input=input))["code"] == "UNAUTHENTICATED", name
        assert (await reader.refusal(text, input=input))["code"] == "FORBIDDEN", name
        if mutation.refused_at is not None:
            for somebody, given in ((owner, mutation.input(nothing)), (stranger, input)):
                found = await somebody.refusal(text, input=given)
                assert (found["code"], found["field"]) == ("NOT_FOUND", f"input.{mutation.refused_at}"), name
    for name, input, code, field in (
        ("createCampaign", {"name": " ", "channels": ["SMS"]}, "INVALID", "input.name"),
        (
            "createCampaign",
            {"name": "X", "channels": ["SMS"], "audience": {"and": []}},
            "INVALID",
            "input.audience.and",
        ),
        (
            "createCampaign",
            {"name": "X", "channels": ["SMS"], "kind": "RECURRING", "schedule": {"rrule": "FREQ=MINUTELY"}},
            "INVALID",
            "input.schedule.rrule",
        ),
        (
            "updateCampaign",
            {"campaignId": plans.draft, "goal": {"event": "buy", "withinSeconds": 1}},
            "INVALID",
            "input.goal.withinSeconds",
        ),
        ("updateCampaign", {"campaignId": plans.draft, "throttlePerSecond": 0}, "INVALID", "input.throttlePerSecond"),
        (
            "createExperiment",
            {
                "campaignId": plans.draft,
                "groups": [{"name": "A", "share": 500}, {"name": "B", "share": 500}],
                "decidesAfterSeconds": 1,
            },
            "INVALID",
            "input.decidesAfterSeconds",
        ),
        (
            "sendTransactional",
            {"channel": "EMAIL", "to": "ann@example.com", "content": {"headers": [5], "body": "Hi"}},
            "INVALID",
            "input.content.headers.0",
        ),
        (
            "sendTransactional",
            {"channel": "SMS", "to": "+14155550100", "content": {"body": "Hi"}, "language": "\x00"},
            "INVALID",
            "input.language",
        ),
        ("sendTransactional", {"channel": "EMAIL", "triggerName": "a\x00b"}, "INVALID", "input.triggerName"),
        ("launchCampaign", {"campaignId": plans.sending}, "CONFLICT", "input.status"),
        ("updateCampaign", {"campaignId": plans.sending, "audience": None}, "CONFLICT", "input.audience"),
        ("deleteCampaign", {"campaignId": plans.paused}, "CONFLICT", "input.status"),
        (
            "createExperiment",
            {"campaignId": plans.draft, "groups": [{"name": "A", "share": 1000}]},
            "INVALID",
            "input.groups",
        ),
        ("sendTransactional", {"channel": "SMS", "to": "+14155552671"}, "INVALID", "input.content.body"),
    ):
        found = await owner.refusal(written(name, "__typename"), input=input)
        assert (found["code"], found["field"]) == (code, field), name
    assert await everything_stored(owner.house) == before


async def test_campaigns_are_made_moved_and_found(owner: Caller, stranger: Caller) -> None:
    plans = await make_plans(owner)
    done: dict[str, Any] = {}
    for name, mutation in CAMPAIGNS.items():
        done[name] = await mutate(owner, name, mutation.input(plans), mutation.payload)
    assert done["createCampaign"]["campaign"] == {
        "number": 8,
        "name": "New",
        "kind": "RECURRING",
        "status": "DRAFT",
        "channels": ["EMAIL", "IN_APP"],
        "audience": PRO,
        "schedule": {"at": "2027-01-04T09:00:00.000000Z", "rrule": "FREQ=WEEKLY", "timezone": "Europe/Rome"},
        "goal": {"event": "purchase", "after": "sent", "within_s": 604_800, "revenue_property": "amount"},
        "throttlePerSecond": 20,
        "isTracked": True,
    }
    assert (done["updateCampaign"]["campaign"]["channels"], done["updateCampaign"]["campaign"]["audience"]) == (
        ["SMS", "PUSH"],
        None,
    )
    assert done["duplicateCampaign"]["campaign"]["experiment"] == {"state": "DRAFT"}
    moved = ("launchCampaign", "pauseCampaign", "resumeCampaign", "cancelCampaign", "archiveCampaign")
    statuses = [done[name]["campaign"]["status"] for name in moved]
    assert statuses == ["SENDING", "PAUSED", "SENDING", "CANCELLED", "ARCHIVED"]
    assert done["createExperiment"]["experiment"]["state"] == "RUNNING"
    assert [group["name"] for group in done["updateExperiment"]["experiment"]["groups"]] == ["X", "Y"]
    assert (done["decideExperiment"]["experiment"]["winner"], done["decideExperiment"]["experiment"]["state"]) == (
        1,
        "DECIDED",
    )
    run = {"number": 1, "state": "PREPARING", "data": {"why": "fire"}, "targeted": 0, "campaign": {"name": "C5"}}
    assert done["triggerCampaign"]["run"] == run
    parse_id("delivery", done["sendTransactional"]["deliveryId"])
    cancelled = await owner.data(FOUND, filter={"status": "CANCELLED", "kind": "ONE_OFF", "channel": "SMS"})
    assert cancelled["campaigns"] == {"totalCount": 1, "nodes": [{"name": "C4", "status": "CANCELLED"}]}
    by_mail = await owner.data(FOUND, filter={"channel": "EMAIL", "search": "ne"})
    assert by_mail["campaigns"]["nodes"] == [{"name": "New", "status": "DRAFT"}]
    assert (await stranger.data(FOUND))["campaigns"]["totalCount"] == 0
    gone = await owner.data("query($id: ID!) { campaign(id: $id) { id } node(id: $id) { id } }", id=plans.spare)
    assert gone == {"campaign": None, "node": None}


async def test_the_audience_is_estimated_by_gate_and_a_segment_knows_its_campaigns(
    owner: Caller, stranger: Caller
) -> None:
    plans = await make_plans(owner)
    none = {"noAddress": 0, "suppressed": 0, "notConsenting": 0, "capped": 0, "reachable": 0}
    found = await owner.data(ESTIMATE, id=plans.draft)
    channels = [{"channel": "SMS", **none, "noAddress": 1}]
    assert found["estimateAudience"] == {"targeted": 1, "excluded": 0, "control": 0, "channels": channels}
    free = {"attribute": {"name": "plan", "is": {"equals": "free"}}}
    assert (await owner.data(ESTIMATE, id=plans.draft, to=free))["estimateAudience"]["targeted"] == 0
    assert (await stranger.refusal(ESTIMATE, id=plans.draft))["code"] == "NOT_FOUND"
    segment = await make_segment(owner, "pros", PRO)
    inside = {"segment": {"id": segment}}
    await mutate(owner, "updateCampaign", {"campaignId": plans.draft, "exclusions": inside}, "__typename")
    used = await owner.data("query($id: ID!) { segment(id: $id) { usedByCampaigns { id } } }", id=segment)
    assert used["segment"]["usedByCampaigns"] == [{"id": plans.draft}]
    result = "query($id: ID!) { experimentResult(experimentId: $id) { winner confidence groups { sent hits rate } } }"
    nothing = {"sent": 0, "hits": 0, "rate": 0.0}
    said = await owner.data(result, id=plans.tried)
    assert said["experimentResult"] == {"winner": None, "confidence": 0.0, "groups": [nothing, nothing]}


async def test_how_far_a_campaign_is_comes_live(owner: Caller, stranger: Caller) -> None:
    plans = await make_plans(owner)
    asked = "query($id: ID!) { campaign(id: $id) { snapshotCursor runs { nodes { id } } } }"
    campaign = (await owner.data(asked, id=plans.sending))["campaign"]
    async with owner.follow(FOLLOW, id=plans.sending, after=campaign["snapshotCursor"]) as stream:
        run = parse_id("campaign_run", campaign["runs"]["nodes"][0]["id"])
        await work.prepare(owner.house, {"run": run.hex}, owner.principal.tenant_id)
        first = await stream.next()
        assert (first["kind"], first["data"]) == ("PROGRESS", {"run": public_id("campaign_run", run), "prepared": 1})
        assert first["campaign"]["runs"]["nodes"][0]["prepared"] == 1
        await mutate(owner, "cancelCampaign", {"campaignId": plans.sending}, "__typename")
        news = await stream.next()
        assert (news["kind"], news["data"], news["campaign"]["status"]) == (
            "STATUS",
            {"status": "cancelled"},
            "CANCELLED",
        )
    assert (await stranger.follow_refusal(FOLLOW, id=plans.sending))["code"] == "NOT_FOUND"
