"""Customer.io's transactional sends: what becomes of every field, and how each channel refuses."""

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.core.access import Scope, system
from app.core.ids import public_id
from app.runtime import Runtime
from models import Delivery
from tests.doors.campaigns import make_campaign
from tests.doors.conftest import MakeKey, ReadAll, Send
from tests.tenants import TenantAccount

CHANNELS = ("email", "push", "sms", "whatsapp", "in_app")
WHOLE = {"to": "ann@example.com", "subject": "Hi", "body": "<p>Hi</p>", "from": "Shop <shop@example.com>"}
LATER = 3600
"""Seconds ahead of which messages are due, so that nobody sends them meanwhile."""


@pytest.fixture
def sent(runtime: Runtime, tenant: TenantAccount) -> Any:
    """``await sent(response)`` is the delivery that an answer names."""

    async def find(response: Any) -> Delivery:
        assert response.status_code == 200, response.text
        async with runtime.read(system(tenant.id)) as reading:
            rows = (await reading.session.execute(select(Delivery))).scalars().all()
        (row,) = (row for row in rows if public_id("delivery", row.id) == response.json()["delivery_id"])
        return row

    return find


async def test_an_email_is_queued_as_it_was_said(app_api: Send, sent: Any) -> None:
    send_at = int(clock.now().timestamp()) + LATER
    said = WHOLE | {
        "to": "Ann <ann@example.com>, bob@example.com",
        "identifiers": {"id": 5},
        "message_data": {"order": 7},
        "send_at": send_at,
        "cc": "carl@example.com",
        "bcc": "dora@example.com",
        "fake_bcc": True,
        "reply_to": "help@example.com",
        "preheader": "Soon",
        "body_plain": "Hi",
        "body_amp": "<html amp4email></html>",
        "attachments": {"a.txt": b64encode(b"Hello").decode()},
        "headers": {"X-Order": "7"},
        "language": "de",
        "disable_message_retention": True,
        "send_to_unsubscribed": False,
        "tracked": False,
        "disable_css_preprocessing": True,
        "unknown": "tolerated",
    }
    response = await app_api("POST", "/send/email", said)
    answer = response.json()
    assert abs(answer["queued_at"] - clock.now().timestamp()) < 30
    assert (answer["send_at"], set(answer)) == (send_at, {"delivery_id", "queued_at", "send_at"})
    delivery = await sent(response)
    assert (delivery.channel, delivery.state, delivery.lane) == ("email", "queued", 0)
    assert delivery.recipient == "Ann <ann@example.com>, bob@example.com"
    assert int(delivery.due_at.timestamp()) == send_at
    assert delivery.data == {
        "data": {"order": 7},
        "language": "de",
        "options": {
            "is_retained": False,
            "sends_to_unsubscribed": False,
            "is_tracked": False,
            "inlines_css": False,
        },
        "content": {
            "subject": "Hi",
            "preheader": "Soon",
            "body": "<p>Hi</p>",
            "plain": "Hi",
            "from_address": "Shop <shop@example.com>",
            "reply_to": "help@example.com",
            "headers": [{"name": "X-Order", "value": "7"}],
            "fields": {
                "cc": "carl@example.com",
                "bcc": "dora@example.com",
                "fake_bcc": True,
                "amp": "<html amp4email></html>",
                "attachments": {"a.txt": "SGVsbG8="},
            },
        },
    }


async def test_headers_are_understood_in_every_form(app_api: Send, sent: Any) -> None:
    pair = {"name": "X", "value": "y"}
    for headers in ('{"X": "y"}', {"X": "y"}, [pair], [{"X": "y"}], '[{"name":"X","value":"y"}]'):
        delivery = await sent(await app_api("POST", "/send/email", WHOLE | {"headers": headers, "queue_draft": True}))
        assert delivery.state == "draft"
        assert delivery.data["content"]["headers"] == [pair]


async def test_nodes_empty_objects_and_an_older_name_are_understood(app_api: Send, sent: Any) -> None:
    said = {"headers": {}, "attachments": {}, "plaintext_body": "Old", "queue_draft": True}
    delivery = await sent(await app_api("POST", "/send/email", WHOLE | said))
    assert "headers" not in delivery.data["content"] and "fields" not in delivery.data["content"]
    assert delivery.data["content"]["plain"] == "Old"


