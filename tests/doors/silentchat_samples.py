"""One good request for every endpoint of SilentChat, and what there must be for them."""

from collections.abc import AsyncIterator
from typing import Any

from app.actions.accounts import add_member, member_who_is
from app.actions.conversations import visitor_says
from app.actions.conversations.canned_responses import create_canned_response
from app.actions.files import upload
from app.actions.visitors import open_widget
from app.actions.widgets import add_domain, create_widget
from app.core.access import PUBLIC, Scope
from app.core.ids import public_id
from app.rest.silentchat import DIALECT as SILENTCHAT
from app.runtime import Runtime
from models import Member
from tests.doors.sample import Sample
from tests.tenants import TenantAccount

PASSWORD = "correct horse battery staple"
TALKS, SAYS = Scope.CONVERSATIONS_READ, Scope.CONVERSATIONS_WRITE
SITES, BUILDS = Scope.WIDGETS_READ, Scope.WIDGETS_WRITE


def _chat(method: str, path: str, body: Any = None, *scopes: Scope, template: str = "", **more: Any) -> Sample:
    return Sample(SILENTCHAT, method, f"/v1{template or path}", f"/v1{path}", body, frozenset(scopes), **more)


def _on(noun: str, method: str, path: str, body: Any = None, *scopes: Scope, name: str = "", id: str = "id") -> Sample:
    """A request about one thing: ``{noun}`` in the path, where the endpoint has ``{id}``."""
    template = path.replace("{" + (name or noun) + "}", "{" + id + "}").replace("{tenant}", "{id}")
    return _chat(method, path, body, *scopes, template=template, addresses=True, noun=noun.replace("_", " "))


SAMPLES = (
    _chat("POST", "/auth/register", {"email": "new@example.com", "password": PASSWORD, "name": "New"}, public=True),
    _chat("POST", "/auth/login", {"email": "owner@acme.example", "password": PASSWORD}, public=True),
    _chat("POST", "/auth/refresh", {"refresh_token": "x"}, public=True),
    _chat("POST", "/auth/logout", {"refresh_token": "x"}),
    _chat("POST", "/auth/verify-email", {"token": "x"}, public=True),
    _chat("POST", "/auth/forgot-password", {"email": "owner@acme.example"}, public=True),
    _chat("POST", "/auth/reset-password", {"token": "x", "password": PASSWORD}, public=True),
    _chat("POST", "/tenants", {"name": "Another"}),
    _on("tenant", "GET", "/tenants/{tenant}", None, Scope.MEMBERS_READ),
    _on("tenant", "PATCH", "/tenants/{tenant}", {"name": "Acme again"}, Scope.TENANT_WRITE, Scope.MEMBERS_READ),
    _on("tenant", "GET", "/tenants/{tenant}/members", None, Scope.MEMBERS_READ),
    _on(
        "tenant",
        "POST",
        "/tenants/{tenant}/members",
        {"email": "new@acme.example"},
        Scope.MEMBERS_WRITE,
    ),
    _on("tenant", "DELETE", "/tenants/{tenant}/members/{user}", None, Scope.MEMBERS_WRITE, name="user", id="userId"),
    _chat("GET", "/conversations", None, TALKS),
    _on("conversation", "GET", "/conversations/{conversation}", None, TALKS),
    _on("conversation", "PATCH", "/conversations/{conversation}", {"tags": ["vip"]}, SAYS, TALKS),
    _on("conversation", "POST", "/conversations/{conversation}/close", None, SAYS, TALKS),
    _on("conversation", "GET", "/conversations/{conversation}/messages", None, TALKS),
    _on("conversation", "POST", "/conversations/{conversation}/messages", {"text": "Hello"}, SAYS),
    _chat("GET", "/visitors", None, TALKS),
    _on("visitor", "GET", "/visitors/{visitor}", None, TALKS),
    _chat("GET", "/contacts", None, Scope.CUSTOMERS_READ),
    _chat("POST", "/contacts", {"email": "new@example.com"}, Scope.CUSTOMERS_WRITE, Scope.CUSTOMERS_READ),
    _on("customer", "GET", "/contacts/{contact}", None, Scope.CUSTOMERS_READ, name="contact"),
    _on(
        "customer",
        "PATCH",
        "/contacts/{contact}",
        {"name": "Ann"},
        Scope.CUSTOMERS_WRITE,
        Scope.CUSTOMERS_READ,
        name="contact",
    ),
    _on("customer", "DELETE", "/contacts/{contact}", None, Scope.CUSTOMERS_WRITE, name="contact"),
    _chat("GET", "/widgets", None, SITES),
    _chat("POST", "/widgets", {"name": "Shop"}, BUILDS),
    _on("widget", "GET", "/widgets/{widget}", None, SITES),
    _on("widget", "PATCH", "/widgets/{widget}", {"name": "Help"}, BUILDS),
    _on("widget", "DELETE", "/widgets/{widget}", None, BUILDS),
    _chat("GET", "/domains", None, SITES),
    _chat("POST", "/domains", {"domain": "shop.example.com"}, BUILDS),
    _on("domain", "DELETE", "/domains/{domain}", None, BUILDS),
    _chat("POST", "/files", None, SAYS),
    _on("file", "GET", "/files/{file}", None, TALKS),
    _chat("GET", "/canned-responses", None, TALKS),
    _chat("POST", "/canned-responses", {"shortcut": "bye", "text": "Goodbye"}, SAYS),
    _on("canned_response", "PATCH", "/canned-responses/{canned_response}", {"text": "Hi"}, SAYS, TALKS),
    _on("canned_response", "DELETE", "/canned-responses/{canned_response}", None, SAYS),
)


async def make_silentchat(runtime: Runtime, tenant: TenantAccount, number: int) -> dict[str, str]:
    """Something of everything that the samples address; the ids with which they are filled."""
    async with runtime.write(tenant.principal) as tx:
        widget = await create_widget(tx, name="Shop")
        domain = await add_domain(tx, name=f"shop{number}.example.com")
        answer = await create_canned_response(tx, texts={"en": "Hello"}, shortcut=f"hello{number}")
        invited = await add_member(tx, email=f"agent{number}@acme.example", role="agent")
        member = await tx.session.get_one(Member, (tx.tenant_id, invited))
        assert member == await member_who_is(tx, user_id=member.user_id)
    async with runtime.write(PUBLIC) as tx:
        opened = await open_widget(tx, widget_key=widget.key, origin=f"https://shop{number}.example.com")
        said = await visitor_says(tx, text="Is anybody there?")
    file = await upload(runtime.units, tenant.principal, name="note.txt", chunks=_once(b"A note."))
    return {
        "file": public_id("file", file.id),
        "widget": public_id("widget", widget.id),
        "domain": public_id("domain", domain.id),
        "canned_response": public_id("canned_response", answer.id),
        "user": public_id("user", member.user_id),
        "visitor": public_id("visitor", opened.visitor.id),
        "conversation": public_id("conversation", said.conversation.id),
    }


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
