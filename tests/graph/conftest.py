"""Fixtures of the tests of the graph: an engine over a running inside, and callers with tenants of their own."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from app.core.settings import Settings
from app.runtime import Runtime
from asgi import create_runtime
from resolvers.engine import GraphEngine
from tests.graph.callers import Caller
from tests.tenants import insert_tenant

_number = count(1)


@pytest.fixture(scope="module")
async def house(module_settings: Settings) -> AsyncIterator[Runtime]:
    """The running inside of a server, for all tests of a module."""
    runtime = create_runtime(module_settings, runs_jobs=False)
    await runtime.start()
    yield runtime
    await runtime.stop()


@pytest.fixture(scope="module")
def engine(house: Runtime) -> GraphEngine:
    return GraphEngine(house)


@pytest.fixture
async def owner(house: Runtime, engine: GraphEngine) -> Caller:
    """The owner of a new tenant, who may do everything."""
    return await new_owner(house, engine)


@pytest.fixture
async def stranger(house: Runtime, engine: GraphEngine) -> Caller:
    """The owner of another new tenant."""
    return await new_owner(house, engine)


async def new_owner(house: Runtime, engine: GraphEngine) -> Caller:
    account = await insert_tenant(house.units, f"Acme{next(_number)}")
    return Caller(engine, house, account.principal)
