"""Group commit: answers are committed, neighbours do not hurt each other, memory is bounded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from app.actions.customers import CustomerFacts
from app.actions.events import NewEvent
from app.core.access import Principal, Scope
from app.core.errors import Forbidden, IdentityConflict, Invalid, NotFound, Overloaded
from app.core.tx import Tx, UnitsOfWork
from app.runtime import ingest as ingest_module
from app.runtime.ingest import Ingest
from models import Customer, Event
from tests.actions.people import People, anon, by_id, ext


class CountingUnits(UnitsOfWork):
    """Units of work that count their commits, and that a test may hold back or break."""

    def __init__(self, units: UnitsOfWork) -> None:
        super().__init__(units._database)
        self.commits = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.break_units_over: int | None = None

    @asynccontextmanager
    async def write(self, principal: Principal) -> AsyncIterator[Tx]:
        await self.gate.wait()
        async with super().write(principal) as tx:
            yield tx
            rows = len(tx._feed)
            if self.break_units_over is not None and rows > self.break_units_over:
                raise OperationalError("COMMIT", {}, Exception("could not serialize access"))
        self.commits += 1


@pytest.fixture
def counting(people: People) -> CountingUnits:
    return CountingUnits(people.units)


async def test_what_arrives_together_is_committed_together(people: People, counting: CountingUnits) -> None:
    ingest = Ingest(counting)
    results = await asyncio.gather(
        *(ingest.track(people.principal, NewEvent(ext(f"u{n % 10}"), f"e{n}")) for n in range(200)),
        *(
            ingest.identify(people.principal, CustomerFacts(external_id=f"u{n}", attributes={"n": n}))
            for n in range(10)
        ),
    )
    assert counting.commits == 2  # who, then what
    assert len({result.event_id for result in results[:200]}) == 200
    assert {result.customer_id for result in results[:200]} == {result.customer_id for result in results[200:]}
    assert len(await people.rows(Event)) == 200
    assert len(await people.rows(Customer)) == 10


async def test_what_arrives_during_a_commit_shares_the_next_one(people: People, counting: CountingUnits) -> None:
    ingest = Ingest(counting)
    counting.gate.clear()
    first = asyncio.create_task(ingest.track(people.principal, NewEvent(ext("u1"), "first")))
    await asyncio.sleep(0.01)
    rest = [asyncio.create_task(ingest.track(people.principal, NewEvent(ext("u1"), f"e{n}"))) for n in range(600)]
    await asyncio.sleep(0.01)
    assert not first.done()
    counting.gate.set()
    await asyncio.gather(first, *rest)
    assert counting.commits == 3
    assert [row["name"] for row in await people.rows(Event)] == ["first", *(f"e{n}" for n in range(600))]


async def test_an_answer_is_readable_at_once(people: People) -> None:
    ingest = Ingest(people.units)
    for n in range(20):
        await ingest.track(people.principal, NewEvent(ext("u1"), f"e{n}"))
        assert len(await people.rows(Event)) == n + 1


async def test_a_refused_item_does_not_hurt_its_neighbours(people: People, counting: CountingUnits) -> None:
    await people.identify(external_id="a", email="a@example.com")
    ingest = Ingest(counting)
    results = await asyncio.gather(
        ingest.track(people.principal, NewEvent(ext("a"), "good")),
        ingest.track(people.principal, NewEvent(ext("a"), "")),
        ingest.track(people.principal, NewEvent(by_id(people.principal.tenant_id), "lost")),
        ingest.identify(people.principal, CustomerFacts(external_id="b", email="a@example.com")),
        ingest.identify(people.principal, CustomerFacts(external_id="b", email="b@example.com")),
        return_exceptions=True,
    )
    assert [type(result) for result in results[1:4]] == [Invalid, NotFound, IdentityConflict]
    assert results[4].created
    assert counting.commits == 2
    assert [row["name"] for row in await people.rows(Event)] == ["good"]


async def test_when_the_database_refuses_a_unit_each_item_gets_a_chance_alone(
    people: People, counting: CountingUnits
) -> None:
    ingest = Ingest(counting)
    counting.break_units_over = 2
    results = await asyncio.gather(
        *(ingest.track(people.principal, NewEvent(ext(f"u{n}"), "visit")) for n in range(5)),
        *(ingest.track(people.principal, NewEvent(anon("b1"), "visit")) for _ in range(2)),
    )
    assert counting.commits == 7
    assert len(await people.rows(Event)) == 7
    assert len({result.event_id for result in results}) == 7
    counting.break_units_over = 0
    with pytest.raises(OperationalError):
        await ingest.track(people.principal, NewEvent(ext("u1"), "visit"))
    assert len(await people.rows(Event)) == 7


async def test_tenants_and_callers_have_units_of_their_own(
    people: People, strangers: People, counting: CountingUnits
) -> None:
    ingest = Ingest(counting)
    door = people.principal.through("silocdp")
    await asyncio.gather(
        ingest.track(people.principal, NewEvent(ext("u1"), "ours")),
        ingest.track(door, NewEvent(ext("u1"), "through a door")),
        ingest.track(strangers.principal, NewEvent(ext("u1"), "theirs")),
    )
    assert counting.commits == 3
    assert {row["name"]: row["source"] for row in await people.rows(Event)} == {
        "ours": "graph",
        "through a door": "silocdp",
    }
    assert [row["name"] for row in await strangers.rows(Event)] == ["theirs"]


async def test_a_full_queue_refuses_and_recovers(
    people: People, counting: CountingUnits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "MAX_WAITING", 3)
    ingest = Ingest(counting)
    counting.gate.clear()
    accepted = [asyncio.create_task(ingest.track(people.principal, NewEvent(ext("u1"), f"e{n}"))) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await ingest.track(people.principal, NewEvent(ext("u1"), "too much"))
    counting.gate.set()
    await asyncio.gather(*accepted)
    await ingest.track(people.principal, NewEvent(ext("u1"), "e3"))
    assert [row["name"] for row in await people.rows(Event)] == ["e0", "e1", "e2", "e3"]


async def test_who_stops_waiting_leaves_the_others_their_answers(people: People, counting: CountingUnits) -> None:
    ingest = Ingest(counting)
    counting.gate.clear()
    tasks = [asyncio.create_task(ingest.track(people.principal, NewEvent(ext("u1"), f"e{n}"))) for n in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.sleep(0)
    counting.gate.set()
    results: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[1], asyncio.CancelledError)
    assert {row["id"] for row in await people.rows(Event)} >= {results[0].event_id, results[2].event_id}


async def test_draining_waits_for_every_answer(people: People) -> None:
    ingest = Ingest(people.units)
    tasks = [asyncio.create_task(ingest.track(people.principal, NewEvent(ext("u1"), f"e{n}"))) for n in range(5)]
    await asyncio.sleep(0)
    await ingest.drain()
    assert len(await people.rows(Event)) == 5
    assert all(not task.cancelled() for task in await _finished(tasks))


async def _finished(tasks: list[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    await asyncio.gather(*tasks)
    return tasks


async def test_scopes_are_asked_before_anything_waits(people: People) -> None:
    weak = replace(people.principal, scopes=frozenset({Scope.CUSTOMERS_READ}))
    ingest = Ingest(people.units)
    with pytest.raises(Forbidden):
        await ingest.track(weak, NewEvent(ext("u1"), "visit"))
    with pytest.raises(Forbidden):
        await ingest.identify(weak, CustomerFacts(external_id="u1"))
    assert not any((await people.everything()).values())
