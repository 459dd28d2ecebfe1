"""The people a tenant talks to: who they are, how they are known, where and whether they may be reached."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from models.base import TenantRow, belongs_to, json_column

PRIMARY = text("is_primary")


class Customer(TenantRow, table=True):
    """A person. ``status`` is ``active``, ``merged`` (then ``merged_into_id`` says into whom) or ``deleted``."""

    __tablename__ = "customers"
    __table_args__ = (
        belongs_to("customers", "merged_into_id", ondelete="NO ACTION"),
        Index("ix_customers_updated", "tenant_id", "updated_at", "id"),
        Index("ix_customers_created", "tenant_id", "created_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    status: str = Field(default="active", max_length=10)
    merged_into_id: UUID | None = None
    attributes: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    timezone: str | None = Field(default=None, max_length=64)
    locale: str | None = Field(default=None, max_length=35)
    suppressed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime


class Identity(TenantRow, table=True):
    """An edge from a name to the person it names. ``kind``: external_id, email, phone or anonymous_id.

    One value names one person in a tenant. Of each kind but anonymous_id a person has at most one primary edge;
    further ones come from merges and still find the person. ``source`` is the door through which it came.
    """

    __tablename__ = "identities"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "value"),
        belongs_to("customers", "customer_id"),
        Index("ix_identities_customer", "tenant_id", "customer_id", "kind"),
        Index(
            "uq_identities_primary",
            "tenant_id",
            "customer_id",
            "kind",
            unique=True,
            sqlite_where=PRIMARY,
            postgresql_where=PRIMARY,
        ),
    )

    id: UUID = Field(primary_key=True)
    customer_id: UUID
    kind: str = Field(max_length=20)
    value: str = Field(max_length=320)
    is_primary: bool
    source: str = Field(max_length=20)
    created_at: datetime


class Device(TenantRow, table=True):
    """An installed app or browser that can be pushed to; ``token`` is the platform's push token."""

    __tablename__ = "devices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "token"),
        belongs_to("customers", "customer_id"),
        Index("ix_devices_customer", "tenant_id", "customer_id"),
    )

    id: UUID = Field(primary_key=True)
    customer_id: UUID
    token: str = Field(max_length=1000)
    platform: str = Field(max_length=20)
    attributes: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    last_used_at: datetime | None = None
    created_at: datetime
    updated_at: datetime


class Consent(TenantRow, table=True):
    """What a person said about one channel: ``subscribed`` or ``unsubscribed``. No row: they never said."""

    __tablename__ = "consents"
    __table_args__ = (belongs_to("customers", "customer_id"),)

    customer_id: UUID = Field(primary_key=True)
    channel: str = Field(primary_key=True, max_length=20)
    status: str = Field(max_length=15)
    source: str = Field(max_length=20)
    changed_at: datetime


class Merge(TenantRow, table=True):
    """Two customers who became one. ``restore`` holds the winner's values that the merge overwrote or filled."""

    __tablename__ = "merges"
    __table_args__ = (
        belongs_to("customers", "winner_id"),
        belongs_to("customers", "loser_id"),
        Index("ix_merges_winner", "tenant_id", "winner_id"),
        Index("ix_merges_loser", "tenant_id", "loser_id"),
    )

    id: UUID = Field(primary_key=True)
    winner_id: UUID
    loser_id: UUID
    restore: dict[str, Any] = Field(sa_column=json_column())
    merged_at: datetime
    unmerged_at: datetime | None = None


class MergeMove(TenantRow, table=True):
    """One row that a merge moved from the loser to the winner: an identity, event, device or visitor, or,
    as ``conv``, a conversation."""

    __tablename__ = "merge_moves"
    __table_args__ = (belongs_to("merges", "merge_id"),)

    merge_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True, max_length=10)
    row_id: UUID = Field(primary_key=True)
