"""E-mail over an SMTP relay, many messages over few connections.

SMTP knows no idempotency key: when a connection breaks between the end of a message and the server's word, nobody can
know whether it was taken, and the outcome is ``unknown``. Before that nothing was taken.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar

from app.channels.carrying import Outcome, Outgoing
from app.channels.mail.dkim import Signer
from app.channels.mail.headers import Unwritable, bare_address
from app.channels.mail.mime import recipients, written
from app.channels.mail.session import Broken, Refused, Reply, Server, Session, open_session
from app.core import clock
from app.core.fetching import Guard

PORTS = frozenset({25, 465, 587, 2525})
IDLE_S = 20.0
"""After which a connection that nobody uses is closed; servers do so themselves after some minutes."""
PAUSE_S = 2.0
"""For which nobody tries again after a connection could not be opened."""
URGENT_CONNECTIONS = 2
"""Kept for lane 0, so that a transactional message never waits for a campaign's."""
LOGIN_RETRY_S = 300.0
ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
BAD_ADDRESS = re.compile(r"5\.1\.(?:1|2|3|6|10)|5\.2\.1")
"""RFC 3463: no such mailbox or domain, bad syntax, moved, null MX; mailbox disabled."""
BAD_ADDRESS_CODES = frozenset({550, 551, 553})
LOGIN_CODES = frozenset({530, 534, 535, 538})
"""RFC 4954: sign in first, or otherwise."""


@dataclass(frozen=True, slots=True)
class SmtpLimits:
    """How a relay is used. ``return_path`` is the envelope's sender; ``{delivery}`` in it is replaced by the
    delivery's id, so that a report that comes back says about which it is. Empty: the sender's own address."""

    connections: int = 8
    messages_per_connection: int = 500
    return_path: str = ""


class SmtpProvider:
    """Sends e-mail over one relay. ``signers``: how mail from each verified domain is signed."""

    kind: ClassVar[str] = "smtp"
    is_idempotent: ClassVar[bool] = False

    def __init__(
        self, server: Server, limits: SmtpLimits, guard: Guard, signers: Mapping[str, Signer] | None = None
    ) -> None:
        self._server = server
        self._limits = limits
        self._guard = guard
        self._signers = signers or {}
        self.concurrency = limits.connections
        self._slots = (asyncio.Semaphore(URGENT_CONNECTIONS), asyncio.Semaphore(limits.connections))
        self._free: list[Session] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._failed_at = -PAUSE_S
        self._failure: Refused | Broken | None = None
        self._is_closed = False

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hands one e-mail over. Its ``message_id`` is the Message-ID, without brackets."""
        try:
            sender = bare_address(outgoing.message.from_address)
            domain = sender.rpartition("@")[2].lower()
            message_id = f"{outgoing.delivery_id.hex}@{domain}"
            everybody = recipients(outgoing)
            data = written(outgoing, message_id=message_id, date=clock.now())
        except Unwritable as wrong:
            return Outcome.rejected("message", str(wrong))
        if signer := self._signers.get(domain):
            data = await signer.signed(data)
        if path := self._limits.return_path:
            sender = path.replace("{delivery}", outgoing.delivery_id.hex)
        try:
            reply = await self._deliver(min(outgoing.lane, 1), sender, everybody, data)
        except Refused as refused:
            return _outcome(refused)
        except Broken as broken:
            made = Outcome.unknown if broken.was_handed_over else Outcome.deferred
            return made("connection", str(broken))
        return Outcome.accepted(message_id, str(reply.code), reply.text)

    async def _deliver(self, lane: int, sender: str, everybody: list[str], data: bytes) -> Reply:
        async with self._slots[lane]:
            async with self._session() as (session, is_fresh):
                try:
                    return await session.send(sender, everybody, data)
                except Broken as broken:
                    if is_fresh or broken.was_handed_over:
                        raise
            # The server had given the idle connection up. Nothing was handed over, so a new one may have it.
            async with self._session(fresh=True) as (session, _):
                return await session.send(sender, everybody, data)

    @asynccontextmanager
    async def _session(self, *, fresh: bool = False) -> AsyncIterator[tuple[Session, bool]]:
        session = None if fresh else self._idle()
        is_fresh = session is None
        session = session or await self._open()
        try:
            yield session, is_fresh
        finally:
            if not session.is_ready:
                session.abort()
            elif self._is_closed or session.sent >= self._limits.messages_per_connection:
                await session.close()
            else:
                self._keep(session)

    def _idle(self) -> Session | None:
        while self._free:
            session = self._free.pop()
            if session.is_ready:
                return session
            session.abort()
        return None

    def _keep(self, session: Session) -> None:
        loop = asyncio.get_running_loop()
        session.free_since = loop.time()
        self._free.append(session)
        if self._sweep is None:
            self._sweep = loop.call_later(IDLE_S, self._close_idle)

    def _close_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweep = None
        for session in [one for one in self._free if loop.time() - one.free_since >= IDLE_S]:
            self._free.remove(session)
            session.quit()
        if self._free:
            self._sweep = loop.call_later(IDLE_S, self._close_idle)

    async def _open(self) -> Session:
        loop = asyncio.get_running_loop()
        if self._failure is not None and loop.time() - self._failed_at < PAUSE_S:
            raise self._failure
        try:
            session = await open_session(self._server, self._guard, PORTS)
        except (Refused, Broken) as failure:
            self._failed_at, self._failure = loop.time(), failure
            raise
        self._failure = None
        return session

    async def close(self) -> None:
        """Closes what is idle now, and the rest when it is done."""
        self._is_closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        free, self._free = self._free, []
        await asyncio.gather(*(session.close() for session in free))


def _outcome(refused: Refused) -> Outcome:
    reply = refused.reply
    enhanced = ENHANCED.match(reply.text)
    code = f"{reply.code} {enhanced[0]}" if enhanced else str(reply.code)
    # A wrong password, or none, is the relay's settings', not the message's: it waits until they are mended.
    stage = "login" if reply.code in LOGIN_CODES else refused.stage
    if stage in {"connect", "login"}:
        return Outcome.deferred(stage, str(refused), LOGIN_RETRY_S if stage == "login" else None)
    if not 500 <= reply.code < 600:
        return Outcome.deferred(code, reply.text)
    is_bad = bool(BAD_ADDRESS.match(enhanced[0])) if enhanced else reply.code in BAD_ADDRESS_CODES
    return Outcome.rejected(code, reply.text, address_is_bad=is_bad and refused.stage == "rcpt")
