"""Reporting webhooks: who is told what, in whose words, in which order, and what becomes of calls that are refused."""

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import orjson
import pytest

from app.actions.conversations import close_conversation
from app.actions.reporting import (
    CallResult,
    claim_calls,
    create_webhook,
    delete_webhook,
    list_webhooks,
    owe_calls,
    plan_calls,
    purge_calls,
    record_calls,
    replay_calls,
    retry_calls,
    update_webhook,
)
from app.actions.reporting.calling import pause
from app.actions.visitors import identify_visitor, identity_secret, open_widget
from app.core import clock
from app.core.access import PUBLIC, system
from app.core.errors import Conflict, Invalid, NotFound
from app.core.feed import DELIVERIES_TOPIC
from app.core.fetching import HINT
from app.core.ids import new_id, public_id
from app.core.settings import Settings
from app.runtime import reporting
from models import ArchivedMessage, Link, ReportingWebhook, WebhookCall
from tests.actions.people import People, ext
from tests.actions.reporting import Reports, heard, is_signed
from tests.actions.talking import Office
from tests.receiver import answer, receiver


@pytest.fixture
def reports(people: People, settings: Settings) -> Reports:
    return Reports(people, settings)


async def test_what_sent_it_is_named_as_customerio_names_it(reports: Reports) -> None:
    ann = await reports.customer("ann")
    async with receiver() as server, reports.reporter():
        made = await reports.webhook(f"{server.url}/hook?x=1")
        for number, kind in enumerate(("one_off", "triggered", "transactional", "recurring"), 1):
            await reports.happens(await reports.delivery(ann, await reports.campaign(kind, number)), "sent")
        without = await reports.delivery(ann)
        await reports.happens(without, "sent")
        await reports.happens(without, "delivered")
        bodies = await heard(server, 5)
        assert [set(body["data"]) - {"customer_id", "identifiers"} for body in bodies] == [
            {"delivery_id", "recipient", "subject", *parents}
            for parents in (
                ("newsletter_id", "content_id"),
                ("broadcast_id", "trigger_id", "action_id"),
                ("transactional_message_id",),
                ("campaign_id", "action_id"),
                ("transactional_message_id",),
            )
        ]
        assert (bodies[0]["data"]["newsletter_id"], bodies[0]["data"]["content_id"]) == (1, 101)
        assert (bodies[1]["data"]["broadcast_id"], bodies[1]["data"]["trigger_id"]) == (2, 7)
        assert [body["data"]["transactional_message_id"] for body in (bodies[2], bodies[4])] == [3, 1]
        event_id = bodies[4].pop("event_id")
        assert len(event_id) == 26 and event_id == event_id.upper()
        assert abs(bodies[4].pop("timestamp") - clock.now().timestamp()) < 30
        assert bodies[4] == {
            "object_type": "email",
            "metric": "sent",
            "data": {
                "customer_id": "ann",
                "identifiers": {"id": "ann", "email": "ann@example.com", "cio_id": ann.hex},
                "delivery_id": public_id("delivery", without.id),
                "transactional_message_id": 1,
                "recipient": "a@example.com",
                "subject": "News",
            },
        }
        assert len({body.get("event_id") for body in bodies}) == 5
        assert all(is_signed(request, made.secret) for request in server.requests)
        assert {(request.method, request.target) for request in server.requests} == {("POST", "/hook?x=1")}
        done = await reports.settled("done", 5)
        assert {(row["attempts"], row["status_code"], row["error"]) for row in done} == {(1, 200, None)}


