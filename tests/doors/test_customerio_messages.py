"""Customer.io's messages and metrics: what became of deliveries, windows and pages, and series that add up."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.actions.content import contents_of_campaigns, list_contents
from app.actions.metrics import Count, add_counts
from app.actions.tracking import Seen, record_engagements
from app.core import clock
from app.core.access import Plan
from app.core.ids import new_id, public_id
from app.rest.customerio import app_wire, messages
from app.rest.customerio.newsletter_metrics import PeriodQuery, Steps
from app.runtime import Runtime
from models import Campaign, Link
from tests.doors.campaigns import make_campaign, make_delivery
from tests.doors.conftest import Send
from tests.tenants import TenantAccount

NOW = clock.now()
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


SERIES = {
    *("2xx", "3xx", "4xx", "5xx", "attempted", "bounced", "clicked", "converted", "created", "deferred", "delivered"),
    *("drafted", "dropped", "failed", "human_clicked", "human_opened", "opened", "sent", "spammed", "suppressed"),
    *("topic_unsubscribed", "undeliverable", "unsubscribed"),
}
"""As the contract lists them."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_wire, "APP_API", Plan("app api", 60_000, 1000))


@pytest.fixture
async def ann(track: Send, app_api: Send) -> AsyncIterator[UUID]:
    """A person called ``ann``."""
    await track("PUT", "/api/v1/customers/ann", {"email": "ann@example.com"})
    shown = await app_api("GET", "/customers/ann/attributes")
    yield UUID(hex=shown.json()["customer"]["identifiers"]["cio_id"])


async def ids(app_api: Send, path: str) -> list[str]:
    response = await app_api("GET", path)
    assert response.status_code == 200, response.text
    return [message["id"] for message in response.json()["messages"]]


async def test_a_message_says_what_became_of_it_and_what_it_said(
    app_api: Send, runtime: Runtime, tenant: TenantAccount, ann: UUID
) -> None:
    newsletter = await make_campaign(runtime, tenant, 7, "one_off", status="completed")
    at = NOW.replace(microsecond=0)
    key = await make_delivery(
        runtime, tenant, ann, campaign_id=newsletter.id, created_at=at, attempted_at=at, sent_at=at, bounced_at=at,
        state="bounced", error="no such mailbox",
    )  # fmt: skip
    name, seconds = public_id("delivery", key), int(at.timestamp())
    shown = await app_api("GET", f"/messages/{name}")
    assert shown.json() == {
        "message": {
            "id": name,
            "deduplicate_id": f"{name}:{seconds}",
            "msg_template_id": None,
            "message_template_id": None,
            "customer_id": "ann",
            "customer_identifiers": {"email": "ann@example.com", "id": "ann", "cio_id": ann.hex},
            "recipient": "ann@example.com",
            "subject": "News",
            "metrics": {"attempted": seconds, "sent": seconds, "bounced": seconds},
            "created": seconds,
            "failure_message": "no such mailbox",
            "campaign_id": None,
            "action_id": None,
            "parent_action_id": None,
            "newsletter_id": 7,
            "content_id": None,
            "broadcast_id": None,
            "trigger_event_id": None,
            "transactional_message_id": None,
            "type": "email",
            "forgotten": False,
        }
    }
    archived = await app_api("GET", f"/messages/{name}/archived_message")
    assert archived.json() == {
        "archived_message": {
            "id": name,
            "body": "<p>Hello</p>",
            "from": "shop@example.com",
            "reply_to": "",
            "recipient": "ann@example.com",
            "subject": "News",
            "bcc": "c@example.com",
            "cc": "",
            "fake_bcc": False,
            "preheader_text": "Soon",
            "url": "",
            "request_method": "",
            "headers": [{"X-A": "b"}],
            "forgotten": False,
        }
    }
    for path in ("/messages/nonsense", f"/messages/dlv_{'0' * 32}", "/messages/nonsense/archived_message"):
        missing = await app_api("GET", path)
        assert (missing.status_code, missing.json()["meta"]["error"]) == (404, "message_id: No such delivery.")


