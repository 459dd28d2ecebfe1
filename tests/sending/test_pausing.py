"""What becomes of messages whose campaign is paused or over while they are in hand."""

from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import col

from app.actions.campaigns.moving import cancel_portion
from app.actions.deliveries import (
    PARKED_AT,
    claim_deliveries,
    halted_campaigns,
    parked_campaigns,
    put_aside,
    release_portion,
)
from app.core import clock
from app.core.access import system
from app.core.batches import is_postgres
from app.core.ids import new_id
from app.core.streams import Stream
from app.core.tx import UnitsOfWork
from models import Campaign
from tests.sending.mailing import Mailing
from tests.tenants import TenantAccount

LEASE = timedelta(minutes=1)


async def test_which_campaigns_may_not_send_now(units: UnitsOfWork, tenant: TenantAccount) -> None:
    of = {
        status: await Mailing(units, tenant.id).begin(status=status)
        for status in ("sending", "scheduled", "completed", "paused", "cancelled", "failed", "archived", "draft")
    }
    gone = await Mailing(units, tenant.id).begin(deleted_at=clock.now())
    unknown = new_id()
    asked = {one.campaign_id for one in of.values()} | {gone.campaign_id, unknown}
    may_not = {of[one].campaign_id for one in ("paused", "cancelled", "failed", "archived", "draft")}
    async with units.read(system(tenant.id)) as reading:
        assert await halted_campaigns(reading, campaign_ids=asked) == may_not | {gone.campaign_id, unknown}
        assert await halted_campaigns(reading, campaign_ids=()) == set()
    async with units.write(system(tenant.id)) as tx:
        assert await halted_campaigns(tx, campaign_ids=asked) == may_not | {gone.campaign_id, unknown}


async def test_what_is_cancelled_in_hand_is_told_counted_and_says_why(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    over = await Mailing(units, tenant.id).begin()
    paused = await Mailing(units, tenant.id).begin()
    await over.invite(2)
    [waiting] = await paused.invite(1, reason="deferred")
    stream = Stream(tenant.id, "email", 5, clock.now())
    async with units.write(system(tenant.id)) as tx:
        claims = await claim_deliveries(tx, lane=1, stream=stream, limit=10, lease=LEASE)
    assert len(claims) == 3
    await over.change(Campaign, col(Campaign.id) == over.campaign_id, status="failed")
    await paused.change(Campaign, col(Campaign.id) == paused.campaign_id, status="paused")
    lost = next(claim for claim in claims if claim.campaign_id == over.campaign_id)
    lost.token = new_id()  # somebody else has it by now
    async with units.write(system(tenant.id)) as tx:
        await put_aside(tx, claims=claims)
    rows = {row.id: row for row in [*await over.deliveries(), *await paused.deliveries()]}
    assert rows[lost.id].state == "claimed"
    (ended,) = [row for row in rows.values() if row.state == "cancelled"]
    assert (ended.campaign_id, ended.reason, ended.error) == (
        over.campaign_id,
        "cancelled",
        "The campaign is failed.",
    )
    assert (rows[waiting].state, rows[waiting].due_at, rows[waiting].reason) == ("queued", PARKED_AT, "deferred")
    assert await over.counts(over.campaign_id) == {"cancelled": 1}
    assert await over.told() == {"delivery.cancelled": 1}


async def test_nobody_looks_through_all_messages_of_a_campaign_to_find_a_few(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    """What is parked, and what is queued without a run, is found by an index that has little else."""
    mailing = await Mailing(units, tenant.id).begin(status="sending")
    said: list[str] = []
    async with units.write(system(tenant.id)) as tx:
        if is_postgres(tx.session):
            pytest.skip("Postgres goes by what it knows of the tables")
        connection = await tx.session.connection()
        note = lambda *arguments: said.append(arguments[2])  # noqa: E731
        event.listen(connection.sync_connection, "before_cursor_execute", note)
        await parked_campaigns(tx)
        await release_portion(tx, campaign_id=mailing.campaign_id)
        await cancel_portion(tx, campaign_id=mailing.campaign_id, limit=10)
        event.remove(connection.sync_connection, "before_cursor_execute", note)
        asked = [one for one in said if "deliveries" in one]
        plans = []
        for one in asked:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", ("x",) * one.count("?"))
            plans.append(" ".join(row[3] for row in rows))
    wanted = ["ix_deliveries_parked", "ix_deliveries_parked", "ix_deliveries_run", "ix_deliveries_run"]
    assert [index in plan for plan, index in zip(plans, wanted, strict=True)] == [True] * 4
    assert not any("ix_deliveries_campaign" in plan for plan in plans)


async def test_what_is_parked_of_campaigns_that_go_on_is_found_and_released(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    going = await Mailing(units, tenant.id).begin()
    between = await Mailing(units, tenant.id).begin(kind="recurring", status="scheduled")
    paused = await Mailing(units, tenant.id).begin(status="paused")
    for one in (going, between, paused):
        await one.invite(2, due_at=PARKED_AT)
        await one.invite(1, due_at=clock.now() + timedelta(days=1))
        await one.invite(1, due_at=PARKED_AT, state="cancelled")
    none = await Mailing(units, tenant.id).begin()
    await none.invite(1)
    async with units.read(system()) as reading:
        found = await parked_campaigns(reading)
    assert sorted(found) == sorted((tenant.id, one.campaign_id) for one in (going, between))
    for one, count in ((going, 2), (paused, 0), (none, 0)):
        async with units.write(system(tenant.id)) as tx:
            assert await release_portion(tx, campaign_id=one.campaign_id) == count
    async with units.read(system()) as reading:
        assert await parked_campaigns(reading) == [(tenant.id, between.campaign_id)]
