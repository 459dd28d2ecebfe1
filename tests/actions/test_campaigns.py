"""Drafting, launching and preparing campaigns."""

from datetime import timedelta

import pytest

from app.actions.campaigns import (
    CalledPerson,
    TransactionalSend,
    TriggerCall,
    create_campaign,
    finish_run,
    get_campaign,
    launch_campaign,
    send_transactional,
    trigger_campaign,
    update_campaign,
)
from app.core import clock
from app.core.errors import Conflict, Invalid
from models import Campaign, CampaignRun, Delivery
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
