"""SilentChat: whose tenant a request means, and what its endpoints answer."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from sqlmodel import col

from app.actions.accounts import log_in, register
from app.actions.conversations import visitor_says
from app.actions.visitors import open_widget
from app.actions.widgets import create_widget, defining
from app.core.access import PUBLIC, system
from app.core.ids import parse_id, public_id
from app.rest.silentchat import wire
from app.runtime import Runtime
from models import Member, OutboxMessage
from tests.doors.conftest import ReadAll
from tests.tenants import TenantAccount

Send = Callable[..., Awaitable[httpx2.Response]]
PASSWORD = "correct horse battery staple"


@pytest.fixture
def own(tenant: TenantAccount) -> str:
    """The public id of the first tenant."""
    return public_id("tenant", tenant.id)


@pytest.fixture
def chat(client: httpx2.AsyncClient, key: str, own: str) -> Send:
    """``await chat("GET", "/conversations")``, as the first tenant; ``tenant`` and ``token`` may be others, or None."""

    async def send(
        method: str, path: str, json: Any = None, tenant: str | None = own, token: str | None = key, **more: Any
    ) -> httpx2.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers |= {"x-tenant-id": tenant} if tenant else {}
        headers |= more.pop("headers", {})
        return await client.request(method, f"/silentchat/v1{path}", json=json, headers=headers, **more)

    return send


def refusal(code: str, message: str, status: int) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status}}


async def ask(runtime: Runtime, tenant: TenantAccount, text: str) -> tuple[str, str]:
    """A visitor who says something; the public ids of the conversation and the visitor."""
    async with runtime.write(tenant.principal) as tx:
        widget = await create_widget(tx, name="Shop")
    async with runtime.write(PUBLIC) as tx:
        opened = await open_widget(tx, widget_key=widget.key, origin=None)
        said = await visitor_says(tx, text=text)
    return public_id("conversation", said.conversation.id), public_id("visitor", opened.visitor.id)


async def test_the_documents_own_request_has_an_answer_of_the_documented_form(
    chat: Send, runtime: Runtime, tenant: TenantAccount
) -> None:
    conversation, visitor = await ask(runtime, tenant, "Is anybody there?")
    answer = await chat("GET", "/conversations?status=open&limit=10")
    assert answer.status_code == 200
    document = answer.json()
    shown = document["data"][0]
    moments = [shown.pop("last_message_at"), shown.pop("created_at")]
    assert all(moment.endswith("Z") for moment in moments)
    assert document["pagination"] == {"total": 1, "limit": 10, "offset": 0, "has_more": False}
    assert shown == {
        "id": conversation,
        "status": "open",
        "visitor_id": visitor,
        "assigned_to": None,
        "last_message": "Is anybody there?",
        "contact_id": None,
        "subject": "",
        "priority": "normal",
        "tags": [],
        "unread_count": 1,
        "closed_at": None,
    }
    assert answer.headers["x-ratelimit-limit"] == "100"
    assert "x-ratelimit-reset" not in answer.headers
    assert (await chat("GET", "/conversations?status=closed")).json()["data"] == []


async def test_a_conversation_is_answered_tagged_assigned_and_closed(
    chat: Send, runtime: Runtime, tenant: TenantAccount
) -> None:
    conversation, _ = await ask(runtime, tenant, "Hello?")
    said = await chat("POST", f"/conversations/{conversation}/messages", {"text": "Hi!", "client_id": "1"})
    assert said.status_code == 201
    again = await chat("POST", f"/conversations/{conversation}/messages", {"text": "Hi!", "client_id": "1"})
    assert again.json() == said.json()
    listed = (await chat("GET", f"/conversations/{conversation}/messages")).json()
    assert [(one["sender_type"], one["text"]) for one in listed["data"]] == [("visitor", "Hello?"), ("agent", "Hi!")]
    owner = public_id("user", tenant.user_id)
    changes = {"assigned_to": owner, "tags": ["vip", "billing"], "priority": "high"}
    changed = (await chat("PATCH", f"/conversations/{conversation}", changes)).json()
    assert (changed["assigned_to"], changed["tags"], changed["priority"]) == (owner, ["billing", "vip"], "high")
    back = (await chat("PATCH", f"/conversations/{conversation}", {"assigned_to": None})).json()
    assert (back["assigned_to"], back["tags"]) == (None, ["billing", "vip"])
    closed = (await chat("POST", f"/conversations/{conversation}/close")).json()
    assert closed["status"] == "closed" and closed["closed_at"] is not None


async def test_what_is_wrong_is_named_and_changes_nothing(
    chat: Send, runtime: Runtime, tenant: TenantAccount, contents: ReadAll
) -> None:
    conversation, _ = await ask(runtime, tenant, "Hello?")
    before = await contents(tenant)
    wrong = {
        ("PATCH", f"/conversations/{conversation}"): {"status": "done"},
        ("POST", f"/conversations/{conversation}/messages"): {"text": ""},
        ("POST", "/contacts"): {"email": "nobody"},
        ("PATCH", "/contacts/con_1"): {"name": "x"},
        ("POST", "/widgets"): {"name": ""},
        ("POST", "/domains"): {"domain": "not a host"},
        ("POST", "/canned-responses"): {"text": ""},
        ("POST", "/tenants"): {"name": ""},
        ("POST", "/files"): {"file": "no form"},
        ("GET", "/conversations?limit=1000"): None,
    }
    for (method, path), body in wrong.items():
        answer = await chat(method, path, body)
        assert answer.status_code in (400, 403), (path, answer.text)
        if path != "/tenants":
            assert answer.json()["error"]["code"] == "VALIDATION_ERROR", (path, answer.text)
    assert await contents(tenant) == before


async def test_the_tenant_must_be_named_and_ones_own(chat: Send, own: str, other_tenant: TenantAccount) -> None:
    missing = await chat("GET", "/conversations", tenant=None)
    wanted = "X-Tenant-ID: is required: the tenant (tn_…) that this is about"
    assert (missing.status_code, missing.json()) == (400, refusal("TENANT_REQUIRED", wanted, 400))
    for foreign in (public_id("tenant", other_tenant.id), "tn_" + "0" * 32, "nonsense"):
        answer = await chat("GET", "/conversations", tenant=foreign)
        assert (answer.status_code, answer.json()) == (404, refusal("TENANT_NOT_FOUND", "No such tenant.", 404))
    assert (await chat("GET", f"/tenants/{own}", tenant=None)).json()["id"] == own
    both = await chat("GET", f"/tenants/{own}", tenant=public_id("tenant", other_tenant.id))
    assert both.status_code == 404


async def test_a_member_of_two_tenants_says_which_with_one_token(chat: Send, runtime: Runtime) -> None:
    async with runtime.write(PUBLIC) as tx:
        token = (await register(tx, email="two@example.com", password=PASSWORD, tenant_name="One")).access_token
    made = await chat("POST", "/tenants", {"name": "Two"}, tenant=None, token=token)
    assert made.status_code == 201
    second = made.json()["id"]
    assert (await chat("POST", "/widgets", {"name": "Shop"}, tenant=second, token=token)).status_code == 201
    assert (await chat("GET", "/widgets", tenant=second, token=token)).json()["pagination"]["total"] == 1
    members = (await chat("GET", f"/tenants/{second}/members", tenant=None, token=token)).json()["data"]
    assert [(one["email"], one["role"], one["status"]) for one in members] == [("two@example.com", "owner", "active")]
    async with runtime.write(PUBLIC) as tx:
        first = (await log_in(tx, email="two@example.com", password=PASSWORD)).tenant_id
    assert (await chat("GET", "/widgets", tenant=public_id("tenant", first), token=token)).json()["data"] == []


async def test_nobody_logs_in_before_their_address_is_verified(
    chat: Send, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await chat("POST", "/auth/register", {"email": "ann@example.com", "password": PASSWORD}, tenant=None)
    assert made.status_code == 201
    user = made.json()["user"]
    assert (user["email"], user["email_verified"]) == ("ann@example.com", False)
    credentials = {"email": "ann@example.com", "password": PASSWORD}
    refused = await chat("POST", "/auth/login", credentials, tenant=None)
    wanted = refusal("AUTH_EMAIL_NOT_VERIFIED", "Please verify your e-mail address first.", 403)
    assert (refused.status_code, refused.json()) == (403, wanted)
    wrong = await chat("POST", "/auth/login", {**credentials, "password": "wrong"}, tenant=None)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "AUTH_INVALID_CREDENTIALS")
    token = await _mailed_token(runtime, user["id"])
    assert (await chat("POST", "/auth/verify-email", {"token": token}, tenant=None)).status_code == 200
    tokens = (await chat("POST", "/auth/login", credentials, tenant=None)).json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    fresh = await chat("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}, tenant=None)
    assert set(fresh.json()) == {"access_token", "refresh_token", "token_type", "expires_in"}
    used = await chat("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}, tenant=None)
    assert used.status_code == 401
    monkeypatch.setattr(wire, "ACCOUNTS", wire.Plan("silentchat auth once", 1, 1))
    await chat("POST", "/auth/forgot-password", {"email": "ann@example.com"}, tenant=None)
    limited = await chat("POST", "/auth/forgot-password", {"email": "ann@example.com"}, tenant=None)
    assert (limited.status_code, limited.json()["error"]["code"]) == (429, "RATE_LIMITED")


async def _mailed_token(runtime: Runtime, user: str) -> str:
    async with runtime.read(system()) as reading:
        found = select(col(Member.tenant_id)).where(col(Member.user_id) == parse_id("user", user))
        tenant_id = (await reading.session.execute(found)).scalar_one()
    async with runtime.read(system(tenant_id)) as reading:
        body = (await reading.session.execute(select(col(OutboxMessage.body)))).scalar_one()
    return str(body.partition("token=")[2].split()[0])


async def test_contacts_are_the_customers(chat: Send, silocdp: Send) -> None:
    made = await chat("POST", "/contacts", {"email": "Ann@Example.com", "name": "Ann", "attributes": {"plan": "pro"}})
    assert made.status_code == 201
    contact = made.json()
    assert (contact["name"], contact["email"], contact["attributes"]) == ("Ann", "ann@example.com", {"plan": "pro"})
    twice = await chat("POST", "/contacts", {"email": "ann@example.com", "name": "Other"})
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "CONFLICT")
    subscriber = contact["id"].replace("con_", "cust_")
    shown = (await silocdp("GET", f"/subscribers/{subscriber}")).json()["data"]
    assert shown["attributes"] == {"plan": "pro", "name": "Ann"}
    changed = (await chat("PATCH", f"/contacts/{contact['id']}", {"name": "Anne"})).json()
    assert (changed["name"], changed["attributes"]) == ("Anne", {"plan": "pro"})
    found = (await chat("GET", "/contacts?search=ann@")).json()
    assert [one["id"] for one in found["data"]] == [contact["id"]]
    assert (await chat("DELETE", f"/contacts/{contact['id']}")).status_code == 204
    assert (await chat("GET", f"/contacts/{contact['id']}")).status_code == 404


async def test_files_are_uploaded_described_and_fetched(chat: Send, client: httpx2.AsyncClient) -> None:
    made = await chat("POST", "/files", files={"file": ("note.txt", b"A note.", "text/plain")})
    assert made.status_code == 201, made.text
    file = made.json()
    assert (file["name"], file["size"], file["mime_type"]) == ("note.txt", 7, "text/plain")
    described = (await chat("GET", f"/files/{file['id']}", headers={"accept": "application/json"})).json()
    assert (described["id"], described["size"]) == (file["id"], 7)
    sent_on = await chat("GET", f"/files/{file['id']}", headers={"accept": "text/plain"}, follow_redirects=False)
    assert sent_on.status_code == 302
    fetched = await client.get(sent_on.headers["location"])
    assert (fetched.status_code, fetched.content) == (200, b"A note.")
    script = await chat("POST", "/files", files={"file": ("x.html", b"<script>alert(1)</script>", "text/html")})
    assert (script.status_code, script.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_widgets_and_domains(chat: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    made = (await chat("POST", "/widgets", {"name": "Shop"})).json()
    assert made["key"].startswith("wk_")
    assert (await chat("PATCH", f"/widgets/{made['id']}", {"name": "Help"})).json()["name"] == "Help"
    monkeypatch.setitem(defining.WIDGETS_OF_PLAN, "enterprise", 1)
    full = await chat("POST", "/widgets", {"name": "One more"})
    assert (full.status_code, full.json()["error"]["code"]) == (403, "PLAN_LIMIT_EXCEEDED")
    assert (await chat("DELETE", f"/widgets/{made['id']}")).status_code == 204
    assert (await chat("GET", "/widgets")).json()["pagination"]["total"] == 0
    domain = (await chat("POST", "/domains", {"domain": "Shop.Example.com"})).json()
    assert domain["domain"] == "shop.example.com"
    assert (await chat("POST", "/domains", {"domain": "shop.example.com"})).status_code == 409
    assert (await chat("DELETE", f"/domains/{domain['id']}")).status_code == 204


async def test_canned_responses_keep_their_other_languages(chat: Send) -> None:
    made = (await chat("POST", "/canned-responses", {"shortcut": "hi", "text": "Hello"})).json()
    german = {"text": "Hallo", "language": "de"}
    changed = (await chat("PATCH", f"/canned-responses/{made['id']}", german)).json()
    assert (changed["text"], changed["texts"]) == ("Hello", {"en": "Hello", "de": "Hallo"})
    assert (await chat("PATCH", f"/canned-responses/{made['id']}", {"text": "Hi"})).json()["text"] == "Hi"
    listed = (await chat("GET", "/canned-responses")).json()
    assert [one["shortcut"] for one in listed["data"]] == ["hi"]
    assert (await chat("DELETE", f"/canned-responses/{made['id']}")).status_code == 204
