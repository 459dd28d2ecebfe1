"""The unit of work: all or nothing, and the world hears only of what was committed."""

import asyncio

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from app.core import clock
from app.core.access import PUBLIC, Principal, Scope, system
from app.core.errors import Conflict, Forbidden, Unauthenticated
from app.core.feed import Position
from app.core.ids import new_id
from app.core.tx import Released, UnitsOfWork
from models import AuditEntry, Customer, FeedEntry, Job, Tenant
from tests.tenants import TenantAccount


@pytest.fixture
def heard(units: UnitsOfWork) -> list[Released]:
    """What the units of work have let out."""
    released: list[Released] = []
    units.on_commit = released.append
    return released


def customer() -> dict[str, object]:
    now = clock.now()
    return {"id": new_id(), "status": "active", "attributes": {}, "created_at": now, "updated_at": now}


async def count(units: UnitsOfWork, table: type) -> int:
    async with units.read(system()) as reading:
        return (await reading.session.execute(select(func.count()).select_from(table))).scalar_one()


async def test_what_was_emitted_is_stored_with_the_rows_and_told_after_the_commit(
    units: UnitsOfWork, tenant: TenantAccount, heard: list[Released]
) -> None:
    async with units.write(tenant.principal) as tx:
        await tx.insert(Customer, [customer()])
        tx.emit("b", "event", tenant.id)
        tx.emit("a", "event", tenant.id)
        tx.emit("b", "event", tenant.id)
        tx.enqueue("mail", {})
        tx.audit("customer.identify", "cust_1", {"email": "a"})
        assert heard == []
    assert heard == [Released(tenant.id, [Position("a", 1), Position("b", 2)], ["mail"])]
    assert [await count(units, table) for table in (Customer, FeedEntry, Job, AuditEntry)] == [1, 3, 1, 1]


async def test_a_unit_that_fails_leaves_no_trace_and_is_not_heard_of(
    units: UnitsOfWork, tenant: TenantAccount, heard: list[Released]
) -> None:
    with pytest.raises(Conflict):
        async with units.write(tenant.principal) as tx:
            await tx.insert(Customer, [customer()])
            tx.emit("a", "event", tenant.id)
            tx.enqueue("mail", {})
            tx.audit("customer.identify", "cust_1")
            raise Conflict("no")
    assert heard == []
    assert [await count(units, table) for table in (Customer, FeedEntry, Job, AuditEntry)] == [0, 0, 0, 0]


async def test_a_cancelled_unit_leaves_no_trace_and_its_connection_is_usable(
    units: UnitsOfWork, tenant: TenantAccount, heard: list[Released]
) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with units.write(tenant.principal) as tx:
            await tx.insert(Customer, [customer()])
            inside.set()
            await asyncio.Event().wait()

    for _ in range(12):  # more often than there are connections
        inside.clear()
        task = asyncio.create_task(hang())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with units.write(tenant.principal) as tx:
        await tx.insert(Customer, [customer()])
    assert (await count(units, Customer), heard) == (1, [])


async def test_a_refusal_that_must_leave_a_mark_commits_and_is_still_raised(
    units: UnitsOfWork, tenant: TenantAccount, heard: list[Released]
) -> None:
    with pytest.raises(Conflict, match="attack"):
        async with units.write(tenant.principal) as tx:
            tx.forget(tenant.user_id)
            await tx.insert(Customer, [customer()])
            raise tx.commit_despite(Conflict("attack"))
    assert await count(units, Customer) == 1
    assert heard == [Released(tenant.id, [], [], (tenant.user_id,))]


async def test_two_units_in_one_task_are_refused_before_they_wait_for_each_other(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    async with units.write(tenant.principal):
        with pytest.raises(RuntimeError, match="already open"):
            async with units.write(tenant.principal):
                pass
    async with units.write(tenant.principal):
        pass


async def test_no_update_is_lost_among_concurrent_units(units: UnitsOfWork, tenant: TenantAccount) -> None:
    async def rename() -> None:
        for _ in range(10):
            async with units.write(system(tenant.id)) as tx:
                statement = select(Tenant).where(col(Tenant.id) == tenant.id).with_for_update()
                row = (await tx.session.execute(statement)).scalar_one()
                row.name = f"{row.name}x"

    await asyncio.gather(*(rename() for _ in range(8)))
    async with units.read(system()) as reading:
        row = (await reading.session.execute(select(Tenant).where(col(Tenant.id) == tenant.id))).scalar_one()
    assert row.name == "Acme" + "x" * 80


async def test_a_reading_unit_sees_one_moment_and_on_sqlite_cannot_write(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    with pytest.raises((DBAPIError, AssertionError)):
        async with units.read(tenant.principal) as reading:
            reading.session.add(Customer(tenant_id=tenant.id, **customer()))
            await reading.session.flush()
            # On Postgres it could; nothing is committed, so nothing stays.
            raise AssertionError
    assert await count(units, Customer) == 0


async def test_many_rows_are_stamped_with_the_callers_tenant(units: UnitsOfWork, tenant: TenantAccount) -> None:
    async with units.write(tenant.principal) as tx:
        await tx.insert(Customer, [customer() for _ in range(1201)])
    async with units.read(system()) as reading:
        owners = (await reading.session.execute(select(Customer.tenant_id).distinct())).scalars().all()
    assert (await count(units, Customer), owners) == (1201, [tenant.id])


async def test_many_jobs_go_in_with_one_unit(units: UnitsOfWork) -> None:
    async with units.write(system()) as tx:
        for number in range(6000):
            tx.enqueue("mail", {"number": number})
    assert await count(units, Job) == 6000


async def test_leave_must_be_asked_and_nobody_has_no_tenant(units: UnitsOfWork) -> None:
    viewer = Principal("member", new_id(), new_id(), scopes=frozenset({Scope.CUSTOMERS_READ}))
    for principal, refusal in ((PUBLIC, Unauthenticated), (viewer, Forbidden)):
        with pytest.raises(refusal):
            async with units.write(principal) as tx:
                tx.require(Scope.CUSTOMERS_WRITE)
    with pytest.raises(RuntimeError, match="no tenant"):
        async with units.write(PUBLIC) as tx:
            tx.audit("x", "y")
