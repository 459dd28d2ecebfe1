"""Drafting, launching and preparing campaigns."""

from datetime import timedelta
from typing import Any
from uuid import UUID

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
from app.core.ids import new_id
from app.runtime import Runtime
from models import Campaign, CampaignRun, Content, Delivery
from tests.actions.people import People, ext
from tests.tenants import TenantAccount
from workers import campaigns as work

PRO = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}


@pytest.fixture
async def office(runtime: Runtime, tenant: TenantAccount) -> People:
    return People(runtime.units, tenant.principal)


async def say(people: People, campaign_id: UUID, channel: str = "email", group: int = 0, language: str = "") -> UUID:
    """A content of a campaign."""

    async def add(tx: Any) -> UUID:
        key = new_id()
        stamps = {"created_at": tx.now, "updated_at": tx.now}
        row = {"id": key, "number": int(key.int % 2**31), "campaign_id": campaign_id, "channel": channel}
        texts: dict[str, Any] = {
            "subject": "Hello",
            "body": "<p>Hello {{ customer.name }}</p>",
            "from_address": "us@example.com",
        }
        texts |= {"headers": [], "fields": {}}
        await tx.insert(Content, [{**row, "test_group": group, "language": language, **texts, **stamps}])
        return key

    return await people.do(add)


async def prepare(runtime: Runtime, people: People) -> None:
    for run in await people.rows(CampaignRun):
        await work.prepare(runtime, {"run": run["id"].hex}, run["tenant_id"])


async def test_a_one_off_campaign_is_prepared_once_for_everybody_in_its_audience(
    runtime: Runtime, office: People
) -> None:
    ids = []
    for n in range(3):
        facts = {"external_id": f"u{n}", "attributes": {"plan": "pro"}, "locale": ["de-AT", "en", None][n]}
        ids.append((await office.identify(**facts)).customer_id)
    await office.identify(external_id="free", attributes={"plan": "free"})
    await office.identify(external_id="out", attributes={"plan": "pro", "out": True})
    out = {"attribute": {"name": "out", "is": {"equals": True}}}
    key = await office.do(create_campaign, name="News", channels=["email", "sms"], audience=PRO, exclusions=out)
    with pytest.raises(Invalid) as refused:
        await office.do(launch_campaign, campaign_id=key)
    assert [issue.path for issue in refused.value.issues] == ["contents.email.0", "contents.sms.0"]
    assert (await office.read(get_campaign, campaign_id=key)).status == "draft"
    english, german, text = await say(office, key), await say(office, key, language="de"), await say(office, key, "sms")
    await office.do(launch_campaign, campaign_id=key)
    campaign = await office.read(get_campaign, campaign_id=key)
    assert (campaign.status, campaign.version, campaign.number) == ("sending", 1, 1)
    await prepare(runtime, office)
    await prepare(runtime, office)
    (run,) = await office.rows(CampaignRun)
    assert (run["state"], run["targeted"], run["prepared"], run["control"]) == ("sending", 3, 6, 0)
    rows = await office.rows(Delivery)
    assert sorted((row["customer_id"], row["channel"], row["content_id"]) for row in rows) == sorted(
        [
            (ids[0], "email", german),
            (ids[1], "email", english),
            (ids[2], "email", english),
            *((one, "sms", text) for one in ids),
        ]
    )
    assert {(row["state"], row["lane"], row["occurrence_id"]) for row in rows} == {("queued", 1, run["id"])}
    assert not await office.do(finish_run, run_id=run["id"])
    with pytest.raises(Conflict):
        await office.do(launch_campaign, campaign_id=key)
    with pytest.raises(Conflict) as late:
        await office.do(update_campaign, campaign_id=key, audience=None)
    assert late.value.field == "audience"
    await office.do(update_campaign, campaign_id=key, name="Newer")


async def test_a_call_for_people_by_name(runtime: Runtime, office: People) -> None:
    one = (await office.identify(external_id="u1", email="one@example.com")).customer_id
    key = await office.do(create_campaign, name="Alarm", channels=["email"], kind="triggered")
    await say(office, key)
    call = TriggerCall({"why": "fire"}, [CalledPerson(ext("u1"), {"room": 7}), CalledPerson(ext("ghost"))])
    with pytest.raises(Conflict):
        await office.do(trigger_campaign, campaign_id=key, call=call)
    await office.do(launch_campaign, campaign_id=key)
    with pytest.raises(Invalid, match="trigger 1 failed: nobody has the external_id ghost"):
        await office.do(trigger_campaign, campaign_id=key, call=call)
    (failed,) = await office.rows(CampaignRun)
    assert (failed["state"], failed["problems"][0]["value"]) == ("failed", "ghost")
    patient = TriggerCall(call.data, call.people, ignores_missing=frozenset({"external_id"}), idempotency_key="k")
    run_id = await office.do(trigger_campaign, campaign_id=key, call=patient)
    assert await office.do(trigger_campaign, campaign_id=key, call=patient) == run_id
    await prepare(runtime, office)
    (row,) = await office.rows(Delivery)
    assert (row["customer_id"], row["run_id"], row["data"]) == (one, run_id, {"data": {"room": 7}})


async def test_a_transactional_message_is_sent_once_to_somebody_found_or_made(people: People) -> None:
    key = await people.do(create_campaign, name="Receipt", channels=["email"], kind="transactional", trigger_name="r")
    content = await say(people, key)
    send = TransactionalSend("email", to="New <new@example.com>", trigger_name="r", data={"n": 1}, idempotency_key="1")
    with pytest.raises(Conflict):
        await people.do(send_transactional, send=send)
    await people.do(launch_campaign, campaign_id=key)
    delivery = await people.do(send_transactional, send=send)
    assert await people.do(send_transactional, send=send) == delivery
    (row,) = await people.rows(Delivery)
    assert (row["id"], row["lane"], row["state"], row["content_id"]) == (delivery, 0, "queued", content)
    assert (row["recipient"], row["data"]) == ("New <new@example.com>", {"data": {"n": 1}})
    assert row["customer_id"] == (await people.names())["email", "new@example.com"]
    later = clock.now() + timedelta(days=91)
    with pytest.raises(Invalid, match="send_at"):
        await people.do(send_transactional, send=TransactionalSend("email", trigger_name="r", send_at=later))
    with pytest.raises(Invalid, match=r"content\.body"):
        await people.do(send_transactional, send=TransactionalSend("email", to="new@example.com"))
    assert len(await people.rows(Campaign)) == 1
