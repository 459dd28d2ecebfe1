"""Changing many conversations at once."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from app.actions.conversations.assigning import Assignments
from app.actions.conversations.changing import Changes, Wanted
from app.actions.conversations.store import ConversationStore
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.keep import KEEP, Keep
from app.core.tx import Tx
from models import Conversation

MOST = 100


async def update_conversations(
    tx: Tx,
    *,
    conversation_ids: Sequence[UUID],
    status: str | None = None,
    snoozed_until: datetime | None = None,
    priority: str | None = None,
    subject: str | None = None,
    tags: Collection[str] | None = None,
    add_tags: Collection[str] = (),
    remove_tags: Collection[str] = (),
    assignee_id: UUID | Keep | None = KEEP,
    team_id: UUID | Keep | None = KEEP,
) -> list[Conversation]:
    """Does to 1 to 100 conversations what :func:`update_conversation` and :func:`assign_conversation` do to one: to all
    of them or, when it raises as they do, to none."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    wanted = Wanted(status, snoozed_until, priority, subject, tags, add_tags, remove_tags).checked()
    if not 1 <= len(conversation_ids) <= MOST:
        raise Invalid.at("conversation_ids", f"must be 1 to {MOST}")
    store = ConversationStore(tx)
    conversations = await store.lock_many(list(dict.fromkeys(conversation_ids)))
    changes, assignments = Changes(tx, store), Assignments(tx, store)
    for conversation in conversations:
        await changes.make(conversation, wanted)
        await assignments.change(conversation, assignee_id, team_id)
    return conversations
