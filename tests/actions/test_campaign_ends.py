"""How campaigns and their runs end: by themselves, by hand, or because the next one cannot begin."""

import asyncio
from collections import Counter
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import update
from sqlmodel import col

from app.actions.campaigns import (
    CalledPerson,
    TransactionalSend,
    TriggerCall,
    cancel_campaign,
    create_campaign,
    finish_run,
    get_campaign,
    launch_campaign,
    pause_campaign,
    resume_campaign,
    send_transactional,
    trigger_campaign,
    update_campaign,
)
from app.actions.campaigns.preparing import plan_preparation, prepare_portion
from app.actions.campaigns.store import CampaignStore
from app.actions.consent import create_topic, delete_topic
from app.actions.content import set_content
from app.actions.deliveries import PARKED_AT, settle_doubts
from app.actions.metrics import metric_totals
from app.core import clock
from app.core.errors import Conflict, Invalid
from models import CampaignRun, Delivery, FeedEntry
from tests.actions.campaigning import Marketer
from tests.actions.people import ext
from workers import campaigns as work

BROKEN, WHOLE = {"body": "{% if %}"}, {"body": "Hello"}


async def changed(marketer: Marketer, where: Any, **values: Any) -> None:
    """Makes something of deliveries that was sent by nobody."""

    async def write(tx: Any) -> None:
        await tx.session.execute(update(Delivery).where(where).values(**values))

    await marketer.do(write)


async def status_of(marketer: Marketer, campaign_id: UUID) -> str:
    return (await marketer.read(get_campaign, campaign_id=campaign_id)).status  # type: ignore[no-any-return]


async def daily(marketer: Marketer, rule: str = "FREQ=DAILY", **settings: Any) -> tuple[UUID, datetime]:
    """A recurring campaign that is launched, and its first moment."""
    at = (clock.now() + timedelta(hours=1)).replace(microsecond=0)
    return await marketer.launched(kind="recurring", schedule={"at": at, "rrule": rule}, **settings), at


async def begun(marketer: Marketer, at: datetime) -> dict[str, Any]:
    """The run that begins at a moment, with its deliveries made."""
    with time_machine.travel(at + timedelta(seconds=1)):
        await marketer.wake()
        await marketer.prepare()
    return await marketer.run()


async def test_what_cannot_begin_ends_nothing_that_has_begun(marketer: Marketer) -> None:
    await marketer.pros(3)
    key, at = await daily(marketer)
    first = await begun(marketer, at)
    assert (first["state"], first["prepared"]) == ("sending", 3)
    await marketer.do(set_content, campaign_id=key, channel="email", values=BROKEN)
    await begun(marketer, at + timedelta(days=1))
    campaign = await marketer.read(get_campaign, campaign_id=key)
    assert (campaign.status, campaign.scheduled_at) == ("sending", None)
    assert "contents." in (campaign.failure or "")
    (run,) = await marketer.rows(CampaignRun)
    assert (run["state"], [row["state"] for row in await marketer.deliveries()]) == ("sending", ["queued"] * 3)
    # A pause changes nothing about it, and does not plan what cannot begin.
    await marketer.do(pause_campaign, campaign_id=key)
    resumed = await marketer.do(resume_campaign, campaign_id=key)
    assert (resumed.status, resumed.scheduled_at) == ("sending", None)
    await changed(marketer, col(Delivery.campaign_id) == key, state="sent")
    assert await marketer.do(finish_run, run_id=first["id"])
    ended = await marketer.read(get_campaign, campaign_id=key)
    assert (ended.status, ended.failure, (await marketer.run())["state"]) == ("failed", campaign.failure, "completed")
    await marketer.do(set_content, campaign_id=key, channel="email", values=WHOLE)
    again = await marketer.do(launch_campaign, campaign_id=key)
    assert (again.status, again.failure, again.version) == ("scheduled", None, 2)


async def test_a_recurrence_that_was_over_while_it_was_paused_is_completed(marketer: Marketer) -> None:
    key, at = await daily(marketer, "FREQ=DAILY;COUNT=2")
    await marketer.do(pause_campaign, campaign_id=key)
    with time_machine.travel(at + timedelta(days=9)):
        campaign = await marketer.do(resume_campaign, campaign_id=key)
    assert (campaign.status, campaign.scheduled_at, await marketer.rows(CampaignRun)) == ("completed", None, [])


