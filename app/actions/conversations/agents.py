"""The agents of a tenant as routing sees them: who is there, and how much they have to do."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlmodel import col

from app.actions.conversations.routing import ONLINE, Candidate
from app.core.access import ROLE_SCOPES, Scope
from app.core.batches import among
from app.core.tx import Reading
from models import Agent, Conversation, Member, TeamMember, User

ANSWERING = sorted(role.value for role, scopes in ROLE_SCOPES.items() if Scope.CONVERSATIONS_WRITE in scopes)
"""The roles of those who can be given a conversation."""
TAKEN = ("open", "pending")
"""The conversations that count as load."""
CAPACITY = 5
"""How many conversations somebody takes who never said."""
LEASE = timedelta(seconds=45)
"""How long somebody is taken to be there after the last renewal, of which there is one every 15 seconds."""


class Agents:
    """The members who can be given conversations."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._session = reading.session

    async def of_team(self, team_id: UUID) -> list[Candidate]:
        """Everybody in a team, in the order of their ids."""
        statement = (
            _agents(col(TeamMember.last_assigned_at))
            .join(
                TeamMember,
                and_(
                    col(TeamMember.tenant_id) == col(Member.tenant_id), col(TeamMember.user_id) == col(Member.user_id)
                ),
            )
            .where(col(TeamMember.team_id) == team_id)
        )
        return await self._candidates(statement)

    async def one(self, user_id: UUID, *, without: UUID | None = None) -> Candidate | None:
        """One agent; None for who is no member any more, or may not answer. The load does not count ``without``."""
        found = await self._candidates(_agents().where(col(Member.user_id) == user_id), without)
        return found[0] if found else None

    async def answering(self, user_ids: Collection[UUID]) -> set[UUID]:
        """Those of ``user_ids`` who can be given conversations."""
        statement = _agents().where(among(self._session, Member.user_id, user_ids))
        return {row.user_id for row in await self._session.execute(statement)}

    async def _candidates(self, statement: Select[Any], without: UUID | None = None) -> list[Candidate]:
        rows = (await self._session.execute(statement.order_by(col(Member.user_id)))).all()
        loads = await self._loads([row.user_id for row in rows], without)
        earliest = self._reading.now - LEASE
        return [
            Candidate(
                user_id=row.user_id,
                name=row.name,
                load=loads.get(row.user_id, 0),
                capacity=CAPACITY if row.capacity is None else row.capacity,
                availability=row.availability or ONLINE,
                is_present=row.seen_at is not None and row.seen_at >= earliest,
                last_assigned_at=row[5] if len(row) > 5 else None,
            )
            for row in rows
        ]

    async def _loads(self, user_ids: Sequence[UUID], without: UUID | None) -> dict[UUID, int]:
        statement = (
            select(col(Conversation.assignee_id), func.count())
            .where(
                among(self._session, Conversation.assignee_id, user_ids),
                col(Conversation.status).in_(TAKEN),
                *([col(Conversation.id) != without] if without else []),
            )
            .group_by(col(Conversation.assignee_id))
        )
        return {user_id: load for user_id, load in await self._session.execute(statement) if user_id is not None}


def _agents(*also: Any) -> Select[Any]:
    """Everybody who has joined with a role that may answer, and what they said of themselves."""
    return (
        select(
            col(Member.user_id),
            col(User.name),
            col(Agent.capacity),
            col(Agent.availability),
            col(Agent.seen_at),
            *also,
        )
        .join(User, col(User.id) == col(Member.user_id))
        .outerjoin(
            Agent, and_(col(Agent.tenant_id) == col(Member.tenant_id), col(Agent.user_id) == col(Member.user_id))
        )
        .where(col(Member.invited_at).is_(None), col(Member.role).in_(ANSWERING))
    )
