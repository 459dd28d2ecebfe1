"""Segments: what 50 of them cost ingest, how soon a membership is seen, and a whole build against SQL by hand."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from app.actions.customers import CustomerFacts, CustomerRef
from app.actions.events import NewEvent
from app.actions.following import Following
from app.actions.segments import create_segment, get_segment, segments_of
from app.core import clock
from app.core.access import Principal, system
from app.core.database import Database
from app.core.ids import new_id
from app.core.migrations import upgrade
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from app.runtime import Runtime
from app.segments import compile_rule, members_of, read_rule
from benchmarks.ingest import CONNECTIONS, SPREAD
from benchmarks.load import Rate, Shot, fire
from benchmarks.world import SECRET, World, analyze, new_database, world
from models import Customer, Event, Identity, Tenant
from tests.segments.stored import expected_members, stored_members, stored_people
from tests.servers import Servers
from workers import HANDLERS

SEGMENTS = 50
NAMES = ("viewed", "bought", "returned", "opened", "clicked")
PACE, PACED_S, KNOWN = 500, 60, 1000
PEOPLE, EVENTS, STORED_AT_ONCE = 100_000, 1_000_000, 20_000


def run(servers: Servers) -> None:
    """Prints each on SQLite and on Postgres (with fsync)."""
    for title, of in (("sqlite", None), ("postgres", servers)):
        with world(of) as rapport:
            _ingest(title, rapport)
        with _settings(of) as settings:
            asyncio.run(_paced(title, settings))
        with _settings(of) as settings:
            asyncio.run(_whole(title, settings))


def rules() -> list[dict[str, Any]]:
    """Rules of every kind over five events; each event concerns ten of them."""
    made = []
    for number in range(SEGMENTS):
        event, step = {"name": NAMES[number % 5]}, number // 5
        amount = {"name": "amount", "is": {"moreThan": 10 * step}}
        asked: dict[str, Any] = (
            {"count": {"atLeast": 3 + step}},
            {"within": {"last": {"days": 30}}, "count": {"atLeast": 2 + step}},
            {"where": [{"property": amount}]},
            {"sum": {"property": "amount", "is": {"moreThan": 100 * step}}},
            {"last": {"inTheLast": {"days": 7 + step}}},
        )[(number + step) % 5]
        plan = {"attribute": {"name": "plan", "is": {"equals": ("pro", "free")[number % 2]}}}
        made.append({"and": [{"event": {**event, **asked}}, plan]})
    return [*made[:-1], {"event": {"name": "watched"}}]


async def _add_segments(units: UnitsOfWork, caller: Principal, wanted: Sequence[dict[str, Any]]) -> list[UUID]:
    async with units.write(caller) as tx:
        return [await create_segment(tx, name=f"segment {number}", rule=rule) for number, rule in enumerate(wanted)]


# ---- what it costs ingest -------------------------------------------------------------------------------------------


def _ingest(title: str, rapport: World) -> None:
    """The same single events, before there is any segment and with 50 of them."""
    headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {rapport.key}"))
    shot = Shot(f"{rapport.url}/", headers=headers, lua=SPREAD)
    without = _middle(shot)
    rapport.served.stop()
    asyncio.run(_with_segments(rapport))
    rapport.served.start()
    time.sleep(10)  # the builds
    if not rapport.settings.embedded:
        asyncio.run(analyze(rapport.settings.database_url))
    with_them = _middle(shot)
    for name, seen in ((f"no segments {'':9}", without), (f"{SEGMENTS} live segments {'':2}", with_them)):
        print(f"{title:9} {name} {seen.per_second:8.0f} events/s   p99 {seen.p99}   {seen.refused} refused")
    print(f"{title:9} ratio {with_them.per_second / without.per_second:25.2f} x", flush=True)


def _middle(shot: Shot) -> Rate:
    fire(shot, connections=CONNECTIONS, seconds=2)
    seen = [fire(shot, connections=CONNECTIONS, seconds=4) for _ in range(3)]
    return sorted(seen, key=lambda rate: rate.per_second)[1]


async def _with_segments(rapport: World) -> None:
    database = Database(rapport.settings)
    units = UnitsOfWork(database, follow=Following())
    await _add_segments(units, system(UUID(hex=rapport.tenant.removeprefix("tn_"))), rules())
    units.services.close()
    await database.close()


# ---- how soon it is seen --------------------------------------------------------------------------------------------


async def _paced(title: str, settings: Settings) -> None:
    """Events at a steady pace; of each tenth, how long after its answer its customer is seen in the segment. In the end
    everybody who has entered and left is held against the reference."""
    runtime, caller = await _started(settings)
    await _add_segments(runtime.units, caller, rules())
    for number in range(KNOWN):
        await runtime.ingest.identify(caller, CustomerFacts(external_id=f"u{number}", attributes={"plan": "pro"}))
    late: list[float] = []
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(PACE * PACED_S):
            await asyncio.sleep(max(0.0, began + number / PACE - time.perf_counter()))
            group.create_task(_one(runtime, caller, number, late))
    rate = PACE * PACED_S / (time.perf_counter() - began)
    stays = await _checked(runtime.units, caller)
    await runtime.stop()
    print(
        f"{title:9} {rate:.0f} events/s with {SEGMENTS} segments: answer to visible membership, p99 "
        f"{quantiles(late, n=100)[98] * 1000:.0f} ms of {len(late)}; {stays} stand, none lost, none doubled",
        flush=True,
    )


async def _checked(units: UnitsOfWork, caller: Principal) -> int:
    """How many memberships stand. Raises unless they are those of the reference, and what subscribers heard led there
    with nobody entering who was in, or leaving who was out."""
    assert caller.tenant_id is not None
    found = await stored_members(units, caller.tenant_id)
    people = await stored_people(units, caller.tenant_id)
    if found != await expected_members(units, caller.tenant_id, people, found, clock.now()):
        raise RuntimeError("memberships are not those of the reference")
    return sum(map(len, found.values()))


async def _one(runtime: Runtime, caller: Principal, number: int, late: list[float]) -> None:
    properties = {"amount": number % 100}
    watched = number % 10 == 0
    who = CustomerRef("external_id", f"new{number}" if watched else f"u{number % KNOWN}")
    name = "watched" if watched else NAMES[number // 10 % 5]
    tracked = await runtime.ingest.track(caller, NewEvent(who, name, properties))
    if not watched or tracked.customer_id is None:
        return
    answered = time.perf_counter()
    while True:
        async with runtime.read(caller) as reading:
            if await segments_of(reading, customer_id=tracked.customer_id):
                break
    late.append(time.perf_counter() - answered)


# ---- whole builds ---------------------------------------------------------------------------------------------------

ASKED = {
    "and": [
        {"attribute": {"name": "plan", "is": {"equals": "pro"}}},
        {
            "event": {
                "name": "bought",
                "where": [{"property": {"name": "amount", "is": {"moreThan": 50}}}],
                "count": {"atLeast": 2},
            }
        },
    ]
}
BY_HAND = {
    "sqlite": "SELECT count(*) FROM customers c WHERE c.tenant_id = :tenant AND c.status = 'active' "
    "AND json_extract(c.attributes, '$.plan') = 'pro' AND c.id IN (SELECT customer_id FROM events "
    "WHERE tenant_id = :tenant AND name = 'bought' AND json_extract(properties, '$.amount') > 50 "
    "GROUP BY customer_id HAVING count(*) >= 2)",
    "postgresql": "SELECT count(*) FROM customers c WHERE c.tenant_id = cast(:tenant AS uuid) AND c.status = 'active' "
    "AND c.attributes ->> 'plan' = 'pro' AND c.id IN (SELECT customer_id FROM events "
    "WHERE tenant_id = cast(:tenant AS uuid) AND name = 'bought' AND (properties ->> 'amount')::numeric > 50 "
    "GROUP BY customer_id HAVING count(*) >= 2)",
}
"""What somebody would write who knows that an amount is always a number."""


async def _whole(title: str, settings: Settings) -> None:
    """The rule's query against one by hand; then its build, during which single events are timed."""
    runtime, caller = await _started(settings)
    await _store(runtime, caller)
    ours, by_hand, found = await _queries(runtime, caller)
    print(
        f"{title:9} {PEOPLE} people, {EVENTS} events, {found} found: rule {ours * 1000:.0f} ms, by hand "
        f"{by_hand * 1000:.0f} ms   {ours / by_hand:.2f} x"
    )
    (segment_id,) = await _add_segments(runtime.units, caller, [ASKED])
    began, took = time.perf_counter(), []
    while True:
        started = time.perf_counter()
        who = CustomerRef("external_id", f"u{random.randrange(PEOPLE)}")
        await runtime.ingest.track(caller, NewEvent(who, "bought", {"amount": 60}))
        took.append(time.perf_counter() - started)
        async with runtime.read(caller) as reading:
            segment = await get_segment(reading, segment_id=segment_id)
        if segment.state == "ready":
            break
        await asyncio.sleep(0.005)
    print(
        f"{title:9} build of {segment.member_count} members {time.perf_counter() - began:.1f} s; meanwhile "
        f"{len(took)} single events, p99 {quantiles(took, n=100)[98] * 1000:.0f} ms",
        flush=True,
    )
    await runtime.stop()


