"""A server that is killed during builds and live changes has the members that the reference says, afterwards.

``SEGMENT_KILLS=20`` kills so often.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

import httpx2
import pytest
import time_machine

from app.actions.accounts import create_api_key
from app.actions.customers import CustomerFacts, CustomerRef, identify_many
from app.actions.events import NewEvent, track_many
from app.actions.following import Following
from app.actions.segments import create_segment, list_segments, update_segment
from app.core import clock
from app.core.access import ALL_SCOPES
from app.core.database import Database
from app.core.jobs.rows import release_lost
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from app.runtime.alarm import Alarm
from tests.segments.stored import expected_members, stored_members, stored_people
from tests.serving import Served
from tests.tenants import TenantAccount

KILLS = int(os.environ.get("SEGMENT_KILLS") or 2)
PEOPLE, SENDERS, WAIT_S = 400, 4, 60.0
PLANS = ("pro", "free")


def rules(turn: int) -> list[dict[str, object]]:
    """Rules that find other people at every turn."""
    return [
        {"attribute": {"name": "plan", "is": {"equals": PLANS[turn % 2]}}},
        {"event": {"name": "visit", "count": {"atLeast": 1 + turn % 3}}},
        {"event": {"name": "visit", "within": {"last": {"minutes": 1 + turn % 2}}}},
    ]


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[UnitsOfWork]:
    """Units of work beside a server that runs, or while none does."""
    database = Database(settings)
    units = UnitsOfWork(database, follow=Following())
    try:
        yield units
    finally:
        units.services.close()
        await database.close()


async def begin(settings: Settings, tenant: TenantAccount) -> str:
    """People with visits, segments that nobody has built, and a key."""
    visits = [NewEvent(CustomerRef("external_id", f"u{n}"), "visit") for n in range(0, PEOPLE, 2)]
    facts = [CustomerFacts(external_id=f"u{n}", attributes={"plan": PLANS[n % 3 % 2]}) for n in range(PEOPLE)]
    async with opened(settings) as units:
        async with units.write(tenant.principal) as tx:
            await identify_many(tx, facts)
            await track_many(tx, visits)
        async with units.write(tenant.principal) as tx:
            for number, rule in enumerate(rules(0)):
                await create_segment(tx, name=f"segment {number}", rule=rule)
            return (await create_api_key(tx, name="test", scopes=ALL_SCOPES)).key_text


async def turn_over(settings: Settings, tenant: TenantAccount, turn: int) -> None:
    """Gives every segment another rule, and the jobs of the dead process to the next one."""
    async with opened(settings) as units, units.write(tenant.principal) as tx:
        await release_lost(tx.session, tx.now, everything=True)
        segments, _ = await list_segments(tx, limit=10)
        for segment, rule in zip(segments, rules(turn), strict=True):
            await update_segment(tx, segment_id=segment.id, rule=rule)


async def send(url: str, key: str, chance: Random) -> None:
    """Tells of visits and plans until it is cancelled; what the server does not answer may have happened or not."""
    async with httpx2.AsyncClient(base_url=f"{url}/customerio", headers={"Authorization": f"Bearer {key}"}) as client:
        while True:
            person = f"/api/v1/customers/u{chance.randrange(PEOPLE)}"
            with contextlib.suppress(httpx2.HTTPError):
                if chance.random() < 0.7:
                    await client.post(f"{person}/events", json={"name": "visit"})
                else:
                    await client.put(person, json={"plan": chance.choice(PLANS)})


async def ready(settings: Settings, tenant: TenantAccount) -> None:
    async with opened(settings) as units, asyncio.timeout(WAIT_S):
        while True:
            async with units.read(tenant.principal) as reading:
                segments, _ = await list_segments(reading, limit=10)
            if {segment.state for segment in segments} == {"ready"}:
                return
            await asyncio.sleep(0.1)


async def check(settings: Settings, tenant: TenantAccount) -> int:
    """Compares at a moment at which everything that was due is worked off. Returns how many memberships there are."""
    later = clock.now() + timedelta(seconds=1)
    async with opened(settings) as units:
        with time_machine.travel(later, tick=False):
            await Alarm(units).work_off()
        people = await stored_people(units, tenant.id)
        found = await stored_members(units, tenant.id)
        assert found == await expected_members(units, tenant.id, people, found, later)
    return sum(map(len, found.values()))


@pytest.fixture
def server(settings: Settings) -> Iterator[Served]:
    own = {"RAPPORT_RATE_LIMITS": "false", "RAPPORT_LOG_LEVEL": "warning"}
    served = Served(settings, **own)
    yield served
    served.kill()


@pytest.mark.timeout(120 + 30 * KILLS)
async def test_members_are_right_after_the_server_was_killed(
    settings: Settings, tenant: TenantAccount, server: Served
) -> None:
    chance = Random(KILLS)
    key = await begin(settings, tenant)
    for turn in range(1, KILLS + 1):
        await asyncio.to_thread(server.start)
        senders = [asyncio.create_task(send(server.url, key, chance)) for _ in range(SENDERS)]
        await asyncio.sleep(chance.uniform(0.05, 1.0))
        await asyncio.to_thread(server.kill)
        for sender in senders:
            sender.cancel()
        await asyncio.wait(senders)
        await turn_over(settings, tenant, turn)
    await asyncio.to_thread(server.start)
    await ready(settings, tenant)
    assert await asyncio.to_thread(server.stop) == 0
    assert await check(settings, tenant) > PEOPLE // 4