async def test_resumed_late_everybody_still_gets_it_by_their_own_clock(marketer: Marketer) -> None:
    zones = ("Pacific/Auckland", "America/Los_Angeles")
    for zone in zones:
        await marketer.identify(external_id=zone, timezone=zone, attributes={"plan": "pro"})
    at = (clock.now() + timedelta(days=3)).replace(hour=20, minute=0, second=0, microsecond=0)
    key = await marketer.launched(schedule={"at": at, "timezone": "UTC", "in_recipients_timezone": True})
    await marketer.do(pause_campaign, campaign_id=key)
    with time_machine.travel(at + timedelta(hours=2)):
        campaign = await marketer.do(resume_campaign, campaign_id=key)
        await marketer.prepare()
    assert campaign.status == "sending"
    due = {row["due_at"] for row in await marketer.deliveries()}
    assert due == {at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for zone in zones}


async def test_a_template_that_broke_while_it_was_paused_fails_it_at_its_moment(marketer: Marketer) -> None:
    await marketer.pros(1)
    key = await marketer.launched(schedule={"at": clock.now() + timedelta(hours=1)})
    await marketer.do(pause_campaign, campaign_id=key)
    await marketer.do(set_content, campaign_id=key, channel="email", values=BROKEN)
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        campaign = await marketer.do(resume_campaign, campaign_id=key)
    assert (campaign.status, "contents." in (campaign.failure or "")) == ("failed", True)
    assert await marketer.rows(CampaignRun) == []


async def test_who_pauses_and_who_prepares_do_not_wait_for_each_other(marketer: Marketer) -> None:
    await marketer.pros(3)
    key = await marketer.launched()
    plan = await marketer.read(plan_preparation, run_id=(await marketer.run())["id"])
    portion = {"plan": plan, "after": None, "made": 0, "recipients": plan.recipients}
    async with marketer.units.write(marketer.principal) as tx:
        await CampaignStore(tx).get(key, locked=True)
        preparing = asyncio.create_task(marketer.do(prepare_portion, **portion), context=Context())
        await asyncio.sleep(0.3)  # until it waits for the campaign
        await pause_campaign(tx, campaign_id=key)
    with pytest.raises(Conflict, match="moved on"):
        await preparing
    assert ((await marketer.run())["state"], await marketer.deliveries()) == ("paused", [])


async def test_whatever_is_cancelled_is_told_counted_and_says_why(marketer: Marketer) -> None:
    await marketer.pros(3)
    key = await marketer.launched()
    await marketer.prepare()
    receipt = await marketer.launched(kind="transactional", trigger_name="r", audience=None)
    later = clock.now() + timedelta(days=30)
    for send in (TransactionalSend("email", ext("pro0"), trigger_name="r", send_at=later),
                 TransactionalSend("email", ext("pro1"), trigger_name="r", send_at=later)):  # fmt: skip
        await marketer.do(send_transactional, send=send)
    await changed(marketer, col(Delivery.customer_id) == (await marketer.names())["external_id", "pro1"],
                  due_at=PARKED_AT)  # fmt: skip
    test = TransactionalSend("email", ext("pro2"), trigger_name="r", options={"is_test": True})
    tested = await marketer.do(send_transactional, send=test)
    for one, count in ((key, 3), (receipt, 2)):
        await marketer.do(cancel_campaign, campaign_id=one)
        await work.cancel(marketer.runtime, {"campaign": one.hex}, marketer.principal.tenant_id)
        totals = await marketer.read(metric_totals, subject_ids=[one])
        assert totals[one]["cancelled"].count == count
    rows = await marketer.deliveries()
    said = Counter((row["state"], row["reason"], row["error"]) for row in rows)
    assert said == {("cancelled", "cancelled", "The campaign is cancelled."): 5, ("queued", None, None): 1}
    assert [row["id"] for row in rows if row["state"] == "queued"] == [tested]
    told = [row["subject_id"] for row in await marketer.rows(FeedEntry) if row["kind"] == "delivery.cancelled"]
    assert sorted(told) == sorted(row["id"] for row in rows if row["state"] == "cancelled")


