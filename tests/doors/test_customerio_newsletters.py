"""Customer.io's snippets, senders and newsletters: what they show, how they change, and how they refuse."""

from typing import Any

import httpx2
import pytest

from app.actions.campaigns import create_experiment
from app.actions.campaigns.experiments import GroupShare
from app.actions.consent import create_topic
from app.actions.content import create_layout, create_sender, set_content
from app.actions.segments import create_segment
from app.core.access import Plan
from app.core.ids import public_id
from app.rest.customerio import app_wire
from app.runtime import Runtime
from tests.doors.campaigns import make_campaign
from tests.doors.conftest import ReadAll, Send
from tests.tenants import TenantAccount

ONE = "/newsletters/7"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_wire, "APP_API", Plan("app api", 6000, 100))


def refused(response: httpx2.Response, status: int, *details: str) -> bool:
    """Whether it is refused in the App API's form, with these sentences."""
    errors = [{"detail": detail, "status": str(status)} for detail in details]
    return (response.status_code, response.json()) == (
        status,
        {"errors": errors, "meta": {"error": "; ".join(details)}},
    )


async def test_snippets_are_made_changed_and_deleted_unless_they_are_used(
    app_api: Send, runtime: Runtime, tenant: TenantAccount, contents: ReadAll
) -> None:
    made = await app_api("PUT", "/snippets", {"name": "our address/é", "value": "Main St", "updated_at": 5})
    snippet = made.json()["snippet"]
    assert (made.status_code, snippet["name"], snippet["value"]) == (200, "our address/é", "Main St")
    assert isinstance(snippet["updated_at"], int)
    changed = await app_api("PUT", "/snippets", {"name": "our address/é", "value": "High St"})
    assert (await app_api("GET", "/snippets")).json() == {"snippets": [changed.json()["snippet"]]}
    again = await app_api("POST", "/snippets", {"name": "our address/é", "value": "x"})
    assert refused(again, 422, "name: There is a snippet 'our address/é' already.")
    assert (await app_api("POST", "/snippets", {"name": "used", "value": "x"})).status_code == 200
    await make_campaign(runtime, tenant, 7, "one_off", status="draft", content={"body": "{{ snippets.used }}"})
    before = await contents(tenant)
    used = await app_api("DELETE", "/snippets/used")
    assert used.status_code == 400
    assert used.json()["errors"][0]["detail"].startswith("snippet_name: The snippet is used by cmp_")
    for body, detail in (
        ({"name": "x" * 151, "value": "v"}, "name: must be at most 150 characters long"),
        ({"name": "x", "value": "v" * 16_001}, "value: must be at most 16000 characters long"),
        ({"name": "x", "value": ""}, "value: must not be empty"),
        ({"name": "x"}, "value: is required"),
    ):
        assert refused(await app_api("PUT", "/snippets", body), 400, detail)
    broken = await app_api("PUT", "/snippets", {"name": "x", "value": "{% if %}"})
    assert broken.status_code == 400 and broken.json()["errors"][0]["detail"].startswith("value: ")
    assert await contents(tenant) == before
    gone = await app_api("DELETE", "/snippets/our%20address%2F%C3%A9")
    assert (gone.status_code, gone.content) == (204, b"")
    assert refused(await app_api("DELETE", "/snippets/our%20address%2F%C3%A9"), 404, "snippet_name: No such snippet.")


async def test_senders_are_shown_in_pages_with_what_uses_them(
    app_api: Send, runtime: Runtime, tenant: TenantAccount
) -> None:
    async with runtime.write(tenant.principal) as tx:
        cher = await create_sender(tx, name="Cher Ami", address="test@example.com")
        await create_sender(tx, kind="phone", address="+14155550100")
    for number, kind, status in ((7, "one_off", "draft"), (8, "one_off", "completed"), (9, "triggered", "sending")):
        await make_campaign(runtime, tenant, number, kind, status=status, content={"sender_id": cher.id})
    first = (await app_api("GET", "/sender_identities?limit=1")).json()
    shown = first["sender_identities"][0]
    assert shown == {
        "id": 1,
        "deduplicate_id": f"1:{int(cher.updated_at.timestamp())}",
        "name": "Cher Ami",
        "email": "test@example.com",
        "address": "Cher Ami <test@example.com>",
        "template_type": "email",
        "auto_generated": False,
    }
    rest = (await app_api("GET", f"/sender_identities?limit=1&start={first['next']}")).json()
    assert ([one["template_type"] for one in rest["sender_identities"]], rest["next"]) == (["phone"], "")
    back = (await app_api("GET", "/sender_identities?sort=desc")).json()
    assert [one["id"] for one in back["sender_identities"]] == [2, 1]
    assert (await app_api("GET", "/sender_identities/1")).json() == {"sender_identity": shown}
    uses = (await app_api("GET", "/sender_identities/1/used_by")).json()
    assert uses == {"campaigns": [9], "sent_newsletters": [8], "draft_newsletters": [7]}
    assert refused(await app_api("GET", "/sender_identities?start=x"), 400, "start: is not the next of a page")
    assert refused(await app_api("GET", "/sender_identities/x"), 404, "sender_id: No such sender.")


