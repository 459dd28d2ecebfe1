"""Live membership is what the reference says: whatever happens, in whatever order, and whenever one looks.

``LIVE_EXAMPLES=500`` asks for so many lives on each database, other ones than the gate's.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import delete, select
from sqlmodel import col

from app.actions.following import Following
from app.actions.segments.building import plan_build
from app.actions.segments.flipping import due_flips, next_flip
from app.core.access import system
from app.core.database import Database
from app.core.ids import new_id
from app.core.services import Services
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from app.runtime.alarm import Alarm
from app.segments import parse_rule, to_json
from models import Segment, SegmentFlip, Tenant
from tests.segments.living import Life
from tests.segments.people import NOW, STEPS
from tests.segments.stored import expected_members, stored_members, stored_people

EXAMPLES = int(os.environ.get("LIVE_EXAMPLES") or 0)
SEEDS = range(1000, 1000 + EXAMPLES) if EXAMPLES else range(8)
ROUNDS, AT_ONCE = 8, 3
FLIPS = 3
"""Moments of each life that the clock is moved across one by one, before it leaps."""
INSTANT = timedelta(microseconds=1)


@dataclass
class World:
    """One database, in an event loop of its own."""

    runner: asyncio.Runner
    units: UnitsOfWork
    counts: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def world(module_settings: Settings) -> Iterator[World]:
    with asyncio.Runner() as runner:
        database = Database(module_settings)
        units = UnitsOfWork(database, services=Services.of(module_settings), follow=Following())
        yield World(runner, units)
        units.services.close()
        runner.run(database.close())


@pytest.mark.timeout(7200 if EXAMPLES else 300)
def test_memberships_are_what_the_reference_says(world: World, backend: str) -> None:
    for seed in SEEDS:
        with time_machine.travel(NOW, tick=False) as clock:
            world.runner.run(live(world, Random(seed), clock, seed, together=backend == "postgres"))
    print(f"\n{dict(world.counts)}")  # noqa: T201 - shown with -s: the figures of a long run
    assert world.counts["members"] > len(SEEDS)
    assert world.counts["flips"] > len(SEEDS)


async def live(world: World, chance: Random, clock: Any, seed: int, *, together: bool) -> None:
    """One life. ``together``: some things happen at once, in units of work that wait for each other."""
    tenant_id, now = new_id(), NOW
    async with world.units.write(system(tenant_id)) as tx:
        row = {"id": tenant_id, "name": "T", "plan": "free", "feed_epoch": "e", "created_at": NOW, "updated_at": NOW}
        await tx.insert(Tenant, [row])
    life = Life(world.units, tenant_id, chance)
    await life.begin()
    for _ in range(chance.choice([0, 10])):
        await life.something(now)()
    await life.found()
    await life.build(part=True)
    for _ in range(ROUNDS):
        doings = [life.something(now) for _ in range(AT_ONCE)]
        if together:
            await asyncio.gather(*(doing() for doing in doings))
        else:
            for doing in doings:
                await doing()
        if chance.random() < 0.2:
            await chance.choice([life.change_rule, life.add_dynamic, life.drop_segment])()
        if chance.random() < 0.3:
            now += timedelta(seconds=chance.choice(STEPS))
            clock.move_to(now, tick=False)
    await life.build()
    await Alarm(world.units).work_off()
    await check(world, life, now, seed)
    await across_flips(world, life, now, clock, seed)
    async with world.units.write(system(tenant_id)) as tx:  # the next life's clock begins earlier, and is shared
        await tx.session.execute(delete(SegmentFlip))


async def across_flips(world: World, life: Life, now: datetime, clock: Any, seed: int) -> None:
    """Just before a moment nothing is different; at the moment it is as the reference says. Then the clock leaps."""
    for _ in range(FLIPS):
        due = await life.read(next_flip)
        if due is None:
            return
        assert due > now
        clock.move_to(due - INSTANT, tick=False)
        assert await life.read(due_flips, limit=1) == []
        await Alarm(world.units).work_off()  # lives that were lived before in this database go on
        await check(world, life, due - INSTANT, seed)
        clock.move_to(due, tick=False)
        world.counts["flips"] += await Alarm(world.units).work_off()
        await check(world, life, due, seed)
        now = due
    now += timedelta(seconds=life.chance.choice(STEPS), days=life.chance.choice([0, 1, 40, 400]))
    clock.move_to(now, tick=False)
    world.counts["flips"] += await Alarm(world.units).work_off()
    await check(world, life, now, seed)


async def check(world: World, life: Life, now: datetime, seed: int) -> None:
    """The members are those of the reference, and a whole build would find nothing to do."""
    tenant_id = life.caller.tenant_id
    assert tenant_id is not None
    people = await stored_people(world.units, tenant_id)
    found = await stored_members(world.units, tenant_id)
    for key, expected in (await expected_members(world.units, tenant_id, people, found, now)).items():
        assert found[key] == expected, (seed, now, await rule_of(world.units, tenant_id, key), found[key] ^ expected)
        world.counts["members"] += len(expected)
        plan = await life.read(plan_build, segment_id=key)
        assert plan.customers == [], (seed, now, await rule_of(world.units, tenant_id, key))


async def rule_of(units: UnitsOfWork, tenant_id: UUID, key: UUID) -> Any:
    async with units.read(system(tenant_id)) as reading:
        rule = (await reading.session.execute(select(col(Segment.rule)).where(col(Segment.id) == key))).scalar_one()
        return to_json(parse_rule(rule))