async def _queries(runtime: Runtime, caller: Principal) -> tuple[float, float, int]:
    """The best of five of each, in seconds, and how many both find."""
    dialect = "sqlite" if runtime.database.is_sqlite else "postgresql"
    compiled = compile_rule(read_rule(ASKED), dialect, whole=True)
    counted = select(func.count()).select_from(members_of(compiled).subquery())
    tenant = caller.tenant_id
    assert tenant is not None
    asked: list[tuple[Any, Any]] = [
        (counted, compiled.parameters(tenant, clock.now())),
        (text(BY_HAND[dialect]), {"tenant": tenant.hex if dialect == "sqlite" else str(tenant)}),
    ]
    best, found = [60.0, 60.0], [0, 0]
    for _ in range(5):
        for place, (statement, parameters) in enumerate(asked):
            async with runtime.read(caller) as reading:
                began = time.perf_counter()
                found[place] = (await reading.session.execute(statement, parameters)).scalar_one()
                best[place] = min(best[place], time.perf_counter() - began)
    if found[0] != found[1]:
        raise RuntimeError(found)
    return best[0], best[1], found[0]


async def _store(runtime: Runtime, caller: Principal) -> None:
    """Puts people and events into the tables as they are."""
    chance, now = random.Random(7), clock.now()
    people = [new_id() for _ in range(PEOPLE)]
    stamps = {"created_at": now, "updated_at": now}
    for at in range(0, PEOPLE, STORED_AT_ONCE):
        some = list(enumerate(people[at : at + STORED_AT_ONCE], at))
        async with runtime.write(caller) as tx:
            plans = ({"plan": chance.choice(["pro", "free"])} for _ in some)
            rows = [{"id": key, "attributes": plan, **stamps} for (_, key), plan in zip(some, plans, strict=True)]
            await tx.insert(Customer, rows)
            named = {"kind": "external_id", "is_primary": True, "source": "graph", "created_at": now}
            await tx.insert(Identity, [{"id": new_id(), "customer_id": k, "value": f"u{n}", **named} for n, k in some])
    for _ in range(0, EVENTS, STORED_AT_ONCE):
        async with runtime.write(caller) as tx:
            await tx.insert(Event, [_event(chance, chance.choice(people), now) for _ in range(STORED_AT_ONCE)])
    if not runtime.database.is_sqlite:
        async with runtime.write(system()) as tx:
            await tx.session.execute(text("ANALYZE"))


