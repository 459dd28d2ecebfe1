"""One connection to an SMTP server, over which many messages go.

aiosmtplib opens it: greeting, TLS and sign-in. From then on commands are pipelined where the server allows it
(RFC 2920), which takes one round trip before a message's text instead of three.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Never

import aiosmtplib

from app.core.fetching import FetchFailed, Guard, connected_socket

CONNECT_S = 10.0
SEND_S = 60.0
"""How long the server may take for one message (RFC 5321, 4.5.3.2 would have us wait ten minutes for the last word)."""
LONGEST_REPLY = 32_768


class Reply(NamedTuple):
    """What the server said to one command."""

    code: int
    text: str

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 400


NO_UTF8 = Reply(553, "5.6.7 the server takes no address with letters beyond ASCII before the @ (SMTPUTF8)")
"""What a server without SMTPUTF8 would say (RFC 6531, 3.5), if it were asked."""


class Refused(Exception):
    """The server refused at ``stage``: ``connect``, ``login``, ``mail``, ``rcpt``, ``data`` or ``text``. Nothing was
    taken."""

    def __init__(self, stage: str, reply: Reply) -> None:
        super().__init__(f"{stage}: {reply.code} {reply.text}")
        self.stage = stage
        self.reply = reply


class Broken(Exception):
    """The connection is lost. ``was_handed_over``: the message may have been taken all the same."""

    def __init__(self, message: str, *, was_handed_over: bool) -> None:
        super().__init__(message)
        self.was_handed_over = was_handed_over


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect and how. ``security``: ``tls`` from the start, ``starttls``, or ``none``."""

    host: str
    port: int
    security: str
    username: str = ""
    password: str = field(default="", repr=False)
    local_hostname: str = "localhost"
    context: ssl.SSLContext | None = None


