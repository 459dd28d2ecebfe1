"""Properties of conversations: whatever both sides do in whatever order, the figures are what a plain count gives."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.actions.conversations import (
    close_conversation,
    delete_message,
    edit_message,
    mark_read,
    mark_visitor_read,
)
from app.core import clock
from app.core.access import ALL_SCOPES, Principal, Role, system
from app.core.database import Database
from app.core.ids import new_id
from app.core.services import Services
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from models import Conversation, Member, Message, Tenant, User
from tests.actions.talking import Office

# Nothing may be drawn inside these tests: Hypothesis then interrupts by a BaseException, which ends anyio's runner.
SLOW = settings(
    max_examples=15,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

places = st.integers(0, 8)
sides = st.sampled_from(["visitor", "agent"])
steps = st.one_of(
    st.tuples(st.just("say"), sides),
    st.tuples(st.just("say"), sides),
    st.tuples(st.just("note")),
    st.tuples(st.just("read"), sides, places),
    st.tuples(st.just("deliver"), places),
    st.tuples(st.just("edit"), places),
    st.tuples(st.just("delete"), places),
    st.tuples(st.just("delete"), places),
    st.tuples(st.just("close")),
    st.tuples(st.just("again"), places),
)


@dataclass
class Line:
    """One message as the plain count sees it."""

    kind: str
    side: str
    text: str
    message: Message
    deleted: bool = False
    original: str = ""

    @property
    def stands(self) -> bool:
        return self.kind == "text" and not self.deleted

    @property
    def is_said(self) -> bool:
        return self.side != "system"

    @property
    def said_at(self) -> datetime:
        return self.message.created_at


@dataclass
class Plain:
    """The plain count: all lines, and how far each side has read."""

    lines: list[Line] = field(default_factory=list)
    read_to: dict[str, int] = field(default_factory=lambda: {"visitor": 0, "agent": 0})
    delivered_to: int = 0
    is_closed: bool = False

    def figures(self) -> dict[str, Any]:
        numbered = list(enumerate(self.lines, 1))
        texts = [(seq, line) for seq, line in numbered if line.stands]
        last = texts[-1][1] if texts else None
        asked = [seq for seq, line in texts if line.side == "visitor"]
        replies = [line for seq, line in texts if line.side == "agent" and asked and seq > asked[0]]
        settled = [seq for seq, line in numbered if line.kind == "closed" or (line.stands and line.side == "agent")]
        waiting = [line for seq, line in texts if line.side == "visitor" and seq > max(settled, default=0)]
        return {
            "head": len(self.lines),
            "status": "closed" if self.is_closed else "open",
            "agents_read_to": self.read_to["agent"],
            "agents_unread": self._unread(texts, by="agent", of="visitor"),
            "visitor_read_to": self.read_to["visitor"],
            "visitor_delivered_to": self.delivered_to,
            "visitor_unread": self._unread(texts, by="visitor", of="agent"),
            "last_text": last.text if last else "",
            "last_sender_kind": last.side if last else None,
            "last_message_at": last.said_at if last else None,
            "waiting_since": waiting[0].said_at if waiting else None,
            "first_reply_at": replies[0].said_at if replies else None,
        }

    def _unread(self, texts: list[tuple[int, Line]], *, by: str, of: str) -> int:
        return sum(line.side == of and seq > self.read_to[by] for seq, line in texts)


class Talk:
    """One conversation, and the plain count beside it."""

    def __init__(self, office: Office, visitor: Any, first: Any) -> None:
        self.office, self.visitor, self.id = office, visitor, first.conversation.id
        self.plain = Plain([Line("text", "visitor", "first", first.message, original="first")])

    async def take(self, number: int, step: tuple[Any, ...]) -> None:
        await getattr(self, step[0])(number, *step[1:])
        for message in (await self.office.owner.messages(self.id))[len(self.plain.lines) :]:
            is_closing = message.kind == "system" and (message.data or {})["event"] == "closed"
            kind = "closed" if is_closing else message.kind
            self.plain.lines.append(Line(kind, message.sender_kind, message.text, message, original=message.text))

    async def say(self, number: int, side: str) -> None:
        self.plain.is_closed = False
        assert not (await self._send("text", side, f"t{number}")).repeated

    async def _send(self, kind: str, side: str, text: str) -> Any:
        if side == "visitor":
            return await self.visitor.says(text, conversation_id=self.id, client_id=text)
        say = self.office.owner.notes if kind == "note" else self.office.owner.says
        return await say(self.id, text, client_id=text)

    async def note(self, number: int) -> None:
        assert not (await self._send("note", "agent", f"n{number}")).repeated

    async def again(self, number: int, place: int) -> None:
        line = self._at(place)
        if line.is_said and line.original != "first":
            assert (await self._send(line.kind, line.side, line.original)).repeated

    async def read(self, number: int, side: str, seq: int) -> None:
        to = max(self.plain.read_to[side], min(seq, len(self.plain.lines)))
        self.plain.read_to[side] = to
        if side == "agent":
            await self.office.owner.do(mark_read, conversation_id=self.id, seq=seq)
            return
        self.plain.delivered_to = max(self.plain.delivered_to, to)
        await self.visitor.do(mark_visitor_read, conversation_id=self.id, seq=seq)

    async def deliver(self, number: int, seq: int) -> None:
        self.plain.delivered_to = max(self.plain.delivered_to, min(seq, len(self.plain.lines)))
        await self.visitor.do(mark_visitor_read, conversation_id=self.id, seq=seq, delivered_only=True)

    async def edit(self, number: int, place: int) -> None:
        line = self._at(place)
        if line.is_said and not line.deleted:
            line.text = f"e{number}"
            await self._author(line).do(edit_message, message_id=line.message.id, text=line.text)

    async def delete(self, number: int, place: int) -> None:
        line = self._at(place)
        if line.is_said:
            line.deleted, line.text = True, ""
            await self._author(line).do(delete_message, message_id=line.message.id)

    async def close(self, number: int) -> None:
        self.plain.is_closed = True
        await self.office.owner.do(close_conversation, conversation_id=self.id)

    def _at(self, place: int) -> Line:
        return self.plain.lines[place % len(self.plain.lines)]

    def _author(self, line: Line) -> Any:
        return self.visitor if line.side == "visitor" else self.office.owner

    async def check(self) -> None:
        conversation: Conversation = await self.office.owner.conversation(self.id)
        expected = self.plain.figures()
        assert {name: getattr(conversation, name) for name in expected} == expected
        messages = await self.office.owner.messages(self.id)
        assert [(one.seq, one.text) for one in messages] == [
            (seq, line.text) for seq, line in enumerate(self.plain.lines, 1)
        ]


@pytest.fixture
async def unlimited(database: Database, settings: Settings) -> AsyncIterator[UnitsOfWork]:
    """Units of work in which a visitor may write as fast as they like."""
    services = Services.of(settings.model_copy(update={"rate_limits": False}))
    yield UnitsOfWork(database, services=services)
    services.close()


async def new_office(units: UnitsOfWork) -> Office:
    tenant_id, user_id, now = new_id(), new_id(), clock.now()
    stamps = {"created_at": now, "updated_at": now}
    async with units.write(system(tenant_id)) as tx:
        await tx.insert(Tenant, [{"id": tenant_id, "name": "T", "plan": "free", "feed_epoch": "e", **stamps}])
        await tx.insert(User, [{"id": user_id, "email": f"{user_id.hex}@example.com", "name": "A", **stamps}])
        await tx.insert(Member, [{"id": new_id(), "user_id": user_id, "role": Role.OWNER, "created_at": now}])
    owner = Principal("member", tenant_id, user_id, scopes=ALL_SCOPES, role=Role.OWNER)
    return await Office(units, owner).open()


@SLOW
@given(story=st.lists(steps, min_size=6, max_size=20))
@example(story=[("read", "agent", 1), ("delete", 0), ("say", "agent"), ("read", "visitor", 2), ("delete", 1)])
@example(story=[("close",), ("say", "visitor"), ("delete", 2), ("say", "agent"), ("delete", 3)])
@example(story=[("say", "visitor"), ("close",), ("say", "agent"), ("delete", 1), ("delete", 4)])
async def test_the_figures_are_what_a_plain_count_gives(unlimited: UnitsOfWork, story: list[tuple[Any, ...]]) -> None:
    office = await new_office(unlimited)
    visitor = await office.visitor()
    talk = Talk(office, visitor, await visitor.says("first"))
    for number, step in enumerate(story):
        await talk.take(number, step)
        if number % 4 == 0:
            await talk.check()
    await talk.check()
