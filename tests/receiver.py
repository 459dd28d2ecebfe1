"""A real HTTP receiver for tests: it keeps what it is sent, and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Received:
    """One request. The names of ``headers`` are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers requests in turn with ``answers`` (raw bytes of HTTP), the last one over and over. None says nothing
    and keeps the connection."""

    answers: Sequence[bytes | None]
    requests: list[Received] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                method, target, _ = lines[0].split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (li.partition(":") for li in lines[1:-2])}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
                self.requests.append(Received(method, target, headers, body))
                if answer is None:
                    await asyncio.sleep(60)
                    return
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of an answer."""
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def receiver(*answers: bytes | None) -> AsyncIterator[Receiver]:
    """A receiver on a free port of 127.0.0.1; without ``answers`` it says 200 to everything."""
    heard = Receiver(answers or [answer(200, b"{}")])
    server = await asyncio.start_server(heard.serve, "127.0.0.1", 0)
    heard.port = server.sockets[0].getsockname()[1]
    try:
        yield heard
    finally:
        server.close()
