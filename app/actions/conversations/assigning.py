"""Whose conversation it is: given by hand, given back, and taken from an agent who leaves a visitor waiting."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlmodel import col

from app.actions.conversations.agents import ANSWERING, Agents
from app.actions.conversations.handing import waits_since
from app.actions.conversations.queueing import Queue
from app.actions.conversations.routing import MANUAL, Candidate, choose, decided
from app.actions.conversations.store import OPEN, ConversationStore
from app.actions.conversations.telling import tell
from app.core.access import Scope
from app.core.errors import NotFound
from app.core.ids import public_id
from app.core.keep import KEEP, Keep
from app.core.tx import Reading, Tx
from models import Conversation, Member, Team


async def assign_conversation(
    tx: Tx, *, conversation_id: UUID, assignee_id: UUID | Keep | None = KEEP, team_id: UUID | Keep | None = KEEP
) -> Conversation:
    """Gives a conversation to an agent or a team. A person may give an agent more than their capacity.

    ``assignee_id`` None gives it back: an open one waits in its team's queue, or goes to another agent who is free.
    With another team alone, an agent who is not in it loses the conversation, which that team then routes. Raises
    :class:`NotFound`, at ``assignee_id`` also for a member who may not answer.
    """
    tx.require(Scope.CONVERSATIONS_WRITE)
    store = ConversationStore(tx)
    conversation = await store.lock(conversation_id)
    await Assignments(tx, store).change(conversation, assignee_id, team_id)
    return conversation


async def reassign_conversation(tx: Tx, *, conversation_id: UUID) -> bool:
    """Asks somebody else when the visitor has waited longer for the agent than the team allows, or the agent is no
    member any more. Whoever is there, but idle, keeps it while nobody else is free. Returns whether it was taken."""
    tx.require(Scope.CONVERSATIONS_WRITE)
    store = ConversationStore(tx)
    conversation = await store.lock_first(store.mine().where(col(Conversation.id) == conversation_id))
    return conversation is not None and await Assignments(tx, store).reassign(conversation)


@dataclass(frozen=True, slots=True)
class Overdue:
    """A conversation whose visitor has waited for the agent for too long."""

    tenant_id: UUID
    conversation_id: UUID
    team_id: UUID | None
    assignee_id: UUID


async def overdue_conversations(reading: Reading, *, limit: int) -> list[Overdue]:
    """What :func:`reassign_conversation` should look at, the longest waiting first; of all tenants for our own work."""
    reading.require(Scope.CONVERSATIONS_WRITE)
    allowed = select(col(Team.reassign_after_s)).where(col(Team.reassign_after_s).is_not(None)).distinct()
    times = [seconds for seconds in (await reading.session.execute(allowed)).scalars() if seconds is not None]
    late = [_late(reading, seconds) for seconds in times]
    statement = (
        select(
            col(Conversation.tenant_id),
            col(Conversation.id),
            col(Conversation.team_id),
            col(Conversation.assignee_id),
        )
        .outerjoin(
            Team, and_(col(Team.tenant_id) == col(Conversation.tenant_id), col(Team.id) == col(Conversation.team_id))
        )
        .where(
            col(Conversation.waiting_since).is_not(None),
            col(Conversation.status) == OPEN,
            col(Conversation.assignee_id).is_not(None),
            or_(*late, ~_is_agent()),
        )
        .order_by(col(Conversation.waiting_since))
        .limit(limit)
    )
    rows = await reading.session.execute(statement)
    return [Overdue(tenant, id, team, agent) for tenant, id, team, agent in rows if agent is not None]


class Assignments:
    """Changes whose locked conversations are."""

    def __init__(self, tx: Tx, store: ConversationStore) -> None:
        self._tx = tx
        self._store = store
        self._agents = Agents(tx)
        self._queue = Queue(tx, store)

    async def change(
        self, conversation: Conversation, assignee_id: UUID | Keep | None = KEEP, team_id: UUID | Keep | None = KEEP
    ) -> None:
        """As :func:`assign_conversation`."""
        before = conversation.assignee_id
        moved = await self._move(conversation, team_id)
        if isinstance(assignee_id, UUID):
            await self._give(conversation, assignee_id)
        elif assignee_id is None:
            await self._give_back(conversation)
        elif moved:
            await self._follow_team(conversation)
        await self._store.save()
        if before != conversation.assignee_id:
            await self._queue.forget_loads()
            if before is not None:
                await self._queue.fill(await self._queue.teams_of(before))

    async def take(self, conversation: Conversation, user_id: UUID | None) -> None:
        """Makes a conversation without an agent that of the member who answers it; nobody's if an API key does."""
        if conversation.assignee_id is None and user_id is not None and await self._agents.answering([user_id]):
            await self._queue.handing.begin()
            name = await self._queue.handing.name_of(user_id)
            reason = f"{name or 'An agent'} answered it."
            routing = decided(reason, user_id, self._tx.now)
            await self._queue.handing.give(conversation, user_id, name, routing, says_so=False)

    async def reassign(self, conversation: Conversation) -> bool:
        """As :func:`reassign_conversation`."""
        if conversation.status != OPEN or conversation.assignee_id is None or conversation.waiting_since is None:
            return False
        agent = await self._agents.one(conversation.assignee_id)
        team = await self._queue.team(conversation.team_id)
        if agent is not None and not self._is_late(conversation, team):
            return False
        had, because = conversation.assignee_id, _because(agent)
        await self._queue.handing.begin()
        other = await self._other(team, had)
        if team is not None and other is not None:
            await self._queue.hand_to(conversation, team, other, not_to=[had], because=because)
        elif agent is not None and agent.is_there and team is not None and team.routing != MANUAL:
            return False
        else:
            await self._queue.place(conversation, because=because, anew=True)
        await self._queue.forget_loads()
        await self._queue.fill(await self._queue.teams_of(had))
        return True

    async def _move(self, conversation: Conversation, team_id: UUID | Keep | None) -> bool:
        if isinstance(team_id, Keep) or team_id == conversation.team_id:
            return False
        team = await self._queue.team(team_id)
        if team_id is not None and team is None:
            raise NotFound("team", "team_id")
        conversation.team_id = team_id
        conversation.updated_at = self._tx.now
        line = await self._store.add_line(conversation, "team", public=False, name=team.name if team else None)
        data = {"team": team_id and public_id("team", team_id)}
        await tell(self._tx, conversation, "conversation.changed", message=line, public=False, data=data)
        return True

    async def _give(self, conversation: Conversation, user_id: UUID) -> None:
        if conversation.assignee_id == user_id:
            return
        agent = await self._agents.one(user_id)
        if agent is None:
            raise NotFound("agent", "assignee_id")
        by = "themselves" if self._tx.principal.id == user_id else (await self._store.sender()).name or "somebody"
        routing = decided(f"Given to {agent.name or 'this agent'} by {by}.", user_id, self._tx.now)
        await self._queue.handing.begin()
        await self._queue.handing.give(conversation, user_id, agent.name, routing)

    async def _give_back(self, conversation: Conversation) -> None:
        had = conversation.assignee_id
        if had is None:
            await self._queue.place(conversation)
            return
        by = (await self._store.sender()).name or "somebody"
        because = f"Taken from {await self._queue.handing.name_of(had) or 'an agent'} by {by}."
        if self._tx.principal.id == had:
            because = f"Given back by {by}."
        if conversation.status == OPEN:
            await self._queue.place(conversation, not_to=[had], because=because, anew=True)
        else:
            await self._queue.handing.take_away(conversation, decided(because, None, self._tx.now))

    async def _follow_team(self, conversation: Conversation) -> None:
        """The team has changed: its agent stays if they are in it."""
        if conversation.assignee_id is not None:
            if conversation.team_id is None or conversation.team_id in await self._queue.teams_of(
                conversation.assignee_id
            ):
                return
            if conversation.status != OPEN:
                reason = decided("Its agent is not in the team it was given to.", None, self._tx.now)
                await self._queue.handing.take_away(conversation, reason)
                return
        await self._queue.place(conversation, anew=True)

    async def _other(self, team: Team | None, had: UUID) -> Candidate | None:
        if team is None:
            return None
        return choose(team.routing, await self._queue.candidates(team.id), [had])

    def _is_late(self, conversation: Conversation, team: Team | None) -> bool:
        if team is None or team.reassign_after_s is None:
            return False
        return waits_since(conversation) + timedelta(seconds=team.reassign_after_s) <= self._tx.now


def _because(agent: Candidate | None) -> str:
    if agent is None:
        return "Its agent is not a member any more."
    name = agent.name or "Its agent"
    return f"{name} did not answer in time." if agent.is_there else f"{name} has gone."


def _late(reading: Reading, seconds: int) -> ColumnElement[bool]:
    since = reading.now - timedelta(seconds=seconds)
    return and_(
        col(Team.reassign_after_s) == seconds,
        col(Conversation.waiting_since) <= since,
        col(Conversation.assigned_at) <= since,
    )


def _is_agent() -> ColumnElement[bool]:
    """The condition on a conversation that its agent can still answer."""
    return exists().where(
        col(Member.tenant_id) == col(Conversation.tenant_id),
        col(Member.user_id) == col(Conversation.assignee_id),
        col(Member.invited_at).is_(None),
        col(Member.role).in_(ANSWERING),
    )
