"""Segments: who belongs together, who was a member when, and when a member may change by the clock alone."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from models.base import TenantRow, belongs_to, json_column

STANDING = text("left_at IS NULL")


class Segment(TenantRow, table=True):
    """A set of customers. ``kind``: ``dynamic`` (those of whom ``rule`` is true) or ``static`` (those put into it).

    ``number`` is its small number in the tenant, for doors that need one. ``version`` goes up with every change of the
    rule; ``state`` is ``building`` until the members are those of the current version, then ``ready``, or ``failed``.
    ``progress`` is the share of the build that is done, in per mille.
    """

    __tablename__ = "segments"
    __table_args__ = (UniqueConstraint("tenant_id", "number"),)

    id: UUID = Field(primary_key=True)
    number: int
    name: str = Field(max_length=200)
    description: str = Field(default="", max_length=2000)
    kind: str = Field(max_length=10)
    rule: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    version: int = 1
    state: str = Field(max_length=10)
    progress: int = 0
    member_count: int = 0
    created_by_id: UUID | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


class SegmentMembership(TenantRow, table=True):
    """A stay in a segment, from ``entered_at`` until before ``left_at``. Past stays are the segment's history."""

    __tablename__ = "segment_memberships"
    __table_args__ = (
        belongs_to("segments", "segment_id"),
        belongs_to("customers", "customer_id"),
        Index(
            "uq_segment_memberships_standing",
            "tenant_id",
            "segment_id",
            "customer_id",
            unique=True,
            sqlite_where=STANDING,
            postgresql_where=STANDING,
        ),
        Index("ix_segment_memberships_segment", "tenant_id", "segment_id", "entered_at", "customer_id"),
        Index("ix_segment_memberships_customer", "tenant_id", "customer_id", "segment_id"),
    )

    id: UUID = Field(primary_key=True)
    segment_id: UUID
    customer_id: UUID
    entered_at: datetime
    left_at: datetime | None = None
    enter_cause: str = Field(max_length=200)
    leave_cause: str | None = Field(default=None, max_length=200)


class SegmentDependency(TenantRow, table=True):
    """Something on which a segment's rule depends: ``kind`` and ``name`` as :mod:`app.segments` has them."""

    __tablename__ = "segment_dependencies"
    __table_args__ = (
        belongs_to("segments", "segment_id"),
        Index("ix_segment_dependencies_segment", "tenant_id", "segment_id"),
    )

    kind: str = Field(primary_key=True, max_length=20)
    name: str = Field(primary_key=True, max_length=150)
    segment_id: UUID = Field(primary_key=True)


class SegmentFlip(TenantRow, table=True):
    """When a customer is to be looked at again, because the clock alone may change whether they are a member."""

    __tablename__ = "segment_flips"
    __table_args__ = (
        belongs_to("segments", "segment_id"),
        belongs_to("customers", "customer_id"),
        Index("ix_segment_flips_due", "due_at"),
        Index("ix_segment_flips_customer", "tenant_id", "customer_id"),
    )

    segment_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    due_at: datetime
