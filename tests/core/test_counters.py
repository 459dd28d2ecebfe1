"""Hourly counters: one statement for all that a unit counts, nothing lost between units, nothing of who rolled back."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.actions.metrics import Count, add_counts
from app.core.access import system
from app.core.errors import Conflict
from app.core.ids import new_id
from app.core.tx import UnitsOfWork
from models import HourlyCount
from tests.tenants import TenantAccount

AT = datetime(2026, 3, 1, 10, 59, 59, 999_999, tzinfo=UTC)
HOUR = datetime(2026, 3, 1, 10, tzinfo=UTC)
CAMPAIGN, CONTENT = sorted([new_id(), new_id()])


async def rows(units: UnitsOfWork, tenant: TenantAccount) -> list[tuple[object, ...]]:
    async with units.read(tenant.principal) as reading:
        found = (await reading.session.execute(select(HourlyCount))).scalars()
        return sorted((row.subject_id, row.metric, row.hour, row.count, row.amount) for row in found)


async def test_counts_of_one_hour_are_added_up(
    units: UnitsOfWork, tenant: TenantAccount, other_tenant: TenantAccount
) -> None:
    for _ in range(2):
        async with units.write(tenant.principal) as tx:
            await add_counts(tx, [Count(CAMPAIGN, "sent", AT, 3), Count(CONTENT, "sent", HOUR)])
            await add_counts(tx, [Count(CAMPAIGN, "sent", HOUR), Count(CAMPAIGN, "converted", AT, 1, Decimal("12.35"))])
    with pytest.raises(Conflict):
        async with units.write(tenant.principal) as tx:
            await add_counts(tx, [Count(CAMPAIGN, "sent", AT)])
            raise Conflict("no")
    assert await rows(units, tenant) == [
        (CAMPAIGN, "converted", HOUR, 2, Decimal("24.7")),
        (CAMPAIGN, "sent", HOUR, 8, Decimal(0)),
        (CONTENT, "sent", HOUR, 2, Decimal(0)),
    ]
    assert await rows(units, other_tenant) == []


async def test_units_that_count_the_same_at_once_neither_lose_nor_wait_for_each_other(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    async def count(order: int) -> None:
        async with units.write(system(tenant.id)) as tx:
            for subject in [CAMPAIGN, CONTENT][::order]:
                await add_counts(tx, [Count(subject, "opened", AT)])
                await asyncio.sleep(0)

    await asyncio.gather(*(count(1 if turn % 2 else -1) for turn in range(20)))
    assert [row[3] for row in await rows(units, tenant)] == [20, 20]
