"""Segments: rules, members and their history, what rules depend on, and when they may change by the clock."""

from alembic import op

from models.migrations.ddl import (
    belongs,
    counter,
    json,
    key,
    moment,
    narrow_to_tenant,
    of_tenant,
    partial,
    text,
    unique,
    uuid,
    whole,
)

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TENANT_TABLES = ("segments", "segment_memberships", "segment_dependencies", "segment_flips")
"""The tables on which Postgres forces row-level security."""


def upgrade() -> None:
    op.add_column("tenants", counter("segments_version"))
    op.create_index("ix_events_customer_name", "events", ["tenant_id", "customer_id", "name", "occurred_at"])
    _create_segments()
    _create_memberships()
    _create_dependencies()
    _create_flips()
    if op.get_bind().dialect.name == "postgresql":
        for table in TENANT_TABLES:
            narrow_to_tenant(table)


def downgrade() -> None:
    for table in reversed(TENANT_TABLES):
        op.drop_table(table)
    op.drop_index("ix_events_customer_name", "events")
    with op.batch_alter_table("tenants") as tenants:
        tenants.drop_column("segments_version")


def _create_segments() -> None:
    op.create_table(
        "segments",
        uuid("tenant_id"),
        uuid("id"),
        whole("number"),
        text("name", 200),
        text("description", 2000),
        text("kind", 10),
        json("rule", nullable=True),
        whole("version"),
        text("state", 10),
        whole("progress"),
        whole("member_count"),
        uuid("created_by_id", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        moment("deleted_at", nullable=True),
        key("segments", "tenant_id", "id"),
        of_tenant("segments"),
        unique("segments", "tenant_id", "number"),
    )


def _create_memberships() -> None:
    table = "segment_memberships"
    op.create_table(
        table,
        uuid("tenant_id"),
        uuid("id"),
        uuid("segment_id"),
        uuid("customer_id"),
        moment("entered_at"),
        moment("left_at", nullable=True),
        text("enter_cause", 200),
        text("leave_cause", 200, nullable=True),
        key(table, "tenant_id", "id"),
        of_tenant(table),
        belongs(table, "segment_id", to="segments"),
        belongs(table, "customer_id", to="customers"),
    )
    of_segment = ["tenant_id", "segment_id", "customer_id"]
    partial("uq_segment_memberships_standing", table, of_segment, "left_at IS NULL", unique=True)
    op.create_index("ix_segment_memberships_segment", table, ["tenant_id", "segment_id", "entered_at", "customer_id"])
    op.create_index("ix_segment_memberships_customer", table, ["tenant_id", "customer_id", "segment_id"])


def _create_dependencies() -> None:
    table = "segment_dependencies"
    op.create_table(
        table,
        uuid("tenant_id"),
        text("kind", 20),
        text("name", 150),
        uuid("segment_id"),
        key(table, "tenant_id", "kind", "name", "segment_id"),
        of_tenant(table),
        belongs(table, "segment_id", to="segments"),
    )
    op.create_index("ix_segment_dependencies_segment", table, ["tenant_id", "segment_id"])


def _create_flips() -> None:
    table = "segment_flips"
    op.create_table(
        table,
        uuid("tenant_id"),
        uuid("segment_id"),
        uuid("customer_id"),
        moment("due_at"),
        key(table, "tenant_id", "segment_id", "customer_id"),
        of_tenant(table),
        belongs(table, "segment_id", to="segments"),
        belongs(table, "customer_id", to="customers"),
    )
    op.create_index("ix_segment_flips_due", table, ["due_at"])
    op.create_index("ix_segment_flips_customer", table, ["tenant_id", "customer_id"])
