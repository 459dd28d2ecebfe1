"""Teams, who is in them, and how much an agent takes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from models.base import TenantRow, belongs_to


class Team(TenantRow, table=True):
    """Agents who share a queue. ``routing``: ``manual``, ``round_robin`` or ``least_busy``.

    ``reassign_after_s`` is how long a visitor waits for an assigned agent who is idle or gone before somebody else is
    asked; None: for ever.
    """

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=100)
    routing: str = Field(max_length=20)
    reassign_after_s: int | None = None
    created_at: datetime
    updated_at: datetime


class TeamMember(TenantRow, table=True):
    """An agent's place in a team. ``last_assigned_at`` is whose turn it is in a round robin."""

    __tablename__ = "team_members"
    __table_args__ = (belongs_to("teams", "team_id"), Index("ix_team_members_user", "tenant_id", "user_id"))

    team_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    last_assigned_at: datetime | None = None
    created_at: datetime


class Agent(TenantRow, table=True):
    """What a member wants to take on: ``availability`` (``online``, ``away``, ``offline``) and how many conversations
    at once. ``seen_at`` is a lease on their presence, renewed while an inbox of theirs is open."""

    __tablename__ = "agents"

    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    availability: str = Field(default="online", max_length=10)
    capacity: int = 5
    seen_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
