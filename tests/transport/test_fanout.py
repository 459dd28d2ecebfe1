"""Many sockets that share a stream: a slow or hostile one is bounded, told why, and harms nobody else."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from starlette.types import Message
from websockets.exceptions import ConnectionClosed

from resolvers.transport import connections, outbox
from resolvers.transport.connections import FULL, LEFT, Connection, Ending
from resolvers.transport.frames import said
from resolvers.transport.outbox import Outbox
from tests.transport.conftest import Door, Peer, bearer, open_socket

TAPE = "subscription { tape }"


async def follow(door: Door, *peers: Peer) -> None:
    """Lets them take seats in one stream."""
    wanted = seats(door) + len(peers)
    for peer in peers:
        await peer.subscribe("1", TAPE)
    async with asyncio.timeout(5):
        while seats(door) < wanted:
            await asyncio.sleep(0.01)


def seats(door: Door) -> int:
    return sum(map(len, door.engine.tape.streams))


async def heard(peer: Peer, seconds: float = 5) -> str:
    message = await peer.receive(seconds)
    assert (message["id"], message["type"]) == ("1", "next")
    return str(message["payload"]["data"]["tape"])


async def test_all_hear_the_same_until_they_complete(door: Door) -> None:
    async with open_socket(door) as one, open_socket(door) as two:
        await follow(door, one, two)
        assert len(list(door.engine.tape.streams)) == 1
        door.engine.tape.tell("a")
        assert [await heard(one), await heard(two)] == ["a", "a"]
        await one.send({"id": "1", "type": "complete"})
        await one.send({"type": "ping"})
        assert await one.receive() == {"type": "pong"}
        door.engine.tape.tell("b")
        assert await heard(two) == "b"
        await follow(door, one)
        door.engine.tape.tell("c")
        assert [await heard(one), await heard(two)] == ["c", "c"], "the id is free again, and nothing old came"
    await door.settled()
    assert not list(door.engine.tape.streams)


async def test_a_slow_reader_is_told_to_resume_and_delays_nobody(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST_FRAMES", 20)
    async with open_socket(door) as slow, open_socket(door) as quick:
        await follow(door, slow, quick)
        slow.socket.transport.pause_reading()
        for number in range(120):
            door.engine.tape.tell(f"{number}:" + "x" * 100_000)
            assert (await heard(quick, 1)).startswith(f"{number}:")
        async with asyncio.timeout(8):
            while len(door.endpoint.connections) > 1:
                await asyncio.sleep(0.05)
        slow.socket.transport.resume_reading()
        code, _ = await slow.closed()
        assert code in (1006, 1008)
        door.engine.tape.tell("still here")
        assert await heard(quick) == "still here"


async def test_a_slow_reader_who_goes_on_reading_is_told_why(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST_FRAMES", 3)
    async with open_socket(door) as slow:
        await follow(door, slow)
        for _ in range(100):  # at once: more than a socket takes without waiting
            door.engine.tape.tell("x" * 200_000)
        assert await slow.closed() == (1008, FULL.reason)


async def test_a_revoked_credential_ends_one_socket_of_many(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "RECHECK_S", 0.2)
    other = await door.account.new_key()
    async with open_socket(door) as first, open_socket(door, acknowledged=False) as second:
        await second.send({"type": "connection_init", "payload": bearer(other.key_text)})
        await second.receive()
        await follow(door, first, second)
        await door.account.revoke_key(door.key)
        assert (await first.closed())[0] == 4403
        door.engine.tape.tell("a")
        assert await heard(second) == "a"


async def test_a_stopping_server_closes_who_follows_as_restarting(door: Door) -> None:
    async with open_socket(door) as one, open_socket(door) as two:
        await follow(door, one, two)
        door.account.runtime.drain()
        assert [(await one.closed())[0], (await two.closed())[0]] == [1012, 1012]
    await door.settled()
    assert not list(door.engine.tape.streams)


@pytest.mark.parametrize("in_pieces", [False, True])
async def test_a_message_of_ten_megabytes_closes_its_socket_only(door: Door, in_pieces: bool) -> None:
    size = 10 * 1024 * 1024
    async with open_socket(door) as hostile, open_socket(door) as other:
        await follow(door, other)
        message: Any = ["x" * 16_384] * (size // 16_384) if in_pieces else "x" * size
        with suppress(ConnectionClosed):
            await hostile.socket.send(message)
        assert (await hostile.closed())[0] == 1009
        door.engine.tape.tell("a")
        assert await heard(other) == "a"


async def test_ten_thousand_messages_close_their_socket_only(door: Door) -> None:
    async with open_socket(door) as hostile, open_socket(door) as other:
        await follow(door, other)
        with suppress(ConnectionClosed):
            for _ in range(10_000):
                await hostile.send({"type": "pong"})
        assert await hostile.closed() == (1008, "More than 500 messages in 10 seconds")
        door.engine.tape.tell("a")
        assert await heard(other) == "a"


# ---- the outbox by itself ---------------------------------------------------------------------------------------


class Pipe(Connection):
    """A connection whose peer reads when it is told to."""

    transport = "pipe"

    def __init__(self) -> None:
        super().__init__(self._deliver)
        self.sent: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.gone = False

    def overdue(self, now: float) -> Ending | None:
        return None

    def end(self, ending: Ending) -> None:
        self.ending = self.ending or ending

    async def _deliver(self, message: Message) -> None:
        await self.open.wait()
        if self.gone:
            raise OSError("gone")
        self.sent.append(message["text"])


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_outbox_sends_at_once_and_in_order() -> None:
    pipe = Pipe()
    box = Outbox(pipe)
    box.push("a", said("1"))
    assert pipe.sent == ["1"], "without a turn of the event loop"
    pipe.open.clear()
    for text in "234":
        box.push("a", said(text))
    assert pipe.sent == ["1"]
    pipe.open.set()
    await settle()
    assert pipe.sent == list("1234")
    box.push("a", said("5"))
    assert pipe.sent == list("12345")
    assert not pipe.stalled(0)


async def test_what_is_taken_back_is_never_sent() -> None:
    pipe = Pipe()
    box = Outbox(pipe)
    pipe.open.clear()
    for owner, text in (("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2")):
        box.push(owner, said(text))
    await box.take_back("a")
    box.push("a", said("a3"))
    pipe.open.set()
    await settle()
    assert pipe.sent == ["b1", "b2", "a3"]
    pipe.open.clear()
    box.push("a", said("a4"))
    await box.take_back("b")
    await box.take_back("a")
    pipe.open.set()
    await settle()
    box.push("a", said("a5"))
    await settle()
    assert pipe.sent == ["b1", "b2", "a3", "a5"]


async def test_an_outbox_is_bounded_in_frames_and_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST_FRAMES", 3)
    monkeypatch.setattr(outbox, "MOST_CHARACTERS", 10)
    for texts, ending in (("1234", None), ("12345", FULL), (["1", "x" * 10], None), (["1", "x" * 11], FULL)):
        pipe = Pipe()
        box = Outbox(pipe)
        pipe.open.clear()
        for text in texts:
            box.push("a", said(text))
        assert pipe.ending is ending, texts
        await box.close()
        pipe.open.set()
        await settle()
        assert pipe.sent == []


async def test_a_peer_that_is_gone_ends_the_connection() -> None:
    for late in (False, True):
        pipe = Pipe()
        box = Outbox(pipe)
        if late:
            pipe.open.clear()
            box.push("a", said("1"))
        pipe.gone = True
        pipe.open.set()
        if not late:
            box.push("a", said("1"))
        await settle()
        assert pipe.ending is LEFT
        await box.close()
