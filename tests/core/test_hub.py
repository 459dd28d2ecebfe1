"""The hub: hints arrive, at once here and over Redis elsewhere, and the wire comes back when it dies."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from redis.asyncio import Redis

from app.core import metrics
from app.core.feed import Position
from app.core.realtime import hub as hub_module
from app.core.realtime.hub import Draining, Hub
from app.core.realtime.wire import channel_of
from app.core.tx import Released

TENANT = UUID(int=1)
OTHER = UUID(int=2)
NOWHERE = "redis://127.0.0.1:1/0"


def grown(topic: str = "t", head: int = 1, tenant: UUID = TENANT) -> Released:
    return Released(tenant, [Position(topic, head)])


@asynccontextmanager
async def running(url: str = "", *, connected: bool = True) -> AsyncIterator[Hub]:
    hub = Hub(url)
    await hub.start()
    try:
        if connected:
            await until(lambda: hub.connected)
        yield hub
    finally:
        await hub.stop()


async def until(true: Callable[[], bool], within_s: float = 15) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.01)


async def rings(listener: hub_module.Listener, within_s: float = 2) -> bool:
    """Whether the bell rings in time (and not because of the fallback, which is further away)."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await listener.wait()
        return True
    return False


async def quiet(listener: hub_module.Listener) -> None:
    """Waits until what connecting has woken is over."""
    while await rings(listener, 0.2):
        pass


async def test_a_listener_hears_of_its_topic_and_its_tenant_only() -> None:
    async with running() as hub, hub.listen(TENANT, "t") as listener:
        await quiet(listener)
        hub.ring(grown())
        assert await rings(listener)
        hub.ring(grown("another"))
        hub.ring(grown(tenant=OTHER))
        assert not await rings(listener, 0.3)


async def test_many_rings_are_one_and_one_during_the_read_is_not_lost() -> None:
    async with running() as hub, hub.listen(TENANT, "t") as listener:
        await quiet(listener)
        for head in range(10_000):
            hub.ring(grown(head=head))
        assert await rings(listener)
        hub.ring(grown(head=10_001))
        assert await rings(listener)
        assert not await rings(listener, 0.2)


async def test_local_listeners_are_woken_without_any_wire() -> None:
    async with running(NOWHERE, connected=False) as hub, hub.listen(TENANT, "t") as listener:
        hub.ring(grown())
        assert await rings(listener, 0.05)
        assert not hub.connected


async def test_a_listener_wakes_by_itself_when_no_hint_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "FALLBACK_S", 0.3)
    async with running(NOWHERE, connected=False) as hub, hub.listen(TENANT, "t") as listener:
        assert await rings(listener, 1)


async def test_draining_ends_those_who_wait_and_those_who_would() -> None:
    async with running() as hub, hub.listen(TENANT, "t") as listener, hub.listen(TENANT, "u") as later:
        await quiet(listener)
        waiting = asyncio.create_task(listener.wait())
        await asyncio.sleep(0.05)
        hub.drain()
        with pytest.raises(Draining):
            await waiting
        with pytest.raises(Draining):
            await later.wait()
        assert hub.draining.is_set()


async def test_listeners_leave_nothing_behind() -> None:
    async with running() as hub:
        before = metrics.REGISTRY.get_sample_value("rapport_listeners")
        for number in range(500):
            async with hub.listen(TENANT, f"t{number}"):
                assert hub.listening == 1
        assert (hub.listening, len(hub._listeners)) == (0, 0)
        gc.collect()
        assert not [thing for thing in gc.get_objects() if isinstance(thing, hub_module.Listener)]
        assert metrics.REGISTRY.get_sample_value("rapport_listeners") == before


async def test_two_hubs_on_one_redis_ring_each_others_listeners(redis_url: str) -> None:
    async with (
        running(redis_url) as here,
        running(redis_url) as there,
        here.listen(TENANT, "t") as mine,
        there.listen(TENANT, "t") as theirs,
    ):
        await quiet(mine)
        await quiet(theirs)
        here.ring(grown())
        assert await rings(mine, 0.05)
        assert await rings(theirs)
        there.ring(grown())
        assert await rings(theirs, 0.05)
        assert await rings(mine)
        here.ring(grown("u"))
        assert not await rings(theirs, 0.3)


async def test_another_redis_database_is_another_installation(redis_server: str) -> None:
    here_url, there_url = f"{redis_server}/1", f"{redis_server}/2"
    async with running(here_url) as here, running(there_url) as there, there.listen(TENANT, "t") as theirs:
        await quiet(theirs)
        here.ring(grown())
        assert not await rings(theirs, 0.5)


async def kill_pubsub_connections(redis_url: str) -> int:
    """Cuts the listening connections of this test's own database, as a failing network would. Returns how many."""
    database = redis_url.rpartition("/")[2]
    async with Redis.from_url(redis_url) as connection:
        mine = [client["id"] for client in await connection.client_list("pubsub") if client["db"] == database]
        return sum([int(await connection.execute_command("CLIENT", "KILL", "ID", client)) for client in mine])


