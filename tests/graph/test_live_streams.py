"""Sockets that follow the same share one stream: each is told everything after its cursor, in order, once."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.core import clock
from app.core.access import Role, Scope, system
from app.core.feed import trim_feed
from app.core.realtime.presence import AGENT
from app.core.settings import Settings
from app.runtime import Runtime
from asgi import create_runtime
from resolvers.engine import GraphEngine
from resolvers.live import Result, Seat
from resolvers.protocol import GraphRequest
from tests.graph.callers import Caller
from tests.graph.desk import SAY, Desk
from tests.graph.mutations import CUSTOMER
from tests.graph.test_mutations import mutate
from tests.graph.test_subscriptions import EVENTS, cursor_now, track
from tests.tenants import create_tenant

ARRIVAL_S = 10
INBOX = "subscription { inbox { ... on ConversationChange { cursor change message { text } } } }"
INBOX_OF = "subscription($filter: ConversationFilter) { inbox(filter: $filter) { ... on FeedItem { cursor } } }"


class Ears(Seat):
    """A seat as a socket has it: what came while it read alone, and what the stream told it, in one list."""

    def __init__(self, caller: Caller, text: str = EVENTS, **variables: Any) -> None:
        super().__init__()
        self.items: list[Any] = []
        self.told = 0
        self.ended: Exception | bool = False
        self._came = asyncio.Event()
        self._task = asyncio.create_task(self._read(caller, GraphRequest(text, variables)))

    def hear(self, result: Result) -> None:
        self.told += 1
        self._take(result.body)

    def over(self, failure: Exception | None) -> None:
        self.ended = failure or True
        self._came.set()

    @property
    def names(self) -> list[str]:
        """The names of the events; gaps as such."""
        return [item["event"]["name"] if item.get("event") else item.get("__typename", "") for item in self.items]

    @property
    def cursor(self) -> str:
        return str(self.items[-1]["cursor"])

    async def live(self) -> "Ears":
        """Returns when a stream goes on."""
        async with asyncio.timeout(ARRIVAL_S):
            await asyncio.shield(self._task)
        assert self.stream is not None
        return self

    async def live_or_alone(self) -> "Ears":
        """Returns when it follows, in a stream or by itself."""
        await asyncio.wait({self._task}, timeout=0.5)
        return self

    async def heard(self, count: int) -> list[str]:
        """The names, when there are so many of them."""
        async with asyncio.timeout(ARRIVAL_S):
            while len(self.items) < count and not self.ended:
                self._came.clear()
                await self._came.wait()
        return self.names

    async def go(self) -> None:
        """Leaves, wherever it is."""
        self._task.cancel()
        await asyncio.wait({self._task})
        self.leave()

    async def _read(self, caller: Caller, request: GraphRequest) -> None:
        stream = caller.engine.subscribe(request, caller.principal, self)
        try:
            async for result in stream:
                self._take(result)
                await asyncio.sleep(0)
        finally:
            await stream.aclose()

    def _take(self, result: bytes) -> None:
        (item,) = orjson.loads(result)["data"].values()
        self.items.append(item)
        self._came.set()


@asynccontextmanager
async def following(*ears: Ears) -> AsyncIterator[None]:
    """Lets them follow until the block ends; no stream is left then."""
    try:
        for one in ears:
            await one.live()
        yield
    finally:
        for one in ears:
            await one.go()


@pytest.fixture
async def person(owner: Caller) -> str:
    """The id of a customer."""
    return str((await mutate(owner, "identifyCustomer", {"externalId": "p"}, CUSTOMER))["customer"]["id"])


async def left(engine: GraphEngine, house: Runtime) -> tuple[int, int]:
    """How many streams and listeners are left, once what was cancelled has ended."""
    for _ in range(100):
        if not house.hub.listening:
            break
        await asyncio.sleep(0.01)
    return len(engine.live), house.hub.listening


async def trim(house: Runtime) -> None:
    async with house.write(system()) as tx:
        while await trim_feed(tx.session, clock.now() + timedelta(seconds=1)):
            pass


async def test_many_seats_are_one_stream_one_bell_and_one_execution(
    owner: Caller, engine: GraphEngine, house: Runtime, person: str
) -> None:
    start = await cursor_now(owner, person)
    await track(owner, person, "before")
    some = [Ears(owner, id=person, after=start) for _ in range(5)]
    others = [Ears(owner, id=person) for _ in range(5)]
    async with following(*some, *others):
        assert (len(engine.live), house.hub.listening) == (1, 1), "wherever they began"
        await track(owner, person, "a")
        await track(owner, person, "b")
        for one in some:
            assert await one.heard(3) == ["before", "a", "b"]
        for one in others:
            assert await one.heard(2) == ["a", "b"]
        assert {one.told for one in (*some, *others)} == {2}
        bodies = {orjson.dumps(one.items[-1]) for one in (*some, *others)}
        assert len(bodies) == 1
    assert await left(engine, house) == (0, 0)


async def test_the_first_may_leave_and_come_back_while_the_rest_stay(
    owner: Caller, engine: GraphEngine, house: Runtime, person: str
) -> None:
    first = await Ears(owner, id=person).live()
    second = await Ears(owner, id=person).live()
    await track(owner, person, "a")
    await first.heard(1)
    await first.go()
    await track(owner, person, "b")
    assert await second.heard(2) == ["a", "b"]
    back = await Ears(owner, id=person, after=first.cursor).live()
    await track(owner, person, "c")
    assert await back.heard(2) == ["b", "c"]
    assert await second.heard(3) == ["a", "b", "c"]
    assert first.names == ["a"], "who has left hears no more"
    await second.go()
    await track(owner, person, "d")
    assert await back.heard(3) == ["b", "c", "d"]
    await back.go()
    assert await left(engine, house) == (0, 0)


async def test_what_is_not_told_moves_the_stream_on(owner: Caller, engine: GraphEngine, person: str) -> None:
    """Entries that a filter drops are passed, so that who comes later need not wait for the next that is told."""
    first = Ears(owner, id=person, names=["wanted"])
    async with following(first):
        for _ in range(3):
            await track(owner, person, "unwanted")
        await track(owner, person, "wanted")
        await first.heard(1)
        await track(owner, person, "unwanted")
        late = Ears(owner, id=person, names=["wanted"], after=first.cursor)
        async with following(late):
            assert len(engine.live) == 1
            await track(owner, person, "wanted")
            assert await late.heard(1) == ["wanted"]
            assert await first.heard(2) == ["wanted", "wanted"]


async def test_only_who_may_see_the_same_shares(
    owner: Caller, stranger: Caller, engine: GraphEngine, person: str
) -> None:
    colleague = owner.key(*(owner.principal.scopes))
    other_key = owner.key(*(owner.principal.scopes))
    narrow = owner.key(Scope.EVENTS_READ)
    everybody = [
        Ears(owner, id=person),
        Ears(colleague, id=person),
        Ears(other_key, id=person),
        Ears(owner, id=person, names=["a"]),
        Ears(owner, EVENTS + " ", id=person),
    ]
    async with following(*everybody):
        assert len(engine.live) == 4, "the two keys share; a member, a filter and another document are of their own"
        limited = Ears(narrow, EVENTS.replace("customer { externalId }", ""), id=person)
        async with following(limited):
            assert len(engine.live) == 5
            await track(owner, person, "a")
            for one in (*everybody, limited):
                assert await one.heard(1) == ["a"]
    theirs = str((await mutate(stranger, "identifyCustomer", {"externalId": "p"}, CUSTOMER))["customer"]["id"])
    async with following(Ears(owner, id=person), Ears(stranger, id=theirs)):
        assert len(engine.live) == 2


async def test_agents_who_share_an_inbox_are_each_there(owner: Caller, engine: GraphEngine, house: Runtime) -> None:
    desk = await Desk.open(owner)
    colleague, visitor = await desk.colleague("Ada", Role.OWNER), await desk.visitor()
    one, two = await Ears(owner, INBOX).live(), await Ears(colleague, INBOX).live()

    def agents() -> set[UUID | None]:
        return set(house.presence.in_this_process(AGENT).get(owner.principal.tenant_id or UUID(int=0), ()))

    assert len(engine.live) == 1
    assert agents() == {owner.principal.id, colleague.principal.id}
    await visitor.data(SAY, input={"text": "Hello"})
    for ears in (one, two):
        async with asyncio.timeout(ARRIVAL_S):
            while not any((item["message"] or {}).get("text") == "Hello" for item in ears.items):
                await ears.heard(len(ears.items) + 1)
    await one.go()
    assert agents() == {colleague.principal.id}, "who has left the stream is gone, whoever began it"
    mine = await Ears(colleague, INBOX_OF, filter={"mine": True}).live_or_alone()
    assert len(engine.live) == 1, "what depends on the caller is not shared"
    await mine.go()
    await two.go()
    assert agents() == set()


async def test_what_is_trimmed_under_a_stream_is_a_gap_for_who_lacks_it(
    owner: Caller, house: Runtime, person: str
) -> None:
    first = Ears(owner, id=person)
    async with following(first):
        await track(owner, person, "a")
        await first.heard(1)
        house.hub._listeners, listeners = type(house.hub._listeners)(set), house.hub._listeners
        await track(owner, person, "lost")
        await trim(house)
        await track(owner, person, "kept")
        late = Ears(owner, id=person)
        house.hub._listeners = listeners
        house.hub.wake_all()
        assert await first.heard(3) == ["a", "FeedGap", "kept"]
        async with following(late):
            await track(owner, person, "new")
            assert await first.heard(4) == ["a", "FeedGap", "kept", "new"]
            assert (await late.heard(1))[-1] == "new"
            assert "FeedGap" not in late.names
        again = Ears(owner, id=person, after=first.items[0]["cursor"])
        async with following(again):
            assert await again.heard(3) == ["FeedGap", "kept", "new"]


async def test_coming_and_going_at_random_loses_doubles_and_reorders_nothing(
    owner: Caller, engine: GraphEngine, house: Runtime, person: str
) -> None:
    """Listeners join and leave at random while events are tracked, and come back with their last cursor."""
    chance = random.Random(1)
    start = await cursor_now(owner, person)
    total = 30

    async def write(names: list[str]) -> None:
        for name in names:
            await track(owner, person, name)
            await asyncio.sleep(chance.choice([0, 0, 0.005]))

    async def listen(patient: bool) -> tuple[list[Any], int]:
        items: list[Any] = []
        sittings, after = 0, start
        while len(items) < total:
            ears, sittings = Ears(owner, id=person, after=after), sittings + 1
            if patient:
                await ears.heard(total)
            else:
                await ears.heard(min(chance.randrange(1, 5), total - len(items)))
            await ears.go()
            items += ears.items
            after = ears.cursor if ears.items else after
        return items, sittings

    portions = [[f"{writer}.{number}" for number in range(total // 3)] for writer in range(3)]
    async with asyncio.timeout(50):
        listeners = [asyncio.create_task(listen(patient)) for patient in (True, False, False, False, True)]
        await asyncio.gather(*(write(names) for names in portions))
        heard = await asyncio.gather(*listeners)
    for items, _ in heard:
        assert [item["cursor"] for item in items] == [item["cursor"] for item in heard[0][0]]
        names = [item["event"]["name"] for item in items]
        assert sorted(names) == sorted(name for portion in portions for name in portion)
        for portion in portions:
            assert [name for name in names if name in portion] == portion
        positions = [int(item["cursor"].rpartition("-")[2]) for item in items]
        assert positions == list(range(positions[0], positions[0] + total))
    assert sum(sittings for _, sittings in heard) > 5
    assert await left(engine, house) == (0, 0)


async def test_a_stream_that_fails_tells_every_seat(
    owner: Caller, engine: GraphEngine, house: Runtime, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [await Ears(owner, id=person).live() for _ in range(2)]

    def broken(*_: Any) -> Any:
        raise RuntimeError("no database")

    with monkeypatch.context() as patched:
        patched.setattr(house, "read", broken)
        house.hub.wake_all()
        for one in both:
            await one.heard(1)
            assert isinstance(one.ended, RuntimeError)
            assert one.stream is None
    assert await left(engine, house) == (0, 0)
    async with following(Ears(owner, id=person)):
        assert len(engine.live) == 1


async def test_draining_ends_streams(settings: Settings) -> None:
    account = await create_tenant(settings, "Drained")
    runtime = create_runtime(settings, runs_jobs=False)
    await runtime.start()
    try:
        owner = Caller(GraphEngine(runtime), runtime, account.principal)
        person = (await mutate(owner, "identifyCustomer", {"externalId": "p"}, CUSTOMER))["customer"]["id"]
        both = [await Ears(owner, id=person).live() for _ in range(2)]
        runtime.drain()
        for one in both:
            await one.heard(1)
            assert one.ended is True
        assert await left(owner.engine, runtime) == (0, 0)
    finally:
        await runtime.stop()
