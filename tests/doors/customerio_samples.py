"""One good request for every endpoint of Customer.io's App API about what is sent, and what there must be for them."""

from typing import Any

from app.actions.reporting import create_webhook
from app.core.access import Scope
from app.rest.customerio import DIALECT as CUSTOMERIO
from app.runtime import Runtime
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


SAMPLES = (
    _app("GET", "/reporting_webhooks", None, HOOKS),
    _app("POST", "/reporting_webhooks", HOOK, HOOKS_WRITE),
    _on_hook("GET", None, HOOKS),
    _on_hook("PUT", HOOK, HOOKS_WRITE, HOOKS),
    _on_hook("DELETE", None, HOOKS_WRITE, HOOKS),
    _app("GET", "/info/ip_addresses", None, HOOKS),
)


async def make_customerio(runtime: Runtime, tenant: TenantAccount, number: int) -> dict[str, str]:
    """Something of everything that the samples address; the numbers with which they are filled."""
    async with runtime.write(tenant.principal) as tx:
        hook = await create_webhook(tx, name="hook", endpoint="https://hook.example/", events=["email_sent"])
    return {"hook": str(hook.webhook.number)}


UNKNOWN = dict.fromkeys(("hook",), "999999")
"""Numbers of nothing."""
