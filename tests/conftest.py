"""Fixtures of every test. What touches data runs twice: on SQLite in one process, and on Postgres with Redis.

``settings`` names a fresh database whose schema is made; ``database`` and ``units`` are opened on it; ``runtime`` is
the whole running inside of a server on it. Use either ``units`` or ``runtime.units`` in one test, not both.
"""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import asyncpg
import pytest
import redis

from app.actions.following import Following
from app.core.database import Database
from app.core.garbage import rest_collector
from app.core.migrations import upgrade
from app.core.services import Services
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from app.runtime import Runtime
from tests.servers import ServerMissing, Servers, forget_the_killed, required
from tests.tenants import TenantAccount, create_tenant, insert_tenant
from workers import HANDLERS

SECRET = "the tests' own secret, which signs nothing else"
_missing: Counter[str] = Counter()
DROP_ATTEMPTS = 20


def pytest_configure(config: pytest.Config) -> None:
    given = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("RAPPORT_")]:
        del os.environ[name]
    is_worker = hasattr(config, "workerinput")
    if is_worker:
        given |= config.workerinput["servers"]
    config.stash[SERVERS] = Servers(given)
    if not is_worker:
        forget_the_killed()
        if (directory := config.stash[SERVERS].directory_in_memory()) is not None:
            os.environ["PYTEST_DEBUG_TEMPROOT"] = directory
    config.stash[REQUIRED] = required(given)


def pytest_configure_node(node: object) -> None:
    """The controller of pytest-xdist starts the servers; its workers are told where they are."""
    config = node.config  # type: ignore[attr-defined]
    environment = {"RAPPORT_TEST_REQUIRE": ",".join(config.stash[REQUIRED])}
    node.workerinput["servers"] = config.stash[SERVERS].urls() | environment  # type: ignore[attr-defined]


def pytest_collection_finish() -> None:
    """As the server does."""
    rest_collector()


def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVERS in config.stash:
        config.stash[SERVERS].stop()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "setup" and report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason.startswith(("Postgres:", "Redis:", "Chromium:", "Node:")):
            _missing[reason] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reason, count in sorted(_missing.items()):
        terminalreporter.write_line(f"NOT RUN  {count} tests need {reason}", yellow=True)


SERVERS = pytest.StashKey[Servers]()
REQUIRED = pytest.StashKey[set[str]]()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    return pytestconfig.stash[SERVERS]


@pytest.fixture(scope="session")
def postgres_url(servers: Servers, pytestconfig: pytest.Config) -> str:
    """The database server (``…/postgres``); skips where there is none."""
    try:
        return servers.postgres_url
    except ServerMissing as missing:
        _skip_or_fail(pytestconfig, "postgres", str(missing))


@pytest.fixture(scope="session")
def redis_server(servers: Servers, pytestconfig: pytest.Config) -> str:
    """The Redis server, without a database number; skips where there is none."""
    try:
        return servers.redis_url
    except ServerMissing as missing:
        _skip_or_fail(pytestconfig, "redis", str(missing))


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config) -> str:
    """The path of a Chromium that Playwright can drive; skips where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        _skip_or_fail(pytestconfig, "chromium", "Chromium: no chromium found")
    return path


@pytest.fixture
def redis_url(redis_server: str, worker_id: str) -> str:
    """An emptied Redis database of this test process; skips where there is no Redis."""
    return emptied(redis_server, worker_id)


def emptied(server: str, worker_id: str) -> str:
    """The Redis database of a test process, emptied."""
    url = f"{server}/{worker_id.removeprefix('gw') if worker_id != 'master' else 0}"
    with redis.Redis.from_url(url) as connection:
        connection.flushdb()
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded database with the schema and no rows."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("template"), database_url="", redis_url="", secret=SECRET)
    asyncio.run(_make_schema(settings))
    return settings.sqlite_path


@pytest.fixture(scope="session")
def postgres_execute(postgres_url: str) -> Iterator[Callable[[str], None]]:
    """Runs a statement that makes or drops a database, on one connection for the session."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(postgres_url))
        yield lambda statement: runner.run(_execute(connection, statement))
        runner.run(connection.close())