async def test_clicks_failures_content_and_consent_say_what_they_must(reports: Reports) -> None:
    ann, keys = await reports.customer("ann"), await reports.campaign("one_off", 1)
    delivery = await reports.delivery(ann, keys, error="mailbox full")
    push = await reports.delivery(ann, keys, channel="push", recipient="t1")
    link = {"id": new_id(), "number": 9, "campaign_id": keys["campaign_id"], "url": "https://x.example/{{ a }}"}
    async with reports.people.units.write(reports.people.principal) as tx:
        await tx.insert(Link, [link | {"digest": "d", "created_at": tx.now}])
        said = {"delivery_id": delivery.id, "body": "<b>Hi</b>", "headers": [{"name": "X", "value": "y"}]}
        tx.session.add(ArchivedMessage(tenant_id=tx.tenant_id, **said, created_at=tx.now))
    async with receiver() as server, reports.reporter():
        await reports.webhook(server.url, with_content=True)
        await reports.happens(delivery, "sent")
        await reports.happens(delivery, "clicked", link=link["id"].hex, url="https://x.example/1", verdict="scanner")
        await reports.happens(delivery, "bounced")
        await reports.happens(delivery, "suppressed")
        await reports.happens(push, "sent")
        async with reports.people.units.write(reports.people.principal) as tx:
            tx.emit(DELIVERIES_TOPIC, "customer.unsubscribed", ann, {"channel": "sms"})
            tx.emit(DELIVERIES_TOPIC, "customer.unsubscribed", ann, {"channel": "email"})
        sent, clicked, bounced, dropped, pushed, unsubscribed = await heard(server, 6)
        await reports.settled("done", 6)
    assert (sent["data"]["content"], sent["data"]["headers"]) == ("<b>Hi</b>", [{"name": "X", "value": "y"}])
    told = {name: clicked["data"][name] for name in ("href", "link_id", "machine")}
    assert told == {"href": "https://x.example/1", "link_id": 9, "machine": True}
    assert (bounced["metric"], bounced["data"]["failure_message"]) == ("bounced", "mailbox full")
    assert dropped["metric"] == "dropped"
    assert (pushed["object_type"], pushed["data"]["recipients"]) == ("push", [{"device_id": "t1"}])
    identifiers = {"id": "ann", "email": "ann@example.com", "cio_id": ann.hex}
    assert (unsubscribed["object_type"], unsubscribed["metric"], unsubscribed["data"]) == (
        "customer",
        "unsubscribed",
        {"customer_id": "ann", "identifiers": identifiers, "email_address": "ann@example.com"},
    )


async def test_openings_and_clicks_are_told_once_or_every_time_and_tests_never(reports: Reports) -> None:
    ann = await reports.customer("ann")
    delivery, test = await reports.delivery(ann), await reports.delivery(ann, is_test=True)
    async with receiver() as once, receiver() as always, reports.reporter():
        await reports.webhook(once.url, ["email_opened"])
        await reports.webhook(always.url, ["email_opened"], full_resolution=True)
        await reports.happens(test, "opened", first=True)
        await reports.happens(delivery, "opened", first=True, verdict="proxy")
        await reports.happens(delivery, "opened", first=False, verdict="human")
        await reports.settled("done", 3)
        bodies = await heard(always, 2)
    assert len(once.requests) == 1
    assert [body["data"]["proxied"] for body in bodies] == [True, False]


async def test_a_refused_call_holds_up_its_own_customer_alone_and_order_is_kept(reports: Reports) -> None:
    ann, bob = await reports.customer("ann"), await reports.customer("bob")
    first, other = await reports.delivery(ann), await reports.delivery(bob)
    async with receiver(answer(500), answer(200)) as server, reports.reporter():
        made = await reports.webhook(server.url, ["email_sent", "email_opened", "email_clicked"])
        await reports.happens(first, "sent")
        (row,) = await reports.settled("waiting", 1)
        assert (row["status_code"], row["error"], row["attempts"]) == (500, "answered 500", 1)
        assert timedelta(minutes=59) < row["run_at"] - clock.now() < timedelta(minutes=61)
        (hook,) = await reports.people.read(list_webhooks)
        assert hook.failing_since is not None and hook.last_error == "answered 500"
        for delivery, metric in ((first, "opened"), (other, "sent"), (first, "clicked")):
            await reports.happens(delivery, metric)
        rows = await reports.settled("done", 1)
        assert [(row["event"], row["state"]) for row in rows] == [
            ("email_sent", "due"),
            ("email_opened", "due"),
            ("email_sent", "done"),
            ("email_clicked", "due"),
        ]
        (hook,) = await reports.people.read(list_webhooks)
        assert (hook.failing_since, hook.last_error) == (None, None)
        assert await reports.people.do(retry_calls, webhook_id=made.webhook.id) >= 1
        await reports.settled("done", 4)
    bodies = [orjson.loads(request.body) for request in server.requests]
    of_ann = [body for body in bodies if body["data"]["customer_id"] == "ann"]
    assert [body["metric"] for body in of_ann] == ["sent", "sent", "opened", "clicked"]
    assert of_ann[0]["event_id"] == of_ann[1]["event_id"]


