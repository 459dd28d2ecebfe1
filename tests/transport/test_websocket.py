"""``graphql-transport-ws``: operations over a socket, and what closes it."""

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from resolvers.transport import connections, websocket
from resolvers.transport.websocket import PROTOCOL
from tests.transport.conftest import Door, Serve, bearer, open_socket

FOREVER = "subscription { forever }"


async def test_a_subscription_is_next_next_complete(door: Door) -> None:
    async with open_socket(door) as peer:
        await peer.subscribe('a"1', "subscription ($n: Int!) { count(to: $n) }", variables={"n": 2})
        assert [await peer.receive() for _ in range(3)] == [
            {"id": 'a"1', "type": "next", "payload": {"data": {"count": 1}}},
            {"id": 'a"1', "type": "next", "payload": {"data": {"count": 2}}},
            {"id": 'a"1', "type": "complete"},
        ]
    await door.settled()


async def test_queries_and_mutations_too(door: Door) -> None:
    async with open_socket(door) as peer:
        await peer.subscribe("1", 'mutation { shout(word: "a") }')
        assert (await peer.receive())["payload"] == {"data": {"shout": "A"}}
        assert await peer.receive() == {"id": "1", "type": "complete"}
        await peer.subscribe("1", "query A { hello } query B { caller broken }", operationName="B")
        payload = (await peer.receive())["payload"]
        assert payload["data"] == {"caller": f"api_key:{door.key.id}", "broken": None}
        assert payload["errors"][0]["path"] == ["broken"]


@pytest.mark.parametrize(
    "payload",
    [
        {"query": "{"},
        {"query": "{ unknown }"},
        {"query": "subscription { unknown }"},
        {"query": "query ($n: Int!) { hello }"},
        {"query": "{ crash }"},
        {"query": "subscription { crash }"},
        {"query": "{ overloaded }"},
        {"query": "subscription { limited }"},
        {"query": "{ hello }", "variables": []},
        {"query": 1},
        {},
    ],
)
async def test_a_refusal_ends_the_operation_and_not_the_socket(door: Door, payload: dict[str, Any]) -> None:
    async with open_socket(door) as peer:
        await peer.send({"id": "1", "type": "subscribe", "payload": payload})
        refused = await peer.receive()
        assert (refused["id"], refused["type"]) == ("1", "error")
        assert refused["payload"][0]["message"]
        assert "bug" not in str(refused)
        await peer.subscribe("1", "{ hello }")
        assert (await peer.receive())["payload"] == {"data": {"hello": "hello world"}}


async def test_operations_run_beside_each_other_and_end_one_by_one(door: Door) -> None:
    async with open_socket(door) as peer:
        await peer.subscribe("slow", "{ slow }")
        await peer.subscribe("ever", FOREVER)
        assert (await peer.receive())["id"] == "ever"
        await peer.send({"id": "ever", "type": "complete"})
        await peer.send({"id": "slow", "type": "complete"})
        await peer.send({"id": "unknown", "type": "complete"})
        await peer.subscribe("ever", "{ hello }")
        assert (await peer.receive())["payload"] == {"data": {"hello": "hello world"}}, "the id is free again"
        assert door.engine.open == 0


async def test_pings_are_answered_before_and_after_the_introduction(door: Door) -> None:
    async with open_socket(door, acknowledged=False) as peer:
        await peer.send({"type": "ping"})
        assert await peer.receive() == {"type": "pong"}
        await peer.send({"type": "ping", "payload": {"Authorization": "Bearer wrong"}})
        assert await peer.receive() == {"type": "pong"}
        await peer.send({"type": "pong", "payload": {}})
        await peer.send({"type": "connection_init", "payload": door.headers})
        assert await peer.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize("name", ["Authorization", "authorization", "X-Api-Key", "apiKey"])
async def test_the_credential_may_come_under_several_names(door: Door, name: str) -> None:
    text = door.key.key_text
    async with open_socket(door, acknowledged=False) as peer:
        payload = {name: f"Bearer {text}" if name.lower() == "authorization" else text, "other": 1}
        await peer.send({"type": "connection_init", "payload": payload})
        assert await peer.receive() == {"type": "connection_ack"}


async def test_the_headers_of_the_handshake_will_do(door: Door) -> None:
    headers = {**door.headers, "X-Request-ID": "handshake-1"}
    async with open_socket(door, acknowledged=False, additional_headers=headers) as peer:
        await peer.send({"type": "connection_init"})
        assert await peer.receive() == {"type": "connection_ack"}
        await peer.subscribe("1", "{ requestId }")
        assert (await peer.receive())["payload"] == {"data": {"requestId": "handshake-1"}}


