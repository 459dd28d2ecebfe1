"""Customer.io's reporting webhooks and addresses: as its documents have them, and how they refuse."""

from typing import Any

import pytest

from app.actions.reporting import create_webhook
from app.core.access import Plan
from app.rest.customerio import app_wire
from app.runtime import Runtime
from tests.doors.conftest import ReadAll, Send
from tests.tenants import TenantAccount

SAID = {"name": "my cool webhook", "endpoint": "https://hook.example/x", "events": ["email_sent", "sms_clicked"]}
SHOWN = {"id": 1, "type": "webhook", "disabled": False, "full_resolution": False, "with_content": False, **SAID}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_wire, "APP_API", Plan("app api", 6000, 100))


async def test_a_webhook_is_made_changed_and_deleted(app_api: Send) -> None:
    assert (await app_api("GET", "/reporting_webhooks")).json() == {"reporting_webhooks": []}
    made = await app_api("POST", "/reporting_webhooks", SAID | {"id": 77, "unknown": 1})
    assert (made.status_code, made.json()) == (200, SHOWN)
    assert (await app_api("GET", "/reporting_webhooks/1")).json() == SHOWN
    new = {"disabled": True, "full_resolution": True, "with_content": True}
    assert (await app_api("PUT", "/reporting_webhooks/1", SAID | new)).json() == SHOWN | new
    kept = await app_api("PUT", "/reporting_webhooks/1", SAID | {"name": "N", "events": ["customer_unsubscribed"]})
    assert kept.json() == SHOWN | new | {"name": "N", "events": ["customer_unsubscribed"]}
    assert (await app_api("GET", "/reporting_webhooks")).json() == {"reporting_webhooks": [kept.json()]}
    gone = await app_api("DELETE", "/reporting_webhooks/1")
    assert (gone.status_code, gone.content, gone.headers.get("content-type")) == (200, b"", None)
    again = await app_api("DELETE", "/reporting_webhooks/1")
    assert (again.status_code, again.json()) == (
        404,
        {"errors": [{"detail": "webhook_id: No such reporting webhook.", "status": "404"}]}
        | {"meta": {"error": "webhook_id: No such reporting webhook."}},
    )


async def test_silentchats_webhooks_are_not_seen_here(app_api: Send, runtime: Runtime, tenant: TenantAccount) -> None:
    async with runtime.write(tenant.principal) as tx:
        await create_webhook(
            tx, name="h", endpoint="https://x.example", events=["message.created"], dialect="silentchat"
        )
    assert (await app_api("GET", "/reporting_webhooks")).json() == {"reporting_webhooks": []}
    for method, body in (("GET", None), ("PUT", SAID), ("DELETE", None)):
        assert (await app_api(method, "/reporting_webhooks/1", body)).status_code == 404


REFUSED: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({"events": []}, ["events: must not be empty"]),
    ({"events": ["email_eaten"]}, ["events.0: is not an event that can be reported"]),
    ({"endpoint": "nowhere"}, ["endpoint: is not an http or https address"]),
    ({"name": None, "disabled": "perhaps"}, ["name: is required", "disabled: must be true or false"]),
)


async def test_what_is_no_webhook_is_refused(app_api: Send, tenant: TenantAccount, contents: ReadAll) -> None:
    await app_api("POST", "/reporting_webhooks", SAID)
    before = await contents(tenant)
    for wrong, sentences in REFUSED:
        for method, path in (("POST", "/reporting_webhooks"), ("PUT", "/reporting_webhooks/1")):
            refused = await app_api(method, path, SAID | wrong)
            assert refused.status_code == 400
            assert refused.json() == {
                "errors": [{"detail": sentence, "status": "400"} for sentence in sentences],
                "meta": {"error": "; ".join(sentences)},
            }
    assert await contents(tenant) == before


async def test_the_addresses_are_those_of_the_settings(app_api: Send, runtime: Runtime) -> None:
    assert (await app_api("GET", "/info/ip_addresses")).json() == {"ip_addresses": []}
    runtime.settings.egress_addresses = ["203.0.113.7"]
    assert (await app_api("GET", "/info/ip_addresses")).json() == {"ip_addresses": ["203.0.113.7"]}
