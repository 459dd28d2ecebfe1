"""SiloCDP ``/campaigns`` and ``/abtests``: every kind of campaign, its moves, and what is tried out with it."""

from datetime import timedelta
from typing import Any

from app.core import clock
from app.core.clock import iso
from tests.doors.conftest import ReadAll, Send
from tests.tenants import TenantAccount

MAIL = {"subject": "News", "body": "<p>Hi</p>", "from": "Shop <shop@example.com>"}
CONTENTS = [{"channel": "email", **MAIL}, {"channel": "email", "language": "pt-br", "subject": "Novas"},
            {"channel": "sms", "body": "Hi"}]  # fmt: skip
NEW = {"name": "News", "channels": ["email", "sms"], "contents": CONTENTS}
AT = iso((clock.now() + timedelta(days=3)).replace(microsecond=0))


async def make(silocdp: Send, path: str = "/campaigns", **said: Any) -> str:
    answer = await silocdp("POST", path, said)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"data": {"id": answer.json()["data"]["id"]}, "success": True}
    return str(answer.json()["data"]["id"])


async def shown(silocdp: Send, one: str, path: str = "/campaigns") -> dict[str, Any]:
    return dict((await silocdp("GET", f"{path}/{one}")).json()["data"])


async def test_a_recurring_campaign_is_drafted_and_moved(silocdp: Send) -> None:
    goal = {"event": "bought", "withinSeconds": 3600, "after": "clicked", "revenueProperty": "price"}
    more = {"type": "recurring", "toAll": True, "scheduledAt": AT, "recurrence": "freq=weekly", "goal": goal}
    made = await make(silocdp, **NEW, **more, messagesPerSecond=50, controlShare=0.1)
    first = await shown(silocdp, made)
    expected = {
        "type": "recurring",
        "channels": ["email", "sms"],
        "status": "draft",
        "toAll": True,
        "scheduledAt": AT,
        "recurrence": "FREQ=WEEKLY",
        "triggerName": None,
        "goal": goal,
        "messagesPerSecond": 50,
        "controlShare": 0.1,
        "experimentId": None,
    }
    assert {name: first[name] for name in expected} == expected
    said = [(one["channel"], one["language"], one["testGroup"], one["subject"]) for one in first["contents"]]
    assert said == [("email", "", 0, "News"), ("email", "pt-BR", 0, "Novas"), ("sms", "", 0, "")]
    broken = await silocdp("PUT", f"/campaigns/{made}", {"name": "Other", "status": "active"})
    words = ["contents.1.from: is missing: an e-mail comes from somebody", "contents.1.body: is empty"]
    assert (broken.status_code, broken.json()) == (400, {"errors": words, "success": False})
    assert (await shown(silocdp, made))["name"] == "News"
    whole = {"contents": [{"channel": "email", "language": "pt-BR", **MAIL}], "goal": None, "controlShare": 0}
    for status, now in (
        ("active", "scheduled"),
        ("paused", "paused"),
        ("active", "scheduled"),
        ("cancelled", "cancelled"),
    ):
        moved = await silocdp("PUT", f"/campaigns/{made}", {"status": status, **whole})
        assert moved.status_code == 200, (status, moved.text)
        campaign = await shown(silocdp, made)
        assert (campaign["status"], campaign["goal"], campaign["controlShare"]) == (now, None, 0.0)
        whole = {}
    late = await silocdp("PUT", f"/campaigns/{made}", {"status": "active"})
    words = ["status: A campaign that is cancelled cannot be launched."]
    assert (late.status_code, late.json()) == (409, {"errors": words, "success": False})
    assert (await silocdp("DELETE", f"/campaigns/{made}")).json() == {"data": None, "success": True}
    assert (await silocdp("GET", f"/campaigns/{made}")).json()["errors"] == ["id: No such campaign."]