async def test_a_newsletter_shows_its_variants_groups_and_audience(
    app_api: Send, runtime: Runtime, tenant: TenantAccount
) -> None:
    async with runtime.write(tenant.principal) as tx:
        segment = public_id("segment", await create_segment(tx, name="Some"))
        topic = await create_topic(tx, name="News")
        layout = await create_layout(tx, name="Frame", body="<html>{{ content }}</html>")
    campaign = await make_campaign(
        runtime,
        tenant,
        7,
        "one_off",
        status="draft",
        tags=["a"],
        topic_id=topic.id,
        audience={"segment": {"id": segment}},
        content={"layout_id": layout.id, "fields": {"bcc": "b@example.com"}, "headers": [{"name": "X", "value": "y"}]},
    )
    async with runtime.write(tenant.principal) as tx:
        de = await set_content(tx, campaign_id=campaign.id, channel="email", language="de", values={"subject": "Neu"})
        groups = [GroupShare("A", 500), GroupShare("B", 500)]
        await create_experiment(tx, campaign_id=campaign.id, groups=groups)
    newsletter = (await app_api("GET", ONE)).json()["newsletter"]
    assert newsletter == {
        "id": 7,
        "deduplicate_id": f"7:{newsletter['updated']}",
        "content_ids": [70, de.number],
        "msg_template_ids": [70, de.number],
        "name": "one_off 7",
        "sent_at": None,
        "created": newsletter["created"],
        "updated": newsletter["updated"],
        "type": "email",
        "tags": ["a"],
        "recipient_segment_ids": [1],
        "subscription_topic_id": topic.number,
    }
    await make_campaign(runtime, tenant, 8, "triggered")
    assert (await app_api("GET", "/newsletters")).json() == {"newsletters": [newsletter], "next": ""}
    assert (await app_api("GET", "/segments/1/used_by")).json()["used_by"]["draft_newsletters"] == [7]
    shown = (await app_api("GET", f"{ONE}/contents/70")).json()["content"]
    assert shown == {
        "id": 70,
        "newsletter_id": 7,
        "deduplicate_id": shown["deduplicate_id"],
        "name": "",
        "layout": "<html>{{ content }}</html>",
        "body": "<p>Hello {{customer.id}}</p>",
        "body_amp": "",
        "language": "",
        "type": "email",
        "from": "Shop <shop@example.com>",
        "from_id": None,
        "reply_to": "",
        "reply_to_id": None,
        "preprocessor": "premailer",
        "recipient": "{{customer.email}}",
        "subject": "News",
        "bcc": "b@example.com",
        "cc": "",
        "fake_bcc": False,
        "preheader_text": "",
        "headers": '[{"name":"X","value":"y"}]',
    }
    german = (await app_api("GET", f"{ONE}/language/de")).json()
    assert (await app_api("GET", f"{ONE}/contents")).json() == {"contents": [shown, german["content"]]}
    for path in ("/language/", "/test_group/0/language/"):
        assert (await app_api("GET", ONE + path)).json() == {"content": shown}
    assert (await app_api("GET", f"{ONE}/test_group/0/language/DE")).json() == german
    assert (await app_api("GET", f"{ONE}/test_groups")).json() == {
        "test_groups": [
            {"id": 0, "label": "test 1", "name": "A", "winner": False, "content_ids": [70, de.number]},
            {"id": 1, "label": "test 2", "name": "B", "winner": False, "content_ids": []},
        ]
    }


