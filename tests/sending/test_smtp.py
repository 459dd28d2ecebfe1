"""Messages over a real SMTP server: what becomes of what it takes, refuses for good, puts off, and breaks off."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.actions.consent import suppress_address
from app.actions.deliveries import PARKED_AT, release_lost, settle_doubts
from app.core import clock
from app.core.access import system
from app.core.errors import Invalid
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from app.runtime import Runtime
from models import ArchivedMessage, Campaign, Content, Delivery, Integration, SendingPolicy, Suppression
from tests.mailbox import Mailbox, mailbox
from tests.sending.mailing import Mailing
from tests.sending.sink import sink
from tests.tenants import TenantAccount


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The tests' mail servers are on this machine."""
    short = request.node.originalname == "test_what_a_slow_server_has_no_time_for_is_not_sent_by_two"
    lease = {"send_lease_s": 1} if short else {}
    return settings.model_copy(update={"allowed_private_hosts": ["127.0.0.1"], **lease})


@asynccontextmanager
async def relay(
    units: UnitsOfWork,
    tenant: TenantAccount,
    refusals: Mapping[str, str] | None = None,
    to: int | None = None,
    connections: int = 8,
    **given,
) -> AsyncIterator[Mailbox]:  # type: ignore[no-untyped-def]
    """A mail server that the tenant sends over; ``to`` is the port of another one."""
    async with mailbox(refusals=refusals, **given) as box:
        now = clock.now()
        row = {
            "id": new_id(),
            "number": 1,
            "name": "relay",
            "kind": "smtp",
            "channel": "email",
            "settings": {"host": "127.0.0.1", "port": to or box.port, "security": "none", "connections": connections},
            "callback_key": new_id().hex,
            "is_default": True,
            "created_at": now,
            "updated_at": now,
        }
        async with units.write(system(tenant.id)) as tx:
            await tx.insert(Integration, [row])
        yield box


async def test_each_answer_of_the_server_becomes_a_state(
    mailing: Mailing, runtime: Runtime, tenant: TenantAccount
) -> None:
    end = f"{mailing.campaign_id.hex[-6:]}@example.com"
    refusals = {
        f"p1-{end}": "550 5.1.1 no such user",
        f"p2-{end}": "554 5.7.1 not from you",
        f"p3-{end}": "451 4.7.1 later",
    }
    async with relay(runtime.units, tenant, refusals) as box:
        ids = await mailing.invite(70)
        states = await mailing.until(lambda states: states["sent"] == 67 and not states["sending"])
    assert states == {"sent": 67, "bounced": 1, "failed": 1, "queued": 1}
    assert sorted(mail.recipients[0] for mail in box.mails) == sorted(
        f"p{place}-{end}" for place in range(70) if place not in (1, 2, 3)
    )
    bounced, failed, deferred = [row for row in await mailing.deliveries() if row.id in ids[1:4]]
    assert (bounced.reason, bounced.error) == ("hard_bounce", "5.1.1 5.1.1 no such user") or "no such user" in (
        bounced.error or ""
    )
    assert (failed.reason, failed.failed_at is not None) == ("rejected", True)
    assert (deferred.reason, deferred.attempts) == ("deferred", 1)
    assert deferred.due_at > clock.now()
    counts = await mailing.counts(mailing.campaign_id)
    assert counts == {"attempted": 70, "sent": 67, "bounced": 1, "failed": 1, "deferred": 1}
    [listed] = await mailing.rows(select(Suppression))
    assert (listed.address, listed.reason, listed.delivery_id) == (f"p1-{end}", "hard_bounce", ids[1])
    sent = box.mails[0].message
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (await mailing.status())[1] == "sending"
    await mailing.change(Delivery, col(Delivery.id) == deferred.id, due_at=clock.now())


async def test_what_breaks_off_is_in_doubt_until_somebody_settles_it(
    mailing: Mailing, runtime: Runtime, tenant: TenantAccount
) -> None:
    async with relay(runtime.units, tenant, drops_after_text=True) as box:
        await mailing.invite(2)
        states = await mailing.until(lambda states: states["in_doubt"] == 2)
        assert states == {"in_doubt": 2}
        assert await mailing.completed() == ("completed", "completed")
        assert (await mailing.counts(mailing.campaign_id)) == {"attempted": 2, "in_doubt": 2}
        box.drops_after_text = False
        async with runtime.units.write(system(tenant.id)) as tx:
            with pytest.raises(Invalid, match="at most 5,000"):
                await settle_doubts(tx, verdict="failed", delivery_ids=[new_id() for _ in range(5001)])
            assert await settle_doubts(tx, verdict="resend", campaign_id=mailing.campaign_id) == 2
        await mailing.until(lambda states: states["sent"] == 2)
        assert len(box.mails) == 4
        assert await mailing.completed() == ("completed", "completed")


