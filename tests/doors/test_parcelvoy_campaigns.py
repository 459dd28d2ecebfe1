"""Parcelvoy's campaigns: the list of them, and a message to one user over e-mail, text or push."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from app.core.access import system
from app.core.ids import public_id
from app.runtime import Runtime
from models import ArchivedMessage, CampaignRun, Delivery, Event
from tests.doors.campaigns import make_campaign
from tests.doors.conftest import ReadAll, Send
from tests.tenants import TenantAccount

EVENT = {"random_field": "value"}
LATER = {"schedule": {"at": "2026-12-01T09:00:00Z", "in_recipients_timezone": True}, "tags": ["spring"]}


@pytest.fixture
def rows(runtime: Runtime, tenant: TenantAccount) -> Any:
    """``await rows(Delivery)``, by id."""

    async def read(table: Any) -> list[Any]:
        async with runtime.read(system(tenant.id)) as reading:
            return list((await reading.session.execute(select(table).order_by(table.id))).scalars())

    return read


@pytest.mark.parametrize(
    ("channel", "user"),
    [
        ("email", {"email": "test@test.com"}),
        ("sms", {"phone": "+12345678900"}),
        ("push", {"device_token": "DEVICE_TOKEN"}),
    ],
)
async def test_one_user_is_saved_and_gets_the_message(
    channel: str,
    user: dict[str, str],
    parcelvoy: Send,
    parcelvoy_client: Send,
    silocdp: Send,
    runtime: Runtime,
    tenant: TenantAccount,
    rows: Any,
) -> None:
    campaign = await make_campaign(runtime, tenant, 44, "transactional", channels=(channel, "in_app"))
    known = {"external_id": "EXTERNAL_ID", "timezone": "America/Chicago", "locale": "en", **user}
    answer = await parcelvoy_client("POST", "/campaigns/44/trigger", {"user": {**known, "plan": "pro"}, "event": EVENT})
    assert (answer.status_code, answer.content) == (204, b""), answer.text
    (saved,) = (await parcelvoy("/users")).json()["results"]
    shown = {name: saved.get(name) for name in known if name != "device_token"}
    assert shown == {name: said for name, said in known.items() if name != "device_token"}
    assert saved["data"] == {"plan": "pro"}
    tokens = [one["token"] for one in saved["devices"]]
    assert tokens == ([user["device_token"]] if channel == "push" else [])
    (event,) = (await silocdp("GET", f"/subscribers/{saved['id']}")).json()["data"]["events"]
    named = {"id": 44, "name": campaign.name}
    assert (event["event"], event["properties"]) == ("campaign_trigger", {**EVENT, "campaign": named})
    (delivery,) = await rows(Delivery)
    assert public_id("customer", delivery.customer_id) == saved["id"]
    assert (delivery.campaign_id, delivery.channel, delivery.lane) == (campaign.id, channel, 0)
    assert delivery.data == {"data": EVENT, "event": EVENT}


async def test_a_triggered_campaign_runs_for_one_user(
    parcelvoy_client: Send, runtime: Runtime, tenant: TenantAccount, rows: Any
) -> None:
    campaign = await make_campaign(runtime, tenant, 7, "triggered")
    for _ in range(2):
        answer = await parcelvoy_client("POST", "/campaigns/7/trigger", {"user": {"external_id": "ann"}})
        assert answer.status_code == 204, answer.text
    runs = await rows(CampaignRun)
    person = (await rows(Event))[0].customer_id
    assert [(run.campaign_id, run.number, run.recipients) for run in runs] == [
        (campaign.id, number, {"people": [[person.hex, None]]}) for number in (1, 2)
    ]


USER = {"external_id": "x", "email": "x@example.com"}
REFUSED: list[tuple[str, Any, int, str]] = [
    ("44", {}, 422, "user: is required"),
    ("44", {"user": {}}, 422, "user.external_id: is required"),
    ("44", {"user": {"external_id": 5}}, 422, "The value of `user external_id` must be a string."),
    ("44", {"user": "x"}, 422, "The value of `user` must be a object."),
    ("44", {"user": USER, "extra": 1}, 422, "extra: is not known here"),
    ("44", {"user": USER, "event": []}, 422, "The value of `event` must be a object."),
    ("44", {"user": {**USER, "email": "no"}}, 422, "user.email: is not an e-mail address"),
    ("44", {"user": {**USER, "id": 5}}, 422, "user.id: is a name of the customer, not an attribute"),
    ("44", {"user": {**USER, "device_token": "x" * 1001}}, 422, ""),
    ("44", {"user": USER, "event": {"a": "x" * 40_000}}, 422, ""),
    ("5", {"user": USER}, 422, "campaignId: is a one_off campaign, not a triggered one"),
    ("6", {"user": USER}, 409, "campaignId: The campaign is paused: it cannot be triggered."),
    ("8", {"user": USER}, 409, "campaignId: The campaign is draft: it sends nothing."),
    ("44", {"user": {**USER, "email": "taken@example.com"}}, 409, ""),
]


async def test_what_is_refused_leaves_no_trace(
    parcelvoy_client: Send, runtime: Runtime, tenant: TenantAccount, contents: ReadAll, rows: Any, foreign_key: str
) -> None:
    await make_campaign(runtime, tenant, 44, "transactional")
    await make_campaign(runtime, tenant, 5, "one_off", status="draft")
    await make_campaign(runtime, tenant, 6, "triggered", status="paused")
    await make_campaign(runtime, tenant, 8, "transactional", status="draft")
    await parcelvoy_client("POST", "/identify", {"external_id": "taken", "email": "taken@example.com"})
    before = await contents(tenant)
    for number, body, status, error in REFUSED:
        answer = await parcelvoy_client("POST", f"/campaigns/{number}/trigger", body)
        assert answer.status_code == status, (number, body, answer.text)
        assert answer.json()["error"] == error or not error, (number, body, answer.json())
        assert await contents(tenant) == before, body
    for number, key in (("99", None), ("0", None), ("x", None), ("9" * 30, None), ("44", foreign_key)):
        more = {} if key is None else {"key": key}
        answer = await parcelvoy_client("POST", f"/campaigns/{number}/trigger", {"user": USER}, **more)
        assert (answer.status_code, answer.text) == (404, "Not Found"), number
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert await contents(tenant) == before
    assert await rows(Delivery) == await rows(CampaignRun) == []


async def test_campaigns_are_listed(
    parcelvoy: Send, parcelvoy_client: Send, runtime: Runtime, tenant: TenantAccount, foreign_key: str
) -> None:
    await make_campaign(runtime, tenant, 3, "one_off", channels=("sms",), status="paused", **LATER)
    made = await make_campaign(runtime, tenant, 1, "transactional", channels=("push", "sms"))
    await make_campaign(runtime, tenant, 2, "recurring", status="cancelled")
    await parcelvoy_client("POST", "/campaigns/1/trigger", {"user": {"external_id": "x"}})
    page = (await parcelvoy("/campaigns")).json()
    first = page["results"][0]
    assert first.pop("created_at") == first.pop("updated_at") > "2026"
    assert first.pop("delivery")["total"] == 1
    assert first == {
        "id": 1,
        "name": made.name,
        "type": "trigger",
        "channel": "push",
        "state": "running",
        "send_at": None,
        "send_in_user_timezone": False,
        "tags": [],
    }
    others = [(one["id"], one["type"], one["channel"], one["state"]) for one in page["results"][1:]]
    assert others == [(2, "blast", "email", "aborted"), (3, "blast", "text", "scheduled")]
    assert page["results"][2]["send_in_user_timezone"] is True

    async def found(**query: Any) -> list[int]:
        return [one["id"] for one in (await parcelvoy("/campaigns", **query)).json()["results"]]

    assert await found(direction="desc", sort="created_at") == [2, 1, 3]
    assert await found(limit=2) == [1, 2]
    assert await found(q="RECURR") == await found(id=2) == [2]
    assert await found(tag="spring") == [3]
    assert await found(key=foreign_key) == []
    broken = await parcelvoy("/campaigns", limit=0)
    assert (broken.status_code, broken.json()["error"]) == (422, "limit: must not be 0")


async def test_the_message_says_what_the_event_says(
    parcelvoy_client: Send, runtime: Runtime, tenant: TenantAccount, rows: Any
) -> None:
    said = {"subject": "{{ event.random_field }}", "body": "<p>{{ trigger.random_field }} {{ customer.plan }}</p>"}
    await make_campaign(runtime, tenant, 44, "transactional", content=said)
    user = {"external_id": "ann", "email": "ann@example.com", "plan": "pro"}
    assert (await parcelvoy_client("POST", "/campaigns/44/trigger", {"user": user, "event": EVENT})).status_code == 204
    async with asyncio.timeout(20):
        while [delivery.state for delivery in await rows(Delivery)] != ["sent"]:
            await asyncio.sleep(0.02)
    (delivery,) = await rows(Delivery)
    async with runtime.read(system(tenant.id)) as reading:
        (kept,) = (await reading.session.execute(select(ArchivedMessage))).scalars().all()
    assert (delivery.recipient, kept.subject) == ("ann@example.com", "value")
    assert "<p>value pro</p>" in kept.body