async def test_a_variant_changes_by_what_is_said_and_can_be_put_back_as_it_was_shown(
    app_api: Send, runtime: Runtime, tenant: TenantAccount
) -> None:
    await make_campaign(runtime, tenant, 7, "one_off", status="draft")
    async with runtime.write(tenant.principal) as tx:
        await create_sender(tx, name="Ada", address="ada@example.com")
    path = f"{ONE}/contents/70"
    before = (await app_api("GET", path)).json()
    assert (await app_api("PUT", path, before["content"])).json() == before
    said = {
        "name": "First",
        "subject": "Soon",
        "preheader_text": "P",
        "body": "<b>x</b>",
        "body_amp": "<html amp4email></html>",
        "from_id": 1,
        "reply_to": "help@example.com",
        "bcc": "b@example.com",
        "fake_bcc": True,
        "layout": "<i>{{ content }}</i>",
        "headers": [{"name": "X-A", "value": "b"}],
        "preprocessor": "none",
    }
    shown = (await app_api("PUT", path, said)).json()["content"]
    changed = said | {"from": "Ada <ada@example.com>", "headers": '[{"name":"X-A","value":"b"}]', "preprocessor": ""}
    assert {name: shown[name] for name in changed} == changed
    assert (await app_api("PUT", path, shown)).json()["content"] == shown
    fewer = await app_api("PUT", f"{ONE}/language/", {"layout": "", "bcc": "", "fake_bcc": False, "reply_to_id": 1})
    told = {name: fewer.json()["content"][name] for name in ("layout", "bcc", "fake_bcc", "reply_to", "subject")}
    assert told == {
        "layout": "",
        "bcc": "",
        "fake_bcc": False,
        "reply_to": "Ada <ada@example.com>",
        "subject": "Soon",
    }
    grouped = await app_api("PUT", f"{ONE}/test_group/0/language/", {"subject": "Now"})
    assert grouped.json()["content"]["subject"] == "Now"


REFUSED: tuple[tuple[str, str, Any, int, str], ...] = (
    ("PUT", "/contents/70", {"type": "push"}, 400, "type: cannot be changed: it is 'email'"),
    ("PUT", "/contents/70", {"language": "fr"}, 400, "language: cannot be changed: it is ''"),
    ("PUT", "/contents/70", {"recipient": "me@example.com"}, 400, "recipient: cannot be changed: it is"),
    ("PUT", "/contents/70", {"from_id": 99}, 400, "from_id: is not the id of a sender"),
    ("PUT", "/contents/70", {"headers": "{"}, 400, "headers: is not JSON"),
    ("PUT", "/contents/70", {"headers": [{"name": "X"}]}, 400, "headers"),
    ("PUT", "/contents/70", {"subject": 5}, 400, "subject: must be text"),
    ("PUT", "/contents/70", {"layout": "no place for it"}, 400, "layout: "),
    ("PUT", "/contents/80", {}, 404, "content_id: No such content."),
    ("GET", "/contents/80", None, 404, "content_id: No such content."),
    ("GET", "/contents/x", None, 404, "content_id: No such content."),
    ("GET", "/language/fr", None, 404, "language: No such language."),
    ("PUT", "/language/not%20one", {}, 404, "language: No such language."),
    ("GET", "/test_group/3/language/", None, 404, "language: No such language."),
    ("GET", "/metrics?period=eons", None, 400, "period: "),
    ("GET", "/metrics?steps=-1", None, 400, "steps: "),
    ("GET", "/metrics/links?unique=perhaps", None, 400, "unique: must be true or false"),
    ("GET", "/contents/80/metrics", None, 404, "content_id: No such content."),
    ("GET", "/contents/80/metrics/links", None, 404, "content_id: No such content."),
    ("GET", "/messages?metric=eaten", None, 400, "metric: "),
    ("GET", "/messages?start=zz", None, 400, "start: is not the next of a page"),
)


async def test_what_is_no_change_is_refused_and_leaves_no_trace(
    app_api: Send, runtime: Runtime, tenant: TenantAccount, contents: ReadAll
) -> None:
    await make_campaign(runtime, tenant, 7, "one_off", status="draft")
    await make_campaign(runtime, tenant, 8, "triggered")
    await make_campaign(runtime, tenant, 9, "one_off", status="completed")
    before = await contents(tenant)
    for method, path, body, status, detail in REFUSED:
        response = await app_api(method, ONE + path, body)
        assert response.status_code == status, (path, body, response.text)
        assert response.json()["errors"][0]["detail"].startswith(detail), response.text
        assert response.json()["errors"][0]["status"] == str(status)
    for path in ("", "/contents", "/test_groups", "/metrics", "/metrics/links", "/messages"):
        missing = await app_api("GET", f"/newsletters/8{path}")
        assert refused(missing, 404, "newsletter_id: No such campaign.")
    over = await app_api("PUT", "/newsletters/9/contents/90", {"subject": "Too late"})
    assert over.status_code == 409
    assert await contents(tenant) == before
