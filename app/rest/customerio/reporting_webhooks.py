"""Customer.io ``/v1/reporting_webhooks``. Only those in its own words are seen here."""

from typing import Any

from pydantic import Field

from app.actions import reporting
from app.core.access import Scope
from app.core.errors import NotFound
from app.core.tx import Reading
from app.rest.customerio.app_wire import app_endpoint, number_in
from app.rest.customerio.wire import Text, Unsaid, Wire
from app.rest.door import Call, Endpoint
from models import ReportingWebhook

TAG = "Reporting webhooks (App API)"
FIELDS = {"number": "webhook_id", "is_enabled": "disabled"}


class WebhookSaid(Unsaid):
    """What a webhook is to be. The secret by which its calls are signed is shown by the graph."""

    name: Text
    endpoint: Text
    events: list[str] = Field(min_length=1, description="As `email_sent` or `customer_unsubscribed`.")
    disabled: bool = False
    full_resolution: bool = Field(False, description="Every opening and click, not only the first of each delivery.")
    with_content: bool = Field(False, description="With the content of what was sent.")


class Webhook(Wire):
    id: int
    name: str
    type: str
    endpoint: str
    disabled: bool
    full_resolution: bool
    with_content: bool
    events: list[str]


class Webhooks(Wire):
    reporting_webhooks: list[Webhook]


async def list_webhooks(call: Call[None, None]) -> Webhooks:
    async with call.read() as reading:
        every = await reporting.list_webhooks(reading)
    return Webhooks(reporting_webhooks=[_shown(hook) for hook in every if hook.dialect == reporting.CUSTOMERIO])


async def create_webhook(call: Call[WebhookSaid, None]) -> Webhook:
    said = call.body
    async with call.write() as tx:
        made = await reporting.create_webhook(
            tx,
            name=said.name,
            endpoint=said.endpoint,
            events=said.events,
            full_resolution=said.full_resolution,
            with_content=said.with_content,
            is_enabled=not said.disabled,
        )
    return _shown(made.webhook)


async def get_webhook(call: Call[None, None]) -> Webhook:
    async with call.read() as reading:
        return _shown(await _addressed(reading, call))


async def update_webhook(call: Call[WebhookSaid, None]) -> Webhook:
    said, given = call.body, call.body.model_fields_set
    options: dict[str, Any] = {
        name: getattr(said, name) for name in ("full_resolution", "with_content") if name in given
    }
    if "disabled" in given:
        options["is_enabled"] = not said.disabled
    async with call.write() as tx:
        hook = await _addressed(tx, call)
        changed = await reporting.update_webhook(
            tx, webhook_id=hook.id, name=said.name, endpoint=said.endpoint, events=said.events, **options
        )
    return _shown(changed)


async def delete_webhook(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await reporting.delete_webhook(tx, webhook_id=(await _addressed(tx, call)).id)


async def _addressed(reading: Reading, call: Call[Any, None]) -> ReportingWebhook:
    number = number_in(call.path, "webhook_id", "reporting webhook")
    hook = await reporting.webhook_with_number(reading, number=number)
    if hook.dialect != reporting.CUSTOMERIO:
        raise NotFound("reporting webhook", "number")
    return hook


def _shown(hook: ReportingWebhook) -> Webhook:
    return Webhook(
        id=hook.number,
        name=hook.name,
        type="webhook",
        endpoint=hook.endpoint,
        disabled=not hook.is_enabled,
        full_resolution=hook.full_resolution,
        with_content=hook.with_content,
        events=hook.events,
    )


def _app(method: str, path: str, handler: Any, summary: str, scope: Scope, **more: Any) -> Endpoint[Any, Any]:
    return app_endpoint(method, f"/reporting_webhooks{path}", handler, summary, TAG, scope, fields=FIELDS, **more)


READ, WRITE = Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE
ENDPOINTS = (
    _app("GET", "", list_webhooks, "List reporting webhooks", READ, response=Webhooks),
    _app("POST", "", create_webhook, "Create a reporting webhook", WRITE, body=WebhookSaid, response=Webhook),
    _app("GET", "/{webhook_id}", get_webhook, "Get a reporting webhook", READ, response=Webhook),
    _app(
        "PUT", "/{webhook_id}", update_webhook, "Update a reporting webhook", WRITE, body=WebhookSaid, response=Webhook
    ),
    _app("DELETE", "/{webhook_id}", delete_webhook, "Delete a reporting webhook", WRITE, silent=True),
)
