"""Routing in running servers: agents who come and go in other processes, a process that dies, and the sweep."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.actions.conversations import agents as agents_module
from app.actions.conversations import close_conversation
from app.core import clock
from app.core.access import system
from app.core.realtime.presence import PresenceChange
from app.core.settings import Settings
from app.runtime import Runtime
from models import Agent, Conversation
from tests.actions.desks import Desk
from tests.actions.talking import Agents, Office
from tests.tenants import TenantAccount
from workers.conversations import reassign, sweep

ON_POSTGRES = pytest.mark.parametrize("backend", ["postgres"], indirect=True)
PROCESS = """
import asyncio, sys
from uuid import UUID
from app.core.realtime import presence
from app.core.settings import Settings
from app.runtime import Runtime, presence as keeper

presence.ANNOUNCE_S, presence.FORGET_S, keeper.RENEW_S = 0.2, 1.0, 0.3

async def main():
    runtime = Runtime(Settings.model_validate_json(sys.argv[1]))
    await runtime.start()
    with runtime.presence.here(UUID(sys.argv[2]), "agent", UUID(sys.argv[3])):
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def running_office(runtime: Runtime, tenant: TenantAccount) -> Office:
    """An office in a running server."""
    return await Office(runtime.units, tenant.principal).open()


async def until(true: Callable[[], Awaitable[bool]], within_s: float = 40) -> None:
    async with asyncio.timeout(within_s):
        while not await true():
            await asyncio.sleep(0.03)


def agent_key(agent: Agents) -> Any:
    assert agent.principal.id is not None
    return agent.principal.id


async def test_an_agent_who_comes_is_given_what_waits_and_one_who_goes_is_forgotten(
    runtime: Runtime, running_office: Office
) -> None:
    office = running_office
    ada = await office.colleague("Ada")
    desk = await Desk(office).open("least_busy", ada)
    _, waiting = await desk.asks()
    assert waiting.assignee_id is None
    changes = runtime.presence.changes(office.tenant_id)
    with runtime.presence.here(office.tenant_id, "agent", agent_key(ada)):
        assert await anext(aiter(changes)) == PresenceChange("agent", agent_key(ada), present=True)

        async def given() -> bool:
            return await desk.agent_of(waiting) == agent_key(ada)

        await until(given)
        assert (await desk.asks())[1].assignee_id == agent_key(ada)
    async with asyncio.timeout(5):
        assert await anext(aiter(changes)) == PresenceChange("agent", agent_key(ada), present=False)

    async def ended() -> bool:
        (row,) = await office.owner.rows(Agent)
        return bool(row["seen_at"] < clock.now() - timedelta(seconds=30))

    await until(ended)
    await desk.get_up(ada)
    assert (await desk.asks())[1].assignee_id is None


async def test_the_sweep_finds_what_nobody_has_told(runtime: Runtime, running_office: Office) -> None:
    office = running_office
    ada, bob = await office.colleague("Ada"), await office.colleague("Bob")
    desk = await Desk(office).open("least_busy", ada, bob, reassign_after_s=600)
    await desk.sit_down(ada, capacity=2)
    hers = [(await desk.asks())[1] for _ in range(2)]
    _, waiting = await desk.asks()
    await desk.backdate()
    await sweep(runtime, {}, None)
    assert [await desk.agent_of(one) for one in (*hers, waiting)] == [agent_key(ada)] * 2 + [None]
    async with office.units.write(system(office.tenant_id)) as tx:
        there = {"tenant_id": office.tenant_id, "user_id": agent_key(bob), "seen_at": clock.now(), "capacity": 2}
        tx.session.add(Agent(**there, created_at=clock.now(), updated_at=clock.now()))
    for _ in range(2):
        await sweep(runtime, {}, None)
        given = [await desk.agent_of(one) for one in (*hers, waiting)]
        # Bob has room for two. Ada's visitors have waited for too long; then there is room for nobody.
        assert given == [agent_key(bob), agent_key(bob), agent_key(ada)]
    lines = [await desk.lines(one) for one in hers]
    assert lines == [[("system", "assigned", "Ada"), ("system", "assigned", "Bob")]] * 2


@ON_POSTGRES
async def test_whoever_is_first_in_the_queue_is_not_passed_over_while_they_write(
    runtime: Runtime, running_office: Office
) -> None:
    office = running_office
    ada = await office.colleague("Ada")
    desk = await Desk(office).open("least_busy", ada)
    await desk.sit_down(ada, capacity=1)
    (_, hers), (_, first), (_, second) = [await desk.asks() for _ in range(3)]
    locked, done = asyncio.Event(), asyncio.Event()

    async def write_in_first() -> None:
        async with office.units.write(system(office.tenant_id)) as tx:
            await tx.session.execute(select(Conversation).where(col(Conversation.id) == first.id).with_for_update())
            locked.set()
            await done.wait()

    writing = asyncio.create_task(write_in_first())
    await locked.wait()
    async with asyncio.timeout(5):
        await ada.do(close_conversation, conversation_id=hers.id)
    assert [await desk.agent_of(one) for one in (first, second)] == [None, None]
    done.set()
    await writing

    async def given() -> bool:
        return await desk.agent_of(first) == agent_key(ada)

    await until(given)
    assert await desk.position(second) == 1


@asynccontextmanager
async def process_of(settings: Settings, office: Office, agent: Agents) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another server, in which the agent has an inbox open."""
    values = settings.model_copy(update={"data_dir": settings.data_dir}).model_dump_json()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, values, office.tenant_id.hex, agent_key(agent).hex
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@ON_POSTGRES
async def test_an_agent_of_another_process_is_there_until_it_is_killed_and_then_loses_who_waits(
    runtime: Runtime, running_office: Office, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "LEASE", timedelta(seconds=1.5))
    office = running_office
    ada, bob = await office.colleague("Ada"), await office.colleague("Bob")
    desk = await Desk(office).open("round_robin", ada, bob, reassign_after_s=600)
    _, waiting = await desk.asks()
    async with process_of(settings, office, ada) as process:

        async def given() -> bool:
            return await desk.agent_of(waiting) == agent_key(ada)

        await until(given)

        async def seen() -> bool:
            return runtime.presence.present(office.tenant_id, "agent") == {agent_key(ada)}

        await until(seen)
        await asyncio.sleep(1.8)
        assert await seen()
        assert (await desk.asks())[1].assignee_id == agent_key(ada)
        process.send_signal(signal.SIGKILL)
        await process.wait()

    async def forgotten() -> bool:
        return runtime.presence.present(office.tenant_id, "agent") == set()

    await until(forgotten)
    await asyncio.sleep(1)
    assert (await desk.asks())[1].assignee_id is None
    await desk.sit_down(bob)
    await desk.backdate()
    for _ in range(2):
        await reassign(runtime, {"conversation": waiting.id.hex}, office.tenant_id)
    assert await desk.agent_of(waiting) == agent_key(bob)
    routing = (await office.owner.conversation(waiting.id)).routing
    assert routing is not None
    assert routing["reason"] == "Ada has gone. Bob is the only one of the team who is free."
