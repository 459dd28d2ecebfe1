"""The visitors and conversations of customers, as far as merging, parting and erasing customers has to do with them.

Which customer a conversation belongs to is what agents see. What a visitor sees never depends on it.
"""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, delete, insert, literal, or_, select
from sqlmodel import SQLModel, col

from app.actions.conversations.telling import tell
from app.actions.files.removing import FileRemoval
from app.core.batches import among
from app.core.feed import conversation_topic, visitor_topic
from app.core.tx import Tx
from models import (
    Conversation,
    ConversationTag,
    FeedEntry,
    FeedTopic,
    File,
    Identity,
    MergeMove,
    Message,
    MessageFile,
    MessageRevision,
    Visitor,
    VisitorPage,
)

EXTERNAL_ID = "external_id"


class Conversations:
    """The conversations of some customers, in one unit of work."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._session = tx.session

    async def lock(self, people: Collection[UUID]) -> None:
        """Locks the visitors and the conversations of these customers, before the customers themselves: as everybody
        does who says something in a conversation."""
        browsers = select(col(Visitor.id)).where(among(self._session, Visitor.customer_id, people))
        await self._session.execute(browsers.order_by(col(Visitor.id)).with_for_update(key_share=True))
        statement = select(col(Conversation.id)).where(among(self._session, Conversation.customer_id, people))
        await self._session.execute(statement.order_by(col(Conversation.id)).with_for_update(key_share=True))

    async def take_along(self, merge_id: UUID, root_id: UUID) -> None:
        """Notes, as if the merge had moved it, what came to the customer since and is the loser's all the same: the
        browsers whose proven id goes back to the loser, and what was said in the loser's browsers."""
        moved = select(col(MergeMove.row_id)).where(col(MergeMove.merge_id) == merge_id)
        edges = moved.where(col(MergeMove.kind) == "identity")
        names = select(col(Identity.value)).where(col(Identity.kind) == EXTERNAL_ID, col(Identity.id).in_(edges))
        await self._note(merge_id, "visitor", Visitor, root_id, col(Visitor.proven_id).in_(names))
        browsers = moved.where(col(MergeMove.kind) == "visitor")
        said = or_(col(Conversation.proven_id).in_(names), col(Conversation.visitor_id).in_(browsers))
        await self._note(merge_id, "conv", Conversation, root_id, said)

    async def _note(self, merge_id: UUID, kind: str, table: Any, root_id: UUID, condition: Any) -> None:
        known = select(col(MergeMove.row_id)).where(col(MergeMove.merge_id) == merge_id, col(MergeMove.kind) == kind)
        rows = select(col(table.tenant_id), literal(merge_id, Uuid()), literal(kind), col(table.id)).where(
            col(table.tenant_id) == self._tx.tenant_id,
            col(table.customer_id) == root_id,
            condition,
            col(table.id).not_in(known),
        )
        await self._execute(insert(MergeMove).from_select(["tenant_id", "merge_id", "kind", "row_id"], rows))

    async def moved_by(self, merge_id: UUID) -> Sequence[UUID]:
        """The conversations that a merge moved."""
        statement = select(col(MergeMove.row_id)).where(
            col(MergeMove.merge_id) == merge_id, col(MergeMove.kind) == "conv"
        )
        return (await self._session.execute(statement)).scalars().all()

    async def tell(self, ids: Sequence[UUID]) -> None:
        """Tells agents, and no visitor, whose these conversations are now."""
        statement = select(Conversation).where(among(self._session, Conversation.id, ids))
        statement = statement.order_by(col(Conversation.id)).execution_options(populate_existing=True)
        for conversation in (await self._session.execute(statement)).scalars():
            owner = conversation.customer_id
            data = {"customer": None if owner is None else owner.hex}
            await tell(self._tx, conversation, "conversation.changed", public=False, data=data)

    async def erase(self, people: Collection[UUID]) -> dict[str, int]:
        """Deletes the browsers of these customers and every conversation with them. Returns how many rows of each kind.

        The bytes of their files go after the commit.
        """
        visitors = await self._ids(select(col(Visitor.id)).where(among(self._session, Visitor.customer_id, people)))
        theirs = or_(
            among(self._session, Conversation.customer_id, people),
            among(self._session, Conversation.visitor_id, visitors),
        )
        talks = await self._ids(select(col(Conversation.id)).where(theirs))
        messages = select(col(Message.id)).where(among(self._session, Message.conversation_id, talks))
        carried = select(col(MessageFile.file_id)).where(col(MessageFile.message_id).in_(messages))
        uploaded = or_(col(File.id).in_(carried), among(self._session, File.visitor_id, visitors))
        files = await self._ids(select(col(File.id)).where(uploaded))
        topics = [*map(conversation_topic, talks), *map(visitor_topic, visitors)]
        await self._delete(MessageFile, col(MessageFile.message_id).in_(messages))
        await self._delete(MessageRevision, col(MessageRevision.message_id).in_(messages))
        await self._delete(ConversationTag, among(self._session, ConversationTag.conversation_id, talks))
        await self._delete(FeedEntry, among(self._session, FeedEntry.topic, topics))
        await self._delete(FeedTopic, among(self._session, FeedTopic.topic, topics))
        self._tx.forget(*visitors)
        return {
            "file": await FileRemoval(self._tx).remove(files),
            "message": await self._delete(Message, among(self._session, Message.conversation_id, talks)),
            "conversation": await self._delete(Conversation, among(self._session, Conversation.id, talks)),
            "visitor_page": await self._delete(VisitorPage, among(self._session, VisitorPage.visitor_id, visitors)),
            "visitor": await self._delete(Visitor, among(self._session, Visitor.id, visitors)),
        }

    async def _ids(self, statement: Any) -> list[UUID]:
        return list((await self._session.execute(statement)).scalars())

    async def _delete(self, table: type[SQLModel], condition: Any) -> int:
        return int((await self._execute(delete(table).where(condition))).rowcount)

    async def _execute(self, statement: Any) -> Any:
        return await self._session.execute(statement, execution_options={"synchronize_session": False})
