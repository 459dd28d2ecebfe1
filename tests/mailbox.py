"""A real SMTP server for tests (aiosmtpd), in the test's own loop: it keeps what it is sent and refuses as told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP as POLICY
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it arrived. ``peer`` is the connection it came over."""

    sender: str
    recipients: list[str]
    data: bytes
    peer: Any
    tls: bool
    utf8: bool = False

    @property
    def message(self) -> EmailMessage:
        parsed = BytesParser(policy=POLICY).parsebytes(self.data)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class Mailbox:
    """Where it listens, and what has arrived. ``refusals`` answer a recipient, or all with ``MAIL`` or ``DATA``."""

    refusals: Mapping[str, str] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    drops_after_text: bool = False
    closes_before: int | None = None

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if "MAIL" in self.refusals:
            return self.refusals["MAIL"]
        if self.closes_before is not None and len(self.mails) == self.closes_before:
            self.closes_before = None
            server.transport.abort()
        envelope.mail_from = address
        return "250 ok"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if "DATA" in self.refusals:
            return self.refusals["DATA"]
        content = envelope.original_content or b""
        tls = session.ssl is not None
        self.mails.append(
            Mail(envelope.mail_from or "", list(envelope.rcpt_tos), content, session.peer, tls, envelope.smtp_utf8)
        )
        if self.drops_after_text:
            server.transport.abort()
        return "250 2.0.0 taken as 4711"


@asynccontextmanager
async def mailbox(
    *,
    refusals: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
    context: ssl.SSLContext | None = None,
    tls: bool = False,
    utf8: bool = False,
    **given: Any,
) -> AsyncIterator[Mailbox]:
    """A server on a free port of 127.0.0.1. ``login`` is the name and password without which it takes nothing;
    ``context`` lets it speak TLS, from the start if ``tls``, else after STARTTLS. ``utf8``: it offers SMTPUTF8."""
    box = Mailbox(refusals or {}, **given)

    def checks(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login.decode(), data.password.decode()) == login, handled=False)

    def serve() -> SMTP:
        box.connections += 1
        return SMTP(
            box,
            hostname="mailbox.example",
            enable_SMTPUTF8=utf8,
            authenticator=checks if login else None,
            auth_required=login is not None,
            auth_require_tls=False,
            tls_context=None if tls else context,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0, ssl=context if tls else None)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