class Session(asyncio.Protocol):
    """An open connection; for one task at a time. Open it with :func:`open_session`."""

    def __init__(
        self, client: aiosmtplib.SMTP, transport: Any, *, pipelines: bool, takes_utf8: bool, largest: int | None
    ) -> None:
        self._client = client
        self._transport = transport
        self._pipelines = pipelines
        self._takes_utf8 = takes_utf8
        self._largest = largest
        self._buffer = bytearray()
        self._lines: list[str] = []
        self._replies: deque[Reply] = deque()
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._lost: str | None = None
        self.sent = 0
        self.free_since = 0.0
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return self._lost is None and not self._transport.is_closing()

    @property
    def is_ready(self) -> bool:
        """Whether another message can go over it: the server has neither closed it nor said anything unasked."""
        return self.is_open and not self._replies and not self._buffer

    async def send(self, sender: str, recipients: Sequence[str], data: bytes) -> Reply:
        """Hands one message over, and returns the server's word of acceptance.

        The first of ``recipients`` must be taken, others need not. Raises :class:`Refused`, after which the session
        goes on (unless it :attr:`is_open` no more), and :class:`Broken`.
        """
        handed_over = False
        head = data.partition(b"\r\n\r\n")[0]
        is_utf8 = not (head.isascii() and "".join((sender, *recipients)).isascii())
        try:
            async with asyncio.timeout(SEND_S):
                await self._announce(sender, recipients, len(data), is_utf8=is_utf8)
                handed_over = True
                self._write((b"." if data.startswith(b".") else b"") + data.replace(b"\r\n.", b"\r\n.."))
                self._write(b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n")
                (reply,) = await self._take(1)
        except TimeoutError:
            self._fail(f"no answer within {SEND_S:g} s", handed_over)
        except ConnectionError as lost:
            self._fail(str(lost), handed_over)
        except asyncio.CancelledError:
            self.abort()
            raise
        if not reply.is_good:
            raise self._refused("text", reply)
        self.sent += 1
        return reply

    async def _announce(self, sender: str, recipients: Sequence[str], size: int, *, is_utf8: bool) -> None:
        if is_utf8 and not self._takes_utf8:
            raise Refused("mail", NO_UTF8)
        if self._largest is not None and size > self._largest:
            raise Refused("mail", Reply(552, f"5.3.4 the server takes at most {self._largest} bytes"))
        said = f" SIZE={size}" if self._largest is not None else ""
        said += " SMTPUTF8" if is_utf8 else ""
        commands = [f"MAIL FROM:<{sender}>{said}", *(f"RCPT TO:<{one}>" for one in recipients), "DATA"]
        mail, *taken, data = await self._ask(commands)
        if mail.is_good and taken[0].is_good and data.code == 354:
            return
        if data.code == 354:
            await self._withdraw(any(reply.is_good for reply in taken))
        elif self.is_open and not {421, 221} & {mail.code, data.code}:
            await self._ask(["RSET"])
        if not mail.is_good:
            raise self._refused("mail", mail)
        if not taken[0].is_good:
            raise self._refused("rcpt", taken[0])
        raise self._refused("data", data)

    async def _withdraw(self, somebody_gets_it: bool) -> None:
        """The server waits for a text that is not to be sent. Only a connection that ends is sure to withdraw it."""
        if somebody_gets_it:
            self.abort()
            return
        self._write(b".\r\n")
        await self._take(1)

    async def _ask(self, commands: Sequence[str]) -> list[Reply]:
        if self._pipelines:
            self._write("".join(f"{command}\r\n" for command in commands).encode())
            return await self._take(len(commands))
        replies: list[Reply] = []
        for command in commands:
            self._write(f"{command}\r\n".encode())
            replies += await self._take(1)
            if not replies[-1].is_good and command.startswith(("MAIL", "RCPT")) and len(replies) <= 2:
                return replies + [Reply(503, "not asked")] * (len(commands) - len(replies))
        return replies

    def _refused(self, stage: str, reply: Reply) -> Refused:
        if reply.code == 421:
            self.abort()
        return Refused(stage, reply)

    def _fail(self, message: str, handed_over: bool) -> Never:
        self.abort()
        raise Broken(message or "the connection was lost", was_handed_over=handed_over)

    def _write(self, data: bytes) -> None:
        if not self.is_open:
            raise ConnectionResetError(self._lost or "the connection is closed")
        self._transport.write(data)

    async def _take(self, count: int) -> list[Reply]:
        if len(self._replies) < count:
            if self._lost is not None:
                raise ConnectionResetError(self._lost)
            self._wanted = count
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return [self._replies.popleft() for _ in range(count)]

    def data_received(self, data: bytes) -> None:
        """Of asyncio.Protocol."""
        self._buffer += data
        *lines, rest = bytes(self._buffer).split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            text = line.strip().decode("utf-8", "replace")
            self._lines.append(text[4:])
            if text[3:4] == "-" and text[:3].isdecimal():
                continue
            if not text[:3].isdecimal():
                self.connection_lost(ConnectionResetError("the server speaks no SMTP"))
                self._transport.abort()
                return
            self._replies.append(Reply(int(text[:3]), "\n".join(self._lines)))
            self._lines = []
        if len(self._buffer) + sum(map(len, self._lines)) > LONGEST_REPLY:
            self.connection_lost(ConnectionResetError("the server says too much"))
            self._transport.abort()
        elif self._waiter is not None and not self._waiter.done() and len(self._replies) >= self._wanted:
            self._waiter.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio.Protocol."""
        self._lost = self._lost or str(exc or "the server closed the connection")
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionResetError(self._lost))

    def abort(self) -> None:
        """Ends the connection at once."""
        self._lost = self._lost or "closed"
        self._transport.abort()

    def quit(self) -> None:
        """Takes leave of the server without waiting for its answer."""
        if self.is_open:
            self._transport.write(b"QUIT\r\n")
            self._transport.close()

    async def close(self) -> None:
        """Takes leave of the server."""
        try:
            async with asyncio.timeout(2):
                await self._ask(["QUIT"])
        except (TimeoutError, ConnectionError):
            pass
        self.abort()


async def open_session(server: Server, guard: Guard, ports: frozenset[int]) -> Session:
    """A connection that is ready for messages. Raises :class:`Refused` and :class:`Broken`."""
    client = aiosmtplib.SMTP(
        hostname=server.host,
        username=server.username or None,
        password=server.password or None,
        local_hostname=server.local_hostname,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=server.context,
        timeout=CONNECT_S,
    )
    try:
        async with asyncio.timeout(CONNECT_S):
            sock = await connected_socket(guard, server.host, server.port, ports)
            await client.connect(sock=sock)
            if client.last_ehlo_response is None:
                await client.ehlo()
    except BaseException as failure:
        client.close()
        raise _failure(failure) from failure
    size = client.esmtp_extensions.get("size", "")
    return Session(
        client,
        client.transport,
        pipelines=client.supports_extension("pipelining"),
        takes_utf8=client.supports_extension("smtputf8"),
        largest=int(size) or None if size.isdecimal() else None,
    )


def _failure(failure: BaseException) -> BaseException:
    match failure:
        case aiosmtplib.SMTPAuthenticationError():
            return Refused("login", Reply(failure.code, failure.message))
        case aiosmtplib.SMTPResponseException():
            return Refused("connect", Reply(failure.code, failure.message))
        case TimeoutError():
            return Broken(f"no connection within {CONNECT_S:g} s", was_handed_over=False)
        case FetchFailed() | aiosmtplib.SMTPException() | OSError() | UnicodeError() | ValueError():
            return Broken(str(failure), was_handed_over=False)
        case _:
            return failure
