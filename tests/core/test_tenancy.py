"""A tenant's rows are its own: on the ORM on both databases, and under row-level security on Postgres."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from app.core import clock
from app.core.access import PUBLIC, system
from app.core.database import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from models import Customer
from tests.tenants import TenantAccount

ON_POSTGRES = pytest.mark.parametrize("backend", ["postgres"], indirect=True)


async def add_customer(units: UnitsOfWork, tenant: TenantAccount) -> UUID:
    customer_id, now = new_id(), clock.now()
    async with units.write(tenant.principal) as tx:
        row = {"id": customer_id, "status": "active", "attributes": {}, "created_at": now, "updated_at": now}
        await tx.insert(Customer, [row])
    return customer_id


@pytest.fixture
async def both(units: UnitsOfWork, tenant: TenantAccount, other_tenant: TenantAccount) -> tuple[UUID, UUID]:
    """A customer of each tenant."""
    return await add_customer(units, tenant), await add_customer(units, other_tenant)


async def test_reads_see_only_the_callers_rows(
    units: UnitsOfWork, tenant: TenantAccount, both: tuple[UUID, UUID]
) -> None:
    mine, theirs = both
    async with units.read(tenant.principal) as reading:
        assert (await reading.session.execute(select(Customer.id))).scalars().all() == [mine]
        counted = select(func.count()).select_from(select(Customer).subquery())
        assert (await reading.session.execute(counted)).scalar_one() == 1
        assert (await reading.session.execute(select(Customer).where(col(Customer.id) == theirs))).all() == []


async def test_updates_and_deletes_touch_only_the_callers_rows(
    units: UnitsOfWork, tenant: TenantAccount, both: tuple[UUID, UUID]
) -> None:
    mine, theirs = both
    async with units.write(tenant.principal) as tx:
        await tx.session.execute(update(Customer).values(locale="de"))
    async with units.read(system()) as reading:
        rows = (await reading.session.execute(select(Customer.id, Customer.locale))).all()
        assert sorted(rows, key=str) == sorted([(mine, "de"), (theirs, None)], key=str)
    async with units.write(tenant.principal) as tx:
        await tx.session.execute(delete(Customer))
    async with units.read(system()) as reading:
        assert (await reading.session.execute(select(Customer.id))).scalars().all() == [theirs]


async def test_a_foreign_row_cannot_be_added(
    units: UnitsOfWork, tenant: TenantAccount, other_tenant: TenantAccount
) -> None:
    now = clock.now()
    with pytest.raises(RuntimeError, match="Customer of another tenant"):
        async with units.write(tenant.principal) as tx:
            tx.session.add(Customer(tenant_id=other_tenant.id, id=new_id(), created_at=now, updated_at=now))
    async with units.read(system()) as reading:
        assert (await reading.session.execute(select(func.count()).select_from(Customer))).scalar_one() == 0


async def test_the_system_sees_every_tenant(units: UnitsOfWork, both: tuple[UUID, UUID]) -> None:
    async with units.read(system()) as reading:
        assert set((await reading.session.execute(select(Customer.id))).scalars()) == set(both)


async def test_a_public_unit_that_enters_a_tenant_is_narrowed_from_then_on(
    units: UnitsOfWork, tenant: TenantAccount, both: tuple[UUID, UUID]
) -> None:
    async with units.write(PUBLIC) as tx:
        await tx.enter(tenant.principal)
        assert (await tx.session.execute(select(Customer.id))).scalars().all() == [both[0]]
        if not units._database.is_sqlite:
            unnarrowed = await tx.session.execute(text("SELECT count(*) FROM customers"))
            assert unnarrowed.scalar_one() == 1


@pytest.fixture
async def postgres(settings: Settings, both: tuple[UUID, UUID]) -> AsyncIterator[Database]:
    """The database through one connection only, so that whatever leaks to the next checkout is seen."""
    database = Database(settings.model_copy(update={"pool_size": 1, "readers": 1}))
    await database.open()
    yield database
    await database.close()


COUNT = text("SELECT count(*) FROM customers")


@ON_POSTGRES
async def test_row_level_security_binds_the_role_we_run_as(postgres: Database) -> None:
    async with postgres.writer.connect() as connection:
        bypass = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert (await connection.execute(bypass)).scalar_one() is False


@ON_POSTGRES
async def test_without_a_tenant_no_row_is_seen(postgres: Database) -> None:
    async with postgres.writer.connect() as connection:
        assert (await connection.execute(COUNT)).scalar_one() == 0


@ON_POSTGRES
async def test_the_tenant_of_a_unit_does_not_leak_to_the_next_checkout(
    postgres: Database, tenant: TenantAccount
) -> None:
    units = UnitsOfWork(postgres)
    for principal, seen in ((tenant.principal, 1), (system(), 2)):
        async with units.write(principal) as tx:
            assert (await tx.session.execute(COUNT)).scalar_one() == seen
        async with postgres.writer.connect() as connection:
            assert (await connection.execute(COUNT)).scalar_one() == 0
    units.services.close()


@ON_POSTGRES
async def test_sql_behind_the_orms_back_cannot_reach_another_tenant(
    postgres: Database, tenant: TenantAccount, both: tuple[UUID, UUID]
) -> None:
    mine, theirs = both
    units = UnitsOfWork(postgres)
    async with units.write(tenant.principal) as tx:
        rows = await tx.session.execute(text("UPDATE customers SET locale = 'fr' RETURNING id"))
        assert rows.scalars().all() == [mine]
        gone = await tx.session.execute(text("DELETE FROM customers WHERE id = :id RETURNING id"), {"id": theirs})
        assert gone.all() == []
    units.services.close()


@ON_POSTGRES
async def test_a_foreign_row_cannot_be_written_behind_the_orms_back(
    postgres: Database, tenant: TenantAccount, other_tenant: TenantAccount
) -> None:
    units = UnitsOfWork(postgres)
    stolen = "INSERT INTO customers VALUES (:tenant, :id, 'active', NULL, '{}', NULL, NULL, NULL, now(), now())"
    moved = "UPDATE customers SET tenant_id = :tenant"
    theirs = {"tenant": other_tenant.id}
    for statement, values in ((stolen, {**theirs, "id": new_id()}), (moved, theirs)):
        with pytest.raises(DBAPIError, match="row-level security"):
            async with units.write(tenant.principal) as tx:
                await tx.session.execute(text(statement).bindparams(**values))
    async with postgres.writer.begin() as connection:
        await connection.execute(text("SELECT set_config('app.system', 'on', true)"))
        assert (await connection.execute(COUNT)).scalar_one() == 2
    units.services.close()


@ON_POSTGRES
async def test_the_planners_connections_show_each_caller_their_own_rows(
    postgres: Database, tenant: TenantAccount, other_tenant: TenantAccount, both: tuple[UUID, UUID]
) -> None:
    seen = []
    for tenant_id in (tenant.id, other_tenant.id, None, other_tenant.id, tenant.id, tenant.id):
        seen.append(
            await postgres.statements.cell("SELECT json_agg(id)::text FROM customers WHERE $1::bool", [True], tenant_id)
        )
    mine, theirs = (f'["{customer_id}"]' for customer_id in both)
    assert seen == [mine, theirs, None, theirs, mine, mine]