async def test_every_channel_is_sent_by_number_and_by_name(
    app_api: Send, sent: Any, runtime: Runtime, tenant: TenantAccount
) -> None:
    campaign = await make_campaign(
        runtime, tenant, 7, "transactional", channels=CHANNELS, trigger_name="welcome", content={"fields": {}}
    )
    said = {"identifiers": {"id": "5"}, "send_at": int(clock.now().timestamp()) + LATER}
    for path, more, channel, recipient in (
        ("email", {"to": "ann@example.com"}, "email", "ann@example.com"),
        ("push", {}, "push", "all"),
        ("push", {"to": "last_used"}, "push", "last_used"),
        ("sms", {"to": "+14155550100"}, "sms", "+14155550100"),
        ("whatsapp", {"tracked": True}, "whatsapp", ""),
        ("inbox_message", {}, "in_app", ""),
        ("in_app", {}, "in_app", ""),
    ):
        for named in (7, "7", "welcome"):
            response = await app_api("POST", f"/send/{path}", said | {"transactional_message_id": named} | more)
            delivery = await sent(response)
            whom = delivery.data["devices"] if channel == "push" else delivery.recipient
            assert (delivery.campaign_id, delivery.channel, whom) == (campaign.id, channel, recipient)
            assert delivery.data["options"]["sends_to_unsubscribed"] is True


async def test_a_push_says_what_it_shows_and_brings_its_device(
    app_api: Send, sent: Any, runtime: Runtime, tenant: TenantAccount
) -> None:
    await make_campaign(runtime, tenant, 7, "transactional", channels=("push",), trigger_name="p")
    said = {
        "transactional_message_id": "p",
        "identifiers": {"id": 5},
        "title": "T",
        "message": "M",
        "image_url": "https://x.example/i.png",
        "link": "app://x",
        "sound": "default",
        "custom_data": {"a": 1},
        "custom_payload": {"ios": {"aps": {}}},
        "custom_device": {"token": "tok", "platform": "ios", "attributes": {"os": "18"}},
        "send_at": int(clock.now().timestamp()) + LATER,
    }
    delivery = await sent(await app_api("POST", "/send/push", said))
    shown = ("title", "image_url", "link", "sound", "custom_data", "custom_payload")
    assert (delivery.recipient, delivery.data["devices"]) == ("", "all")
    assert delivery.data["content"] == {"body": "M", "fields": {name: said[name] for name in shown}}
    assert delivery.data["device"] == {"token": "tok", "platform": "ios", "attributes": {"os": "18"}}


async def test_an_idempotency_key_makes_one_message_of_many_requests(app_api: Send, client: Any, key: str) -> None:
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "once"}
    answers = [
        await client.post("/customerio/v1/send/email", json=WHOLE | {"queue_draft": True}, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].json()["delivery_id"] == answers[1].json()["delivery_id"]
    other = await app_api("POST", "/send/email", WHOLE | {"queue_draft": True})
    assert other.json()["delivery_id"] != answers[0].json()["delivery_id"]


async def test_a_key_answers_with_the_first_message_whatever_has_changed_since(
    client: Any, key: str, runtime: Runtime, tenant: TenantAccount, contents: ReadAll
) -> None:
    campaign = await make_campaign(runtime, tenant, 7, "transactional", trigger_name="welcome")
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "once"}
    said = {"to": "ann@example.com", "transactional_message_id": 7, "queue_draft": True}

    async def send(**more: Any) -> Any:
        return (await client.post("/customerio/v1/send/email", json=said | more, headers=headers)).json()

    first = await send()
    earlier = clock.now() - timedelta(days=1)
    async with runtime.write(tenant.principal) as tx:
        (await tx.session.merge(campaign)).status = "paused"
        await tx.session.execute(update(Delivery).values(created_at=earlier))
    before = await contents(tenant)
    again = {"delivery_id": first["delivery_id"], "queued_at": int(earlier.timestamp())}
    assert await send() == await send(transactional_message_id="welcome", language="x" * 99) == again
    assert await send(to="bob@example.com", subject="Other") == again
    assert await contents(tenant) == before


async def test_who_may_send_needs_no_leave_to_read_campaigns(
    app_api: Send, make_key: MakeKey, runtime: Runtime, tenant: TenantAccount
) -> None:
    await make_campaign(runtime, tenant, 7, "transactional", trigger_name="welcome")
    sender = await make_key(tenant, Scope.CAMPAIGNS_SEND)
    for named in (7, "7", "welcome"):
        said = {"to": "ann@example.com", "transactional_message_id": named, "queue_draft": True}
        assert (await app_api("POST", "/send/email", said, sender)).status_code == 200
    reader = await make_key(tenant, Scope.CAMPAIGNS_READ)
    assert (await app_api("POST", "/send/email", said, reader)).status_code == 403


async def test_null_says_nothing(app_api: Send, sent: Any) -> None:
    names = ("identifiers", "message_data", "language", "send_at", "queue_draft", "send_to_unsubscribed", "tracked")
    names += ("disable_message_retention", "cc", "bcc", "fake_bcc", "headers", "attachments", "preheader")
    later = {"send_at": int(clock.now().timestamp()) + LATER}
    delivery = await sent(await app_api("POST", "/send/email", WHOLE | dict.fromkeys(names) | later))
    assert delivery.data["options"] == {"sends_to_unsubscribed": True}
    assert set(delivery.data) == {"content", "options"}