@pytest.mark.parametrize("payload", [None, {}, {"Authorization": "Bearer wrong"}, {"apiKey": ""}, {"Authorization": 7}])
async def test_no_socket_without_a_valid_credential(door: Door, payload: Any) -> None:
    async with open_socket(door, acknowledged=False) as peer:
        await peer.send({"type": "connection_init", "payload": payload})
        code, reason = await peer.closed()
        assert code == 4403
        assert reason


@pytest.mark.parametrize("subprotocols", [None, ["graphql-ws"], ["chat", "graphql-ws"]])
async def test_another_subprotocol_is_not_acceptable(door: Door, subprotocols: list[str] | None) -> None:
    async with open_socket(door, acknowledged=False, subprotocols=subprotocols) as peer:
        assert await peer.closed() == (4406, "Subprotocol not acceptable")


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "nonsense",
        "[]",
        '"text"',
        "null",
        "7",
        "{}",
        "[" * 5000,
        '{"type": "unknown"}',
        '{"type": null}',
        '{"type": ["ping"]}',
        '{"type": "ping", "payload": []}',
        '{"type": "pong", "payload": "x"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": 1, "payload": {}}',
        '{"type": "subscribe", "id": "", "payload": {}}',
        '{"type": "subscribe", "id": "' + "x" * 129 + '", "payload": {}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "subscribe", "id": "1", "payload": []}',
        '{"type": "complete"}',
        b"{}",
        b'{"type":"ping"}',
    ],
)
async def test_a_malformed_frame_is_a_bad_request(
    door: Door, frame: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_socket(door) as peer:
        await peer.send(frame)
        code, reason = await peer.closed()
        assert code == 4400
        assert reason
    await door.settled()
    assert "Traceback" not in caplog.text


async def test_an_introduction_must_be_an_object(door: Door) -> None:
    async with open_socket(door, acknowledged=False) as peer:
        await peer.send({"type": "connection_init", "payload": "x"})
        assert (await peer.closed())[0] == 4400


async def test_nothing_runs_before_the_introduction(door: Door) -> None:
    async with open_socket(door, acknowledged=False) as peer:
        await peer.subscribe("1", "{ hello }")
        assert await peer.closed() == (4401, "Unauthorized")


async def test_the_introduction_is_awaited_for_a_bounded_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "INIT_TIMEOUT_S", 0.2)
    async with open_socket(door, acknowledged=False) as peer:
        await peer.send({"type": "ping"})
        assert await peer.closed() == (4408, "Connection initialisation timeout")


async def test_one_introduction_is_enough(door: Door) -> None:
    async with open_socket(door) as peer:
        await peer.send({"type": "connection_init", "payload": door.headers})
        assert await peer.closed() == (4429, "Too many initialisation requests")


async def test_an_id_is_used_by_one_operation_at_a_time(door: Door) -> None:
    async with open_socket(door) as peer:
        await peer.subscribe("1", FOREVER)
        await peer.subscribe("1", FOREVER)
        assert await peer.closed() == (4409, "Subscriber for 1 already exists")
    await door.settled()


async def test_a_frame_that_is_too_large_closes_the_socket(door: Door) -> None:
    async with open_socket(door) as peer:
        await peer.send({"type": "ping", "payload": {"x": "x" * 64 * 1024}})
        assert (await peer.closed())[0] == 1009


