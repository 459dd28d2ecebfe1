"""A socket lives no longer than its credential, which a ping may renew."""

import asyncio
from datetime import timedelta

import pytest

from resolvers.transport import connections
from tests.transport.conftest import Door, Peer, bearer, open_socket

FOREVER = "subscription { forever(every: 0.1) }"


async def introduce(peer: Peer, credential: str) -> None:
    await peer.send({"type": "connection_init", "payload": bearer(credential)})
    assert await peer.receive() == {"type": "connection_ack"}


async def test_the_socket_closes_when_the_token_expires(door: Door) -> None:
    token = await door.account.new_token(timedelta(seconds=2))
    async with open_socket(door, acknowledged=False) as peer:
        await introduce(peer, token)
        await peer.subscribe("1", FOREVER)
        assert await peer.closed() == (4403, "The credential has expired")
    await door.settled()


async def test_a_ping_with_a_fresh_token_of_the_same_member_renews_it(door: Door) -> None:
    old, new = [await door.account.new_token(timedelta(seconds=life)) for life in (2, 60)]
    async with open_socket(door, acknowledged=False) as peer:
        await introduce(peer, old)
        await peer.subscribe("1", FOREVER)
        await peer.send({"type": "ping", "payload": bearer(new)})
        await asyncio.sleep(3.5)
        await peer.subscribe("2", "{ hello }")
        async with asyncio.timeout(5):
            while (answer := await peer.receive()).get("id") != "2":
                pass
        assert answer["payload"] == {"data": {"hello": "hello world"}}
    await door.settled()


async def test_a_ping_cannot_make_a_socket_another_callers(door: Door) -> None:
    other = await door.account.new_key()
    async with open_socket(door) as peer:
        await peer.send({"type": "ping", "payload": bearer(other.key_text)})
        assert await peer.closed() == (4403, "The credential is another caller's")


async def test_a_ping_with_a_wrong_credential_closes_the_socket(door: Door) -> None:
    async with open_socket(door) as peer:
        await peer.send({"type": "ping", "payload": bearer("wrong")})
        assert (await peer.closed())[0] == 4403


async def test_a_revoked_key_loses_its_sockets(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "RECHECK_S", 0.5)
    async with open_socket(door) as peer:
        await peer.subscribe("1", FOREVER)
        await asyncio.sleep(2)
        assert (await peer.receive())["type"] == "next", "a valid key passes the recheck"
        await door.account.revoke_key(door.key)
        assert await peer.closed() == (4403, "The credential is no longer valid")
    await door.settled()
