"""Telling everybody who may know what has changed in a conversation."""

from collections.abc import Awaitable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.core.feed import INBOX_TOPIC, conversation_topic, visitor_topic
from app.core.tx import Tx
from models import Conversation, Message, Visitor

MOST_VISITORS = 20
"""Browsers of one proven person that are told. The others see it when they next open the widget."""


def tell(
    tx: Tx,
    conversation: Conversation,
    kind: str,
    *,
    message: Message | None = None,
    public: bool = True,
    data: Mapping[str, Any] | None = None,
) -> Awaitable[None]:
    """Emits ``kind`` (``message.created``, ``conversation.closed``, …) to the conversation's topic, the inbox and, when
    ``public``, to every visitor who may see the conversation. To be awaited; it asks no leave, for its caller has.

    The entry's subject is the conversation; its data are ``message`` (hex) and ``seq`` of the message it is about or of
    the system line that was written with it, if any, and ``data``.
    """
    said = {} if message is None else {"message": message.id.hex, "seq": message.seq}
    return _tell(tx, conversation, kind, public, {**said, **(data or {})})


async def _tell(tx: Tx, conversation: Conversation, kind: str, public: bool, data: dict[str, Any]) -> None:
    topics = [conversation_topic(conversation.id), INBOX_TOPIC]
    if public:
        topics += [visitor_topic(visitor_id) for visitor_id in await _entitled(tx, conversation)]
    for topic in topics:
        tx.emit(topic, kind, conversation.id, data)
    if conversation.customer_id is not None:
        tx.touch(conversation.customer_id, ("conversation", ""))


async def _entitled(tx: Tx, conversation: Conversation) -> list[UUID]:
    """The conversation's visitor, and the other browsers of the same proven person that were seen last."""
    own = [] if conversation.visitor_id is None else [conversation.visitor_id]
    if conversation.proven_id is None:
        return own
    others = (
        select(col(Visitor.id))
        .where(col(Visitor.proven_id) == conversation.proven_id)
        .order_by(col(Visitor.seen_at).desc(), col(Visitor.id))
        .limit(MOST_VISITORS)
    )
    return list(dict.fromkeys([*own, *(await tx.session.execute(others)).scalars()]))
