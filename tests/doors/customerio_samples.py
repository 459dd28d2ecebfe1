"""One good request for every endpoint of Customer.io's App API about what is sent, and what there must be for them."""

from typing import Any
from uuid import UUID

from app.actions.campaigns import EVERYBODY
from app.actions.content import create_sender, set_snippet
from app.actions.reporting import create_webhook
from app.core.access import Scope
from app.core.ids import new_id, public_id
from app.rest.customerio import DIALECT as CUSTOMERIO
from app.runtime import Runtime
from models import CampaignRun
from tests.doors.campaigns import make_campaign, make_delivery
from tests.doors.sample import Sample
from tests.tenants import TenantAccount

HOOKS, HOOKS_WRITE = Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE
HOOK = {"name": "hook", "endpoint": "https://hook.example/", "events": ["email_sent"]}


def _app(method: str, path: str, body: Any = None, *scopes: Scope, template: str = "", **more: Any) -> Sample:
    return Sample(CUSTOMERIO, method, f"/v1{template or path}", f"/v1{path}", body, frozenset(scopes), **more)


def _on_hook(method: str, body: Any, *scopes: Scope) -> Sample:
    one = "/reporting_webhooks/{webhook_id}"
    place = one.replace("webhook_id", "hook")
    return _app(method, place, body, *scopes, template=one, addresses=True, noun="reporting webhook")


def _send(path: str, **body: Any) -> Sample:
    return _app(
        "POST",
        f"/send/{path}",
        {"transactional_message_id": "{welcome}", "identifiers": {"cio_id": "{cio}"}, **body},
        SEND,
        addresses=True,
        noun="campaign",
    )


def _on_broadcast(method: str, path: str, body: Any, *scopes: Scope, prefix: str = "") -> Sample:
    place = f"{prefix}/campaigns/{{broadcast}}/triggers{path}"
    template = place.replace("{broadcast}", "{broadcast_id}").replace("/1", "/{trigger_id}")
    return _app(method, place, body, *scopes, template=template, addresses=True, noun="campaign")


def _on_newsletter(method: str, path: str, body: Any, *scopes: Scope, noun: str = "campaign") -> Sample:
    """``path`` has its parameters as the endpoint names them; ``{language}`` is the default one, "", here."""
    template = f"/newsletters/{{newsletter_id}}{path}"
    place = template.replace("{newsletter_id}", "{newsletter}").replace("{content_id}", "{content}")
    place = place.replace("{language}", "").replace("{test_group_id}", "0")
    return _app(method, place, body, *scopes, template=template, addresses=True, noun=noun)


def _on_sender(path: str) -> Sample:
    one = "/sender_identities/{sender_id}"
    place = one.replace("{sender_id}", "{sender}") + path
    return _app("GET", place, None, READ, template=one + path, addresses=True, noun="sender")


def _on_message(path: str, *scopes: Scope) -> Sample:
    one = "/messages/{message_id}"
    place = one.replace("{message_id}", "{delivery}") + path
    return _app("GET", place, None, DELIVERIES, *scopes, template=one + path, addresses=True, noun="delivery")