async def test_a_transactional_campaign_is_launched_at_once(silocdp: Send, parcelvoy: Send) -> None:
    made = await make(silocdp, name="Welcome", channels=["email"], type="transactional", triggerName="welcome",
                      contents=CONTENTS[:1], status="active")  # fmt: skip
    note = await make(silocdp, "/notifications", name="Note", channel="push")
    listed = (await silocdp("GET", "/campaigns")).json()["data"]
    assert [(one["id"], one["type"], one["status"], one["channels"]) for one in listed["items"]] == [
        (note, "one_off", "draft", ["push"]),
        (made, "transactional", "sending", ["email"]),
    ]
    for query, found in (("type=transactional", [made]), ("status=draft", [note]), ("channel=sms", []), ("page=2", [])):
        page = (await silocdp("GET", f"/campaigns?{query}")).json()["data"]
        assert [one["id"] for one in page["items"]] == found, query
    (one,) = (await parcelvoy("/campaigns", q="Welcome")).json()["results"]
    assert (one["type"], one["state"], one["channel"]) == ("trigger", "running", "email")


VARIANTS = [
    {"name": "Plain", "share": 1 / 3},
    {"name": "Loud", "share": 2 / 3, "content": {**MAIL, "subject": "NEWS!"}},
]


async def test_a_test_is_made_changed_run_and_decided(silocdp: Send) -> None:
    note = await make(silocdp, "/notifications", name="Note", channel="email", toAll=True, content=MAIL)
    made = await make(silocdp, "/abtests", campaignId=note, name="Loudness", variants=VARIANTS)
    test = await shown(silocdp, made, "/abtests")
    assert test.pop("createdAt") == test.pop("updatedAt") > "2026"
    variants = test.pop("variants")
    assert test == {
        "id": made,
        "name": "Loudness",
        "campaignId": note,
        "status": "draft",
        "metric": "clicked",
        "sampleShare": 1.0,
        "confidence": 0.95,
        "automatic": False,
        "decidesAfterSeconds": 14_400,
        "decidesAt": None,
        "decidedAt": None,
        "winner": None,
    }
    assert [(one["name"], one["share"], one["content"]["subject"]) for one in variants] == [
        ("Plain", 0.333, "News"),
        ("Loud", 0.667, "NEWS!"),
    ]
    assert {name: variants[0]["results"][name] for name in ("sent", "hits", "rate")} == {
        "sent": 0,
        "hits": 0,
        "rate": 0.0,
    }
    changes = {"metric": "opened", "automatic": True, "confidence": 0.9, "sampleShare": 0.5, "decidesAfterSeconds": 60}
    assert (await silocdp("PUT", f"/abtests/{made}", changes)).json()["data"] == {"id": made}
    halves = [{"name": "A", "share": 0.5}, {"name": "B", "share": 0.5}]
    await silocdp("PUT", f"/abtests/{made}", {"variants": halves})
    test = await shown(silocdp, made, "/abtests")
    assert {name: test[name] for name in changes} == changes
    assert [one["content"]["subject"] for one in test["variants"]] == ["News", "NEWS!"]
    early = await silocdp("PUT", f"/abtests/{made}", {"winner": 1})
    assert (early.status_code, early.json()["errors"]) == (409, ["state: The experiment is draft, not running."])
    assert (await silocdp("POST", f"/notifications/{note}/send")).json()["data"]["status"] == "sending"
    assert (await shown(silocdp, note))["experimentId"] == made
    late = await silocdp("PUT", f"/abtests/{made}", {"variants": halves})
    assert late.status_code == 409
    running = await silocdp("DELETE", f"/abtests/{made}")
    assert running.json()["errors"] == ["state: The experiment is running: decide it first."]
    assert (await silocdp("PUT", f"/abtests/{made}", {"winner": 1})).status_code == 200
    listed = (await silocdp("GET", "/abtests")).json()["data"]
    assert [(one["id"], one["status"], one["winner"]) for one in listed["items"]] == [(made, "decided", 1)]
    assert (listed["totalCount"], listed["hasNextPage"]) == (1, False)
    assert (await silocdp("DELETE", f"/abtests/{made}")).json() == {"data": None, "success": True}
    assert (await silocdp("GET", f"/abtests/{made}")).json()["errors"] == ["id: No such experiment."]


