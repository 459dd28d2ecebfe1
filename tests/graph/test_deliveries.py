"""Deliveries in the graph: why somebody got a message or did not, what people decide about them, and events live."""

import asyncio
from typing import Any

import pytest
from sqlmodel import col

from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.core import clock
from app.core.access import Scope, system
from app.core.clock import iso
from app.core.ids import new_id, public_id
from app.runtime import Runtime
from models import Consent, Delivery
from resolvers.protocol import Refused
from tests.graph.callers import Caller, everything_stored
from tests.graph.deliveries import DELIVERIES, make_post, unknown_post
from tests.graph.test_mutations import mutate, written
from tests.sending.mailing import Mailing

SHOWN = """query($filter: DeliveryFilter) { deliveries(first: 10, filter: $filter) { totalCount nodes {
    state reason recipient subject transactional decision dueAt attempts
    campaign { name } content { number } customer { email } integration { id }
    message { subject body } engagements(first: 1) { nodes { kind } } } } }"""
EVENTS = """subscription($campaign: ID, $customer: ID, $after: String) {
    deliveryEvents(campaignId: $campaign, customerId: $customer, after: $after) { __typename
        ... on FeedItem { cursor }
        ... on DeliveryEvent { event data delivery { state } customer { email } } ... on FeedGap { reason } } }"""


@pytest.fixture
async def mailing(house: Runtime, owner: Caller) -> Mailing:
    """A campaign that is sending to nobody yet, while nobody sends."""
    assert owner.principal.tenant_id
    return await Mailing(house.units, owner.principal.tenant_id).begin()


@pytest.fixture
async def sent(house: Runtime, mailing: Mailing) -> Mailing:
    """One to whom it was sent, and one who had unsubscribed."""
    refuses = (await mailing.people_with_addresses(1))[0]
    row = {"customer_id": refuses, "channel": "email", "status": "unsubscribed", "source": "test"}
    async with house.units.write(owner_of(mailing)) as tx:
        await tx.insert(Consent, [{**row, "changed_at": tx.now}])
    await mailing.queue([refuses])
    await mailing.invite(1)
    await house.sending.start()
    try:
        await mailing.settled()
        await mailing.ended()
    finally:
        await house.sending.stop()
    return mailing


def owner_of(mailing: Mailing) -> Any:
    return system(mailing.tenant_id)


async def test_why_somebody_got_it_and_somebody_else_did_not(owner: Caller, sent: Mailing) -> None:
    found = (await owner.data(SHOWN, filter={"campaignId": public_id("campaign", sent.campaign_id)}))["deliveries"]
    assert found["totalCount"] == 2
    got, skipped = found["nodes"]
    address = f"p1-{sent.campaign_id.hex[-6:]}@example.com"
    assert (got["state"], got["recipient"], got["subject"]) == ("SENT", address, "Hello anna1")
    assert got["message"]["subject"] == "Hello anna1"
    assert (got["campaign"], got["customer"], got["integration"]) == ({"name": "News"}, {"email": address}, None)
    assert [gate["verdict"] for gate in got["decision"]] == ["pass"] * 10
    assert (skipped["state"], skipped["reason"], skipped["message"]) == ("SKIPPED", "consent", None)
    assert skipped["decision"][-1] == {
        "gate": "consent",
        "verdict": "stop",
        "value": {"channel": "unsubscribed"},
        "detail": "The person has unsubscribed from e-mail.",
    }
    kept = await owner.data("{ outbox(first: 5) { nodes { purpose delivery { message { body } } } } }")
    [message] = kept["outbox"]["nodes"]
    assert "<h1>Hello Anna1</h1>" in message["delivery"]["message"]["body"]


async def test_the_same_question_asked_dry(owner: Caller, sent: Mailing, stranger: Caller) -> None:
    ask = """query($id: ID!, $to: Boolean!) { canContact(customerId: $id, channel: EMAIL, transactional: $to)
        { verdict reason detail until gates { gate verdict value } } }"""
    refuses, agrees = (public_id("customer", one) for one in sent.people)
    found = (await owner.data(ask, id=refuses, to=False))["canContact"]
    assert (found["verdict"], found["reason"], found["until"]) == ("STOP", "consent", None)
    assert [gate["gate"] for gate in found["gates"]] == ["audience", "control", "address", "suppression", "consent"]
    assert (await owner.data(ask, id=refuses, to=True))["canContact"]["verdict"] == "PASS"
    found = (await owner.data(ask, id=agrees, to=False))["canContact"]
    assert (found["verdict"], found["reason"], len(found["gates"])) == ("PASS", None, 8)
    assert (await stranger.refusal(ask, id=agrees, to=False))["code"] == "NOT_FOUND"
    assert (await owner.key(Scope.CAMPAIGNS_READ).refusal(ask, id=agrees, to=False))["code"] == "FORBIDDEN"


