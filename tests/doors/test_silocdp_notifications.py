"""SiloCDP ``/notifications`` and ``/analytics``: from a draft to what came of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.actions.metrics import Count, add_counts
from app.core import clock
from app.core.access import system
from app.core.clock import iso
from app.core.ids import new_id, parse_id, public_id
from app.runtime import Runtime
from models import CampaignRun
from tests.doors.conftest import ReadAll, Ready, Send
from tests.tenants import TenantAccount

PRO = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}
MAIL = {"subject": "News", "body": "<p>Hi {{ customer.name }}</p>", "from": "Shop <shop@example.com>"}
NEW = {"name": "News", "channel": "email", "content": MAIL}
EMPTY = {"title": None, "imageUrl": None, "link": None, "sound": None, "customData": None, "url": None, "method": None,
         "cc": None, "bcc": None, "senderId": None, "layoutId": None, "plainText": None, "preheader": "",
         "replyTo": ""}  # fmt: skip


async def make(silocdp: Send, **said: Any) -> str:
    answer = await silocdp("POST", "/notifications", NEW | said)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"data": {"id": answer.json()["data"]["id"]}, "success": True}
    return str(answer.json()["data"]["id"])


async def shown(silocdp: Send, notification: str) -> dict[str, Any]:
    return dict((await silocdp("GET", f"/notifications/{notification}")).json()["data"])


async def test_a_notification_is_drafted_changed_scheduled_and_deleted(silocdp: Send) -> None:
    at = iso((clock.now() + timedelta(days=2)).replace(microsecond=0))
    segment = (await silocdp("POST", "/segments", {"name": "Pros", "rules": [PRO]})).json()["data"]["id"]
    other = (await silocdp("POST", "/segments", {"name": "Others"})).json()["data"]["id"]
    made = await make(silocdp, description="d", segmentId=segment, translations={"de": {"subject": "Neues"}})
    first = await shown(silocdp, made)
    assert first.pop("createdAt") == first.pop("updatedAt") > "2026"
    assert first == {
        "id": made,
        "name": "News",
        "description": "d",
        "channel": "email",
        "status": "draft",
        "content": {**MAIL, **EMPTY},
        "translations": {"de": {**MAIL, **EMPTY, "subject": "Neues"}},
        "segmentId": segment,
        "rules": [],
        "toAll": False,
        "excludeSegmentId": None,
        "scheduledAt": None,
        "timezone": None,
        "inSubscribersTimezone": False,
        "startedAt": None,
        "completedAt": None,
        "topicId": None,
        "tags": [],
        "priority": 5,
        "failure": None,
        "version": 0,
    }
    changes = {
        "name": "Better",
        "rules": [PRO],
        "excludeSegmentId": other,
        "scheduledAt": at,
        "timezone": "Europe/Berlin",
        "tags": ["spring"],
        "priority": 7,
        "content": {"subject": "Better news", "cc": "boss@example.com"},
    }
    changed = await silocdp("PUT", f"/notifications/{made}", changes)
    assert (changed.status_code, changed.json()) == (200, {"data": {"id": made}, "success": True})
    second = await shown(silocdp, made)
    expected = {
        "name": "Better",
        "description": "d",
        "segmentId": None,
        "rules": [PRO],
        "excludeSegmentId": other,
        "scheduledAt": at,
        "timezone": "Europe/Berlin",
        "tags": ["spring"],
        "priority": 7,
        "content": {**MAIL, **EMPTY, "subject": "Better news", "cc": "boss@example.com"},
    }
    assert {name: second[name] for name in expected} == expected
    await silocdp("PUT", f"/notifications/{made}", {"toAll": True, "excludeSegmentId": None})
    third = await shown(silocdp, made)
    assert (third["toAll"], third["rules"], third["excludeSegmentId"]) == (True, [], None)
    sent = await silocdp("POST", f"/notifications/{made}/send")
    assert sent.json() == {"data": {"id": made, "status": "scheduled", "scheduledAt": at}, "success": True}
    late = await silocdp("PUT", f"/notifications/{made}", {"name": "Too late"})
    words = ["status: The notification is scheduled: only drafts can be changed."]
    assert (late.status_code, late.json()) == (409, {"errors": words, "success": False})
    assert ((await shown(silocdp, made))["name"], (await shown(silocdp, made))["version"]) == ("Better", 1)
    deleted = await silocdp("DELETE", f"/notifications/{made}")
    assert (deleted.status_code, deleted.json()) == (200, {"data": None, "success": True})
    for method, path, body in (("GET", "", None), ("PUT", "", {}), ("POST", "/send", {}), ("DELETE", "", None)):
        gone = await silocdp(method, f"/notifications/{made}{path}", body)
        assert (gone.status_code, gone.json()) == (404, {"errors": ["id: No such campaign."], "success": False})


async def test_a_notification_is_sent_now_or_at_a_moment(
    silocdp: Send, runtime: Runtime, tenant: TenantAccount
) -> None:
    now = await make(silocdp, toAll=True)
    sent = await silocdp("POST", f"/notifications/{now}/send", {})
    assert sent.json()["data"] == {"id": now, "status": "sending", "scheduledAt": None}, sent.text
    async with runtime.read(system(tenant.id)) as reading:
        (run,) = (await reading.session.execute(select(CampaignRun))).scalars().all()
    assert (public_id("campaign", run.campaign_id), run.occurrence) == (now, "launch")
    later = await make(silocdp, toAll=True)
    at = iso((clock.now() + timedelta(days=1)).replace(microsecond=0))
    sent = await silocdp("POST", f"/notifications/{later}/send", {"scheduledAt": at})
    assert sent.json()["data"] == {"id": later, "status": "scheduled", "scheduledAt": at}


async def test_notifications_are_listed(silocdp: Send) -> None:
    made = [await make(silocdp, name=name, channel=channel, content={"body": "Hi"})
            for name, channel in (("a", "sms"), ("b", "push"), ("c", "sms"))]  # fmt: skip
    await silocdp("POST", "/campaigns", {"name": "Weekly", "type": "recurring", "channels": ["sms"]})

    async def listed(query: str) -> tuple[list[str], int, bool]:
        page = (await silocdp("GET", f"/notifications{query}")).json()["data"]
        return [item["id"] for item in page["items"]], page["totalCount"], page["hasNextPage"]

    assert await listed("") == (made[::-1], 3, False)
    assert await listed("?pageSize=2") == (made[:0:-1], 3, True)
    assert await listed("?page=2&pageSize=2&status=draft") == (made[:1], 3, False)
    assert await listed("?channel=push") == ([made[1]], 1, False)
    assert await listed("?status=sending") == ([], 0, False)
    item = (await silocdp("GET", "/notifications?pageSize=1")).json()["data"]["items"][0]
    assert (item["name"], item["channel"], item["status"]) == ("c", "sms", "draft")


NOBODY = f"seg_{'0' * 32}"
REFUSED: list[tuple[str, str, Any, int, list[str]]] = [
    ("POST", "", {}, 400, ["name: is required", "channel: is required"]),
    ("POST", "", NEW | {"name": " "}, 400, ["name: must not be empty"]),
    ("POST", "", NEW | {"segmentId": "x"}, 400, ["segmentId: is not the id of a segment (seg_…)"]),
    ("POST", "", NEW | {"segmentId": NOBODY}, 400, ["segmentId: is not one of your segments"]),
    ("POST", "", NEW | {"excludeSegmentId": NOBODY}, 400, ["excludeSegmentId: is not one of your segments"]),
    ("POST", "", NEW | {"rules": []}, 400, ["rules: must not be empty"]),
    ("POST", "", NEW | {"rules": [{"a": 1}]}, 400, []),
    (
        "POST",
        "",
        NEW | {"rules": [PRO], "toAll": True},
        400,
        ["segmentId: must be the only one of segmentId, rules and toAll"],
    ),
    ("POST", "", NEW | {"timezone": "Mars"}, 400, ["timezone: is not an IANA time zone such as Europe/Berlin"]),
    ("POST", "", NEW | {"priority": 10}, 400, ["priority: must be a whole number from 0 to 9"]),
    ("POST", "", NEW | {"topicId": f"top_{'0' * 32}"}, 404, ["topicId: No such subscription topic."]),
    ("POST", "", NEW | {"scheduledAt": "2026-12-01"}, 400, []),
    ("POST", "", NEW | {"content": {"subject": "x" * 2001}}, 400, []),
    ("POST", "", NEW | {"content": {"senderId": f"snd_{'0' * 32}"}}, 404, ["content.senderId: No such sender."]),
    ("POST", "", NEW | {"content": {"layoutId": "x"}}, 400, ["content.layoutId: is not the id of a layout (lay_…)"]),
    ("POST", "", NEW | {"translations": {"??": MAIL}}, 400, []),
    ("POST", "/{draft}/send", {"scheduledAt": 5}, 400, []),
    ("POST", "/{draft}/send", {}, 400, ["segmentId: is needed: for whom is it?"]),
    ("POST", "/{broken}/send", {}, 400, ["content.body: line 1: {% for %} is never closed"]),
    ("POST", "/{silent}/send", {}, 400, ["content.email.0: needs a content without a language, for everybody else"]),
    ("PUT", "/{draft}", {"content": {"customData": {"a": "\x00"}}}, 400, []),
    ("GET", "/{weekly}", None, 404, ["id: No such campaign."]),
    ("GET", "/cust_1", None, 400, ["id: is not the id of a campaign (cmp_…)"]),
    ("GET", "?status=new", None, 400, []),
    ("GET", "?page=0", None, 400, ["page: must be greater than or equal to 1"]),
]


async def test_what_is_refused_leaves_no_trace(silocdp: Send, tenant: TenantAccount, contents: ReadAll) -> None:
    weekly = await silocdp("POST", "/campaigns", {"name": "Weekly", "type": "recurring", "channels": ["sms"]})
    broken = await make(silocdp, toAll=True, content=MAIL | {"body": "{% for %}"})
    silent = await make(silocdp, toAll=True, content=None)
    ids = {"silent": silent, "draft": await make(silocdp), "broken": broken, "weekly": weekly.json()["data"]["id"]}
    before = await contents(tenant)
    for method, path, body, status, errors in REFUSED:
        answer = await silocdp(method, f"/notifications{path.format(**ids)}", body)
        assert answer.status_code == status, (path, body, answer.text)
        told = answer.json()
        assert (set(told), told["success"]) == ({"errors", "success"}, False)
        assert told["errors"] == errors or (not errors and told["errors"]), (path, body, told)
        assert await contents(tenant) == before, (path, body)


@pytest.fixture
def count(runtime: Runtime, tenant: TenantAccount) -> Any:
    """``await count(at, subject, sent=3)`` counts for the subject and the tenant."""

    async def add(at: Any, *subjects: UUID, **metrics: int) -> None:
        async with runtime.write(tenant.principal) as tx:
            for subject in (tenant.id, *subjects):
                await add_counts(tx, [Count(subject, metric, at, n) for metric, n in metrics.items()])

    return add


async def test_what_came_of_notifications(silocdp: Send, count: Any, ready: Ready) -> None:
    for name in ("a", "b"):
        await silocdp("POST", "/subscribers", {"externalId": name})
    made = await make(silocdp)
    campaign = parse_id("campaign", made)
    content = (await silocdp("GET", f"/campaigns/{made}")).json()["data"]["contents"][0]
    now = clock.now()
    yesterday = now - timedelta(days=1)
    await count(now, campaign, parse_id("content", content["id"]), sent=8, delivered=7, opened=6, human_opened=4,
                human_clicked=2, clicked=3, bounced=1)  # fmt: skip
    await count(yesterday, new_id(), sent=2, unsubscribed=1, complained=1, failed=1, converted=1)
    counts = {"sent": 8, "delivered": 7, "opened": 4, "clicked": 2, "converted": 0, "bounced": 1, "complained": 0,
              "unsubscribed": 0, "failed": 0}  # fmt: skip
    about = (await silocdp("GET", f"/analytics/notifications/{made}")).json()["data"]
    assert about == {
        **counts,
        "id": made,
        "status": "draft",
        "openRate": 0.5,
        "clickRate": 0.25,
        "conversionRate": 0.0,
        "revenue": 0.0,
        "contents": [{**counts, "contentId": content["id"], "channel": "email", "language": "", "testGroup": 0}],
    }
    whole = counts | {"sent": 10, "converted": 1, "complained": 1, "unsubscribed": 1, "failed": 1}
    rates = {"openRate": 0.4, "clickRate": 0.2, "conversionRate": 0.1, "revenue": 0.0}
    dashboard = (await silocdp("GET", "/analytics/dashboard")).json()["data"]
    assert dashboard == {**whole, **rates, "subscribers": 2, "messages": 10}
    later = iso((now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)).replace("+", "%2B")
    nothing = (await silocdp("GET", f"/analytics/dashboard?from={later}")).json()["data"]
    assert (nothing["messages"], nothing["openRate"]) == (0, 0.0)
    trends = (await silocdp("GET", "/analytics/trends")).json()["data"]
    assert len(trends) == 31
    days = {point.pop("date")[:10]: point for point in trends}
    assert days[now.date().isoformat()] == counts
    assert sum(point["sent"] for point in trends) == 10
    only = (await silocdp("GET", f"/analytics/trends?interval=month&notificationId={made}")).json()["data"]
    assert sum(point["sent"] for point in only) == 8
    for query, errors in (
        ("interval=year", []),
        ("timezone=Mars", ["timezone: is not an IANA time zone such as Europe/Berlin"]),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", ["to: must be after the start"]),
        ("from=2020-01-01T00:00:00Z&interval=hour", ["interval: makes more than 1000 points"]),
        ("notificationId=x", ["notificationId: is not the id of a campaign (cmp_…)"]),
        ("to=0001-01-01T00:00:00Z", ["from: must be between 1970 and 9000"]),
        ("to=2026-01-01T00:00:00", ["to: must have a time zone"]),
        ("from=0001-01-01T00:00:00%2B23:59", ["from: must be in the years 1 to 9999"]),
        ("to=9999-12-31T23:59:59-23:59", ["to: must be in the years 1 to 9999"]),
        ("from=0001-01-01T00:00:00Z&to=0001-01-02T00:00:00Z&timezone=Asia/Tokyo&interval=week", []),
    ):
        refused = await silocdp("GET", f"/analytics/trends?{query}")
        assert refused.status_code == 400, query
        assert refused.json()["errors"] == errors or not errors, refused.text
    unknown = await silocdp("GET", f"/analytics/trends?notificationId={public_id('campaign', new_id())}")
    sentence = "notificationId: No such campaign, content or link."
    assert (unknown.status_code, unknown.json()["errors"]) == (404, [sentence])
