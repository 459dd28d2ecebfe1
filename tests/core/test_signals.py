"""Signals and presence: known at once here and over Redis elsewhere, coalesced, and over in time."""

import asyncio
import gc
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from app.core.realtime import presence as presence_module
from app.core.realtime import signals as signals_module
from app.core.realtime.hub import Hub
from app.core.realtime.presence import Presence, PresenceChange
from app.core.realtime.signals import Signal, Signals
from app.core.realtime.wire import channel_of
from tests.core.test_hub import NOWHERE, OTHER, TENANT, kill_pubsub_connections, running, until

ADA, BOB = UUID(int=10), UUID(int=11)


async def heard(signals: Signals, within_s: float = 2) -> Signal | None:
    """The next signal, or None when there is none in time."""
    try:
        async with asyncio.timeout(within_s):
            return await anext(signals)
    except TimeoutError:
        return None


def known(hub: Hub, channel: str = "typing") -> dict[str, Any]:
    return {signal.key: signal.data for signal in hub.known_signals(TENANT, channel)}


async def test_a_listener_is_told_first_what_is_and_then_each_change_of_its_channel_and_tenant() -> None:
    async with running(NOWHERE, connected=False) as hub:
        hub.signal(TENANT, "typing", "ada", {"name": "Ada"}, 5)
        signals = hub.signals(TENANT, "typing")
        assert await heard(signals) == Signal("ada", {"name": "Ada"})
        hub.signal(TENANT, "typing", "bob", {"name": "Bob"}, 5)
        hub.signal(TENANT, "other", "cat", {}, 5)
        hub.signal(OTHER, "typing", "dog", {}, 5)
        assert await heard(signals) == Signal("bob", {"name": "Bob"})
        hub.signal(TENANT, "typing", "ada", None, 0)
        assert await heard(signals) == Signal("ada", None)
        assert await heard(signals, 0.1) is None
        assert known(hub) == {"bob": {"name": "Bob"}}


async def test_a_signal_ends_with_its_time_and_a_repetition_prolongs_it_untold() -> None:
    async with running(NOWHERE, connected=False) as hub:
        signals = hub.signals(TENANT, "typing")
        clock = asyncio.get_running_loop().time
        hub.signal(TENANT, "typing", "ada", {}, 0.3)
        assert await heard(signals) == Signal("ada", {})
        await asyncio.sleep(0.2)
        hub.signal(TENANT, "typing", "ada", {}, 0.3)
        began = clock()
        assert await heard(signals) == Signal("ada", None)
        assert 0.25 < clock() - began < 0.6
        assert known(hub) == {}


async def test_a_slow_listener_is_told_the_latest_of_each_key_only() -> None:
    async with running(NOWHERE, connected=False) as hub:
        signals = hub.signals(TENANT, "typing")
        for turn in range(1000):
            hub.signal(TENANT, "typing", f"k{turn % 3}", {"turn": turn}, 5)
        assert [await heard(signals) for _ in range(3)] == [
            Signal(f"k{turn % 3}", {"turn": turn}) for turn in (999, 997, 998)
        ]
        assert await heard(signals, 0.05) is None


async def test_a_key_with_several_holders_is_over_when_the_last_lets_go() -> None:
    async with running(NOWHERE, connected=False) as hub:
        signals = hub.signals(TENANT, "presence")
        hub.signal(TENANT, "presence", "ada", {}, 5, holder="one")
        hub.signal(TENANT, "presence", "ada", {}, 5, holder="two")
        assert await heard(signals) == Signal("ada", {})
        hub.signal(TENANT, "presence", "ada", None, 0, holder="one")
        assert await heard(signals, 0.1) is None
        hub.signal(TENANT, "presence", "ada", None, 0, holder="two")
        assert await heard(signals) == Signal("ada", None)


async def test_signals_are_bounded_and_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals_module, "KEYS", 100)
    async with running(NOWHERE, connected=False) as hub:
        for number in range(500):
            hub.signal(TENANT, "typing", f"k{number}", {}, 0.2)
            signals = hub.signals(TENANT, f"channel {number}")
        assert len(known(hub)) == 100
        hub.signal(TENANT, "typing", "k0", {"again": 1}, 0.2)
        assert known(hub)["k0"] == {"again": 1}
        for turn in range(1000):
            hub.signal(TENANT, "flood", "ada", {} if turn % 2 else None, 0.2)
        assert len(hub._board._ends) <= 102
        await until(lambda: hub._board.size[0] == 0)
        del signals
        gc.collect()
        assert hub._board.size == (0, 0)
        assert (len(hub._board._ends), len(hub._board._scheduled), len(hub._board._channels)) == (0, 0, 0)