async def test_a_server_that_hangs_or_is_private_is_not_waited_for(
    reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reporting.TIMEOUT_S == 4.0
    monkeypatch.setattr(reporting, "TIMEOUT_S", 0.2)
    delivery = await reports.delivery(await reports.customer("ann"))
    async with receiver(None) as silent, receiver() as good:
        async with reports.reporter():
            await reports.webhook(silent.url)
            await reports.webhook(good.url)
            await reports.happens(delivery, "sent")
            (_, hung) = sorted(await reports.settled("done", 1), key=lambda row: row["state"] == "due")
            assert (hung["status_code"], hung["error"]) == (None, "no answer within 0.2 s")
        reports.settings.allowed_private_hosts = []
        async with reports.reporter():
            await reports.happens(delivery, "clicked")
            rows = await reports.settled("waiting", 2)
        assert len(good.requests) == 1
        assert [row["error"] for row in rows if row["event"] == "email_clicked" and row["error"]] == [
            f"port {good.port} of 127.0.0.1 is not one to which requests may go{HINT}"
        ]


def test_pauses_double_from_an_hour_or_half_a_minute_to_twelve_hours() -> None:
    hours = [pause(attempts, 500) / timedelta(hours=1) for attempts in range(1, 7)]
    assert hours == [1, 2, 4, 8, 12, 12]
    assert [pause(1, status) for status in (400, 404, 410, 429, 502, 521, None)] == [timedelta(hours=1)] * 7
    assert [pause(attempts, 503) / timedelta(seconds=30) for attempts in (1, 2, 3, 40)] == [1, 2, 4, 1440]


async def test_after_seven_days_a_call_is_a_dead_letter_until_it_is_retried(reports: Reports) -> None:
    delivery = await reports.delivery(await reports.customer("ann"))
    hook = (await reports.webhook("https://hook.example/")).webhook.id
    await reports.happens(delivery, "sent")
    await reports.happens(delivery, "clicked")
    await owe(reports, hook)
    for age, state in ((timedelta(days=6), "due"), (timedelta(days=7), "dead")):
        await change(reports, created_at=clock.now() - age, run_at=clock.now(), event="email_sent")
        _, (call,) = await reports.people.do(claim_calls, webhook_id=hook, limit=10)
        assert call.event == "email_sent"
        await reports.people.do(record_calls, webhook_id=hook, results=[CallResult(call, 410, "answered 410")])
        assert (await reports.calls())[0]["state"] == state
    # Who waited for it goes on.
    await change(reports, run_at=clock.now(), event="email_clicked")
    _, (call,) = await reports.people.do(claim_calls, webhook_id=hook, limit=10)
    assert call.event == "email_clicked"
    dead = (await reports.calls())[0]
    assert await reports.people.do(retry_calls, webhook_id=hook, call_ids=[dead["id"]]) == 1
    _, (again,) = await reports.people.do(claim_calls, webhook_id=hook, limit=10)
    assert (again.id, again.attempts) == (dead["id"], 1)


async def test_a_call_whose_holder_is_lost_goes_out_again_and_the_lost_one_counts_no_more(reports: Reports) -> None:
    delivery = await reports.delivery(await reports.customer("ann"))
    hook = (await reports.webhook("https://hook.example/")).webhook.id
    await reports.happens(delivery, "sent")
    await owe(reports, hook)
    _, (lost,) = await reports.people.do(claim_calls, webhook_id=hook, limit=10)
    assert await reports.people.do(claim_calls, webhook_id=hook, limit=10) is None
    await change(reports, lease_until=clock.now(), event="email_sent")
    _, (found,) = await reports.people.do(claim_calls, webhook_id=hook, limit=10)
    assert (found.id, found.attempts) == (lost.id, 2)
    await reports.people.do(record_calls, webhook_id=hook, results=[CallResult(lost, 500, "answered 500")])
    assert (await reports.calls())[0]["lease_token"] == found.token
    await reports.people.do(record_calls, webhook_id=hook, results=[CallResult(found, 204, None)])
    assert (await reports.calls())[0]["state"] == "done"


async def test_a_replay_tells_everything_after_a_cursor_again_under_the_same_names(reports: Reports) -> None:
    delivery = await reports.delivery(await reports.customer("ann"))
    async with receiver() as server, reports.reporter():
        hook = (await reports.webhook(server.url)).webhook.id
        for metric in ("sent", "clicked", "bounced"):
            await reports.happens(delivery, metric)
        before = await heard(server, 3)
        await reports.settled("done", 3)
        await reports.people.do(replay_calls, webhook_id=hook, after="test-1")
        assert (await heard(server, 5))[3:] == before[1:]
        await reports.settled("done", 3)
        with pytest.raises(Conflict, match="does not have everything"):
            await reports.people.do(replay_calls, webhook_id=hook, after="test-99")
        with pytest.raises(Invalid, match="after: is not a cursor"):
            await reports.people.do(replay_calls, webhook_id=hook, after="x")


async def test_two_processes_make_one_call_of_one_entry(reports: Reports) -> None:
    delivery = await reports.delivery(await reports.customer("ann"))
    hook = (await reports.webhook("https://hook.example/")).webhook.id
    await reports.happens(delivery, "sent")
    plans = [await reports.people.read(plan_calls, webhook_id=hook) for _ in range(2)]
    assert [await reports.people.do(owe_calls, plan=plan) for plan in plans] == [True, False]
    assert len(await reports.calls()) == 1


async def test_a_disabled_webhook_is_owed_nothing_of_the_meantime(reports: Reports) -> None:
    delivery = await reports.delivery(await reports.customer("ann"))
    await reports.happens(delivery, "sent")
    async with receiver() as server, reports.reporter():
        hook = (await reports.webhook(server.url, is_enabled=False)).webhook.id
        await reports.happens(delivery, "sent")
        await reports.people.do(update_webhook, webhook_id=hook, is_enabled=True)
        await reports.happens(delivery, "clicked")
        assert [body["metric"] for body in await heard(server, 1)] == ["clicked"]


async def test_silentchat_is_told_of_talks_in_its_own_words(reports: Reports, office: Office) -> None:
    visitor, agents = await office.visitor(), office.owner
    events = ["conversation.created", "conversation.closed", "message.created"]
    async with receiver() as server, reports.reporter():
        made = await reports.webhook(server.url, events, dialect="silentchat")
        said = await visitor.says("Hello")
        await agents.notes(said.conversation.id, "Who is this?")
        await agents.do(close_conversation, conversation_id=said.conversation.id)
        created, message, closed = await heard(server, 3)
    conversation = public_id("conversation", said.conversation.id)
    assert said.message is not None
    assert message["data"] == {
        "conversation_id": conversation,
        "message_id": public_id("message", said.message.id),
        "sender_type": "visitor",
        "text": "Hello",
    }
    assert [body["type"] for body in (created, message, closed)] == [
        "conversation.created",
        "message.created",
        "conversation.closed",
    ]
    assert {body["tenant_id"] for body in (created, closed)} == {public_id("tenant", visitor.principal.tenant_id)}
    assert (closed["data"]["conversation_id"], closed["data"]["status"]) == (conversation, "closed")
    assert created["id"].startswith("evt_") and created["created_at"].endswith("Z")
    for request, body in zip(server.requests, (created, message, closed), strict=True):
        digest = hmac.new(made.secret.encode(), request.body, hashlib.sha256).hexdigest()
        assert (request.headers["x-silentchat-signature"], request.headers["x-silentchat-event"]) == (
            digest,
            body["type"],
        )
        assert len(request.headers["x-silentchat-delivery"]) == 32


async def test_silentchat_is_told_of_contacts_visitors_and_widgets(reports: Reports, office: Office) -> None:
    await reports.customer("before")
    events = ["contact.created", "contact.updated", "visitor.identified", "widget.installed"]
    async with receiver() as server, reports.reporter():
        await reports.webhook(server.url, events, dialect="silentchat")
        ann = await reports.customer("ann")
        await reports.people.identify(external_id="ann", attributes={"plan": "pro"})
        await reports.people.track(ext("ann"))
        visitor = await office.visitor()
        secret = await reports.people.read(identity_secret)
        digest = hmac.new(secret.encode(), b"ann", hashlib.sha256).hexdigest()
        await visitor.do(identify_visitor, user_id="ann", user_hash=digest)
        async with reports.people.units.write(PUBLIC) as tx:
            opened = await open_widget(tx, widget_key=office.widget_id.hex, origin="https://shop.example")
        # Proving who the visitor is changed the contact once more.
        bodies = {body["type"]: body["data"] for body in await heard(server, 5)}
    names = {"contact_id": f"con_{ann.hex}", "external_id": "ann", "email": "ann@example.com", "phone": None}
    assert bodies["contact.created"] == bodies["contact.updated"] == names
    assert bodies["visitor.identified"] == {
        "visitor_id": public_id("visitor", visitor.id),
        "user_id": "ann",
        "name": "Vera",
        "email": None,
    }
    widget_id = public_id("widget", opened.widget.id)
    assert bodies["widget.installed"] == {"widget_id": widget_id, "origin": "https://shop.example"}


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"name": " "}, "name"),
    ({"endpoint": "ftp://x.example"}, "endpoint"),
    ({"endpoint": "https://me:secret@x.example/"}, "endpoint"),
    ({"endpoint": "https://x.example/a b"}, "endpoint"),
    ({"endpoint": "http://[::1"}, "endpoint"),
    ({"events": []}, "events"),
    ({"events": ["email_sent", "email_eaten"]}, "events.1"),
    ({"events": ["message.created"]}, "events.0"),
    ({"dialect": "morse"}, "dialect"),
)


