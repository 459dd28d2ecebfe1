"""What a visitor thought of it."""

from uuid import UUID

from app.actions.conversations.store import CLOSED, ConversationStore
from app.actions.conversations.telling import tell
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import Conflict, Invalid
from app.core.tx import Tx
from models import Conversation

MAX_COMMENT = 2000


async def rate_conversation(tx: Tx, *, conversation_id: UUID, score: int, comment: str = "") -> Conversation:
    """The calling visitor rates a closed conversation of theirs, 1 to 5. Once more replaces it.

    Raises :class:`NotFound`, :class:`Invalid`, or :class:`Conflict` while it is not closed.
    """
    tx.require(Scope.VISITOR)
    if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= 5:
        raise Invalid.at("score", "must be 1 to 5")
    said = check_text(comment, "comment", longest=MAX_COMMENT).strip()
    store = ConversationStore(tx)
    conversation = await store.lock(conversation_id)
    if conversation.status != CLOSED:
        raise Conflict("The conversation is not closed yet.", "conversation_id")
    conversation.csat_score, conversation.csat_comment, conversation.csat_at = score, said, tx.now
    conversation.updated_at = tx.now
    await store.save()
    await tell(tx, conversation, "conversation.rated", data={"score": score})
    return conversation
