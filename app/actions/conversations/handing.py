"""Handing a conversation to an agent, or back into the queue, and telling everybody who may know."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.conversations.store import OPEN, ConversationStore
from app.actions.conversations.telling import tell
from app.core.locks import lock_names
from app.core.tx import Tx
from models import Conversation, Team, User


class Handing:
    """Changes whose a locked conversation is."""

    def __init__(self, tx: Tx, store: ConversationStore) -> None:
        self._tx = tx
        self._store = store
        self._alone = False

    async def begin(self) -> None:
        """Lets nobody else of the tenant hand out conversations until this unit ends.

        Loads and the queue are read after this, so that two units cannot both give an agent their last place. It comes
        after every lock of a conversation; whoever holds it never waits for one.
        """
        await self._store.save()
        if not self._alone:
            await lock_names(self._tx.session, self._tx.tenant_id, ["queue"], kind="routing")
            self._alone = True

    async def give(
        self,
        conversation: Conversation,
        user_id: UUID,
        name: str,
        routing: Mapping[str, Any],
        *,
        says_so: bool = True,
    ) -> None:
        """Makes it the agent's, who is called ``name``. A line says so, unless what they say next does."""
        conversation.assignee_id = user_id
        conversation.assigned_at = conversation.updated_at = self._tx.now
        conversation.queued_at = None
        conversation.routing = dict(routing)
        line = await self._store.add_line(conversation, "assigned", name=name) if says_so else None
        await self._store.save()
        await tell(self._tx, conversation, "conversation.assigned", message=line, data={"name": name})
        await self.expect_answer(conversation)

    async def take_away(self, conversation: Conversation, routing: Mapping[str, Any]) -> None:
        """Makes it nobody's; an open one waits in the queue, from when its visitor began to wait. That is a line for
        agents alone; visitors are told of it without."""
        conversation.assignee_id = conversation.assigned_at = None
        conversation.updated_at = self._tx.now
        conversation.queued_at = self.place_of(conversation)
        conversation.routing = dict(routing)
        line = await self._store.add_line(conversation, "unassigned", public=False)
        await tell(self._tx, conversation, "message.created", message=line, public=False)
        await tell(self._tx, conversation, "conversation.assigned", data={"name": None})

    def place_of(self, conversation: Conversation) -> datetime | None:
        """Since when a conversation without an agent counts as waiting for one."""
        if conversation.status != OPEN:
            return None
        return conversation.queued_at or conversation.waiting_since or self._tx.now

    async def expect_answer(self, conversation: Conversation) -> None:
        """Looks again when the visitor has waited for this agent as long as the team allows."""
        if conversation.assignee_id is None or conversation.waiting_since is None or conversation.team_id is None:
            return
        allowed = select(col(Team.reassign_after_s)).where(col(Team.id) == conversation.team_id)
        seconds = (await self._tx.session.execute(allowed)).scalar_one_or_none()
        if seconds is None:
            return
        run_at = waits_since(conversation) + timedelta(seconds=seconds)
        key = f"{conversation.id.hex}:{int(run_at.timestamp() * 1000)}"
        self._tx.enqueue("conversations.reassign", {"conversation": conversation.id.hex}, run_at=run_at, key=key)

    async def name_of(self, user_id: UUID | None) -> str:
        """What a user is called; empty for nobody."""
        found = await self._tx.session.execute(select(col(User.name)).where(col(User.id) == user_id))
        return found.scalar_one_or_none() or ""


def waits_since(conversation: Conversation) -> datetime:
    """Since when the visitor has waited for the agent of an assigned conversation."""
    moments = (conversation.assigned_at, conversation.waiting_since)
    return max((moment for moment in moments if moment is not None), default=conversation.created_at)