async def test_a_killed_wire_is_rebuilt_and_every_listener_woken(redis_url: str) -> None:
    rebuilds = metrics.REGISTRY.get_sample_value("rapport_hub_rebuilds_total") or 0
    async with running(redis_url) as here, running(redis_url) as there, there.listen(TENANT, "t") as theirs:
        for turn in range(1, 4):
            await quiet(theirs)
            assert await kill_pubsub_connections(redis_url) >= 2
            assert await rings(theirs, 10), "nobody was told that hints may have been lost"
            await until(lambda: here.connected and there.connected)
            await quiet(theirs)
            here.ring(grown(head=turn))
            assert await rings(theirs)
    assert (metrics.REGISTRY.get_sample_value("rapport_hub_rebuilds_total") or 0) >= rebuilds + 6


@asynccontextmanager
async def swallowing_proxy(redis_url: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A way to Redis that, while the event is set, keeps listening connections open and swallows what they are told."""
    swallow = asyncio.Event()
    address, _, number = redis_url.removeprefix("redis://").partition("/")
    host, port = address.split(":")

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, listening: asyncio.Event) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                if b"SUBSCRIBE" in data:
                    listening.set()
                if not (swallow.is_set() and listening.is_set()):
                    target.write(data)
                    await target.drain()
        target.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        redis_reader, redis_writer = await asyncio.open_connection(host, int(port))
        listening = asyncio.Event()
        await asyncio.gather(copy(reader, redis_writer, listening), copy(redis_reader, writer, listening))

    server = await asyncio.start_server(join, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/{number}", swallow
    finally:
        server.close()


async def test_a_wire_that_is_open_but_silent_is_rebuilt(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "SILENCE_S", 1.0)
    monkeypatch.setattr(hub_module, "HEARTBEAT_S", 0.3)
    async with (
        swallowing_proxy(redis_url) as (url, swallow),
        running(url) as hub,
        running(redis_url) as other,
        hub.listen(TENANT, "t") as listener,
    ):
        await quiet(listener)
        swallow.set()
        other.ring(grown())
        assert not await rings(listener, 0.4)
        await until(lambda: not hub.connected)
        swallow.clear()
        assert await rings(listener, 10), "nobody was told that hints may have been lost"
        await until(lambda: hub.connected)
        await quiet(listener)
        other.ring(grown())
        assert await rings(listener)


async def test_what_could_not_be_sent_wakes_everybody_later(redis_url: str) -> None:
    async with running(redis_url) as here, running(redis_url) as there, there.listen(TENANT, "t") as theirs:
        await quiet(theirs)
        here._owes_everything = True
        here.ring(grown("unrelated"))
        assert await rings(theirs)


async def test_more_topics_than_can_wait_become_one_message_for_all(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "PENDING", 100)
    async with running(redis_url) as here, running(redis_url) as there, there.listen(TENANT, "t") as theirs:
        await quiet(theirs)
        here.ring(Released(TENANT, [Position(f"t{number}", 1) for number in range(101)]))
        assert len(here._pending) == 0
        assert await rings(theirs)


async def test_ringing_costs_a_commit_nothing_while_redis_is_away() -> None:
    async with running(NOWHERE, connected=False) as hub:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(50_000):
            hub.ring(grown(f"t{number}"))
        assert loop.time() - began < 2
        assert len(hub._pending) <= hub_module.PENDING


async def test_odd_messages_on_the_channel_are_ignored(redis_url: str) -> None:
    async with running(redis_url) as hub, Redis.from_url(redis_url) as connection, hub.listen(TENANT, "t") as listener:
        await quiet(listener)
        for odd in ("", "[]", "{", '{"hub": 1}', '{"hub":"x","everything":false,"hints":{"y":[["t",1]]}}', b"\xff"):
            await connection.publish(channel_of(redis_url), odd)
        await asyncio.sleep(0.2)
        await until(lambda: hub.connected)
        hub.ring(grown())
        assert await rings(listener)


async def test_stopping_twice_and_without_starting_is_harmless(redis_url: str) -> None:
    hub = Hub(redis_url)
    await hub.stop()
    async with running(redis_url) as hub:
        await hub.stop()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert [task for task in left if "wire" in task.get_name() or "hub" in task.get_name()] == []


@pytest.mark.parametrize(
    ("url", "channel"),
    [
        ("redis://localhost:6379/3", "rapport:hints:3"),
        ("redis://localhost:6379", "rapport:hints:0"),
        ("redis://localhost/?db=5", "rapport:hints:5"),
        ("memory://", "rapport:hints:0"),
    ],
)
def test_the_channel_carries_the_number_of_the_database(url: str, channel: str) -> None:
    assert channel_of(url) == channel
