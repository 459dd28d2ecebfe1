"""Fixtures of the tests of actions."""

import pytest

from app.core.tx import UnitsOfWork
from tests.actions.people import People
from tests.tenants import TenantAccount


@pytest.fixture
async def people(units: UnitsOfWork, tenant: TenantAccount) -> People:
    """The owner of a tenant, who may do everything."""
    return People(units, tenant.principal)


@pytest.fixture
async def strangers(units: UnitsOfWork, other_tenant: TenantAccount) -> People:
    """The owner of another tenant on the same database."""
    return People(units, other_tenant.principal)
