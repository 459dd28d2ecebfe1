"""The loader gets through a server that is away, busy or behind a failing proxy, and stops where waiting cannot help.

The peer here answers over a real socket what servers and proxies in trouble answer; that a healthy one takes the
items is shown in ``test_load.py``.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import orjson
import pytest

from app.cli.loading.sending import TRACK, Answer, Sender, Stopped, backoff

OK = {"data": {"trackMany": {"results": [{"duplicate": False, "error": None}]}}}
ITEM = {"name": "purchase"}
Reply = bytes | None


def reply(status: int, document: Any, *headers: str) -> bytes:
    """One HTTP/1.1 response, after which the connection is closed."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    lines = [f"HTTP/1.1 {status} X", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def peer(replies: Sequence[Reply]) -> AsyncIterator[str]:
    """A server that gives these replies in turn, one a connection; None hangs up without one."""
    left = list(replies)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        if (given := left.pop(0)) is not None:
            writer.write(given)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    assert left == []


async def send(replies: Sequence[Reply], patience: float = 20) -> tuple[list[Answer], list[tuple[str, float]]]:
    waits: list[tuple[str, float]] = []
    async with peer(replies) as url, httpx2.AsyncClient(base_url=url) as client:
        sender = Sender(client, TRACK, patience, lambda reason, pause: waits.append((reason, pause)))
        return await sender.send([ITEM]), waits


async def test_it_tries_again_after_a_lost_connection() -> None:
    answers, waits = await send([None, reply(200, OK)])
    assert answers == [Answer(repeated=False)]
    assert len(waits) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_it_waits_as_long_as_the_server_asks(status: int) -> None:
    answers, waits = await send([reply(status, b"", "Retry-After: 1"), reply(200, OK)])
    assert (answers, waits) == ([Answer(repeated=False)], [(f"HTTP {status}", 1.0)])


async def test_it_waits_when_the_graph_says_that_it_is_too_much() -> None:
    limited = {"errors": [{"message": "Too many requests.", "extensions": {"code": "RATE_LIMITED"}}]}
    answers, waits = await send([reply(200, limited, "Retry-After: 0"), reply(200, OK)])
    assert (answers, waits) == ([Answer(repeated=False)], [("RATE_LIMITED", 0.0)])


async def test_an_item_that_could_not_be_taken_just_now_is_sent_again() -> None:
    full = {"data": {"trackMany": {"results": [{"error": {"code": "OVERLOADED", "message": "full", "field": None}}]}}}
    answers, waits = await send([reply(200, full), reply(200, OK)])
    assert answers == [Answer(repeated=False)]
    assert [reason for reason, _ in waits] == ["OVERLOADED"]


async def test_a_refused_item_is_an_answer() -> None:
    error = {"code": "INVALID", "message": "must not be empty", "field": "name"}
    answers, waits = await send([reply(200, {"data": {"trackMany": {"results": [{"error": error}]}}})])
    assert (answers, waits) == ([Answer(False, "INVALID", "must not be empty", "name")], [])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            reply(401, {"errors": [{"message": "Who?", "extensions": {"code": "UNAUTHENTICATED"}}]}),
            "Who. .UNAUTHENTICATED",
        ),
        (reply(400, {"errors": [{"message": "Unknown field."}]}), "Unknown field."),
        (reply(404, b"<html>not here</html>"), "HTTP 404, which is not Rapport's graph"),
        (reply(200, {"data": None}), "HTTP 200 without data"),
    ],
)
async def test_it_stops_where_waiting_cannot_help(answer: bytes, said: str) -> None:
    with pytest.raises(Stopped, match=said):
        await send([answer])


async def test_it_does_not_wait_for_ever() -> None:
    with pytest.raises(Stopped, match="did not take a batch within 1 s"):
        await send([reply(503, b"", "Retry-After: 60")], patience=1)


def test_pauses_grow_and_stay_bounded() -> None:
    for attempt, longest in ((1, 0.25), (2, 0.5), (5, 4.0), (8, 30.0), (10_000, 30.0)):
        pauses = [backoff(attempt) for _ in range(200)]
        assert min(pauses) >= longest / 2
        assert max(pauses) <= longest
