"""An SMTP server that only counts: whom it was sent how much, at the moment at which it takes a message."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Sink:
    """``taken`` counts messages by recipient. Every message takes ``delay_s``, as at a server that does something."""

    delay_s: float = 0.0
    port: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        recipients: list[str] = []
        try:
            writer.write(b"220 sink\r\n")
            while line := await reader.readline():
                command = line[:4].upper()
                if command == b"EHLO":
                    writer.write(b"250-sink\r\n250 PIPELINING\r\n")
                elif command == b"RCPT":
                    recipients.append(line.partition(b"<")[2].partition(b">")[0].decode())
                    writer.write(b"250 ok\r\n")
                elif command == b"DATA":
                    writer.write(b"354 go on\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    await asyncio.sleep(self.delay_s)
                    self.taken.update(recipients)
                    self.arrived.set()
                    recipients = []
                    writer.write(b"250 taken\r\n")
                else:
                    writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def sink(delay_s: float = 0.0) -> AsyncIterator[Sink]:
    """A counting server on a free port of 127.0.0.1."""
    counting = Sink(delay_s)
    server = await asyncio.start_server(counting.serve, "127.0.0.1", 0, limit=4 * 1024 * 1024)
    counting.port = server.sockets[0].getsockname()[1]
    try:
        yield counting
    finally:
        server.close()
