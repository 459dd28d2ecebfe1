"""What reporting costs where nobody is told anything, and what becomes of a webhook whose secret is lost."""

import asyncio
import time
from uuid import UUID

import pytest

from app.actions.reporting import get_webhook, list_webhooks, rotate_webhook_secret
from app.core.metrics import REGISTRY
from app.core.sealing import seal
from app.core.settings import Settings
from models import WebhookCall
from tests.actions.people import People
from tests.actions.reporting import Reports, heard
from tests.receiver import receiver
from tests.tenants import TenantAccount


@pytest.fixture
def reports(people: People, settings: Settings) -> Reports:
    return Reports(people, settings)


async def test_who_has_no_webhook_costs_nothing(reports: Reports, other_tenant: TenantAccount) -> None:
    """What happens in a tenant without webhooks is looked at only with the sweep, once a second."""

    def looks() -> float:
        return REGISTRY.get_sample_value("rapport_unit_of_work_seconds_count", {"mode": "read"}) or 0

    async def looks_while_nudged(tenant_id: UUID) -> tuple[float, float]:
        before, began = looks(), time.monotonic()
        while time.monotonic() - began < 0.9:
            reporter.nudge(tenant_id)
            await asyncio.sleep(0.01)
        return looks() - before, time.monotonic() - began

    async with receiver() as server, reports.reporter() as reporter:
        await reports.webhook(server.url, ["email_sent"])
        await asyncio.sleep(1.2)
        seen, within_s = await looks_while_nudged(other_tenant.id)
        assert seen <= 2 * (within_s + 2)
        reporter.forget()
        seen, within_s = await looks_while_nudged(reports.people.principal.tenant_id)
        assert seen > 2 * (within_s + 2)
        delivery = await reports.delivery(await reports.customer("ann"))
        await reports.happens(delivery, "sent")
        assert len(await heard(server, 1)) == 1


async def test_a_webhook_whose_secret_is_lost_says_so_and_owes_what_it_owed(
    reports: Reports, settings: Settings
) -> None:
    ann = await reports.customer("ann")
    delivery = await reports.delivery(ann)
    async with receiver() as server:
        made = await reports.webhook(server.url, ["email_sent"])
        lost = seal(Settings(secret="a secret that nobody has any more, alas"), "s")
        async with reports.people.units.write(reports.people.principal) as tx:
            hook = await get_webhook(tx, webhook_id=made.webhook.id)
            hook.secret = lost
        async with reports.reporter():
            await reports.happens(delivery, "sent")
            async with asyncio.timeout(10):
                while (hook := (await reports.people.read(list_webhooks))[0]).last_error is None:
                    await asyncio.sleep(0.05)
            assert "RAPPORT_FORMER_SECRETS" in hook.last_error and hook.failing_since is not None
            assert [row["attempts"] for row in await reports.people.rows(WebhookCall)] == [0]
            await reports.people.do(rotate_webhook_secret, webhook_id=made.webhook.id)
            assert len(await heard(server, 1)) == 1
            await reports.settled("done", 1)
        (hook,) = await reports.people.read(list_webhooks)
        assert (hook.failing_since, hook.last_error) == (None, None)
