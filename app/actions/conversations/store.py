"""The conversations of one unit of work: finding them, locking them, and writing lines into them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, select
from sqlmodel import col

from app.actions.conversations.visibility import theirs
from app.core.access import Principal, Scope
from app.core.batches import among
from app.core.errors import Forbidden, NotFound
from app.core.fulltext import searchable
from app.core.ids import new_id
from app.core.markup import to_html
from app.core.tx import Reading, Tx
from models import Conversation, Message, User, Visitor

Row = TypeVar("Row")
OPEN, PENDING, SNOOZED, CLOSED = "open", "pending", "snoozed", "closed"
STATUSES = (OPEN, PENDING, SNOOZED, CLOSED)
PRIORITIES = ("low", "normal", "high", "urgent")
TEXT, NOTE, SYSTEM = "text", "note", "system"
AGENT, VISITOR = "agent", "visitor"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who says something: ``kind`` is ``visitor``, ``agent`` or ``system``."""

    kind: str
    id: UUID | None = None
    name: str = ""


THE_SYSTEM = Sender(SYSTEM)


def speaking(principal: Principal) -> Scope:
    """The scope that somebody needs who writes into conversations: a visitor's own, or the agents'."""
    return Scope.VISITOR if principal.kind == VISITOR else Scope.CONVERSATIONS_WRITE


def calling_visitor(principal: Principal) -> UUID:
    """The id of the visitor who calls. Raises :class:`Forbidden` for anybody else."""
    principal.require(Scope.VISITOR)
    if principal.kind != VISITOR or principal.id is None:
        raise Forbidden("Only a visitor can do this.", Scope.VISITOR.value)
    return principal.id


class ConversationReader:
    """The conversations that the caller may see: a visitor's own, or all of the tenant's. Others are not found."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._session = reading.session

    async def get(self, conversation_id: UUID, path: str = "conversation_id") -> Conversation:
        """One conversation. Raises :class:`NotFound` at ``path``."""
        found: Conversation | None = await self._one(self.mine().where(col(Conversation.id) == conversation_id))
        return _found(found, "conversation", path)

    def mine(self) -> Select[Conversation]:
        """All conversations that the caller may see."""
        principal = self._reading.principal
        if principal.kind == VISITOR and principal.id is not None:
            return select(Conversation).where(theirs(self._reading.tenant_id, principal.id))
        return select(Conversation)

    async def _one(self, statement: Select[Any]) -> Any:
        return (await self._session.execute(statement)).scalar_one_or_none()


class ConversationStore(ConversationReader):
    """The same, to change them. Whoever changes a conversation has locked its row; visitors' rows are locked before."""

    def __init__(self, tx: Tx) -> None:
        super().__init__(tx)
        self._tx = tx

    async def lock(self, conversation_id: UUID, path: str = "conversation_id") -> Conversation:
        """One conversation, as it is now, that nobody else changes until this unit ends. Raises :class:`NotFound`."""
        found = await self.lock_first(self.mine().where(col(Conversation.id) == conversation_id))
        return _found(found, "conversation", path)

    async def lock_first(self, statement: Select[Conversation]) -> Conversation | None:
        """The one conversation that ``statement`` selects, if any, locked."""
        found: Conversation | None = await self._one(_locked(statement))
        return found

    async def lock_many(self, ids: Sequence[UUID], path: str = "conversation_ids") -> list[Conversation]:
        """These conversations in this order, locked in the order of their ids. Raises :class:`NotFound`."""
        wanted = self.mine().where(among(self._session, Conversation.id, ids)).order_by(col(Conversation.id))
        found = {row.id: row for row in (await self._session.execute(_locked(wanted))).scalars()}
        return [_found(found.get(one), "conversation", path) for one in ids]

    async def lock_visitor(self, visitor_id: UUID, path: str = "visitor_id") -> Visitor:
        """A visitor who begins no other conversation until this unit ends. Raises :class:`NotFound`."""
        statement = select(Visitor).where(col(Visitor.id) == visitor_id).with_for_update(key_share=True)
        found: Visitor | None = await self._one(statement.execution_options(populate_existing=True))
        return _found(found, "visitor", path)

    async def lock_message(self, message_id: UUID, path: str = "message_id") -> tuple[Conversation, Message]:
        """A message and its conversation, which is locked. Raises :class:`NotFound`, also for visitors and notes."""
        wanted = select(Message).where(col(Message.id) == message_id)
        if self._tx.principal.kind == VISITOR:
            wanted = wanted.where(col(Message.kind) != NOTE)
        found: Message | None = await self._one(wanted)
        of = _found(found, "message", path).conversation_id
        conversation = await self.lock_first(self.mine().where(col(Conversation.id) == of))
        as_it_is: Message | None = await self._one(wanted.execution_options(populate_existing=True))
        return _found(conversation, "message", path), _found(as_it_is, "message", path)

    async def begin(self, **values: Any) -> Conversation:
        """A new conversation, open."""
        now = self._tx.now
        given = {"status": OPEN, "active_at": now, "created_at": now, "updated_at": now, **values}
        conversation = Conversation(tenant_id=self._tx.tenant_id, id=new_id(), **given)
        self._session.add(conversation)
        await self.save()
        return conversation

    async def append(
        self,
        conversation: Conversation,
        kind: str,
        sender: Sender,
        text: str = "",
        *,
        data: dict[str, Any] | None = None,
        client_id: str | None = None,
    ) -> Message:
        """The next message of a locked conversation, which is to be saved then. It is never older than the one before,
        however long it waited."""
        conversation.head += 1
        first = (conversation.subject,) if conversation.head == 1 else ()
        row: dict[str, Any] = {
            "id": new_id(),
            "conversation_id": conversation.id,
            "seq": conversation.head,
            "kind": kind,
            "sender_kind": sender.kind,
            "sender_id": sender.id,
            "sender_name": sender.name,
            "text": text,
            "html": to_html(text) if text else "",
            "words": searchable(text, *first),
            "data": data,
            "client_id": client_id,
            "created_at": max(self._tx.now, conversation.active_at),
        }
        await self._tx.insert(Message, [row])
        return Message(tenant_id=conversation.tenant_id, **row)

    async def add_line(self, conversation: Conversation, event: str, *, public: bool = True, **data: Any) -> Message:
        """A line of the system in a locked conversation, with the data ``{"event": event, **data}``.

        One that is not ``public`` is a note of the system: only agents see it.
        """
        kind = SYSTEM if public else NOTE
        return await self.append(conversation, kind, THE_SYSTEM, data={"event": event, **data})

    async def save(self) -> None:
        """Writes what was changed, so that the next statement sees it."""
        await self._session.flush()

    async def sender(self) -> Sender:
        """The caller as somebody who speaks, under the name of the moment. Our own work speaks as an agent."""
        caller = self._tx.principal
        if caller.kind == VISITOR:
            named = await self._one(select(col(Visitor.name)).where(col(Visitor.id) == caller.id))
            return Sender(VISITOR, caller.id, named or "")
        if caller.kind == "member":
            name = await self._one(select(col(User.name)).where(col(User.id) == caller.id))
            return Sender(AGENT, caller.id, name or "")
        if caller.kind == "api_key":
            return Sender(AGENT, None, caller.label.rsplit(" (", 1)[0][:200])
        return Sender(AGENT)


def _found(row: Row | None, noun: str, path: str) -> Row:
    if row is None:
        raise NotFound(noun, path)
    return row


def _locked(statement: Select[Any]) -> Select[Any]:
    return statement.with_for_update(key_share=True, of=Conversation).execution_options(populate_existing=True)
