"""Reading one conversation and what was said in it."""

from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.actions.conversations.store import ConversationReader
from app.actions.paging import check_window
from app.core.access import Scope
from app.core.tx import Reading
from models import Conversation, Message


async def get_conversation(reading: Reading, *, conversation_id: UUID) -> Conversation:
    """One conversation. Raises :class:`NotFound`."""
    reading.require(Scope.CONVERSATIONS_READ)
    return await ConversationReader(reading).get(conversation_id)


async def list_messages(
    reading: Reading, *, conversation_id: UUID, limit: int, offset: int = 0, newest_first: bool = False
) -> tuple[list[Message], int]:
    """Some messages of a conversation, notes and lines of the system among them, and how many there are.

    Raises :class:`NotFound` and :class:`Invalid`.
    """
    reading.require(Scope.CONVERSATIONS_READ)
    check_window(offset, limit)
    await ConversationReader(reading).get(conversation_id)
    of = col(Message.conversation_id) == conversation_id
    total = (await reading.session.execute(select(func.count()).select_from(Message).where(of))).scalar_one()
    order = col(Message.seq).desc() if newest_first else col(Message.seq)
    page = select(Message).where(of).order_by(order).offset(offset).limit(limit)
    return list((await reading.session.execute(page)).scalars()), total