async def test_failed_ones_are_tried_again_and_doubts_settled(
    owner: Caller, stranger: Caller, mailing: Mailing
) -> None:
    failed, doubtful, lost, waiting = await mailing.invite(4)
    now = clock.now()
    await mailing.change(Delivery, col(Delivery.id) == failed, state="failed", reason="rejected", failed_at=now)
    await mailing.change(Delivery, col(Delivery.id).in_([doubtful, lost]), state="in_doubt", reason="in_doubt")
    campaign = public_id("campaign", mailing.campaign_id)
    retry = "mutation($id: ID!) { retryFailedDeliveries(input: {campaignId: $id}) { count } }"
    assert (await stranger.refusal(retry, id=campaign))["code"] == "NOT_FOUND"
    assert (await owner.data(retry, id=campaign))["retryFailedDeliveries"] == {"count": 1}
    settle = """mutation($ids: [ID!], $campaign: ID, $verdict: DoubtVerdict!) { settleDeliveriesInDoubt(
        input: {deliveryIds: $ids, campaignId: $campaign, verdict: $verdict}) { count } }"""
    assert (await owner.refusal(settle, verdict="SENT"))["code"] == "INVALID"
    ids = [public_id("delivery", one) for one in (doubtful, failed)]
    foreign = await stranger.data(settle, ids=ids, verdict="RESEND")
    assert foreign["settleDeliveriesInDoubt"] == {"count": 0}
    assert (await owner.data(settle, ids=ids, verdict="SENT"))["settleDeliveriesInDoubt"] == {"count": 1}
    assert (await owner.data(settle, campaign=campaign, verdict="FAILED"))["settleDeliveriesInDoubt"] == {"count": 1}
    cancel = "mutation($id: ID!) { cancelDelivery(input: {deliveryId: $id}) { delivery { state reason } } }"
    done = await owner.data(cancel, id=public_id("delivery", waiting))
    assert done["cancelDelivery"] == {"delivery": {"state": "CANCELLED", "reason": "cancelled"}}
    assert (await owner.refusal(cancel, id=public_id("delivery", waiting)))["code"] == "CONFLICT"
    states = {row.id: row.state for row in await mailing.deliveries()}
    assert states == {failed: "queued", doubtful: "sent", lost: "failed", waiting: "cancelled"}
    assert await mailing.counts(mailing.campaign_id) == {"sent": 1, "failed": 1, "cancelled": 1}


async def test_every_mutation_does_what_it_says_and_nothing_for_whoever_may_not(
    owner: Caller, stranger: Caller, mailing: Mailing
) -> None:
    post, nothing = await make_post(mailing), unknown_post()
    before = await everything_stored(owner.house)
    for name, mutation in DELIVERIES.items():
        text, input = written(name, mutation.payload), mutation.input(post)
        assert (await owner.nobody.refusal(text, input=input))["code"] == "UNAUTHENTICATED", name
        refused = await owner.without(Scope.CAMPAIGNS_SEND).refusal(text, input=input)
        assert refused == {"code": "FORBIDDEN", "scope": "campaigns:send"}, name
        for somebody, given in ((owner, mutation.input(nothing)), (stranger, input)):
            found = await somebody.refusal(text, input=given)
            assert (found["code"], found["field"]) == ("NOT_FOUND", f"input.{mutation.refused_at}"), name
    conflict = await owner.refusal(written("sendDraft", "__typename"), input={"deliveryId": post.waiting})
    assert (conflict["code"], conflict["field"]) == ("CONFLICT", "input.deliveryId")
    assert await everything_stored(owner.house) == before
    done = {name: await mutate(owner, name, m.input(post), m.payload) for name, m in DELIVERIES.items()}
    assert done == {
        "retryFailedDeliveries": {"count": 1},
        "settleDeliveriesInDoubt": {"count": 1},
        "cancelDelivery": {"delivery": {"id": post.waiting, "state": "CANCELLED", "reason": "cancelled"}},
        "sendDraft": {"delivery": {"id": post.draft, "state": "QUEUED", "reason": None}},
    }


async def test_events_of_a_campaign_are_told_in_order_and_again_after_a_cursor(
    house: Runtime, owner: Caller, stranger: Caller, mailing: Mailing
) -> None:
    campaign = public_id("campaign", mailing.campaign_id)
    other = await Mailing(house.units, mailing.tenant_id).begin()
    before = (await owner.data("{ deliveriesSnapshotCursor }"))["deliveriesSnapshotCursor"]
    async with owner.follow(EVENTS, campaign=campaign) as stream:
        first = asyncio.ensure_future(stream.next())
        await asyncio.sleep(0.2)
        await other.invite(1)
        await mailing.invite(2, lane=0)
        await house.sending.start()
        try:
            told = [await first, await stream.next()]
        finally:
            await house.sending.stop()
    assert [one["event"] for one in told] == ["SENT", "SENT"]
    assert {one["delivery"]["state"] for one in told} == {"SENT"}
    assert told[0]["customer"]["email"].startswith("p0-")
    async with owner.follow(EVENTS, campaign=campaign, after=told[0]["cursor"]) as stream:
        assert (await stream.next())["cursor"] == told[1]["cursor"]
    async with owner.follow(EVENTS, campaign=campaign, after=before) as stream:
        assert [(await stream.next())["cursor"] for _ in told] == [one["cursor"] for one in told]
    with pytest.raises(Refused):
        async with stranger.follow(EVENTS, campaign=campaign) as stream:
            await stream.next()


async def test_an_event_names_what_it_is_about_by_public_ids(house: Runtime, owner: Caller, mailing: Mailing) -> None:
    before = (await owner.data("{ deliveriesSnapshotCursor }"))["deliveriesSnapshotCursor"]
    delivery, customer, run, link = new_id(), new_id(), new_id(), new_id()
    async with house.units.write(owner_of(mailing)) as tx:
        extra = {"verdict": "human", "link": link.hex}
        campaign = mailing.campaign_id
        event = DeliveryEvent(delivery, customer, campaign, None, run, "email", "clicked", tx.now, extra)
        await tell_deliveries(tx, [event])
        at = iso(tx.now)
    async with owner.follow(EVENTS, after=before) as stream:
        told = (await stream.next())["data"]
    assert told == {"channel": "email", "at": at, "verdict": "human", "link": public_id("link", link)}