def _event(chance: random.Random, customer_id: UUID, now: Any) -> dict[str, Any]:
    return {
        "id": new_id(),
        "customer_id": customer_id,
        "name": chance.choice(NAMES),
        "properties": {"amount": chance.randrange(10_000) / 100},
        "occurred_at": now - timedelta(minutes=chance.randrange(400_000)),
        "received_at": now,
        "source": "graph",
    }


# ---- servers --------------------------------------------------------------------------------------------------------


@contextmanager
def _settings(servers: Servers | None) -> Iterator[Settings]:
    with TemporaryDirectory(prefix="rapport-bench-") as directory:
        database = asyncio.run(new_database(servers.postgres_url)) if servers else ""
        yield Settings(data_dir=Path(directory), database_url=database, secret=SECRET, demo=False)


async def _started(settings: Settings) -> tuple[Runtime, Principal]:
    """A running server without its doors, and the owner of a tenant."""
    database = Database(settings)
    await upgrade(database)
    await database.close()
    runtime, caller = Runtime(settings, HANDLERS), system(new_id())
    await runtime.start()
    async with runtime.write(caller) as tx:
        stamps = {"created_at": tx.now, "updated_at": tx.now}
        row = {"id": tx.tenant_id, "name": "Bench", "plan": "enterprise", "feed_epoch": "bench", **stamps}
        await tx.insert(Tenant, [row])
    return runtime, caller
