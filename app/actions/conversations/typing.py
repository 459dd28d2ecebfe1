"""Who is typing. That is never stored: whoever shows it asks here who that is, and whether they may."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.conversations.store import AGENT, VISITOR, ConversationReader, speaking
from app.core.access import Scope
from app.core.errors import Forbidden
from app.core.tx import Reading
from models import User, Visitor


@dataclass(frozen=True, slots=True)
class Typist:
    """Somebody who types. ``kind`` is ``agent`` or ``visitor``; ``name`` is what the other side sees."""

    kind: str
    id: UUID
    name: str


async def who_types(reading: Reading, *, conversation_id: UUID) -> Typist:
    """The caller as one who types in a conversation. Raises :class:`NotFound`, and :class:`Forbidden` for our own
    work, which never types."""
    reading.require(speaking(reading.principal))
    await ConversationReader(reading).get(conversation_id)
    caller = reading.principal
    if caller.id is None:
        raise Forbidden("Nobody is typing.")
    if caller.kind == "api_key":
        return Typist(AGENT, caller.id, caller.label.rsplit(" (", 1)[0])
    person = User if caller.kind == "member" else Visitor
    name = select(col(person.name)).where(col(person.id) == caller.id)
    found: str = (await reading.session.execute(name)).scalar_one_or_none() or ""
    return Typist(AGENT if caller.kind == "member" else VISITOR, caller.id, found)


async def may_watch(reading: Reading, *, conversation_id: UUID) -> None:
    """Refuses whoever may not see what goes on in a conversation: :class:`NotFound`."""
    reading.require(Scope.VISITOR if reading.principal.kind == VISITOR else Scope.CONVERSATIONS_READ)
    await ConversationReader(reading).get(conversation_id)


async def own_agents(reading: Reading) -> set[UUID]:
    """The agents to whom the calling visitor's conversations are given."""
    reading.require(Scope.VISITOR)
    found = await reading.session.execute(ConversationReader(reading).mine())
    return {one.assignee_id for one in found.scalars() if one.assignee_id is not None}
