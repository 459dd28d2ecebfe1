"""Fixtures of the tests of actions."""

from collections.abc import AsyncIterator

import pytest

from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from tests.actions.campaigning import Marketer
from tests.actions.people import People
from tests.actions.talking import Office
from tests.tenants import TenantAccount


@pytest.fixture
async def people(units: UnitsOfWork, tenant: TenantAccount) -> People:
    """The owner of a tenant, who may do everything."""
    return People(units, tenant.principal)


@pytest.fixture
async def strangers(units: UnitsOfWork, other_tenant: TenantAccount) -> People:
    """The owner of another tenant on the same database."""
    return People(units, other_tenant.principal)


@pytest.fixture
async def office(units: UnitsOfWork, tenant: TenantAccount) -> Office:
    """A tenant with a widget on its site."""
    return await Office(units, tenant.principal).open()


@pytest.fixture
async def marketer(settings: Settings, tenant: TenantAccount) -> AsyncIterator[Marketer]:
    """The owner of a tenant, with the background work of campaigns at hand."""
    async with Marketer.at_work(settings, tenant.principal) as marketer:
        yield marketer
