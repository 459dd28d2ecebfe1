"""Server-sent events: one operation per stream, and every way in which a stream ends."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import orjson
import pytest

from resolvers.transport import connections, sse
from tests.transport.conftest import Door, Serve, bearer

EVENTS = "text/event-stream"
FOREVER = "subscription { forever }"


def events(text: str) -> list[tuple[str, Any]]:
    """The name and JSON of each event; comments are left out."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            data = fields["data"].strip()
            found.append((fields["event"].strip(), orjson.loads(data) if data else None))
    return found


@asynccontextmanager
async def streaming(door: Door, query: str, credential: dict[str, str] | None = None) -> AsyncIterator[httpx2.Response]:
    headers = {**(credential or door.headers), "accept": EVENTS}
    async with door.client.stream("POST", door.url, json={"query": query}, headers=headers) as response:
        yield response


async def test_a_subscription_is_a_stream_of_next_and_a_complete(door: Door) -> None:
    response = await door.post({"query": "subscription { count(to: 3) }"}, accept=EVENTS)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "no-transform" in response.headers["cache-control"]
    assert response.text.startswith(":\n\n")
    assert events(response.text) == [
        *(("next", {"data": {"count": number}}) for number in (1, 2, 3)),
        ("complete", None),
    ]
    await door.settled()


async def test_by_get(door: Door) -> None:
    params = {"query": "subscription ($n: Int!) { count(to: $n) }", "variables": '{"n": 1}'}
    response = await door.client.get(door.url, params=params, headers={**door.headers, "accept": EVENTS})
    assert events(response.text) == [("next", {"data": {"count": 1}}), ("complete", None)]


async def test_queries_and_mutations_are_streams_of_one(door: Door) -> None:
    for query, data in (("{ hello }", {"hello": "hello world"}), ('mutation { shout(word: "a") }', {"shout": "A"})):
        response = await door.post({"query": query}, accept=EVENTS)
        assert events(response.text) == [("next", {"data": data}), ("complete", None)]


async def test_who_takes_json_too_gets_a_stream_only_for_subscriptions(door: Door) -> None:
    accept = f"application/graphql-response+json, application/json, {EVENTS}"
    query = await door.post({"query": "{ hello }"}, accept=accept)
    assert query.headers["content-type"].startswith("application/graphql-response+json")
    subscription = await door.post({"query": "subscription { count(to: 1) }"}, accept=accept)
    assert subscription.headers["content-type"].startswith(EVENTS)


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{"},
        {"query": "subscription { unknown }"},
        {"query": "subscription { crash }"},
        {"query": "subscription { overloaded }"},
        {"documentId": "0" * 64},
    ],
)
async def test_a_refusal_is_told_inside_the_stream(door: Door, body: dict[str, Any]) -> None:
    response = await door.post(body, accept=EVENTS)
    assert response.status_code == 200
    (name, payload), last = events(response.text)
    assert (name, last) == ("next", ("complete", None))
    assert payload["errors"]
    assert "bug" not in response.text


async def test_what_is_no_request_at_all_is_a_status(door: Door) -> None:
    assert (await door.post({"nothing": 1}, accept=EVENTS)).status_code == 400
    assert (await door.post({"query": "{hello}"}, accept=EVENTS, content_type="text/plain")).status_code == 415


async def test_a_subscription_ends_at_once_when_its_reader_leaves(door: Door) -> None:
    async with streaming(door, FOREVER) as response:
        await anext(response.aiter_text())
        while not door.engine.open:
            await asyncio.sleep(0.01)
    await door.settled()


async def test_a_quiet_stream_is_kept_alive_by_comments(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_S", 0.05)
    seen = ""
    async with streaming(door, FOREVER) as response:
        async for text in response.aiter_text():
            seen += text
            if seen.count(":\n\n") >= 4:
                break
    assert len(events(seen)) == 1
    await door.settled()


@pytest.mark.parametrize("query", [FOREVER, "subscription { untilDrained }"])
async def test_a_stopping_server_ends_streams_without_completing_them(door: Door, query: str) -> None:
    async with streaming(door, query) as response:
        asyncio.get_running_loop().call_later(0.1, door.account.runtime.drain)
        seen = "".join([text async for text in response.aiter_text()])
    assert [name for name, _ in events(seen)] == ["next"]
    refused = await door.post({"query": FOREVER}, accept=EVENTS)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"


async def test_an_open_stream_does_not_hold_up_a_stop(door: Door) -> None:
    async with streaming(door, FOREVER) as response:
        chunks = response.aiter_text()
        await anext(chunks)
        began = time.monotonic()
        door.server.should_exit = True
        assert [name for name, _ in events("".join([chunk async for chunk in chunks]))] in ([], ["next"])
        assert time.monotonic() - began < 5
    await door.settled()


async def test_streams_count_as_sockets(serve: Serve) -> None:
    door = await serve(sockets_per_caller=1)
    async with streaming(door, FOREVER) as response:
        await anext(response.aiter_text())
        assert (await door.post({"query": FOREVER}, accept=EVENTS)).status_code == 429
    await door.settled()
    assert (await door.post({"query": "{ hello }"}, accept=EVENTS)).status_code == 200


async def test_a_stream_ends_when_its_credential_does(door: Door) -> None:
    credential = bearer(await door.account.new_token(timedelta(seconds=2)))
    async with asyncio.timeout(8), streaming(door, FOREVER, credential) as response:
        seen = "".join([text async for text in response.aiter_text()])
    assert [name for name, _ in events(seen)] == ["next"]


async def test_a_reader_that_stops_reading_is_dropped(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SEND_TIMEOUT_S", 0.5)
    async with streaming(door, "subscription { forever(every: 0, size: 100000) }") as response:
        await anext(response.aiter_bytes())
        async with asyncio.timeout(8):
            while len(door.endpoint.connections):
                await asyncio.sleep(0.05)
    assert door.engine.open == 0