async def test_what_is_no_webhook_is_refused(people: People) -> None:
    good = {"name": "hook", "endpoint": "https://x.example/", "events": ["email_sent"]}
    for given, path in REFUSED:
        with pytest.raises(Invalid) as refusal:
            await people.do(create_webhook, **(good | given))
        assert refusal.value.field == path
    assert await people.rows(ReportingWebhook) == []


async def test_another_tenants_webhook_is_not_found(people: People, strangers: People) -> None:
    made = await people.do(create_webhook, name="h", endpoint="https://x.example/", events=["email_sent"])
    for action in (update_webhook, delete_webhook, retry_calls):
        with pytest.raises(NotFound):
            await strangers.do(action, webhook_id=made.webhook.id)
    assert await strangers.read(plan_calls, webhook_id=made.webhook.id) is None
    assert await strangers.read(list_webhooks) == []
    await people.do(delete_webhook, webhook_id=made.webhook.id)
    assert await people.rows(ReportingWebhook) == []


async def test_calls_that_ended_long_ago_are_dropped(reports: Reports) -> None:
    delivery = await reports.delivery(await reports.customer("ann"))
    hook = (await reports.webhook("https://hook.example/")).webhook.id
    for metric in ("sent", "clicked", "bounced"):
        await reports.happens(delivery, metric)
    await owe(reports, hook)
    for event, state, age in (("email_sent", "done", 8), ("email_clicked", "dead", 8), ("email_bounced", "done", 6)):
        await change(reports, state=state, ended_at=clock.now() - timedelta(days=age), event=event)
    async with reports.people.units.write(system()) as tx:
        assert await purge_calls(tx, limit=10) == 1
    assert [row["event"] for row in await reports.calls()] == ["email_clicked", "email_bounced"]


async def owe(reports: Reports, webhook_id: Any) -> None:
    plan = await reports.people.read(plan_calls, webhook_id=webhook_id)
    assert await reports.people.do(owe_calls, plan=plan)


async def change(reports: Reports, *, event: str, **values: Any) -> None:
    """Sets columns of the calls of one event."""
    async with reports.people.units.write(reports.people.principal) as tx:
        for row in await reports.calls():
            if row["event"] == event:
                call = await tx.session.get_one(WebhookCall, (tx.tenant_id, row["id"]))
                for name, value in values.items():
                    setattr(call, name, value)