async def test_the_archive_is_opened_a_hundred_times_a_day_and_says_no_when(
    app_api: Send, runtime: Runtime, tenant: TenantAccount, ann: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (messages.ARCHIVED.burst, round(messages.ARCHIVED.per_minute * 1440)) == (100, 100)
    monkeypatch.setattr(messages, "ARCHIVED", Plan("archived message", 100 / 1440, 2))
    path = f"/messages/{public_id('delivery', await make_delivery(runtime, tenant, ann))}/archived_message"
    answers = [await app_api("GET", path) for _ in range(3)]
    assert [response.status_code for response in answers] == [200, 200, 429]
    assert "retry-after" not in answers[2].headers


async def test_messages_are_found_by_what_happened_and_by_what_sent_them(
    app_api: Send, runtime: Runtime, tenant: TenantAccount, ann: UUID
) -> None:
    newsletter = await make_campaign(runtime, tenant, 7, "one_off", status="completed")
    broadcast = await make_campaign(runtime, tenant, 8, "triggered")
    made: dict[str, str] = {}
    for name, values in {
        "draft": {"state": "draft", "sent_at": None},
        "opened": {"campaign_id": newsletter.id, "opened_at": NOW},
        "spammed": {"campaign_id": broadcast.id, "complained_at": NOW},
        "dropped": {"state": "skipped", "reason": "suppression", "sent_at": None},
        "undeliverable": {"state": "skipped", "reason": "consent", "sent_at": None},
        "failed": {"state": "failed", "failed_at": NOW, "sent_at": None},
        "sms": {"channel": "sms"},
        "test": {"is_test": True},
    }.items():
        made[name] = public_id("delivery", await make_delivery(runtime, tenant, ann, **values))
    active = [made[name] for name in ("sms", "failed", "undeliverable", "dropped", "spammed", "opened")]
    assert await ids(app_api, "/messages") == active
    assert await ids(app_api, "/messages?drafts=true") == [made["draft"]]
    for metric in ("opened", "spammed", "dropped", "undeliverable", "failed"):
        assert await ids(app_api, f"/messages?metric={metric}") == [made[metric]], metric
    assert await ids(app_api, "/messages?metric=created") == active
    assert await ids(app_api, "/messages?metric=sent") == [made[name] for name in ("sms", "spammed", "opened")]
    assert await ids(app_api, "/messages?type=twilio") == [made["sms"]]
    assert await ids(app_api, "/messages?newsletter_id=7") == [made["opened"]]
    assert await ids(app_api, "/messages?campaign_id=8") == [made["spammed"]]
    for nothing in ("newsletter_id=8", "campaign_id=7", "campaign_id=99", "action_id=99", "type=slack"):
        assert await ids(app_api, f"/messages?{nothing}") == []
    assert await ids(app_api, "/newsletters/7/messages") == [made["opened"]]
    pages, start = [], ""
    while True:
        page = (await app_api("GET", f"/messages?limit=4&start={start}")).json()
        pages.append([message["id"] for message in page["messages"]])
        start = page["next"]
        if not start:
            break
    assert pages == [active[:4], active[4:]]


async def test_what_a_deleted_campaign_has_sent_is_still_listed(
    app_api: Send, runtime: Runtime, tenant: TenantAccount, ann: UUID
) -> None:
    gone = await make_campaign(runtime, tenant, 7, "one_off", status="completed", deleted_at=NOW)
    (content_id,) = await content_ids(runtime, tenant, gone)
    key = await make_delivery(runtime, tenant, ann, campaign_id=gone.id, content_id=content_id)
    other = await make_delivery(runtime, tenant, ann)
    listed = (await app_api("GET", "/messages")).json()["messages"]
    assert [message["id"] for message in listed] == [public_id("delivery", one) for one in (other, key)]
    assert [(one["newsletter_id"], one["content_id"]) for one in listed] == [(None, None), (7, 70)]
    shown = (await app_api("GET", f"/messages/{public_id('delivery', key)}")).json()["message"]
    assert (shown["newsletter_id"], shown["msg_template_id"]) == (7, 70)


async def content_ids(runtime: Runtime, tenant: TenantAccount, campaign: Campaign) -> list[UUID]:
    async with runtime.read(tenant.principal) as reading:
        found = await contents_of_campaigns(reading, campaign_ids=[campaign.id])
    return [one.id for one in found[campaign.id]]


async def test_windows_are_half_a_year_and_of_a_newsletter_a_year(
    app_api: Send, runtime: Runtime, tenant: TenantAccount, ann: UUID
) -> None:
    began = NOW - timedelta(days=500)
    newsletter = await make_campaign(runtime, tenant, 7, "one_off", status="completed", started_at=began)
    ages = (0, 100, 300, 450, 500)
    made = {
        age: public_id(
            "delivery",
            await make_delivery(runtime, tenant, ann, campaign_id=newsletter.id, created_at=NOW - timedelta(days=age)),
        )
        for age in reversed(ages)
    }

    def back(days: int) -> int:
        return int((NOW - timedelta(days=days)).timestamp())

    soon = int(NOW.timestamp()) + 60
    for path, query, found in (
        ("/messages", "", (0, 100)),
        ("/messages", f"start_ts={back(499)}", (0, 100)),
        ("/messages", f"end_ts={back(290)}", (300, 450)),
        ("/messages", f"start_ts={back(499)}&end_ts={soon}", (0, 100)),
        ("/messages", f"start_ts={back(50)}&end_ts={soon}", (0,)),
        ("/newsletters/7/messages", "", (450, 500)),
        ("/newsletters/7/messages", f"start_ts={back(499)}&end_ts={soon}", (0, 100, 300)),
        ("/newsletters/7/messages", f"end_ts={back(290)}", (300, 450, 500)),
        ("/newsletters/7/messages", f"start_ts={back(150)}", (0, 100)),
    ):
        assert await ids(app_api, f"{path}?{query}") == [made[age] for age in found], (path, query)


def test_steps_are_as_many_as_are_asked_for_within_the_limits() -> None:
    def steps(period: Any, count: int = 0, now: datetime = datetime(2026, 11, 18, 3, 30, tzinfo=UTC)) -> Steps:
        return Steps.of(PeriodQuery(period=period, steps=count), now)

    est = ZoneInfo("EST")
    assert steps("days", 1).start == datetime(2026, 11, 16, tzinfo=est)
    assert (
        steps("days").start == steps("days", 45).start == steps("days", 99).start == datetime(2026, 10, 4, tzinfo=est)
    )
    assert steps("hours", 2).start == datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
    # It is still Tuesday the 17th in that zone, and its week began on Sunday the 15th.
    assert steps("weeks", 2).start == datetime(2026, 11, 8, tzinfo=est)
    assert steps("months").start == datetime(2025, 12, 1, tzinfo=est)
    assert steps("months", 121).start == datetime(2016, 11, 1, tzinfo=est)


async def test_series_have_their_length_and_add_up_to_what_was_counted(
    app_api: Send, runtime: Runtime, tenant: TenantAccount, ann: UUID
) -> None:
    newsletter = await make_campaign(runtime, tenant, 7, "one_off", status="completed", channels=("email", "sms"))
    async with runtime.read(tenant.principal) as reading:
        email, sms = await list_contents(reading, campaign_id=newsletter.id)
    now = clock.now()  # the module's may be of the hour before by now
    long_ago = now - timedelta(days=40)
    async with runtime.write(tenant.principal) as tx:
        for subject, by in ((newsletter.id, 1), (email.id, 1)):
            await add_counts(tx, [Count(subject, "sent", long_ago, 3 * by), Count(subject, "sent", now, 4 * by)])
            await add_counts(tx, [Count(subject, "complained", now, 1), Count(subject, "suppressed", now, 2)])
        await add_counts(tx, [Count(newsletter.id, "sent", now, 9), Count(sms.id, "sent", now, 9)])
        others = {"answered_2xx": 5, "answered_3xx": 1, "answered_4xx": 2, "answered_5xx": 3, "topic_unsubscribed": 4}
        await add_counts(tx, [Count(newsletter.id, metric, now, n) for metric, n in others.items()])
    for period, most in (("hours", 24), ("days", 45), ("weeks", 12), ("months", 12)):
        metric = (await app_api("GET", f"/newsletters/7/metrics?period={period}")).json()["metric"]
        assert {len(series) for series in metric["series"].values()} == {most}
        assert sum(metric["series"]["sent"]) == (13 if period == "hours" else 16), period
        assert (metric["series"]["sent"][-1] >= 13, metric["type"]) == (True, "email")
        few = (await app_api("GET", f"/newsletters/7/metrics?period={period}&steps=1")).json()["metric"]["series"]
        assert {len(series) for series in few.values()} == {2}
    series = metric["series"]
    assert (sum(series["spammed"]), sum(series["dropped"]), sum(series["undeliverable"])) == (1, 2, 0)
    answers = {name: sum(series[name]) for name in ("2xx", "3xx", "4xx", "5xx", "topic_unsubscribed")}
    assert answers == {"2xx": 5, "3xx": 1, "4xx": 2, "5xx": 3, "topic_unsubscribed": 4}
    assert set(series) == SERIES
    for path, total in (
        ("/metrics?type=twilio", 9),
        ("/metrics?type=email", 7),
        ("/metrics?type=push", 0),
        (f"/contents/{email.number}/metrics", 7),
        (f"/contents/{email.number}/metrics?type=twilio", 0),
        (f"/contents/{sms.number}/metrics", 9),
    ):
        shown = (await app_api("GET", f"/newsletters/7{path}")).json()["metric"]["series"]
        assert sum(shown["sent"]) == total, path


async def test_links_are_counted_for_the_newsletter_and_for_each_variant(
    app_api: Send, runtime: Runtime, tenant: TenantAccount, ann: UUID
) -> None:
    newsletter = await make_campaign(runtime, tenant, 7, "one_off", status="completed", channels=("email", "sms"))
    link = {"id": new_id(), "number": 5, "campaign_id": newsletter.id, "url": "https://shop.example/", "digest": "d"}
    async with runtime.read(tenant.principal) as reading:
        email, sms = await list_contents(reading, campaign_id=newsletter.id)
    async with runtime.write(tenant.principal) as tx:
        await tx.insert(Link, [link | {"created_at": tx.now}])
    hour_ago = NOW - timedelta(hours=1)
    by_mail, by_phone = [
        await make_delivery(
            runtime, tenant, ann, campaign_id=newsletter.id, content_id=one.id, channel=one.channel, sent_at=hour_ago
        )
        for one in (email, sms)
    ]
    async with runtime.write(tenant.principal) as tx:
        seen = [
            Seen(key, "click", NOW - timedelta(seconds=after), 5, user_agent=agent, address="203.0.113.9")
            for key, after, agent in (
                (by_mail, 600, BROWSER),
                (by_mail, 300, BROWSER),
                (by_phone, 200, "curl/8"),
            )
        ]
        await record_engagements(tx, seen)

    async def sums(path: str) -> dict[str, int]:
        (one,) = (await app_api("GET", f"/newsletters/7{path}")).json()["links"]
        assert one["link"] == {"id": 5, "href": "https://shop.example/"}
        return {name: sum(series) for name, series in one["metric"]["series"].items()}

    assert await sums("/metrics/links") == {"clicked": 3, "human_clicked": 2, "machine_clicked": 1}
    assert await sums("/metrics/links?unique=true") == {"clicked": 2, "human_clicked": 1}
    of_mail = await sums(f"/contents/{email.number}/metrics/links")
    assert of_mail == {"clicked": 2, "human_clicked": 2, "machine_clicked": 0}
    assert await sums(f"/content/{email.number}/metrics/links") == of_mail
    for path in ("metrics", "metrics/links"):
        spelled = [
            await app_api("GET", f"/newsletters/7/{word}/{email.number}/{path}") for word in ("content", "contents")
        ]
        assert [answer.status_code for answer in spelled] == [200, 200] and spelled[0].json() == spelled[1].json()
    assert (await app_api("GET", f"/newsletters/7/content/{email.number}")).status_code == 404
    of_phone = await sums(f"/contents/{sms.number}/metrics/links?period=hours")
    assert of_phone == {"clicked": 1, "human_clicked": 0, "machine_clicked": 1}
