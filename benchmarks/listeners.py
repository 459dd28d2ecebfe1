"""A thousand listeners in one process: the driver of the fan-out, the same for every server.

It speaks just enough ``graphql-transport-ws``, and counts frames as bytes, so that it is not what is measured. Run as
``python -m benchmarks.listeners`` with a :class:`Course` as JSON on its input; its output is a :class:`Heard` as JSON.
"""

import asyncio
import base64
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import uvloop

SENT = b"sent:"
OPENING = 50
PATIENCE_S = 60


@dataclass(frozen=True)
class Course:
    """What to do: open ``sockets``, wait for a word on the input, then publish ``rounds`` messages one by one and
    ``burst`` messages with up to ``window`` of them under way."""

    url: str
    credential: str
    subscription: str
    subscribed: dict[str, Any]
    publication: str
    published: dict[str, Any]
    """Variables with ``sent:0`` in some text: the time of sending takes its place."""
    sockets: int = 1000
    rounds: int = 60
    burst: int = 120
    window: int = 4


@dataclass(frozen=True)
class Heard:
    """Milliseconds from publishing to each socket, one message at a time; frames a second of both ways."""

    p50: float
    p99: float
    one_by_one: float
    sustained: float
    p99_sustained: float


class Counter:
    """What all listeners have heard."""

    def __init__(self, sockets: int, window: int) -> None:
        self.count = 0
        self.delays: list[int] = []
        self.window = asyncio.Semaphore(window)
        self._sockets = sockets
        self._wanted = 0
        self._reached = asyncio.Event()

    def hear(self, frame: bytes) -> None:
        start = frame.find(SENT) + len(SENT)
        end = start
        while 48 <= frame[end] <= 57:
            end += 1
        self.delays.append(time.monotonic_ns() - int(frame[start:end]))
        self.count += 1
        if not self.count % self._sockets:
            self.window.release()
            if self.count >= self._wanted:
                self._reached.set()

    async def reach(self, count: int) -> None:
        self._wanted = count
        self._reached.clear()
        if self.count < count:
            async with asyncio.timeout(PATIENCE_S):
                await self._reached.wait()

    def taken(self) -> list[int]:
        delays, self.delays = sorted(self.delays), []
        return delays


class Listener(asyncio.Protocol):
    """One socket: shakes hands, introduces itself, subscribes, and counts."""

    def __init__(self, course: Course, counter: Counter) -> None:
        self._course = course
        self._counter = counter
        self._rest = b""
        self._open = False
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        host = urlsplit(self._course.url).netloc
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /graphql HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not self._open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._open = True
            payload = {"Authorization": f"Bearer {self._course.credential}"} if self._course.credential else {}
            self._send({"type": "connection_init", "payload": payload})
        at, end = 0, len(data)
        while end - at >= 2:
            length, head_size = data[at + 1], 2
            if length == 126:
                length, head_size = int.from_bytes(data[at + 2 : at + 4]), 4
            if at + head_size + length > end:
                break
            self._frame(data[at], data[at + head_size : at + head_size + length])
            at += head_size + length
        self._rest = data[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was open"))

    def _frame(self, kind: int, payload: bytes) -> None:
        if kind == 0x89:
            self._write(0x8A, payload)
        elif SENT in payload:
            self._counter.hear(payload)
        elif payload == b'{"type":"connection_ack"}':
            subscribed = {"query": self._course.subscription, "variables": self._course.subscribed}
            self._send({"id": "1", "type": "subscribe", "payload": subscribed})
            self.ready.set_result(None)
        else:
            raise RuntimeError(payload)

    def _send(self, message: Any) -> None:
        self._write(0x81, json.dumps(message).encode())

    def _write(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
        self._transport.write(bytes([kind]) + length + b"\0\0\0\0" + payload)  # a mask of zeros changes nothing


class Publisher:
    """One connection that publishes."""

    def __init__(self, course: Course, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._course = course
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, course: Course) -> "Publisher":
        address = urlsplit(course.url)
        return cls(course, *await asyncio.open_connection(address.hostname, address.port))

    async def publish(self) -> None:
        """Returns when the message is acknowledged."""
        variables = json.dumps(self._course.published).replace("sent:0", f"sent:{time.monotonic_ns()}")
        body = f'{{"query":{json.dumps(self._course.publication)},"variables":{variables}}}'.encode()
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: {urlsplit(self._course.url).netloc}\r\n"
            f"Authorization: Bearer {self._course.credential}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answered = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answered.partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await self._reader.readexactly(length)
        if b'"errors"' in answer:
            raise RuntimeError(answer.decode())


async def listen(course: Course) -> Heard:
    """Opens everything, then publishes and measures."""
    counter = Counter(course.sockets, course.window)
    address = urlsplit(course.url)
    loop = asyncio.get_running_loop()
    for first in range(0, course.sockets, OPENING):
        made = [
            await loop.create_connection(lambda: Listener(course, counter), address.hostname, address.port)
            for _ in range(min(OPENING, course.sockets - first))
        ]
        await asyncio.gather(*(listener.ready for _, listener in made))
    publishers = [await Publisher.connect(course) for _ in range(course.window)]
    await _settle(course, counter, publishers[0])
    print("open", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    started = time.monotonic()
    for number in range(1, course.rounds + 1):
        await publishers[0].publish()
        await counter.reach(number * course.sockets)
    one_by_one = course.sockets * course.rounds / (time.monotonic() - started)
    delays = counter.taken()
    counter.count = 0
    counter.window = asyncio.Semaphore(course.window)
    started = time.monotonic()
    await asyncio.gather(*(_publish_on(course, counter, publisher) for publisher in publishers))
    await counter.reach(course.burst // course.window * course.window * course.sockets)
    sustained = counter.count / (time.monotonic() - started)
    late = counter.taken()
    return Heard(_at(delays, 0.5), _at(delays, 0.99), one_by_one, sustained, _at(late, 0.99))


async def _settle(course: Course, counter: Counter, publisher: Publisher) -> None:
    """Waits until every socket follows: a subscription is not acknowledged."""
    deadline = time.monotonic() + PATIENCE_S
    while counter.count < course.sockets:
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {counter.count} of {course.sockets} hear")
        counter.count = 0
        await publisher.publish()
        await asyncio.sleep(1)
    counter.count = 0
    counter.taken()


async def _publish_on(course: Course, counter: Counter, publisher: Publisher) -> None:
    for _ in range(course.burst // course.window):
        await counter.window.acquire()
        await publisher.publish()


def _at(delays: list[int], share: float) -> float:
    return delays[int(len(delays) * share)] / 1e6


if __name__ == "__main__":
    heard = uvloop.run(listen(Course(**json.loads(sys.stdin.readline()))))
    print(json.dumps(asdict(heard)), flush=True)
