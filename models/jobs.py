"""Due work. The row is the truth; queues only nudge."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.base import json_column


class Job(SQLModel, table=True):
    """One piece of work. ``state``: due, running, done or dead. A system job has no tenant.

    ``lease_token`` fences: only the holder of the current token may complete the row. ``key`` makes enqueuing
    idempotent per kind while the row lives.
    """

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("kind", "key"), Index("ix_jobs_due", "state", "run_at"))

    id: UUID = Field(primary_key=True)
    tenant_id: UUID | None = Field(default=None, foreign_key="tenants.id", ondelete="CASCADE")
    kind: str = Field(max_length=60)
    payload: dict[str, Any] = Field(sa_column=json_column())
    state: str = Field(default="due", max_length=10)
    run_at: datetime
    attempts: int = 0
    max_attempts: int = 5
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    key: str | None = Field(default=None, max_length=200)
    error: str | None = Field(default=None, max_length=2000)
    created_at: datetime
    finished_at: datetime | None = None
