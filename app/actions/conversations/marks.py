"""How far each side has read, and what has reached the visitor. Marks never go back."""

from uuid import UUID

from app.actions.conversations.figures import Figures
from app.actions.conversations.store import AGENT, VISITOR, ConversationStore
from app.actions.conversations.telling import tell
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.tx import Tx
from models import Conversation


async def mark_read(tx: Tx, *, conversation_id: UUID, seq: int) -> Conversation:
    """The agents have read up to ``seq``, or to the end if it lies beyond. Raises :class:`NotFound` and
    :class:`Invalid`."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    store = ConversationStore(tx)
    conversation = await store.lock(conversation_id)
    mark = _checked(seq, conversation)
    if mark <= conversation.agents_read_to:
        return conversation
    conversation.agents_read_to = mark
    conversation.agents_unread = await Figures(tx.session, conversation).unread_beyond(mark, VISITOR)
    await store.save()
    await tell(tx, conversation, "conversation.read", data={"side": "agents", "to": mark, "delivered": mark})
    return conversation


async def mark_visitor_read(tx: Tx, *, conversation_id: UUID, seq: int, delivered_only: bool = False) -> Conversation:
    """What was said up to ``seq`` has reached the calling visitor and, unless ``delivered_only``, was read.

    Raises :class:`NotFound` and :class:`Invalid`.
    """
    tx.require(Scope.VISITOR)
    store = ConversationStore(tx)
    conversation = await store.lock(conversation_id)
    mark = _checked(seq, conversation)
    before = conversation.visitor_read_to, conversation.visitor_delivered_to
    if not delivered_only and mark > conversation.visitor_read_to:
        conversation.visitor_read_to = mark
        conversation.visitor_unread = await Figures(tx.session, conversation).unread_beyond(mark, AGENT)
    conversation.visitor_delivered_to = max(conversation.visitor_delivered_to, mark)
    read_to, delivered_to = conversation.visitor_read_to, conversation.visitor_delivered_to
    if (read_to, delivered_to) != before:
        await store.save()
        data = {"side": "visitor", "to": read_to, "delivered": delivered_to}
        await tell(tx, conversation, "conversation.read", data=data)
    return conversation


def _checked(seq: int, conversation: Conversation) -> int:
    if seq < 0:
        raise Invalid.at("seq", "must not be negative")
    return min(seq, conversation.head)