async def test_too_many_messages_close_the_socket(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MESSAGES", 20)
    async with open_socket(door) as peer:
        for _ in range(30):
            await peer.send({"type": "pong"})
        code, reason = await peer.closed()
        assert (code, reason) == (1008, "More than 20 messages in 10 seconds")


async def test_operations_of_one_socket_are_bounded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MAX_OPERATIONS", 3)
    async with open_socket(door) as peer:
        for name in "123":
            await peer.subscribe(name, FOREVER)
            await peer.receive()
        await peer.subscribe("4", FOREVER)
        refused = await peer.receive()
        assert (refused["id"], refused["type"]) == ("4", "error")
        assert refused["payload"][0]["extensions"]["code"] == "OVERLOADED"
        await peer.send({"id": "1", "type": "complete"})
        await peer.subscribe("4", "{ hello }")
        assert (await peer.receive())["type"] == "next"
    await door.settled()


async def test_operations_are_charged_to_the_plan(serve: Serve) -> None:
    door = await serve(rate_limits=True)
    async with open_socket(door) as peer:
        for number in range(12):
            await peer.subscribe(str(number), "{ hello }")
        answers = [await peer.receive() for _ in range(22)]
        refused = [answer for answer in answers if answer["type"] == "error"]
        assert len(refused) == 2
        assert refused[0]["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_sockets_of_one_caller_are_bounded(serve: Serve) -> None:
    door = await serve(sockets_per_caller=2)
    async with open_socket(door), open_socket(door):
        async with open_socket(door, acknowledged=False) as third:
            await third.send({"type": "connection_init", "payload": door.headers})
            assert await third.closed() == (4429, "Too many sockets")
        other = await door.account.new_key()
        async with open_socket(door, acknowledged=False) as peer:
            await peer.send({"type": "connection_init", "payload": bearer(other.key_text)})
            assert await peer.receive() == {"type": "connection_ack"}, "another caller has its own"
    await door.settled()
    async with open_socket(door):
        pass


async def test_sockets_that_say_nothing_are_bounded_by_address(serve: Serve) -> None:
    door = await serve(sockets_per_caller=2)
    silent = [open_socket(door, acknowledged=False) for _ in range(3)]
    async with silent[0], silent[1], silent[2] as third:
        assert await third.closed() == (4429, "Too many sockets")


async def origin_status(door: Door, origin: str | None, **headers: str) -> int:
    sent = {name.capitalize(): value for name, value in headers.items()}
    if origin is not None:
        sent["Origin"] = origin
    try:
        async with connect(door.ws_url, subprotocols=[PROTOCOL], additional_headers=sent):  # type: ignore[list-item]
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def test_foreign_pages_are_refused_before_the_socket_opens(serve: Serve) -> None:
    door = await serve(allowed_origins=["https://shop.example"])
    own = door.url.removesuffix("/graphql")
    for origin in (
        None,
        own,
        own.replace("127.0.0.1", "LOCALHOST").lower(),
        "https://shop.example",
        "https://SHOP.example",
    ):
        host = {"host": origin.split("//")[1]} if origin and "localhost" in origin else {}
        assert await origin_status(door, origin, **host) == 101, origin
    for origin in (
        "null",
        "https://evil.example",
        "http://shop.example",
        "https://shop.example.evil",
        "nonsense",
        "http://[",
    ):
        assert await origin_status(door, origin) == 403, origin


async def test_behind_a_public_url_only_that_origin_is_our_own(serve: Serve) -> None:
    door = await serve(public_url="https://rapport.example/base/")
    assert await origin_status(door, "https://rapport.example") == 101
    assert await origin_status(door, door.url.removesuffix("/graphql")) == 403


async def test_everything_ends_at_once_when_the_peer_leaves(door: Door) -> None:
    async with open_socket(door) as peer:
        for number in range(20):
            await peer.subscribe(str(number), FOREVER)
            await peer.receive()
        assert door.engine.open == 20
        peer.socket.transport.abort()
    await door.settled()
    left = [task for task in asyncio.all_tasks() if "Socket." in repr(task.get_coro())]
    assert left == []


async def test_a_reader_that_stops_reading_is_dropped(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SEND_TIMEOUT_S", 0.5)
    async with open_socket(door) as peer:
        await peer.subscribe("1", "subscription { forever(every: 0, size: 100000) }")
        peer.socket.transport.pause_reading()
        async with asyncio.timeout(8):
            while len(door.endpoint.connections):
                await asyncio.sleep(0.05)
        assert door.engine.open == 0
        peer.socket.transport.abort()


async def test_a_stopping_server_closes_sockets_as_restarting(door: Door) -> None:
    async with open_socket(door) as peer, open_socket(door) as idle:
        await peer.subscribe("1", FOREVER)
        await peer.receive()
        door.account.runtime.drain()
        assert (await peer.closed())[0] == 1012
        assert (await idle.closed())[0] == 1012
    await door.settled()
    async with open_socket(door, acknowledged=False) as late:
        assert (await late.closed())[0] == 1012


async def test_what_ends_because_the_server_stops_is_not_complete(door: Door) -> None:
    async with open_socket(door) as peer:
        await peer.subscribe("1", "subscription { untilDrained }")
        assert (await peer.receive())["type"] == "next"
        door.account.runtime.drain()
        with pytest.raises(ConnectionClosed):
            assert await peer.receive() is None
        assert peer.socket.close_code == 1012
    await door.settled()


async def test_a_stop_of_the_server_closes_sockets_as_restarting(door: Door) -> None:
    async with open_socket(door) as peer:
        await peer.subscribe("1", FOREVER)
        await peer.receive()
        door.server.should_exit = True
        assert (await peer.closed())[0] == 1012
    await door.settled()