DELIVERIES, METRICS = Scope.DELIVERIES_READ, Scope.METRICS_READ
READ, SEND, WRITE = Scope.CAMPAIGNS_READ, Scope.CAMPAIGNS_SEND, Scope.CAMPAIGNS_WRITE
SNIPPET = {"name": "another", "value": "Hello"}
SAMPLES = (
    _app("GET", "/reporting_webhooks", None, HOOKS),
    _app("POST", "/reporting_webhooks", HOOK, HOOKS_WRITE),
    _on_hook("GET", None, HOOKS),
    _on_hook("PUT", HOOK, HOOKS_WRITE, HOOKS),
    _on_hook("DELETE", None, HOOKS_WRITE, HOOKS),
    _app("GET", "/info/ip_addresses", None, HOOKS),
    _send("email", to="ann@example.com"),
    _send("push", to="all"),
    _send("sms"),
    _send("whatsapp"),
    _send("inbox_message"),
    _send("in_app"),
    _on_broadcast("POST", "", {"data": {"a": 1}}, SEND, READ),
    _on_broadcast("POST", "", {"data": {"a": 1}}, SEND, READ, prefix="/api"),
    _on_broadcast("GET", "/1", None, READ),
    _on_broadcast("GET", "/1/errors", None, READ),
    _app("GET", "/snippets", None, READ),
    _app("POST", "/snippets", SNIPPET | {"name": "a third"}, WRITE),
    _app("PUT", "/snippets", SNIPPET, WRITE),
    _app(
        "DELETE",
        "/snippets/{snippet}",
        None,
        WRITE,
        READ,
        template="/snippets/{snippet_name}",
        addresses=True,
        noun="snippet",
    ),
    _app("GET", "/sender_identities", None, READ),
    _on_sender(""),
    _on_sender("/used_by"),
    _app("GET", "/newsletters", None, READ),
    _on_newsletter("GET", "", None, READ),
    _on_newsletter("GET", "/contents", None, READ),
    _on_newsletter("GET", "/contents/{content_id}", None, READ),
    _on_newsletter("PUT", "/contents/{content_id}", {"subject": "Soon"}, WRITE, READ),
    _on_newsletter("GET", "/language/{language}", None, READ),
    _on_newsletter("PUT", "/language/{language}", {"subject": "Soon"}, WRITE, READ),
    _on_newsletter("GET", "/test_group/{test_group_id}/language/{language}", None, READ),
    _on_newsletter("PUT", "/test_group/{test_group_id}/language/{language}", {"subject": "Soon"}, WRITE, READ),
    _on_newsletter("GET", "/test_groups", None, READ),
    _on_newsletter("GET", "/metrics", None, METRICS, READ),
    _on_newsletter("GET", "/metrics/links", None, METRICS, READ),
    _on_newsletter("GET", "/contents/{content_id}/metrics", None, METRICS, READ),
    _on_newsletter("GET", "/contents/{content_id}/metrics/links", None, METRICS, READ),
    _on_newsletter("GET", "/messages", None, DELIVERIES, READ, Scope.CUSTOMERS_READ),
    _app("GET", "/messages", None, DELIVERIES, Scope.CUSTOMERS_READ),
    _on_message("", Scope.CUSTOMERS_READ),
    _on_message("/archived_message"),
)


async def make_customerio(runtime: Runtime, tenant: TenantAccount, number: int, cio: str) -> dict[str, str]:
    """Something of everything that the samples address; the numbers with which they are filled."""
    async with runtime.write(tenant.principal) as tx:
        hook = await create_webhook(tx, name="hook", endpoint="https://hook.example/", events=["email_sent"])
        sender = await create_sender(tx, address=f"sender{number}@acme.example")
        snippet = await set_snippet(tx, name=f"snippet {number}", value="Hello")
    newsletter = await make_campaign(runtime, tenant, 100 * number + 2, "one_off", status="draft")
    welcome = await make_campaign(runtime, tenant, 100 * number, "transactional", channels=CHANNELS)
    broadcast = await make_campaign(runtime, tenant, 100 * number + 1, "triggered", audience=dict(EVERYBODY))
    run = {"id": new_id(), "campaign_id": broadcast.id, "number": 1, "version": 0, "occurrence": "x"}
    async with runtime.write(tenant.principal) as tx:
        stamps = {"state": "completed", "due_at": tx.now, "created_at": tx.now}
        tx.session.add(CampaignRun(tenant_id=tx.tenant_id, **run, **stamps))
    delivery = await make_delivery(runtime, tenant, UUID(hex=cio))
    return {
        "hook": str(hook.webhook.number),
        "welcome": str(welcome.number),
        "broadcast": str(broadcast.number),
        "delivery": public_id("delivery", delivery),
        "newsletter": str(newsletter.number),
        "content": str(10 * newsletter.number),
        "sender": str(sender.number),
        "snippet": snippet.name.replace(" ", "%20"),
    }


CHANNELS = ("email", "push", "sms", "whatsapp", "in_app")
UNKNOWN = dict.fromkeys(("hook", "welcome", "broadcast", "newsletter", "content", "sender", "snippet"), "999999")
"""Numbers of nothing."""
