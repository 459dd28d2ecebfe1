"""The figures that a conversation keeps of what was said in it: unread counts, the last text, who waits since when.

All of them are about the texts that stand: not about notes, lines of the system, and what was deleted.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.actions.conversations.store import AGENT, CLOSED, SYSTEM, TEXT, VISITOR
from app.core.markup import to_preview
from models import Conversation, File, Message, MessageFile

STANDS = and_(col(Message.kind) == TEXT, col(Message.deleted_at).is_(None))
CLOSING = "closed"
"""The event of the line that says that a conversation was closed."""


class Figures:
    """The figures of one conversation, whose row is locked."""

    def __init__(self, session: AsyncSession, conversation: Conversation) -> None:
        self._session = session
        self._conversation = conversation

    async def count_in(self, message: Message, file_name: str = "") -> None:
        """A text was just said. Without words, the name of its first file stands for it."""
        conversation = self._conversation
        conversation.last_text = to_preview(message.text or file_name)
        conversation.last_sender_kind = message.sender_kind
        conversation.last_message_at = message.created_at
        if message.sender_kind == VISITOR:
            conversation.agents_unread += 1
            conversation.waiting_since = conversation.waiting_since or message.created_at
            return
        conversation.visitor_unread += 1
        if conversation.first_reply_at is None and await self._has_asked():
            conversation.first_reply_at = message.created_at
        conversation.waiting_since = None

    async def count_out(self, message: Message) -> None:
        """A text was just deleted."""
        conversation = self._conversation
        if message.sender_kind == VISITOR:
            conversation.agents_unread -= message.seq > conversation.agents_read_to
        else:
            conversation.visitor_unread -= message.seq > conversation.visitor_read_to
        await self.find_last()
        await self._find_waiting()

    async def find_last(self) -> None:
        """Looks up what was said last."""
        conversation = self._conversation
        last = await self._first(STANDS, order=col(Message.seq).desc())
        conversation.last_text = "" if last is None else to_preview(last.text or await self._file_name(last))
        conversation.last_sender_kind = None if last is None else last.sender_kind
        conversation.last_message_at = None if last is None else last.created_at

    async def unread_beyond(self, seq: int, sender_kind: str) -> int:
        """How many texts of a side come after ``seq``."""
        beyond = self._of(STANDS, col(Message.sender_kind) == sender_kind, col(Message.seq) > seq)
        counted: int = (
            await self._session.execute(select(func.count()).select_from(Message).where(beyond))
        ).scalar_one()
        return counted

    async def _has_asked(self) -> bool:
        return await self._first(STANDS, col(Message.sender_kind) == VISITOR) is not None

    async def _find_waiting(self) -> None:
        """Looks up the first reply, and the first question that nobody has answered and no closing has settled."""
        conversation = self._conversation
        asked = await self._first(STANDS, col(Message.sender_kind) == VISITOR)
        by_agent = and_(STANDS, col(Message.sender_kind) == AGENT)
        reply = None if asked is None else await self._first(by_agent, col(Message.seq) > asked.seq)
        conversation.first_reply_at = None if reply is None else reply.created_at
        was_closed = and_(col(Message.kind) == SYSTEM, col(Message.data)["event"].as_string() == CLOSING)
        settled = await self._first(or_(by_agent, was_closed), order=col(Message.seq).desc())
        beyond = 0 if settled is None else settled.seq
        waiting = await self._first(STANDS, col(Message.sender_kind) == VISITOR, col(Message.seq) > beyond)
        is_closed = conversation.status == CLOSED
        conversation.waiting_since = None if waiting is None or is_closed else waiting.created_at

    async def _first(self, *conditions: ColumnElement[bool], order: Any = None) -> Message | None:
        statement = select(Message).where(self._of(*conditions)).limit(1)
        ordered = statement.order_by(col(Message.seq) if order is None else order)
        found: Message | None = (await self._session.execute(ordered)).scalar_one_or_none()
        return found

    def _of(self, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return and_(col(Message.conversation_id) == self._conversation.id, *conditions)

    async def _file_name(self, message: Message) -> str:
        same = and_(col(MessageFile.tenant_id) == col(File.tenant_id), col(MessageFile.file_id) == col(File.id))
        names = (
            select(col(File.name))
            .join(MessageFile, same)
            .where(col(MessageFile.message_id) == message.id)
            .order_by(col(MessageFile.place))
            .limit(1)
        )
        return (await self._session.execute(names)).scalar_one_or_none() or ""
