"""What the tests of routing share: teams at whose desks agents sit down and get up, and what became of whose."""

from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.actions.conversations import queue_position
from app.actions.teams import create_team, renew_presence, set_availability
from app.core import clock
from app.core.access import system
from app.core.errors import RapportError
from app.core.ids import public_id
from app.core.tx import UnitsOfWork
from models import Agent, AuditEntry, Conversation, FeedEntry, Job, Message, Team, TeamMember, Widget
from tests.actions.people import People
from tests.actions.talking import Agents, Office, Visiting


class Desk:
    """An office whose widget's conversations go to one team."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.owner = office.owner
        self.team: Team | None = None

    async def open(self, routing: str, *agents: Agents, reassign_after_s: int | None = None) -> "Desk":
        """The team, of agents who are absent."""
        ids = [agent.principal.id for agent in agents]
        self.team = await self.owner.do(
            create_team, name=f"{routing} team", routing=routing, reassign_after_s=reassign_after_s, member_ids=ids
        )
        async with self.office.units.write(system(self.office.tenant_id)) as tx:
            of_office = col(Widget.id) == self.office.widget_id
            await tx.session.execute(update(Widget).where(of_office).values(team_id=self.team_id))
        return self

    @property
    def team_id(self) -> UUID:
        assert self.team is not None
        return self.team.id

    async def sit_down(self, *agents: Agents, capacity: int | None = None) -> None:
        """They are there, and stay for the lease."""
        for agent in agents:
            if capacity is not None:
                await agent.do(set_availability, capacity=capacity)
        await renew(self.office.units, self.office.tenant_id, *agents)

    async def get_up(self, *agents: Agents) -> None:
        """They have gone, and their leases have run out."""
        async with self.office.units.write(system(self.office.tenant_id)) as tx:
            ids = [agent.principal.id for agent in agents]
            gone = update(Agent).where(col(Agent.user_id).in_(ids))
            await tx.session.execute(gone.values(seen_at=clock.now() - timedelta(hours=1)))

    async def asks(self, name: str = "Vera") -> tuple[Visiting, Conversation]:
        """A new visitor with a question."""
        visitor = await self.office.visitor(name)
        return visitor, (await visitor.says(f"{name} asks")).conversation

    async def backdate(self) -> None:
        """Everybody has waited for an hour for the same agent."""
        earlier = clock.now() - timedelta(hours=1)
        async with self.office.units.write(system(self.office.tenant_id)) as tx:
            await tx.session.execute(update(Conversation).values(assigned_at=earlier, waiting_since=earlier))

    async def agent_of(self, conversation: Conversation) -> UUID | None:
        return (await self.owner.conversation(conversation.id)).assignee_id

    async def position(self, conversation: Conversation) -> int | None:
        now = await self.owner.conversation(conversation.id)
        position: int | None = await self.owner.read(queue_position, conversation=now)
        return position

    async def loads(self) -> Counter[UUID]:
        """How many open or pending conversations each agent has."""
        rows = await self.owner.rows(Conversation)
        taken = [row for row in rows if row["status"] in ("open", "pending") and row["assignee_id"]]
        return Counter(row["assignee_id"] for row in taken)

    async def lines(self, conversation: Conversation) -> list[tuple[str, str, Any]]:
        """The lines of the system: kind, event and name."""
        rows = [row for row in await self.owner.rows(Message) if row["conversation_id"] == conversation.id]
        lines = sorted((row for row in rows if row["sender_kind"] == "system"), key=lambda row: row["seq"])
        return [(row["kind"], row["data"]["event"], row["data"].get("name")) for row in lines]


async def renew(units: UnitsOfWork, tenant_id: UUID, *agents: Agents) -> None:
    async with units.write(system(tenant_id)) as tx:
        await renew_presence(tx, user_ids=[agent.principal.id for agent in agents if agent.principal.id])


def verdicts(conversation: Conversation) -> dict[str, str]:
    """What was said of whom in the explanation."""
    assert conversation.routing is not None
    return {one["user"]: one["verdict"] for one in conversation.routing["considered"]}


def user(agent: Agents) -> str:
    assert agent.principal.id is not None
    return public_id("user", agent.principal.id)


async def refused(attempt: Awaitable[Any], kind: type[RapportError], field: str | None = None) -> RapportError:
    """The refusal of an attempt."""
    with pytest.raises(kind) as caught:
        await attempt
    assert caught.value.field == field
    return caught.value


async def everything(people: People) -> dict[str, Any]:
    """What routing leaves behind, to compare."""
    tables = (Conversation, Message, Team, TeamMember, Agent, Widget, FeedEntry, Job, AuditEntry)
    return {table.__tablename__: await people.rows(table) for table in tables}
