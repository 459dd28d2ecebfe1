"""Drafting, launching and preparing campaigns."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine

from app.actions.campaigns import (
    CalledPerson,
    GroupShare,
    TransactionalSend,
    TriggerCall,
    archive_campaign,
    cancel_campaign,
    create_campaign,
    create_experiment,
    delete_campaign,
    duplicate_campaign,
    finish_run,
    get_campaign,
    launch_campaign,
    send_transactional,
    trigger_campaign,
    update_campaign,
)
from app.actions.campaigns.audience import next_recipients
from app.actions.content import set_content
from app.actions.customers import delete_customer
from app.core import clock
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id, public_id
from app.core.tx import Tx
from models import Campaign, CampaignRun, Content, Delivery, Experiment, TestGroup
from tests.actions.campaigning import PRO, Marketer
from tests.actions.people import ext


async def test_a_one_off_campaign_is_prepared_once_for_everybody_in_its_audience(marketer: Marketer) -> None:
    ids = []
    for n in range(3):
        facts = {"external_id": f"u{n}", "attributes": {"plan": "pro"}, "locale": ["de-AT", "en", None][n]}
        ids.append((await marketer.identify(**facts)).customer_id)
    await marketer.identify(external_id="free", attributes={"plan": "free"})
    await marketer.identify(external_id="out", attributes={"plan": "pro", "out": True})
    out = {"attribute": {"name": "out", "is": {"equals": True}}}
    key = await marketer.do(create_campaign, name="News", channels=["email", "sms"], audience=PRO, exclusions=out)
    with pytest.raises(Invalid) as refused:
        await marketer.do(launch_campaign, campaign_id=key)
    assert [issue.path for issue in refused.value.issues] == ["contents.email.0", "contents.sms.0"]
    assert (await marketer.read(get_campaign, campaign_id=key)).status == "draft"
    english, german, text = (
        await marketer.say(key),
        await marketer.say(key, language="de"),
        await marketer.say(key, "sms"),
    )
    await marketer.do(launch_campaign, campaign_id=key)
    campaign = await marketer.read(get_campaign, campaign_id=key)
    assert (campaign.status, campaign.version, campaign.number) == ("sending", 1, 1)
    await marketer.prepare()
    await marketer.prepare()
    (run,) = await marketer.rows(CampaignRun)
    assert (run["state"], run["targeted"], run["prepared"], run["control"]) == ("sending", 3, 6, 0)
    rows = await marketer.rows(Delivery)
    assert sorted((row["customer_id"], row["channel"], row["content_id"]) for row in rows) == sorted(
        [
            (ids[0], "email", german),
            (ids[1], "email", english),
            (ids[2], "email", english),
            *((one, "sms", text) for one in ids),
        ]
    )
    assert {(row["state"], row["lane"], row["occurrence_id"]) for row in rows} == {("queued", 1, run["id"])}
    assert not await marketer.do(finish_run, run_id=run["id"])
    with pytest.raises(Conflict):
        await marketer.do(launch_campaign, campaign_id=key)
    with pytest.raises(Conflict) as late:
        await marketer.do(update_campaign, campaign_id=key, audience=None)
    assert late.value.field == "audience"
    await marketer.do(update_campaign, campaign_id=key, name="Newer")


async def test_a_call_for_people_by_name(marketer: Marketer) -> None:
    one = (await marketer.identify(external_id="u1", email="one@example.com")).customer_id
    key = await marketer.do(create_campaign, name="Alarm", channels=["email"], kind="triggered")
    await marketer.say(key)
    call = TriggerCall({"why": "fire"}, [CalledPerson(ext("u1"), {"room": 7}), CalledPerson(ext("ghost"))])
    with pytest.raises(Conflict):
        await marketer.do(trigger_campaign, campaign_id=key, call=call)
    await marketer.do(launch_campaign, campaign_id=key)
    with pytest.raises(Invalid, match="trigger 1 failed: nobody has the external_id ghost"):
        await marketer.do(trigger_campaign, campaign_id=key, call=call)
    (failed,) = await marketer.rows(CampaignRun)
    assert (failed["state"], failed["problems"][0]["value"]) == ("failed", "ghost")
    patient = TriggerCall(call.data, call.people, ignores_missing=frozenset({"external_id"}), idempotency_key="k")
    run_id = await marketer.do(trigger_campaign, campaign_id=key, call=patient)
    assert await marketer.do(trigger_campaign, campaign_id=key, call=patient) == run_id
    await marketer.prepare()
    (row,) = await marketer.rows(Delivery)
    assert (row["customer_id"], row["run_id"], row["data"]) == (one, run_id, {"data": {"room": 7}})


async def test_nobody_is_left_out_because_others_of_the_list_are(marketer: Marketer) -> None:
    named = [(await marketer.identify(external_id=f"u{n}")).customer_id for n in range(4)]
    for gone in ("u0", "u2"):
        await marketer.do(delete_customer, customer=ext(gone))

    async def first(tx: Tx, limit: int) -> list[UUID]:
        run = CampaignRun(recipients={"people": [[one.hex, None] for one in named]})
        found = await next_recipients(tx, Campaign(), run, after=None, limit=limit)
        return [one.customer_id for one in found.recipients]

    assert await marketer.do(first, limit=1) == [named[1]]
    assert await marketer.do(first, limit=2) == [named[1], named[3]]


async def test_a_transactional_message_is_sent_once_to_somebody_found_or_made(marketer: Marketer) -> None:
    key = await marketer.do(create_campaign, name="Receipt", channels=["email"], kind="transactional", trigger_name="r")
    content = await marketer.say(key)
    send = TransactionalSend("email", to="New <new@example.com>", trigger_name="r", data={"n": 1}, idempotency_key="1")
    with pytest.raises(Conflict):
        await marketer.do(send_transactional, send=send)
    await marketer.do(launch_campaign, campaign_id=key)
    delivery = await marketer.do(send_transactional, send=send)
    assert await marketer.do(send_transactional, send=send) == delivery
    (row,) = await marketer.rows(Delivery)
    assert (row["id"], row["lane"], row["state"], row["content_id"]) == (delivery, 0, "queued", content)
    assert (row["recipient"], row["data"]) == ("New <new@example.com>", {"data": {"n": 1}})
    assert row["customer_id"] == (await marketer.names())["email", "new@example.com"]
    later = clock.now() + timedelta(days=91)
    with pytest.raises(Invalid, match="send_at"):
        await marketer.do(send_transactional, send=TransactionalSend("email", trigger_name="r", send_at=later))
    with pytest.raises(Invalid, match=r"content\.body"):
        await marketer.do(send_transactional, send=TransactionalSend("email", to="new@example.com"))
    assert len(await marketer.rows(Campaign)) == 1


async def test_a_broken_template_stops_its_campaign_before_the_first_message(marketer: Marketer) -> None:
    await marketer.pros(1)
    key = await marketer.draft()
    await marketer.do(set_content, campaign_id=key, channel="email", values={"body": "{% if %}"})
    with pytest.raises(Invalid) as refused:
        await marketer.do(launch_campaign, campaign_id=key)
    assert (refused.value.field or "").startswith("contents.")
    await marketer.do(set_content, campaign_id=key, channel="email", values={"body": "Hello"})
    later = clock.now() + timedelta(hours=1)
    await marketer.do(launch_campaign, campaign_id=key, at=later)
    await marketer.do(set_content, campaign_id=key, channel="email", values={"body": "{% if %}"})
    with time_machine.travel(later):
        await marketer.wake()
    campaign = await marketer.read(get_campaign, campaign_id=key)
    assert (campaign.status, campaign.version) == ("failed", 1)
    assert "contents." in (campaign.failure or "")
    assert (await marketer.rows(CampaignRun), await marketer.deliveries()) == ([], [])
    await marketer.do(set_content, campaign_id=key, channel="email", values={"body": "Hello"})
    await marketer.do(update_campaign, campaign_id=key, schedule={})
    await marketer.do(launch_campaign, campaign_id=key)
    await marketer.prepare()
    assert (len(await marketer.deliveries()), (await marketer.run())["version"]) == (1, 2)


async def test_a_copy_is_a_draft_with_contents_and_experiment(marketer: Marketer) -> None:
    first = await marketer.draft(schedule={"at": clock.now(), "timezone": "Europe/Paris"}, tags=["a", "a", "b"])
    groups = [GroupShare("A", 900), GroupShare("B", 100)]
    await marketer.do(create_experiment, campaign_id=first, groups=groups, metric="opened")
    await marketer.say(first, group=1)
    await marketer.do(launch_campaign, campaign_id=first)
    second = await marketer.do(duplicate_campaign, campaign_id=first)
    copy = await marketer.read(get_campaign, campaign_id=second)
    assert (copy.name, copy.status, copy.number, copy.tags) == ("News (copy)", "draft", 2, ["a", "b"])
    assert (copy.audience, copy.schedule) == (PRO, {"timezone": "Europe/Paris"})
    assert len([row for row in await marketer.rows(Content) if row["campaign_id"] == second]) == 2
    tried = [row for row in await marketer.rows(Experiment) if row["campaign_id"] == second]
    assert [(row["state"], row["metric"], row["number"]) for row in tried] == [("draft", "opened", 2)]
    assert len(await marketer.rows(TestGroup)) == 4


async def test_who_changes_what_somebody_else_has_just_changed_is_refused(marketer: Marketer) -> None:
    key = await marketer.do(create_campaign, name="News", channels=["email"])
    read = (await marketer.read(get_campaign, campaign_id=key)).updated_at
    await marketer.do(update_campaign, campaign_id=key, expected_updated_at=read, description="By Ada")
    with pytest.raises(Conflict, match="changed meanwhile") as refused:
        await marketer.do(update_campaign, campaign_id=key, expected_updated_at=read, description="By Bea")
    assert refused.value.field == "expected_updated_at"
    now = await marketer.read(get_campaign, campaign_id=key)
    assert (now.description, now.updated_at > read) == ("By Ada", True)


async def test_what_is_sending_is_not_deleted_and_what_is_deleted_is_not_found(marketer: Marketer) -> None:
    key = await marketer.launched(kind="transactional", trigger_name="receipt", audience=None)
    with pytest.raises(Conflict, match="sending"):
        await marketer.do(delete_campaign, campaign_id=key)
    with pytest.raises(Conflict) as taken:
        await marketer.do(create_campaign, name="B", channels=["sms"], kind="triggered", trigger_name="receipt")
    assert taken.value.field == "trigger_name"
    await marketer.do(cancel_campaign, campaign_id=key)
    await marketer.do(archive_campaign, campaign_id=key)
    await marketer.do(delete_campaign, campaign_id=key)
    with pytest.raises(NotFound):
        await marketer.read(get_campaign, campaign_id=key)
    await marketer.do(create_campaign, name="B", channels=["sms"], kind="triggered", trigger_name="receipt")


async def test_of_two_who_take_a_trigger_name_at_once_one_is_refused(marketer: Marketer) -> None:
    named = {"channels": ["sms"], "kind": "triggered", "trigger_name": "alarm"}
    made = await asyncio.gather(
        *(marketer.do(create_campaign, name=name, **named) for name in "AB"), return_exceptions=True
    )
    assert sorted(type(one) for one in made if isinstance(one, Exception)) == [Conflict]
    assert [row["trigger_name"] for row in await marketer.rows(Campaign)] == ["alarm"]


async def test_wrong_settings_are_refused_with_their_place_and_leave_no_trace(marketer: Marketer) -> None:
    for wrong, path in (
        ({"kind": "newsletter"}, "kind"),
        ({"channels": []}, "channels"),
        ({"channels": ["email", "fax"]}, "channels.1"),
        ({"name": " "}, "name"),
        ({"audience": {"attribute": {"name": "plan", "is": {"is": 1}}}}, "audience.attribute.is.is"),
        ({"exclusions": {"segment": {"id": public_id("segment", new_id())}}}, "exclusions.segment.id"),
        ({"topic_id": new_id()}, "topic_id"),
        ({"goal": {"event": "buy", "after": "seen"}}, "goal.after"),
        ({"goal": {"event": "buy", "within": 3}}, "goal.within"),
        ({"throttle_per_s": 0}, "throttle_per_s"),
        ({"control_share": 1000}, "control_share"),
        ({"priority": True}, "priority"),
        ({"is_tracked": 1}, "is_tracked"),
        ({"trigger_name": "x"}, "trigger_name"),
        ({"schedule": {"rrule": "FREQ=DAILY"}}, "schedule.rrule"),
        ({"kind": "triggered", "schedule": {"at": clock.now()}}, "schedule"),
    ):
        with pytest.raises((Invalid, NotFound)) as refused:
            await marketer.do(create_campaign, **{"name": "X", "channels": ["email"], **wrong})
        assert refused.value.field == path
    assert await marketer.rows(Campaign) == []
