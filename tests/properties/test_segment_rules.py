"""Rules mean the same in both databases and in the reference: random rules over random people and histories.

``SEGMENT_EXAMPLES=5000`` asks for so many rules on each database, other ones than the gate's.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.core.access import system
from app.core.batches import among
from app.core.database import Database
from app.core.services import Services
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from app.segments import CUSTOMERS, Rule, compile_rule, members_of, parameters_of, parse_rule, to_json, verdicts_of
from tests.segments.people import NOW, STEPS, Crowd, CrowdMaker, insert_crowd
from tests.segments.reference import Person, is_member, moment_of
from tests.segments.writing_rules import RuleWriter

EXAMPLES = int(os.environ.get("SEGMENT_EXAMPLES") or 0)
PROFILE = hypothesis_settings(
    max_examples=EXAMPLES or 100,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
PEOPLE = 120
TOGETHER = 4
"""Rules evaluated in one statement for a handful."""
PROBES = 12


@dataclass
class World:
    """Two tenants' people in a database, in an event loop of its own; rules are asked about the first one's."""

    runner: asyncio.Runner
    units: UnitsOfWork
    dialect: str
    crowd: Crowd
    counts: Counter[str] = field(default_factory=Counter)

    def members(self, rule: Rule, now: datetime) -> set[UUID]:
        """The members by the condition for all customers."""
        compiled = compile_rule(rule, self.dialect, whole=True)
        parameters = compiled.parameters(self.crowd.tenant_id, now)

        async def read() -> set[UUID]:
            async with self.units.read(system(self.crowd.tenant_id)) as reading:
                found = await reading.session.execute(members_of(compiled), parameters)
                return set(found.scalars())

        return self.runner.run(read())

    def verdicts(self, rules: list[Rule], people: list[Person], now: datetime) -> dict[UUID, list[Any]]:
        """For each of a handful, verdict and flip of each rule in turn, in one statement."""
        compiled = [compile_rule(rule, self.dialect, whole=False) for rule in rules]
        parameters = parameters_of(compiled, self.crowd.tenant_id, now)

        async def read() -> dict[UUID, list[Any]]:
            async with self.units.read(system(self.crowd.tenant_id)) as reading:
                handful = among(reading.session, CUSTOMERS.c.id, [person.id for person in people])
                rows = await reading.session.execute(verdicts_of(compiled).where(handful), parameters)
                return {row[0]: list(row[1:]) for row in rows}

        return self.runner.run(read())


@pytest.fixture(scope="module")
def world(module_settings: Settings, backend: str) -> Iterator[World]:
    maker = CrowdMaker(Random(EXAMPLES))
    crowd, strangers = maker.make(PEOPLE), maker.make(20)
    with asyncio.Runner() as runner:
        database = Database(module_settings)
        units = UnitsOfWork(database, services=Services.of(module_settings))
        for inserted in (crowd, strangers):
            runner.run(insert_crowd(units, inserted))
        yield World(runner, units, "sqlite" if backend == "sqlite" else "postgresql", crowd)
        units.services.close()
        runner.run(database.close())


@pytest.mark.timeout(3600 if EXAMPLES else 300)
def test_both_databases_find_whom_the_reference_finds(world: World) -> None:
    """For all customers at once, and for a handful by several rules in one statement; and nothing flips too late."""

    @PROFILE
    @given(chance=st.randoms(use_true_random=True))
    def check(chance: Random) -> None:
        writer = RuleWriter(chance, world.crowd.segments)
        documents = [writer.rule(chance.randint(1, 4)) for _ in range(TOGETHER)]
        rules = [parse_rule(document) for document in documents]
        now = NOW + timedelta(seconds=chance.choice([0, *STEPS]), microseconds=chance.choice([0, 0, 1, -1]))
        for rule in rules:
            expected = {person.id for person in world.crowd.people if is_member(rule, person, now)}
            found = world.members(rule, now)
            assert found == expected, _difference(world, rule, found ^ expected, now)
            world.counts["rules"] += 1
            world.counts["members"] += len(expected)
        check_handful(world, rules, chance.sample(world.crowd.people, 20), now, chance)

    check()
    print(f"\n{dict(world.counts)}")  # noqa: T201 - shown with -s: the figures of a long run
    assert world.counts["members"] > world.counts["rules"]
    assert world.counts["flips"] > EXAMPLES


def check_handful(world: World, rules: list[Rule], people: list[Person], now: datetime, chance: Random) -> None:
    verdicts = world.verdicts(rules, people, now)
    assert set(verdicts) == {person.id for person in people}
    for person in people:
        for place, rule in enumerate(rules):
            held, flip = verdicts[person.id][2 * place : 2 * place + 2]
            assert bool(held) == is_member(rule, person, now), _difference(world, rule, {person.id}, now)
            world.counts["flips"] += flip is not None
            assert flip is None or flip > now
            for moment in probes(rule, person, now, flip, chance):
                assert is_member(rule, person, moment) == bool(held), (to_json(rule), person, now, flip, moment)


def probes(rule: Rule, person: Person, now: datetime, flip: datetime | None, chance: Random) -> list[datetime]:
    """Moments after now and before the flip at which something about this person could change."""
    values = [moment_of(value) for value in person.attributes.values()]
    values += [person.created_at, person.updated_at, *(used for _, used in person.devices)]
    values += [moment for talk in person.talks for moment in (talk.created_at, talk.waiting_since, talk.closed_at)]
    known = [value for value in values if value is not None] + [event.occurred_at for event in person.events]
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    near = [midnight + timedelta(days=chance.randint(1, 800)) for _ in range(4)]
    steps = (*STEPS, 90 * 86_400)
    near += [m + timedelta(seconds=sign * step) for m in known for step in steps for sign in (1, -1)]
    near += [] if flip is None else [flip - timedelta(microseconds=1), now + (flip - now) / 2]
    between = [moment for moment in near if now < moment and (flip is None or moment < flip)]
    return chance.sample(between, min(PROBES, len(between)))


def _difference(world: World, rule: Rule, ids: set[UUID], now: datetime) -> str:
    people = [person for person in world.crowd.people if person.id in ids]
    return f"{to_json(rule)}\n{now}\n{people[:1]}\n{len(people)} people"