async def test_headers_that_are_none_do_not_wait_to_fail(
    app_api: Send, contents: ReadAll, tenant: TenantAccount
) -> None:
    before = await contents(tenant)
    for headers, detail in (
        ({"X" * 77: "y"}, "headers.0.name: must be at most 76 characters long"),
        ([{"name": "", "value": "y"}], "headers.0.name: must not be empty"),
        ({f"X-{n}": "y" for n in range(51)}, "headers: must be a list of at most 50"),
    ):
        refused = await app_api("POST", "/send/email", WHOLE | {"headers": headers})
        assert (refused.status_code, refused.json()) == (400, {"meta": {"error": detail}})
    assert await contents(tenant) == before


REFUSED: tuple[tuple[str, dict[str, Any], int, str], ...] = (
    ("email", {"to": None}, 400, "to: is required"),
    ("email", {"to": "nonsense"}, 400, "to: is not an e-mail address"),
    ("email", {"cc": "a@example.com, b"}, 400, "cc: is not an e-mail address"),
    (
        "email",
        {"bcc": ",".join(f"p{n}@example.com" for n in range(15))},
        400,
        "to: has more than 15 recipients, with those of cc and bcc",
    ),
    ("email", {"body": None}, 400, "body: is needed without a campaign"),
    ("email", {"subject": ""}, 400, "subject: is needed without a campaign"),
    ("email", {"from": ""}, 400, "from: is needed without a campaign"),
    ("email", {"attachments": {"a": "***"}}, 400, "attachments.a: is not base64"),
    ("email", {"attachments": {"a": "QUFB" * 700_000}}, 400, "attachments: have more than 2000000 bytes"),
    ("email", {"headers": "{"}, 400, "headers: is not JSON"),
    ("email", {"headers": {"X": 5}}, 400, "headers: must have texts as names and values"),
    ("email", {"headers": "5"}, 400, "headers: must be an object, or a list of names and values"),
    ("email", {"identifiers": {"id": "5", "email": "a@b.c"}}, 400, "identifiers: must have exactly one of"),
    ("email", {"identifiers": {"cio_id": "0" * 32}}, 404, "identifiers: No such customer."),
    ("email", {"send_at": 99_999_999_999}, 400, "send_at: must be within 90 days"),
    ("email", {"send_at": "soon"}, 400, "send_at: must be unix seconds"),
    ("email", {"message_data": []}, 400, "message_data: must be an object"),
    ("email", {"transactional_message_id": 99}, 404, "transactional_message_id: No such campaign."),
    ("email", {"transactional_message_id": "nobody"}, 404, "transactional_message_id: No such campaign."),
    ("email", {"transactional_message_id": 8}, 404, "transactional_message_id: No such campaign."),
    ("email", {"transactional_message_id": 9}, 409, "transactional_message_id: The campaign is paused"),
    ("push", {}, 400, "transactional_message_id: is required"),
    ("push", {"transactional_message_id": 7, "custom_device": {"token": "t"}}, 400, "custom_device.platform: is"),
    ("sms", {"transactional_message_id": 7}, 400, "transactional_message_id: must be one of the campaign's"),
    ("whatsapp", {"transactional_message_id": ""}, 400, ""),
    (
        "inbox_message",
        {"transactional_message_id": 7, "identifiers": {}},
        400,
        "identifiers: must have exactly one of id, email, cio_id",
    ),
    ("in_app", {"transactional_message_id": 7, "identifiers": None}, 400, ""),
)


async def test_what_cannot_be_sent_is_refused_in_one_sentence_and_leaves_no_trace(
    app_api: Send, runtime: Runtime, tenant: TenantAccount, contents: ReadAll
) -> None:
    await make_campaign(runtime, tenant, 7, "transactional", channels=("email", "push", "in_app"))
    await make_campaign(runtime, tenant, 8, "triggered")
    await make_campaign(runtime, tenant, 9, "transactional", status="paused")
    before = await contents(tenant)
    for path, wrong, status, sentence in REFUSED:
        good: dict[str, Any] = WHOLE if path == "email" else {"identifiers": {"id": "5"}}
        refused = await app_api("POST", f"/send/{path}", good | wrong)
        assert (refused.status_code, set(refused.json())) == (status, {"meta"}), (sentence, refused.text)
        assert set(refused.json()["meta"]) == {"error"}
        assert refused.json()["meta"]["error"].startswith(sentence), refused.text
    assert await contents(tenant) == before
