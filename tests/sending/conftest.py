"""A running house with a campaign."""

import pytest

from app.runtime import Runtime
from tests.sending.mailing import Mailing
from tests.tenants import TenantAccount


@pytest.fixture
async def mailing(runtime: Runtime, tenant: TenantAccount) -> Mailing:
    """A campaign that is sending to nobody yet."""
    return await Mailing(runtime.units, tenant.id).begin()