NOBODY = f"cmp_{'0' * 32}"
REFUSED: list[tuple[str, str, Any, int, list[str]]] = [
    ("POST", "/campaigns", {"name": "x"}, 400, ["channels: is required"]),
    ("POST", "/campaigns", {"name": "x", "channels": []}, 400, ["channels: must not be empty"]),
    ("POST", "/campaigns", {"name": "x", "channels": ["email", "email"]}, 400, ["channels: must be different"]),
    ("POST", "/campaigns", {"name": "x", "channels": ["pigeon"]}, 400, []),
    ("POST", "/campaigns", NEW | {"type": "journey"}, 400, []),
    ("POST", "/campaigns", NEW | {"recurrence": "FREQ=DAILY"}, 400, ["recurrence: is of recurring campaigns alone"]),
    ("POST", "/campaigns", NEW | {"type": "recurring", "recurrence": "x"}, 400, []),
    ("POST", "/campaigns", NEW | {"triggerName": "x"}, 400, []),
    ("POST", "/campaigns", NEW | {"goal": {"event": ""}}, 400, ["goal.event: must not be empty"]),
    (
        "POST",
        "/campaigns",
        NEW | {"goal": {"event": "e", "withinSeconds": 1}},
        400,
        ["goal.withinSeconds: must be a whole number from 60 to 7776000"],
    ),
    ("POST", "/campaigns", NEW | {"messagesPerSecond": 0}, 400, []),
    ("POST", "/campaigns", NEW | {"contents": [{"channel": "email", "layoutId": f"lay_{'0' * 32}"}]}, 404, []),
    ("POST", "/campaigns", NEW | {"contents": [{"channel": "sms"}, {"channel": "sms", "testGroup": 20}]}, 400, []),
    ("POST", "/campaigns", NEW | {"status": "active"}, 400, []),
    ("PUT", "/campaigns/{campaign}", {"status": "paused"}, 409, []),
    ("PUT", "/campaigns/{campaign}", {"name": "y", "status": "cancelled"}, 409, []),
    ("GET", "/campaigns?type=x", None, 400, []),
    ("POST", "/abtests", {"variants": VARIANTS}, 400, ["campaignId: is required"]),
    ("POST", "/abtests", {"campaignId": "{campaign}", "variants": VARIANTS[:1]}, 400, ["variants: must be 2 to 10"]),
    (
        "POST",
        "/abtests",
        {"campaignId": "{campaign}", "variants": [VARIANTS[0], VARIANTS[0]]},
        400,
        ["variants: must have shares that are 1000 in all (per mille)"],
    ),
    ("POST", "/abtests", {"campaignId": "{campaign}", "variants": VARIANTS, "confidence": 2}, 400, []),
    ("POST", "/abtests", {"campaignId": "{campaign}", "variants": VARIANTS, "decidesAfterSeconds": 1}, 400, []),
    (
        "POST",
        "/abtests",
        {"campaignId": "{campaign}", "variants": [VARIANTS[0], VARIANTS[1] | {"content": {"senderId": "x"}}]},
        400,
        ["variants.1.content.senderId: is not the id of a sender (snd_…)"],
    ),
    (
        "POST",
        "/abtests",
        {"campaignId": f"cmp_{'0' * 32}", "variants": VARIANTS},
        404,
        ["campaignId: No such campaign."],
    ),
    ("PUT", "/abtests/{test}", {"metric": "sent"}, 400, []),
    ("PUT", "/abtests/{test}", {"name": "x", "variants": VARIANTS[:1]}, 400, ["variants: must be 2 to 10"]),
    ("GET", "/abtests/5", None, 400, ["id: is not the id of an experiment (exp_…)"]),
]


async def test_what_is_refused_leaves_no_trace(silocdp: Send, tenant: TenantAccount, contents: ReadAll) -> None:
    ids = {"campaign": await make(silocdp, **NEW)}
    tested = await make(silocdp, **NEW)
    ids["test"] = await make(silocdp, "/abtests", campaignId=tested, variants=VARIANTS)
    before = await contents(tenant)
    for method, path, body, status, errors in REFUSED:
        if body and body.get("campaignId") == "{campaign}":
            body = body | {"campaignId": ids["campaign"]}
        answer = await silocdp(method, path.format(**ids), body)
        assert answer.status_code == status, (path, body, answer.text)
        told = answer.json()
        assert (set(told), told["success"]) == ({"errors", "success"}, False)
        assert told["errors"] == errors or (not errors and told["errors"]), (path, body, told)
        assert await contents(tenant) == before, (path, body)
