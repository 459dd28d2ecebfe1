"""Changing conversations: status, priority, subject and tags; closing, and waking from a snooze."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlmodel import col

from app.actions.conversations.rules import MAX_TAGS, checked_subject, checked_tags
from app.actions.conversations.statuses import Statuses
from app.actions.conversations.store import (
    PRIORITIES,
    SNOOZED,
    STATUSES,
    ConversationStore,
    speaking,
)
from app.actions.conversations.telling import tell
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.fulltext import searchable
from app.core.tx import Tx
from models import Conversation, ConversationTag, Message


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a conversation is to be; None leaves what is. ``tags`` replaces the tags before others are added or taken."""

    status: str | None = None
    snoozed_until: datetime | None = None
    priority: str | None = None
    subject: str | None = None
    tags: Collection[str] | None = None
    add_tags: Collection[str] = ()
    remove_tags: Collection[str] = ()

    def checked(self) -> "Wanted":
        """The same in its normal form. Raises :class:`Invalid`."""
        status = SNOOZED if self.status is None and self.snoozed_until is not None else self.status
        if status is not None and status not in STATUSES:
            raise Invalid.at("status", f"must be {', '.join(STATUSES)}")
        if self.snoozed_until is not None and status != SNOOZED:
            raise Invalid.at("snoozed_until", "goes with the status snoozed alone")
        if self.priority is not None and self.priority not in PRIORITIES:
            raise Invalid.at("priority", f"must be {', '.join(PRIORITIES)}")
        return Wanted(
            status,
            self.snoozed_until,
            self.priority,
            None if self.subject is None else checked_subject(self.subject),
            None if self.tags is None else checked_tags(self.tags, "tags"),
            checked_tags(self.add_tags, "add_tags"),
            checked_tags(self.remove_tags, "remove_tags"),
        )


async def update_conversation(
    tx: Tx,
    *,
    conversation_id: UUID,
    status: str | None = None,
    snoozed_until: datetime | None = None,
    priority: str | None = None,
    subject: str | None = None,
    tags: Collection[str] | None = None,
    add_tags: Collection[str] = (),
    remove_tags: Collection[str] = (),
) -> Conversation:
    """Changes what is given; ``snoozed_until`` alone means the status ``snoozed``. Raises :class:`NotFound` and
    :class:`Invalid`."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    wanted = Wanted(status, snoozed_until, priority, subject, tags, add_tags, remove_tags).checked()
    store = ConversationStore(tx)
    conversation = await store.lock(conversation_id)
    await Changes(tx, store).make(conversation, wanted)
    return conversation


async def close_conversation(tx: Tx, *, conversation_id: UUID) -> Conversation:
    """Closes a conversation; a visitor may close theirs. Once more changes nothing. Raises :class:`NotFound`."""
    tx.require(speaking(tx.principal))
    store = ConversationStore(tx)
    conversation = await store.lock(conversation_id)
    await Statuses(tx, store).close(conversation)
    return conversation


async def wake_conversation(tx: Tx, *, conversation_id: UUID) -> None:
    """Opens a conversation whose snooze has run out. One that is not there, or sleeps on, is left alone."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    store = ConversationStore(tx)
    conversation = await store.lock_first(store.mine().where(col(Conversation.id) == conversation_id))
    if conversation is None or conversation.status != SNOOZED:
        return
    if conversation.snoozed_until is None or conversation.snoozed_until <= tx.now:
        await Statuses(tx, store).reopen(conversation, woken=True)


class Changes:
    """Makes locked conversations what somebody wants them to be."""

    def __init__(self, tx: Tx, store: ConversationStore) -> None:
        self._tx = tx
        self._store = store

    async def make(self, conversation: Conversation, wanted: Wanted) -> None:
        """Changes what differs, and tells of it."""
        changed: dict[str, Any] = {}
        if wanted.priority is not None and wanted.priority != conversation.priority:
            conversation.priority = changed["priority"] = wanted.priority
        if wanted.subject is not None and wanted.subject != conversation.subject:
            conversation.subject = changed["subject"] = wanted.subject
            await self._find_by_subject(conversation)
        tags = await self._tag(conversation, wanted)
        if tags is not None:
            changed["tags"] = tags
        if changed:
            conversation.updated_at = self._tx.now
            await self._store.save()
            await tell(self._tx, conversation, "conversation.changed", public=False, data=changed)
        if wanted.status is not None:
            await Statuses(self._tx, self._store).set(conversation, wanted.status, wanted.snoozed_until)

    async def _find_by_subject(self, conversation: Conversation) -> None:
        first = (col(Message.conversation_id) == conversation.id, col(Message.seq) == 1)
        text = (await self._tx.session.execute(select(col(Message.text)).where(*first))).scalar_one()
        words = searchable(text, conversation.subject)
        await self._execute(update(Message).where(*first).values(words=words))

    async def _tag(self, conversation: Conversation, wanted: Wanted) -> list[str] | None:
        """The tags that it has now, or None if they are what they were."""
        if wanted.tags is None and not wanted.add_tags and not wanted.remove_tags:
            return None
        of = col(ConversationTag.conversation_id) == conversation.id
        found = await self._tx.session.execute(select(col(ConversationTag.name)).where(of))
        have = set(found.scalars())
        want = (have if wanted.tags is None else set(wanted.tags)) | set(wanted.add_tags)
        want -= set(wanted.remove_tags)
        if len(want) > MAX_TAGS:
            raise Invalid.at("tags", f"must be at most {MAX_TAGS}")
        if want == have:
            return None
        gone = have - want
        if gone:
            await self._execute(delete(ConversationTag).where(of, col(ConversationTag.name).in_(gone)))
        new = [{"conversation_id": conversation.id, "name": name} for name in sorted(want - have)]
        await self._tx.insert(ConversationTag, new)
        return sorted(want)

    async def _execute(self, statement: Any) -> None:
        await self._tx.session.execute(statement, execution_options={"synchronize_session": False})