async def test_what_a_lost_worker_had_in_hand(mailing: Mailing, runtime: Runtime, tenant: TenantAccount) -> None:
    """Claimed is queued again; sending is in doubt, or sent again where the tenant says so."""
    tomorrow = clock.now().replace(year=9000)
    ids = await mailing.invite(4, due_at=tomorrow)
    lost = {"lease_token": new_id(), "lease_until": clock.now()}
    await mailing.change(Delivery, col(Delivery.id) == ids[0], state="claimed", **lost)
    await mailing.change(Delivery, col(Delivery.id).in_(ids[1:3]), state="sending", **lost)
    await mailing.change(Delivery, col(Delivery.id) == ids[2], reason="idempotent")
    async with runtime.units.write(system(tenant.id)) as tx:
        released = await release_lost(tx)
    assert (released.queued, released.in_doubt) == (2, 1)
    states = await mailing.until(lambda states: states["sent"] == 2)
    assert states == {"sent": 2, "in_doubt": 1, "queued": 1}
    assert (await mailing.counts(mailing.tenant_id))["in_doubt"] == 1
    async with runtime.units.write(system(tenant.id)) as tx:
        await tx.insert(SendingPolicy, [{"in_doubt": {"email": "resend"}, "updated_at": tx.now}])
    await mailing.change(Delivery, col(Delivery.id) == ids[3], state="sending", **lost)
    async with runtime.units.write(system(tenant.id)) as tx:
        assert (await release_lost(tx)).queued == 1
    await mailing.until(lambda states: states["sent"] == 3)


async def test_a_transactional_message_does_not_wait_for_a_slow_campaign(
    mailing: Mailing, runtime: Runtime, tenant: TenantAccount
) -> None:
    """The campaign's relay hangs; a message of lane 0 over the same relay is sent meanwhile."""
    async with relay(runtime.units, tenant) as box:
        await mailing.invite(200)
        [urgent] = await mailing.invite(1, lane=0, run_id=None, occurrence_id=new_id())
        await mailing.settled()
        order = [mail.recipients[0] for mail in box.mails]
        [row] = [row for row in await mailing.deliveries() if row.id == urgent]
        assert order.index(row.recipient) < 190
        archived = await mailing.rows(select(ArchivedMessage).where(ArchivedMessage.delivery_id == urgent))
        assert len(archived) == 1


async def test_what_a_slow_server_has_no_time_for_is_not_sent_by_two(
    mailing: Mailing, runtime: Runtime, tenant: TenantAccount
) -> None:
    """With a lease of a second, what is behind the first few would be sent when it is somebody else's already."""
    async with runtime.units.write(system(tenant.id)) as tx:
        await tx.insert(SendingPolicy, [{"in_doubt": {"email": "resend"}, "updated_at": tx.now}])
    async with sink(delay_s=0.2) as server, relay(runtime.units, tenant, to=server.port, connections=1):
        await mailing.invite(9)
        for _ in range(4):
            await asyncio.sleep(0.4)
            async with runtime.units.write(system(tenant.id)) as tx:
                await release_lost(tx)
        assert await mailing.settled() == {"sent": 9}
    assert sorted(server.taken.values()) == [1] * 9
    assert {row.attempts for row in await mailing.deliveries()} == {1}


async def test_a_pause_holds_in_the_midst_of_a_batch(mailing: Mailing, runtime: Runtime, tenant: TenantAccount) -> None:
    """All 300 are in hand as one batch; when the pause is answered, the rest of it is parked."""
    async with sink(delay_s=0.05) as server, relay(runtime.units, tenant, to=server.port, connections=4):
        await mailing.invite(300)
        await mailing.until(lambda states: states["sent"] >= 32)
        await mailing.change(Campaign, col(Campaign.id) == mailing.campaign_id, status="paused")
        states = await mailing.until(lambda states: not states["claimed"] and not states["sending"])
    assert states["sent"] == sum(server.taken.values()) <= 32 + 3 * 64
    assert states["queued"] == 300 - states["sent"]
    assert {row.due_at for row in await mailing.deliveries() if row.state == "queued"} == {PARKED_AT}
    assert await mailing.status() == ("paused", "sending")


async def test_a_suppressed_copy_is_left_off_and_the_rest_arrives(
    mailing: Mailing, runtime: Runtime, tenant: TenantAccount
) -> None:
    copies = {"cc": "boss@acme.example, gone@acme.example", "bcc": "gone@acme.example"}
    await mailing.change(Content, col(Content.id) == mailing.content_id, fields=copies)
    async with runtime.units.write(system(tenant.id)) as tx:
        await suppress_address(tx, channel="email", address="gone@acme.example")
    async with relay(runtime.units, tenant) as box:
        await mailing.invite(1)
        await mailing.settled()
    [row] = await mailing.deliveries()
    [mail] = box.mails
    assert mail.recipients == [row.recipient, "boss@acme.example"]
    assert mail.message["Cc"] == "boss@acme.example"
    assert "gone@acme.example" in str(row.decision)