async def test_doubts_are_only_sent_again_of_what_goes_on(marketer: Marketer) -> None:
    await marketer.pros(1)
    key, at = await daily(marketer)
    run = await begun(marketer, at)
    (delivery,) = await marketer.deliveries()
    doubt = {"state": "in_doubt", "reason": "in_doubt"}
    await changed(marketer, col(Delivery.id) == delivery["id"], **doubt)
    assert await marketer.do(finish_run, run_id=run["id"])
    assert await status_of(marketer, key) == "scheduled"
    # Between two occurrences: while it is sent again the campaign is sending.
    assert await marketer.do(settle_doubts, verdict="resend", campaign_id=key) == 1
    assert (await status_of(marketer, key), (await marketer.run())["state"]) == ("sending", "sending")
    await changed(marketer, col(Delivery.id) == delivery["id"], **doubt)
    assert await marketer.do(finish_run, run_id=run["id"])
    assert await status_of(marketer, key) == "scheduled"
    # While it is paused, it waits with the campaign.
    await marketer.do(pause_campaign, campaign_id=key)
    assert await marketer.do(settle_doubts, verdict="resend", delivery_ids=[delivery["id"]]) == 1
    assert (await status_of(marketer, key), (await marketer.run())["state"]) == ("paused", "paused")
    await marketer.do(resume_campaign, campaign_id=key)
    assert (await status_of(marketer, key), (await marketer.run())["state"]) == ("sending", "sending")
    # Of what is over nothing is sent again.
    await changed(marketer, col(Delivery.id) == delivery["id"], **doubt)
    await marketer.do(cancel_campaign, campaign_id=key)
    with pytest.raises(Conflict, match="cancelled"):
        await marketer.do(settle_doubts, verdict="resend", campaign_id=key)
    assert await marketer.do(settle_doubts, verdict="resend", delivery_ids=[delivery["id"]]) == 0
    assert [row["state"] for row in await marketer.deliveries()] == ["in_doubt"]
    assert await marketer.do(settle_doubts, verdict="failed", campaign_id=key) == 1


async def test_a_content_is_only_sent_while_its_campaign_sends(marketer: Marketer) -> None:
    await marketer.pros(1)
    key = await marketer.do(create_campaign, name="News", channels=["email"])
    content = await marketer.say(key)
    send = TransactionalSend("email", ext("pro0"), content_id=content)
    with pytest.raises(Conflict, match="The campaign of the content is draft") as refused:
        await marketer.do(send_transactional, send=send)
    assert refused.value.field == "content_id"
    with pytest.raises(Invalid, match=r"must be that of the content \(email\)"):
        await marketer.do(send_transactional, send=TransactionalSend("sms", ext("pro0"), content_id=content))
    assert await marketer.rows(Delivery) == []
    test = TransactionalSend("email", ext("pro0"), content_id=content, options={"is_test": True})
    tested = await marketer.do(send_transactional, send=test)
    going = await marketer.launched(kind="triggered", audience=None)
    sent = await marketer.do(
        send_transactional, send=TransactionalSend("email", ext("pro0"), content_id=await marketer.say(going, group=1))
    )
    assert {row["id"] for row in await marketer.deliveries()} == {tested, sent}


async def test_a_call_that_is_repeated_is_answered_as_it_was_whatever_happened_since(marketer: Marketer) -> None:
    await marketer.pros(1)
    called = await marketer.launched(kind="triggered", audience=None)
    receipt = await marketer.launched(kind="transactional", audience=None)
    call = TriggerCall(people=[CalledPerson(ext("pro0"))], idempotency_key="1")
    missing = TriggerCall(people=[CalledPerson(ext("ghost"))], idempotency_key="2")
    send = TransactionalSend("email", ext("pro0"), campaign_id=receipt, idempotency_key="3")
    run_id = await marketer.do(trigger_campaign, campaign_id=called, call=call)
    delivery = await marketer.do(send_transactional, send=send)
    with pytest.raises(Invalid, match="trigger 2 failed: nobody has the external_id ghost"):
        await marketer.do(trigger_campaign, campaign_id=called, call=missing)
    await marketer.identify(external_id="ghost")
    for key in (called, receipt):
        await marketer.do(pause_campaign, campaign_id=key)
    assert await marketer.do(trigger_campaign, campaign_id=called, call=call) == run_id
    assert await marketer.do(send_transactional, send=send) == delivery
    with pytest.raises(Invalid, match="trigger 2 failed: nobody has the external_id ghost"):
        await marketer.do(trigger_campaign, campaign_id=called, call=missing)
    assert len(await marketer.rows(CampaignRun)) == 2


async def test_what_is_about_a_topic_that_is_gone_is_not_launched_again(marketer: Marketer) -> None:
    topic = (await marketer.do(create_topic, name="Offers")).id
    later = clock.now() + timedelta(hours=1)
    key = await marketer.launched(topic_id=topic, schedule={"at": later})
    await marketer.do(set_content, campaign_id=key, channel="email", values=BROKEN)
    with time_machine.travel(later):
        await marketer.wake()
    assert await status_of(marketer, key) == "failed"
    await marketer.do(set_content, campaign_id=key, channel="email", values=WHOLE)
    await marketer.do(delete_topic, topic_id=topic)
    with pytest.raises(Invalid) as refused:
        await marketer.do(launch_campaign, campaign_id=key)
    assert [issue.path for issue in refused.value.issues] == ["topic_id"]
    await marketer.do(update_campaign, campaign_id=key, topic_id=None)
    await marketer.do(launch_campaign, campaign_id=key, at=later + timedelta(hours=2))
    assert await status_of(marketer, key) == "scheduled"