@pytest.fixture(scope="session")
def postgres_template(
    postgres_url: str,
    postgres_execute: Callable[[str], None],
    tmp_path_factory: pytest.TempPathFactory,
    worker_id: str,
) -> Iterator[str]:
    """The name of a database with the schema and no rows."""
    name = f"template_{worker_id}_{uuid4().hex[:8]}"
    postgres_execute(f"CREATE DATABASE {name}")
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("template"), database_url=_with_name(postgres_url, name), secret=SECRET
    )
    asyncio.run(_make_schema(settings))
    yield name
    postgres_execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"], scope="module")
def backend(request: pytest.FixtureRequest) -> str:
    """Which database this run of the test is on."""
    return str(request.param)


@pytest.fixture
def settings(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Settings of a fresh database with the schema: SQLite alone, or Postgres with Redis."""
    with fresh_settings(backend, tmp_path / "data", request) as settings:
        yield settings


@pytest.fixture(scope="module")
def module_settings(
    backend: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """The same for all tests of a module, which must then keep out of each other's way (a tenant each)."""
    with fresh_settings(backend, tmp_path_factory.mktemp("module") / "data", request) as settings:
        yield settings


@contextmanager
def fresh_settings(backend: str, data_dir: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    data_dir.mkdir()
    if backend == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), data_dir / "rapport.db")
        yield Settings(data_dir=data_dir, database_url="", redis_url="", secret=SECRET, demo=False)
        return
    server, template = request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres_template")
    execute = request.getfixturevalue("postgres_execute")
    redis_url = emptied(request.getfixturevalue("redis_server"), request.getfixturevalue("worker_id"))
    name = f"test_{uuid4().hex}"
    execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    url = _with_name(server, name)
    yield Settings(data_dir=data_dir, database_url=url, redis_url=redis_url, secret=SECRET, demo=False)
    execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The database, opened."""
    database = Database(settings)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """What actions use besides the database."""
    services = Services.of(settings)
    yield services
    services.close()


@pytest.fixture
async def units(database: Database, services: Services) -> UnitsOfWork:
    """Units of work on the database, with live segments; nobody is told of commits."""
    return UnitsOfWork(database, services=services, follow=Following())


@pytest.fixture
async def runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """The running inside of a server, started."""
    runtime = Runtime(settings, HANDLERS)
    await runtime.start()
    yield runtime
    await runtime.stop()


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> UnitsOfWork | None:
    """The units of work that the test has, if it has any."""
    if "runtime" in request.fixturenames:
        runtime: Runtime = request.getfixturevalue("runtime")
        return runtime.units
    if "units" in request.fixturenames:
        units: UnitsOfWork = request.getfixturevalue("units")
        return units
    return None


@pytest.fixture
async def tenant(settings: Settings, opened: UnitsOfWork | None) -> TenantAccount:
    """A tenant with an owner."""
    return await (insert_tenant(opened, "Acme") if opened else create_tenant(settings, "Acme"))


@pytest.fixture
async def other_tenant(settings: Settings, opened: UnitsOfWork | None) -> TenantAccount:
    """A second tenant, which must never see or touch the first one's rows."""
    return await (insert_tenant(opened, "Globex") if opened else create_tenant(settings, "Globex"))


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """``gw0`` and so on under pytest-xdist, else ``master``."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "master"))


def _skip_or_fail(config: pytest.Config, name: str, reason: str) -> NoReturn:
    if name in config.stash[REQUIRED]:
        pytest.fail(f"required, but missing: {reason}", pytrace=False)
    pytest.skip(reason)


def _with_name(server: str, name: str) -> str:
    return f"{server.rsplit('/', 1)[0]}/{name}"


async def _execute(connection: asyncpg.Connection, statement: str) -> None:
    for attempt in range(DROP_ATTEMPTS):
        try:
            await connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            # A vacuum of the server's own is in a database that is to be dropped, which only a superuser could end.
            if attempt == DROP_ATTEMPTS - 1:
                raise
            await asyncio.sleep(0.5)
        else:
            return


async def _make_schema(settings: Settings) -> None:
    database = Database(settings)
    await upgrade(database)
    await database.close()
