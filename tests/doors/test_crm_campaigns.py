"""CRM ``/campaigns``: from a draft over its moves to what came of it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.actions.metrics import Count, add_counts
from app.core import clock
from app.core.access import Plan
from app.core.clock import iso
from app.core.ids import parse_id, public_id
from app.rest.crm import wire
from app.runtime import Runtime
from tests.doors.campaigns import make_campaign
from tests.doors.conftest import ReadAll, Send
from tests.tenants import TenantAccount

AT = iso((clock.now() + timedelta(days=3)).replace(microsecond=0))
MAIL = {"subject": "News", "body": "<p>Hi</p>", "from": "Shop <shop@example.com>"}
Make = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def own(tenant: TenantAccount) -> str:
    """The public id of the first tenant."""
    return public_id("tenant", tenant.id)


@pytest.fixture
def make(crm: Send, own: str) -> Make:
    """``await make(name="Other")`` is the campaign as it was shown when it was created."""

    async def create(**said: Any) -> dict[str, Any]:
        new = {"tenantId": own, "name": "News", "type": "ONE_TIME", "channels": ["EMAIL", "SMS"]}
        answer = await crm("POST", "/campaigns", new | said)
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["data"])

    return create


@pytest.fixture
async def templates(silocdp: Send) -> dict[str, str]:
    """Two contents to be taken over."""
    contents = [{"channel": "email", **MAIL}, {"channel": "sms", "body": "Hi"}]
    said = {"name": "Templates", "channels": ["email", "sms"], "contents": contents}
    made = (await silocdp("POST", "/campaigns", said)).json()["data"]["id"]
    kept = (await silocdp("GET", f"/campaigns/{made}")).json()["data"]["contents"]
    return {f"{one['channel']}TemplateId": one["id"] for one in kept}


async def segment_of(silocdp: Send) -> str:
    """A segment with one member."""
    segment = (await silocdp("POST", "/segments", {"name": "Pros", "rules": []})).json()["data"]["id"]
    return str(segment)


async def test_a_campaign_is_drafted_changed_and_moved(
    crm: Send, silocdp: Send, make: Make, own: str, templates: dict[str, str]
) -> None:
    segment = await segment_of(silocdp)
    made = await make(description="d", segmentId=segment, timezone="Africa/Johannesburg", **templates, clubId="c")
    assert made.pop("createdAt") == made.pop("updatedAt") > "2026"
    contents = (await silocdp("GET", f"/campaigns/{made['id']}")).json()["data"]["contents"]
    copies = {f"{one['channel']}TemplateId": one["id"] for one in contents}
    assert not set(copies.values()) & set(templates.values())
    assert [(one["subject"], one["body"]) for one in contents] == [("News", "<p>Hi</p>"), ("", "Hi")]
    assert made == {
        "id": made["id"],
        "tenantId": own,
        "clubId": None,
        "name": "News",
        "description": "d",
        "type": "ONE_TIME",
        "status": "DRAFT",
        "channels": ["EMAIL", "SMS"],
        "segmentId": segment,
        "segmentName": "Pros",
        **copies,
        "scheduledAt": None,
        "timezone": "Africa/Johannesburg",
        "recurrenceRule": None,
        "targetCount": 0,
        "sentCount": 0,
        "openRate": None,
        "deliveredCount": 0,
        "openedCount": 0,
        "clickedCount": 0,
        "createdBy": None,
    }
    one = f"/campaigns/{made['id']}"
    changed = await crm("PATCH", one, {"name": "Better", **copies, "channels": ["EMAIL"]})
    assert changed.status_code == 200, changed.text
    shown = changed.json()["data"]
    assert (shown["name"], shown["channels"], shown["emailTemplateId"]) == (
        "Better",
        ["EMAIL"],
        copies["emailTemplateId"],
    )
    moves = (
        ("schedule", {"scheduledAt": AT}, "SCHEDULED"),
        ("pause", None, "PAUSED"),
        ("resume", None, "SCHEDULED"),
        ("cancel", None, "CANCELLED"),
    )
    for move, body, status in moves:
        moved = await crm("POST", f"{one}/{move}", body)
        assert (moved.status_code, moved.json()["data"]["status"]) == (200, status), moved.text
        assert (await crm("GET", one)).json() == moved.json()
        if move == "schedule":
            assert moved.json()["data"]["scheduledAt"] == AT
            for fixed in ({"segmentId": None}, {"emailTemplateId": templates["emailTemplateId"]}):
                late = await crm("PATCH", one, fixed)
                assert (late.status_code, late.json()["error"]["code"]) == (409, "CONFLICT"), late.text
            assert (await crm("PATCH", one, {"name": "Best"})).json()["data"]["name"] == "Best"
    deleted = await crm("DELETE", one)
    assert (deleted.status_code, deleted.content) == (204, b"")
    gone = await crm("GET", one)
    error = {"code": "RESOURCE_NOT_FOUND", "message": "id: No such campaign.", "requestId": "test"}
    assert (gone.status_code, gone.json()) == (404, {"error": error})


async def test_campaigns_are_listed_and_counted(
    crm: Send, silocdp: Send, make: Make, own: str, runtime: Runtime, tenant: TenantAccount
) -> None:
    segment = await segment_of(silocdp)
    first = await make(segmentId=segment)
    kinds = (("recurring", "scheduled"), ("triggered", "sending"), ("transactional", "paused"), ("one_off", "failed"))
    made = [await make_campaign(runtime, tenant, 10 + n, kind, status=status) for n, (kind, status) in enumerate(kinds)]
    ids = [public_id("campaign", one.id) for one in made]
    async with runtime.write(tenant.principal) as tx:
        counted = {"sent": 8, "delivered": 7, "opened": 6, "human_opened": 4, "human_clicked": 2, "clicked": 3,
                   "bounced": 1, "skipped": 2, "suppressed": 1}  # fmt: skip
        await add_counts(tx, [Count(parse_id("campaign", first["id"]), name, tx.now, n) for name, n in counted.items()])

    async def listed(query: str) -> tuple[list[str], dict[str, Any]]:
        answer = (await crm("GET", f"/campaigns?tenantId={own}{query}")).json()
        return [row["id"] for row in answer["data"]], answer["meta"]

    assert await listed("") == ([*ids[::-1], first["id"]], {"total": 5, "skip": 0, "take": 25, "hasMore": False})
    assert await listed("&skip=1&take=2") == (ids[2:0:-1], {"total": 5, "skip": 1, "take": 2, "hasMore": True})
    assert (await listed("&type=TRIGGERED"))[0] == ids[2:0:-1]
    assert (await listed("&type=ONE_TIME&status=CANCELLED"))[0] == ids[3:]
    assert (await listed("&status=ACTIVE"))[0] == [ids[1]]
    assert (await listed("&type=JOURNEY"))[0] == (await listed("&clubId=5"))[0] == []
    (row,) = (await crm("GET", f"/campaigns?tenantId={own}&status=DRAFT")).json()["data"]
    assert row == {
        "id": first["id"],
        "name": "News",
        "type": "ONE_TIME",
        "status": "DRAFT",
        "channels": ["EMAIL", "SMS"],
        "segmentId": segment,
        "scheduledAt": None,
        "targetCount": 0,
        "sentCount": 8,
        "openRate": 0.5,
        "createdAt": first["createdAt"],
    }
    stats = (await crm("GET", f"/campaigns/{first['id']}/stats")).json()
    assert stats == {
        "data": {
            "targeted": 0,
            "sent": 8,
            "delivered": 7,
            "opened": 4,
            "clicked": 2,
            "converted": 0,
            "bounced": 1,
            "complained": 0,
            "unsubscribed": 0,
            "failed": 0,
            "skipped": 3,
            "openRate": 0.5,
            "clickRate": 0.25,
        }
    }
    same = (await silocdp("GET", f"/analytics/notifications/{first['id']}")).json()["data"]
    assert {name: same[name] for name in ("sent", "delivered", "opened", "clicked", "bounced", "openRate")} == {
        name: stats["data"][name] for name in ("sent", "delivered", "opened", "clicked", "bounced", "openRate")
    }


async def test_a_recurring_and_a_triggered_campaign(crm: Send, silocdp: Send, make: Make, templates: Any) -> None:
    segment = await segment_of(silocdp)
    weekly = await make(type="RECURRING", segmentId=segment, recurrenceRule="FREQ=WEEKLY", **templates)
    scheduled = (await crm("POST", f"/campaigns/{weekly['id']}/schedule", {"scheduledAt": AT})).json()["data"]
    assert (scheduled["status"], scheduled["scheduledAt"], scheduled["type"]) == ("SCHEDULED", AT, "RECURRING")
    called = await make(type="TRIGGERED", channels=["SMS"], **templates)
    active = (await crm("POST", f"/campaigns/{called['id']}/schedule", {})).json()["data"]
    assert (active["status"], active["type"]) == ("ACTIVE", "TRIGGERED")


async def test_ten_executions_a_minute(crm: Send, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Plan("crm campaign execution", 10, 10) == wire.EXECUTIONS
    one = f"/campaigns/{(await make())['id']}"
    for number in range(12):
        answer = await crm("POST", f"{one}/{('schedule', 'pause', 'resume', 'cancel')[number % 4]}", {})
        assert (answer.headers["x-ratelimit-limit"], answer.status_code) == (
            "10",
            429 if number > 9 else answer.status_code,
        )
    assert answer.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert (await crm("GET", one)).headers["x-ratelimit-limit"] == "1000"
    assert (await crm("PATCH", one, {"name": "x"})).headers["x-ratelimit-limit"] == "100"


NOBODY = "0" * 32
NO_CONTENT = "smsTemplateId: is not the id of a content (cnt_…)"
REFUSED: list[tuple[str, str, Any, int, str]] = [
    ("POST", "", {"name": "", "type": "ONE_TIME"}, 400, "name: must not be empty; channels: is required"),
    ("POST", "", {"type": "JOURNEY"}, 400, ""),
    ("POST", "", {"channels": ["EMAIL", "PIGEON"]}, 400, ""),
    ("POST", "", {"tenantId": f"tn_{NOBODY}"}, 404, "tenantId: No such tenant."),
    ("POST", "", {"segmentId": f"seg_{NOBODY}"}, 400, "segmentId: is not one of your segments"),
    ("POST", "", {"segmentId": "x"}, 400, "segmentId: is not the id of a segment (seg_…)"),
    ("POST", "", {"timezone": "Mars"}, 400, ""),
    ("POST", "", {"recurrenceRule": "FREQ=DAILY"}, 400, "recurrenceRule: is of recurring campaigns alone"),
    ("POST", "", {"emailTemplateId": f"cnt_{NOBODY}"}, 404, "emailTemplateId: No such content."),
    ("POST", "", {"emailTemplateId": "{sms}"}, 400, "emailTemplateId: is a content over sms, not email"),
    ("PATCH", "/{draft}", {"channels": []}, 400, "channels: must not be empty"),
    (
        "PATCH",
        "/{draft}",
        {"name": "x", "smsTemplateId": "5"},
        400,
        "smsTemplateId: is not the id of a content (cnt_…)",
    ),
    ("POST", "/{draft}/schedule", {"scheduledAt": "tomorrow"}, 400, ""),
    ("POST", "/{draft}/schedule", {"scheduledAt": AT}, 400, ""),
    ("POST", "/{draft}/pause", None, 409, "status: A campaign that is draft cannot be paused."),
    ("POST", "/{draft}/resume", None, 409, "status: A campaign that is draft cannot be resumed."),
    ("POST", "/{draft}/cancel", None, 409, "status: A campaign that is draft cannot be cancelled."),
    ("DELETE", "/{running}", None, 409, "status: A campaign that is sending cannot be deleted."),
    ("GET", "/seg_5", None, 400, "id: is not the id of a campaign (cmp_…)"),
    ("GET", "?status=DRAFT", None, 400, "tenantId: is required"),
]


async def test_what_is_refused_leaves_no_trace(
    crm: Send,
    make: Make,
    own: str,
    runtime: Runtime,
    tenant: TenantAccount,
    templates: dict[str, str],
    contents: ReadAll,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "EXECUTIONS", Plan("crm campaign execution", 6000, 100))
    running = await make_campaign(runtime, tenant, 50, "triggered")
    ids = {
        "draft": (await make())["id"],
        "running": public_id("campaign", running.id),
        "sms": templates["smsTemplateId"],
    }
    new = {"tenantId": own, "name": "News", "type": "ONE_TIME", "channels": ["EMAIL"]}
    before = await contents(tenant)
    for method, path, said, status, message in REFUSED:
        body = said and {name: value.format(**ids) if isinstance(value, str) else value for name, value in said.items()}
        if (method, path) == ("POST", "") and "name" not in said:
            body = new | body
        elif (method, path) == ("POST", ""):
            body = {"tenantId": own, **body}
        answer = await crm(method, f"/campaigns{path.format(**ids)}", body)
        assert answer.status_code == status, (path, body, answer.text)
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "requestId"}
        assert error["code"] == {400: "VALIDATION_ERROR", 404: "RESOURCE_NOT_FOUND", 409: "CONFLICT"}[status]
        assert error["message"] == message or not message, (path, body, error)
        assert await contents(tenant) == before, (path, body)
