"""A process starts, stops, and lives through a Redis that is killed and comes back."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.actions import maintenance
from app.core import clock
from app.core.access import system
from app.core.errors import Forbidden
from app.core.ids import new_id
from app.core.migrations import downgrade, is_current
from app.core.realtime.hub import Draining
from app.core.settings import Settings
from app.runtime import Runtime, SchemaBehind
from models import FeedEntry, Job, RefreshToken, Session
from tests.servers import free_port
from tests.tenants import TenantAccount
from workers import HANDLERS

ON_POSTGRES = pytest.mark.parametrize("backend", ["postgres"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
TOPIC = "customer:1"


async def test_a_commit_rings_whoever_listens_to_its_topic(runtime: Runtime, tenant: TenantAccount) -> None:
    async with runtime.hub.listen(tenant.id, TOPIC) as listener:
        async with runtime.write(tenant.principal) as tx:
            tx.emit(TOPIC, "event", tenant.id)
            waiting = asyncio.create_task(listener.wait())
        async with asyncio.timeout(5):
            await waiting


async def test_the_embedded_database_migrates_itself(tmp_path: Path) -> None:
    runtime = Runtime(Settings(data_dir=tmp_path / "fresh", database_url="", redis_url=""))
    await runtime.start()
    assert await is_current(runtime.database)
    await runtime.stop()


@ON_POSTGRES
async def test_a_postgres_schema_that_is_behind_is_refused_with_the_command(settings: Settings) -> None:
    runtime = Runtime(settings)
    await downgrade(runtime.database, "base")
    with pytest.raises(SchemaBehind, match="rapport migrate"):
        await runtime.start()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("hub", "job", "nudges"))]


@ON_SQLITE
async def test_a_second_process_on_one_file_is_refused_and_leaves_nothing(settings: Settings) -> None:
    first, second = Runtime(settings), Runtime(settings)
    await first.start()
    with pytest.raises(RuntimeError, match="in use by another process"):
        await second.start()
    await first.stop()
    third = Runtime(settings)
    await third.start()
    await third.stop()


async def test_draining_ends_streams_while_requests_are_still_answered(runtime: Runtime, tenant: TenantAccount) -> None:
    async with runtime.hub.listen(tenant.id, TOPIC) as listener:
        runtime.drain()
        with pytest.raises(Draining):
            await listener.wait()
        async with runtime.write(tenant.principal) as tx:
            tx.emit(TOPIC, "event", tenant.id)


async def test_stopping_is_bounded_and_may_be_repeated(settings: Settings) -> None:
    runtime = Runtime(settings, HANDLERS)
    await runtime.start()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await runtime.stop()
    await runtime.stop()
    assert loop.time() - began < 5
    await Runtime(settings).stop()


def what_ended_at(moment: datetime, tenant: TenantAccount) -> list[Any]:
    """A session with a token, and jobs in three states, all of one moment."""
    session_id = new_id()
    jobs = [
        Job(id=new_id(), kind="k", payload={}, state=state, run_at=moment, created_at=moment, finished_at=moment)
        for state in ("done", "dead", "due")
    ]
    return [
        Session(id=session_id, user_id=tenant.user_id, tenant_id=tenant.id, created_at=moment),
        RefreshToken(token_hash=session_id.hex, session_id=session_id, created_at=moment, expires_at=moment),
        *jobs,
    ]


async def test_upkeep_removes_what_has_served_its_time_and_nothing_else(
    runtime: Runtime, tenant: TenantAccount
) -> None:
    new = clock.now()
    old = new - timedelta(days=40)
    async with runtime.write(tenant.principal) as tx:
        tx.emit(TOPIC, "event", tenant.id)
        tx.emit(TOPIC, "event", tenant.id)
    async with runtime.write(system()) as tx:
        await tx.session.execute(update(FeedEntry).where(col(FeedEntry.position) == 1).values(created_at=old))
        for row in [*what_ended_at(old, tenant), *what_ended_at(new, tenant)]:
            tx.session.add(row)
            await tx.session.flush()
    for kind in ("feed.trim", "tokens.purge", "jobs.purge"):
        await HANDLERS[kind].run(runtime, {}, None)
    async with runtime.read(system()) as reading:
        execute = reading.session.execute
        assert (await execute(select(FeedEntry.position))).scalars().all() == [2]
        assert (await execute(select(RefreshToken.created_at))).scalars().all() == [new]
        assert (await execute(select(Session.created_at))).scalars().all() == [new]
        left = {tuple(row) for row in await execute(select(Job.state, Job.run_at).where(col(Job.kind) == "k"))}
        assert left == {("due", old), ("due", new), ("done", new), ("dead", new)}


async def test_upkeep_is_refused_to_everybody_but_the_system(runtime: Runtime, tenant: TenantAccount) -> None:
    for verb in (maintenance.purge_tokens, maintenance.purge_sessions, maintenance.purge_jobs):
        with pytest.raises(Forbidden):
            async with runtime.write(tenant.principal) as tx:
                await verb(tx, limit=1)
    with pytest.raises(Forbidden):
        async with runtime.write(tenant.principal) as tx:
            await maintenance.trim_feed(tx, older_than=timedelta(0), limit=1)


class OwnRedis:
    """A Redis of this test's own, to be killed and started again on the same port."""

    def __init__(self, program: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis: no redis-server found")
    redis = OwnRedis(program)
    yield redis
    redis.kill()


@ON_POSTGRES
async def test_commits_and_hints_go_on_when_redis_is_killed_and_comes_back(
    settings: Settings, tenant: TenantAccount, own_redis: OwnRedis
) -> None:
    settings = settings.model_copy(update={"redis_url": own_redis.url})
    here, there = Runtime(settings), Runtime(settings)
    await here.start()
    await there.start()

    async def write() -> None:
        async with asyncio.timeout(2), here.write(tenant.principal) as tx:
            tx.emit(TOPIC, "event", tenant.id)

    async def heard(listener: object, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await listener.wait()  # type: ignore[attr-defined]
        except TimeoutError:
            return False
        return True

    async def connected(is_so: bool) -> None:
        async with asyncio.timeout(20):
            while (here.hub.connected, there.hub.connected) != (is_so, is_so):
                await asyncio.sleep(0.02)

    async with here.hub.listen(tenant.id, TOPIC) as mine, there.hub.listen(tenant.id, TOPIC) as theirs:
        await connected(True)
        await write()
        assert await heard(mine, 1)
        assert await heard(theirs, 2)
        own_redis.kill()
        await connected(False)
        while await heard(mine, 0.1) or await heard(theirs, 0.1):
            pass
        await write()
        assert await heard(mine, 0.5)
        assert not await heard(theirs, 0.5)
        own_redis.start()
        assert await heard(theirs, 15), "the hint of the outage did not arrive after it"
        await connected(True)
        while await heard(theirs, 0.2):
            pass
        await write()
        assert await heard(theirs, 2)
    await here.stop()
    await there.stop()
