"""Where a conversation stands: open, pending, snoozed or closed, and what goes with each change."""

from datetime import datetime, timedelta
from typing import Any

from app.actions.conversations.figures import CLOSING
from app.actions.conversations.queueing import Queue
from app.actions.conversations.store import AGENT, CLOSED, OPEN, PENDING, SNOOZED, SYSTEM, VISITOR, ConversationStore
from app.actions.conversations.telling import tell
from app.core.errors import Invalid
from app.core.tx import Tx
from models import Conversation

LONGEST_SNOOZE = timedelta(days=366)


class Statuses:
    """Changes of the status of locked conversations."""

    def __init__(self, tx: Tx, store: ConversationStore) -> None:
        self._tx = tx
        self._store = store

    async def set(self, conversation: Conversation, status: str, until: datetime | None = None) -> None:
        """Makes it ``status``. What is so already changes nothing, but for another end of a snooze."""
        if status == SNOOZED:
            await self._snooze(conversation, until)
        elif conversation.status == status:
            return
        elif status == CLOSED:
            await self.close(conversation)
        elif status == PENDING:
            await self._ask(conversation)
        else:
            await self.reopen(conversation)

    async def close(self, conversation: Conversation) -> None:
        """Closes it. Nobody waits in it any more, and its agent has room for another."""
        if conversation.status == CLOSED:
            return
        self._leave(conversation, CLOSED, closed_at=self._tx.now, waiting_since=None, queued_at=None)
        line = await self._store.add_line(conversation, CLOSING, **await self._who())
        await tell(self._tx, conversation, "conversation.closed", message=line)
        await Queue(self._tx, self._store).make_room(conversation)

    async def reopen(self, conversation: Conversation, **data: Any) -> None:
        """Opens it again, if it is not open. A closed one says so in a line, and is routed anew if its visitor opens it
        and its agent is not there."""
        was = conversation.status
        if was == OPEN:
            return
        self._leave(conversation, OPEN, closed_at=None, active_at=max(self._tx.now, conversation.active_at))
        line = await self._store.add_line(conversation, "reopened", **await self._who()) if was == CLOSED else None
        await self._store.save()
        await tell(self._tx, conversation, "conversation.reopened", message=line, data={"from": was, **data})
        if conversation.assignee_id is None or (was == CLOSED and self._tx.principal.kind == VISITOR):
            await Queue(self._tx, self._store).place(conversation)

    async def _ask(self, conversation: Conversation) -> None:
        was = conversation.status
        self._leave(conversation, PENDING, closed_at=None, queued_at=None)
        line = await self._store.add_line(conversation, "reopened", **await self._who()) if was == CLOSED else None
        await self._store.save()
        await tell(self._tx, conversation, "conversation.pending", message=line, data={"from": was})

    async def _snooze(self, conversation: Conversation, until: datetime | None) -> None:
        if until is None:
            raise Invalid.at("snoozed_until", "must say until when")
        if until.tzinfo is None or not self._tx.now < until <= self._tx.now + LONGEST_SNOOZE:
            raise Invalid.at("snoozed_until", "must be a moment in the year to come")
        if (conversation.status, conversation.snoozed_until) == (SNOOZED, until):
            return
        self._leave(conversation, SNOOZED, snoozed_until=until, closed_at=None, queued_at=None)
        await self._store.save()
        key = f"{conversation.id.hex}:{int(until.timestamp() * 1000)}"
        self._tx.enqueue("conversations.wake", {"conversation": conversation.id.hex}, run_at=until, key=key)
        data = {"until": until.isoformat()}
        await tell(self._tx, conversation, "conversation.snoozed", public=False, data=data)
        await Queue(self._tx, self._store).make_room(conversation)

    async def _who(self) -> dict[str, Any]:
        """Who did it, for a line: a kind of sender, and their name."""
        by = self._tx.principal.kind if self._tx.principal.kind in (VISITOR, SYSTEM) else AGENT
        return {"by": by, "name": (await self._store.sender()).name}

    def _leave(self, conversation: Conversation, status: str, **values: Any) -> None:
        for name, value in {"snoozed_until": None, "updated_at": self._tx.now, **values}.items():
            setattr(conversation, name, value)
        conversation.status = status
