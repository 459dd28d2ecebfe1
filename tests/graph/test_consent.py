"""Consent, rules of sending, metrics and links in the graph: what is read and changed, and what is refused."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.actions.metrics import Count, add_counts
from app.core.access import Scope
from app.core.ids import new_id, public_id
from models import Campaign, Content, Experiment, Link, TestGroup
from tests.graph.callers import Caller, everything_stored
from tests.graph.consent import CONSENT, make_said, unknown_said
from tests.graph.test_mutations import mutate, written

AT = datetime(2026, 5, 4, 10, tzinfo=UTC)


async def test_whoever_may_not_is_refused_and_leaves_no_trace(owner: Caller, stranger: Caller) -> None:
    said, nothing = await make_said(owner), unknown_said()
    before = await everything_stored(owner.house)
    reader = owner.key(Scope.CUSTOMERS_READ, Scope.CAMPAIGNS_READ)
    for name, mutation in CONSENT.items():
        text, input = written(name, mutation.payload), mutation.input(said)
        assert (await owner.nobody.refusal(text, input=input))["code"] == "UNAUTHENTICATED", name
        assert (await reader.refusal(text, input=input))["code"] == "FORBIDDEN", name
        if mutation.refused_at is not None:
            for somebody, given in ((owner, mutation.input(nothing)), (stranger, input)):
                found = await somebody.refusal(text, input=given)
                assert (found["code"], found["field"]) == ("NOT_FOUND", f"input.{mutation.refused_at}"), name
    wrong = [
        ("createSubscriptionTopic", {"name": ""}, "name"),
        ("suppressAddress", {"channel": "EMAIL", "address": "x"}, "address"),
        ("updateSendingPolicy", {"quietHours": {"from": "9", "to": "10:00"}}, "quietHours.from"),
        ("updateSendingPolicy", {"inDoubt": {"sms": "guess"}}, "inDoubt.sms"),
        ("createFrequencyCap", {"messages": 1, "windowSeconds": 1}, "windowSeconds"),
    ]
    for name, bad, path in wrong:
        refused = await owner.refusal(written(name, "__typename"), input=bad)
        assert (refused["code"], refused["field"]) == ("INVALID", f"input.{path}")
    assert await everything_stored(owner.house) == before


async def test_every_mutation_does_what_it_says(owner: Caller) -> None:
    said = await make_said(owner)
    done: dict[str, Any] = {}
    for name, mutation in CONSENT.items():
        done[name] = await mutate(owner, name, mutation.input(said), mutation.payload)
    offers = {"number": 2, "name": "Offers", "subscribedByDefault": False, "position": 1}
    assert done["createSubscriptionTopic"]["topic"] == offers
    assert done["updateSubscriptionTopic"]["topic"] == {**offers, "number": 1, "name": "Better", "position": 4} | {
        "subscribedByDefault": True
    }
    assert done["setTopicConsent"]["preferences"] == [
        {"topic": {"name": "Offers"}, "isSubscribed": False, "said": False},
        {"topic": {"name": "Better"}, "isSubscribed": False, "said": True},
    ]
    assert done["suppressAddress"]["suppression"] == {"address": "+14155552671", "reason": "MANUAL", "channel": "SMS"}
    policy = {"timezone": "Asia/Tokyo", "inDoubt": {"sms": "keep"}, "softBounceLimit": 5, "tracksOpens": True}
    policy |= {
        "quietHours": {"from": "21:00", "to": "08:00", "channels": ["EMAIL", "SMS", "PUSH", "IN_APP", "WHATSAPP"]}
    }
    assert done["updateSendingPolicy"]["policy"] == policy | {"trackingDomain": None}
    assert done["createFrequencyCap"]["frequencyCap"] == {"messages": 1, "windowSeconds": 3600, "channel": "PUSH"}
    found = await owner.data(
        """query($c: CustomerRefInput!) {
          subscriptionTopics { name } suppressions(channel: SMS, search: "4155") { totalCount nodes { address } }
          none: suppressions(reason: COMPLAINT) { totalCount } frequencyCaps { messages }
          sendingPolicy { timezone } subscriptionPreferences(customer: $c) { topic { name } isSubscribed said }
        }""",
        c={"externalId": "ann"},
    )
    assert found == {
        "subscriptionTopics": [{"name": "Offers"}],
        "suppressions": {"totalCount": 1, "nodes": [{"address": "+14155552671"}]},
        "none": {"totalCount": 0},
        "frequencyCaps": [{"messages": 1}],
        "sendingPolicy": {"timezone": "Asia/Tokyo"},
        "subscriptionPreferences": [{"topic": {"name": "Offers"}, "isSubscribed": False, "said": False}],
    }
    await mutate(owner, "updateSendingPolicy", {"quietHours": None}, "policy { timezone }")
    assert await owner.data("{ sendingPolicy { quietHours { from } } }") == {"sendingPolicy": {"quietHours": None}}


async def test_metrics_are_series_and_totals(owner: Caller, stranger: Caller) -> None:
    campaign, content, link = new_id(), new_id(), new_id()
    async with owner.house.write(owner.principal) as tx:
        stamps = {"created_at": tx.now, "updated_at": tx.now}
        tx.session.add(
            Campaign(
                tenant_id=tx.tenant_id, id=campaign, number=1, name="c", kind="one_off", channels=["email"], **stamps
            )
        )
        await tx.session.flush()
        values = {"number": 1, "campaign_id": campaign, "url": "https://a.example", "digest": "d", "created_at": tx.now}
        tx.session.add(Link(tenant_id=tx.tenant_id, id=link, **values))
        test = Experiment(tenant_id=tx.tenant_id, id=new_id(), number=1, campaign_id=campaign, **stamps)
        tx.session.add(test)
        await tx.session.flush()
        for place, name in enumerate("AB"):
            group = {"experiment_id": test.id, "position": place, "name": name, "share": 500}
            tx.session.add(TestGroup(tenant_id=tx.tenant_id, **group))
        stamped = {"number": 1, "campaign_id": campaign, "channel": "email", **stamps}
        tx.session.add(Content(tenant_id=tx.tenant_id, id=content, **stamped))
        await add_counts(tx, [Count(campaign, "sent", AT, 4), Count(tx.tenant_id, "sent", AT, 9)])
        await add_counts(tx, [Count(link, "human_clicked", AT, 2), Count(campaign, "converted", AT, 1, 12)])
        await add_counts(tx, [Count(content, "converted", AT, 3, Decimal("7.50")), Count(content, "bounced", AT)])
    text = """query($s: [ID!]) { metricSeries(
        metrics: [SENT, CONVERTED], start: "2026-05-03T00:00:00Z", end: "2026-05-05T00:00:00Z", subjects: $s
      ) { metric total amount points { at count } } }"""
    found = (await owner.data(text, s=[public_id("campaign", campaign)]))["metricSeries"]
    assert [(one["metric"], one["total"], one["amount"]) for one in found] == [("SENT", 4, 0.0), ("CONVERTED", 1, 12.0)]
    assert found[0]["points"] == [
        {"at": "2026-05-03T00:00:00.000000Z", "count": 0},
        {"at": "2026-05-04T00:00:00.000000Z", "count": 4},
    ]
    assert [one["total"] for one in (await owner.data(text))["metricSeries"]] == [9, 0]
    assert [one["total"] for one in (await stranger.data(text))["metricSeries"]] == [0, 0]
    assert [one["total"] for one in (await owner.data(text, s=[]))["metricSeries"]] == [0, 0]
    for who, subject in ((stranger, campaign), (owner, new_id())):
        refusal = await who.refusal(text, s=[public_id("campaign", subject)])
        assert refusal == {"code": "NOT_FOUND", "field": "subjects"}
    assert await owner.refusal(text, s=["what?"]) == {"code": "INVALID", "field": "subjects"}
    of_link = "query($id: ID!) { link(id: $id) { number url metrics { humanClicked clicked } } }"
    metrics = {"humanClicked": 2, "clicked": 0}
    assert (await owner.data(of_link, id=public_id("link", link)))["link"] == {
        "number": 1,
        "url": "https://a.example",
        "metrics": metrics,
    }
    assert (await stranger.data(of_link, id=public_id("link", link)))["link"] is None
    assert (await owner.without(Scope.METRICS_READ).refusal(of_link, id=public_id("link", link)))["code"] == "FORBIDDEN"
    assert (await owner.without(Scope.METRICS_READ).refusal(text))["code"] == "FORBIDDEN"
    assert (await owner.refusal(text, s=["cust_" + "0" * 32]))["field"] == "subjects"
    of_campaign = (
        "query($id: ID!) { campaign(id: $id) { metrics { sent converted } links { metrics { humanClicked } } } }"
    )
    assert (await owner.data(of_campaign, id=public_id("campaign", campaign)))["campaign"] == {
        "metrics": {"sent": 4, "converted": 1},
        "links": [{"metrics": {"humanClicked": 2}}],
    }
    of_groups = "query($id: ID!) { campaign(id: $id) { experiment { groups { name metrics { bounced sent } } } } }"
    assert (await owner.data(of_groups, id=public_id("campaign", campaign)))["campaign"]["experiment"]["groups"] == [
        {"name": "A", "metrics": {"bounced": 1, "sent": 0}},
        {"name": "B", "metrics": {"bounced": 0, "sent": 0}},
    ]
    of_content = "query($id: ID!) { node(id: $id) { ... on Content { metrics { sent converted revenue bounced } } } }"
    assert (await owner.data(of_content, id=public_id("content", content)))["node"]["metrics"] == {
        "sent": 0,
        "converted": 3,
        "revenue": 7.5,
        "bounced": 1,
    }
