"""Who changed what."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field

from models.base import TenantRow, json_column


class AuditEntry(TenantRow, table=True):
    """One change to configuration, access or a person's data, written in the transaction that made it."""

    __tablename__ = "audit_entries"

    id: UUID = Field(primary_key=True)
    occurred_at: datetime
    actor_kind: str = Field(max_length=10)
    actor_id: UUID | None = None
    actor_label: str = Field(max_length=320)
    action: str = Field(max_length=60)
    subject_id: str = Field(max_length=60)
    changes: dict[str, Any] = Field(sa_column=json_column())
    request_id: str | None = Field(default=None, max_length=64)