async def test_draining_ends_every_listener() -> None:
    async with running(NOWHERE, connected=False) as hub:
        signals = hub.signals(TENANT, "typing")
        waiting = asyncio.create_task(heard(signals))
        await asyncio.sleep(0.01)
        hub.drain()
        with pytest.raises(StopAsyncIteration):
            await waiting
        hub.signal(TENANT, "typing", "ada", {}, 5)
        assert [signal async for signal in hub.signals(TENANT, "typing")] == []


async def test_signals_reach_other_processes_and_those_who_come_later(redis_url: str) -> None:
    async with running(redis_url) as here, running(redis_url) as there:
        signals = there.signals(TENANT, "typing")
        here.signal(TENANT, "typing", "ada", {"name": "Ada"}, 60)
        assert await heard(signals) == Signal("ada", {"name": "Ada"})
        async with running(redis_url) as late:
            await until(lambda: known(late) == {"ada": {"name": "Ada"}})
        there.signal(TENANT, "typing", "ada", None, 0)
        assert await heard(signals) == Signal("ada", None)
        await until(lambda: known(here) == {})
        here.signal(TENANT, "typing", "ada", {}, 0.2)
        assert await heard(signals) == Signal("ada", {})
        assert await heard(signals) == Signal("ada", None)


async def test_signals_said_while_the_wire_is_dead_arrive_when_it_is_back(redis_url: str) -> None:
    async with running(redis_url) as here, running(redis_url) as there:
        signals = there.signals(TENANT, "typing")
        assert await kill_pubsub_connections(redis_url) >= 2
        here.signal(TENANT, "typing", "ada", {}, 60)
        assert await heard(signals, 10) == Signal("ada", {})


async def test_signals_that_make_no_sense_are_ignored(redis_url: str) -> None:
    async with running(redis_url) as hub, Redis.from_url(redis_url) as connection:
        for signals in ("[[1]]", '[["x","c","k","h",{},5]]', f'[["{TENANT.hex}","c","k","h",5,5]]', "7"):
            text = f'{{"hub":"x","everything":false,"hints":{{}},"signals":{signals}}}'
            await connection.publish(channel_of(redis_url), text)
        await asyncio.sleep(0.1)
        assert hub._board.size == (0, 0)
        assert hub.connected


async def come_and_gone(presence: Presence, count: int, within_s: float = 3) -> list[PresenceChange]:
    found: list[PresenceChange] = []
    async with asyncio.timeout(within_s):
        async for change in presence.changes(TENANT):
            found.append(change)
            if len(found) == count:
                break
    return found


async def test_somebody_is_here_while_any_of_their_blocks_runs_and_lingers_a_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presence_module, "LINGER_S", 0.2)
    async with running(NOWHERE, connected=False) as hub:
        entered: list[Any] = []
        presence = Presence(hub, lambda *one: entered.append(one))
        changes = asyncio.create_task(come_and_gone(presence, 3))
        await asyncio.sleep(0)
        with presence.here(TENANT, "agent", ADA), presence.here(TENANT, "visitor", BOB):
            with presence.here(TENANT, "agent", ADA):
                pass
            assert presence.present(TENANT, "agent") == {ADA}
            assert presence.in_this_process("agent") == {TENANT: {ADA}}
            assert presence.present(OTHER, "agent") == set()
        assert presence.in_this_process("agent") == {}
        with presence.here(TENANT, "agent", ADA):
            await asyncio.sleep(0.3)
            assert presence.present(TENANT, "agent") == {ADA}
            assert presence.present(TENANT, "visitor") == set()
        assert await changes == [
            PresenceChange("agent", ADA, present=True),
            PresenceChange("visitor", BOB, present=True),
            PresenceChange("visitor", BOB, present=False),
        ]
        await until(lambda: presence.present(TENANT, "agent") == set())
        assert entered == [(TENANT, "agent", ADA), (TENANT, "visitor", BOB), (TENANT, "agent", ADA)]
        await presence.stop()


async def test_who_was_in_a_process_that_died_is_forgotten_and_who_is_in_another_stays(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_module, "ANNOUNCE_S", 0.2)
    monkeypatch.setattr(presence_module, "FORGET_S", 0.8)
    async with running(redis_url) as here, running(redis_url) as there:
        mine, theirs = Presence(here), Presence(there)
        await mine.start()
        await theirs.start()
        with mine.here(TENANT, "agent", ADA), theirs.here(TENANT, "agent", ADA), mine.here(TENANT, "agent", BOB):
            await until(lambda: theirs.present(TENANT, "agent") == {ADA, BOB})
            await asyncio.sleep(1)
            assert theirs.present(TENANT, "agent") == {ADA, BOB}
            await mine.stop()
            await here.stop()
            await until(lambda: theirs.present(TENANT, "agent") == {ADA})
            await asyncio.sleep(0.5)
            assert theirs.present(TENANT, "agent") == {ADA}
        await theirs.stop()
