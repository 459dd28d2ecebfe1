"""Teams and agents, as the graph shows them."""

from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import func, literal, or_, select
from sqlalchemy.sql import ColumnElement

import models
from app.actions.conversations.agents import ANSWERING, CAPACITY, TAKEN
from app.core.access import Scope
from resolvers.accounts.users import User, user_of
from resolvers.nodes import Node, lookup, values_of
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, column, many, one, rows, table_type
from resolvers.scalars import DateTime, enum_value

JOINED = Order("j", "created_at", descending=False)


@strawberry.enum(description="Whether an agent wants conversations.")
class AgentAvailability(Enum):
    """As stored, in capitals."""

    ONLINE = enum_value("online", description="They want conversations, while an inbox of theirs is open.")
    AWAY = enum_value("away", description="They are there, but want no new conversations.")
    OFFLINE = enum_value("offline", description="They want nothing.")


@strawberry.enum(description="How a team finds an agent for a conversation.")
class TeamRouting(Enum):
    """As stored, in capitals."""

    MANUAL = enum_value("manual", description="Somebody takes it.")
    ROUND_ROBIN = enum_value("round_robin", description="By turns.")
    LEAST_BUSY = enum_value("least_busy", description="Whoever has the fewest open and pending conversations.")


def counted(found: Rows) -> ColumnElement[int]:
    """How many rows there are, as an expression over the parent's row."""
    statement = select(func.count()).select_from(found.table).where(*found.conditions)
    return statement.correlate_except(found.table).scalar_subquery()


def of_agent(member: Rows, name: str) -> ColumnElement[Any]:
    """A column of the agent that a member is; NULL while they have never been one."""
    agent = rows(models.Agent)
    return lookup(agent.where(agent.c.user_id == member.c.user_id), agent.c[name])


def load_of(member: Rows) -> ColumnElement[int]:
    """How many conversations a member has taken on."""
    conversation = rows(models.Conversation)
    taken = or_(*(conversation.c.status == status for status in TAKEN))
    mine = conversation.where(conversation.c.assignee_id == member.c.user_id, taken)
    return counted(mine)


def agents() -> Rows:
    """The members who can be given a conversation."""
    member = rows(models.Member)
    may_answer = or_(*(member.c.role == role for role in ANSWERING))
    return member.where(may_answer, member.c.invited_at.is_(None))


@table_type(models.Member, noun="agent", scope=Scope.CONVERSATIONS_READ)
class Agent:
    """A member who can be given conversations."""

    availability: AgentAvailability = column(
        "Whether they want conversations.",
        lambda member: func.coalesce(of_agent(member, "availability"), literal("online")),
    )
    capacity: int = column(
        "How many conversations they take on at once.",
        lambda member: func.coalesce(of_agent(member, "capacity"), literal(CAPACITY)),
    )
    seen_at: DateTime | None = column(
        "When they were last there, within 15 seconds.", lambda member: of_agent(member, "seen_at")
    )
    load: int = column("How many open and pending conversations they have.", load_of)

    @one(lambda: User, "Who they are.", graphql_type=User)
    def user(self: Any) -> Rows:
        return user_of(self.c.user_id)


@table_type(models.TeamMember, noun="team_member", scope=Scope.CONVERSATIONS_READ)
class TeamMember:
    """An agent's place in a team."""

    last_assigned_at: DateTime | None = column("When the team last gave them a conversation.")

    @one(lambda: User, "Who they are.", graphql_type=User)
    def user(self: Any) -> Rows:
        return user_of(self.c.user_id)

    @one(lambda: Agent, "How much they take on; null if their role may not answer.", graphql_type=Agent | None)
    def agent(self: Any) -> Rows:
        agent = agents()
        return agent.where(agent.c.user_id == self.c.user_id)


@table_type(models.Team, noun="team", scope=Scope.CONVERSATIONS_READ)
class Team(Node):
    """Agents who share a queue."""

    name: str = column("What it is called.")
    routing: TeamRouting = column("How it finds an agent for a conversation.")
    reassign_after_seconds: int | None = column(
        "How long a visitor waits for an agent who is idle or gone before somebody else is asked; null: for ever.",
        lambda team: team.c.reassign_after_s,
    )
    waiting_count: int = column("How many conversations wait in its queue.", lambda team: queue_of(team.c.id))
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")

    @many(lambda: TeamMember, "Who is in it, those who joined first first.", graphql_type=list[TeamMember], size=5)
    def members(self: Any) -> Rows:
        place, colleague = rows(models.TeamMember), rows(models.Member)
        here = place.where(place.c.team_id == self.c.id, place.c.user_id.in_(values_of(colleague, colleague.c.user_id)))
        return here.ordered(JOINED)


def queue_of(team_id: Any) -> ColumnElement[int]:
    """How many conversations wait in the queue of a team."""
    conversation = rows(models.Conversation)
    return counted(conversation.where(conversation.c.team_id == team_id, conversation.c.queued_at.is_not(None)))


@strawberry.type
class TeamQuery:
    """Root fields about teams and agents."""

    @one(lambda: Team, "One team, or null.", graphql_type=Team | None, scope=Scope.CONVERSATIONS_READ)
    def team(self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The team's public id.")]) -> Rows:
        team = rows(models.Team)
        return team.where(team.c.id == given.key("team", id))

    @many(lambda: Team, "All teams, by age.", graphql_type=list[Team], scope=Scope.CONVERSATIONS_READ)
    def teams(self: Any) -> Rows:
        return rows(models.Team).ordered(JOINED)

    @many(
        lambda: Agent,
        "Every member who can be given conversations, by age.",
        graphql_type=list[Agent],
        scope=Scope.CONVERSATIONS_READ,
    )
    def agents(self: Any) -> Rows:
        return agents().ordered(JOINED)
