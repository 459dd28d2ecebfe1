"""Campaigns with their contents, runs and experiments, deliveries, and what is counted of them."""

import sqlalchemy as sa
from alembic import op

from models.migrations.ddl import (
    belongs,
    flag,
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

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "campaigns",
    "campaign_runs",
    "run_portions",
    "experiments",
    "test_groups",
    "contents",
    "deliveries",
    "archived_messages",
    "links",
    "engagements",
    "hourly_counts",
)
"""The tables on which Postgres forces row-level security."""


def upgrade() -> None:
    _create_campaigns()
    _create_contents()
    _create_deliveries()
    _create_engagement()
    if op.get_bind().dialect.name == "postgresql":
        for table in TENANT_TABLES:
            narrow_to_tenant(table)
    with op.batch_alter_table("outbox_messages") as messages:
        messages.alter_column("recipient", type_=sa.String(1000))
        messages.add_column(uuid("delivery_id", nullable=True))
        messages.create_foreign_key(
            "fk_outbox_messages_tenant_id_delivery_id",
            "deliveries",
            ["tenant_id", "delivery_id"],
            ["tenant_id", "id"],
            ondelete="CASCADE",
        )


def downgrade() -> None:
    with op.batch_alter_table("outbox_messages") as messages:
        messages.drop_constraint("fk_outbox_messages_tenant_id_delivery_id", type_="foreignkey")
        messages.drop_column("delivery_id")
        messages.alter_column("recipient", type_=sa.String(320))
    for table in reversed(TENANT_TABLES):
        op.drop_table(table)


def _create_campaigns() -> None:
    op.create_table(
        "campaigns",
        uuid("tenant_id"),
        uuid("id"),
        whole("number"),
        text("name", 200),
        text("description", 2000),
        text("kind", 20),
        text("status", 10),
        json("channels"),
        uuid("topic_id", nullable=True),
        json("audience", nullable=True),
        json("exclusions", nullable=True),
        json("schedule"),
        json("goal", nullable=True),
        json("tags"),
        text("trigger_name", 150, nullable=True),
        whole("priority"),
        sa.Column("throttle_per_s", sa.Integer(), nullable=True),
        whole("control_share"),
        flag("ignores_caps"),
        flag("ignores_quiet_hours"),
        flag("sends_to_unsubscribed"),
        flag("is_tracked"),
        flag("is_retained"),
        flag("inlines_css"),
        whole("version"),
        text("failure", 2000, nullable=True),
        text("source", 20),
        uuid("created_by_id", nullable=True),
        moment("scheduled_at", nullable=True),
        moment("started_at", nullable=True),
        moment("completed_at", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        moment("deleted_at", nullable=True),
        key("campaigns", "tenant_id", "id"),
        of_tenant("campaigns"),
        belongs("campaigns", "topic_id", to="subscription_topics", ondelete="NO ACTION"),
        unique("campaigns", "tenant_id", "number"),
    )
    partial("ix_campaigns_goal", "campaigns", ["tenant_id"], "goal IS NOT NULL", unique=False)
    op.create_index("ix_campaigns_status", "campaigns", ["tenant_id", "status", "kind"])
    partial(
        "uq_campaigns_trigger_name", "campaigns", ["tenant_id", "trigger_name"], "trigger_name IS NOT NULL", unique=True
    )
    op.create_table(
        "campaign_runs",
        uuid("tenant_id"),
        uuid("id"),
        uuid("campaign_id"),
        whole("number"),
        whole("version"),
        text("occurrence", 200),
        text("state", 10),
        json("recipients", nullable=True),
        json("data"),
        uuid("cursor", nullable=True),
        whole("targeted"),
        whole("prepared"),
        whole("control"),
        flag("awaits_winner"),
        json("problems"),
        moment("due_at"),
        moment("prepared_at", nullable=True),
        moment("slots_until", nullable=True),
        moment("started_at", nullable=True),
        moment("finished_at", nullable=True),
        moment("created_at"),
        key("campaign_runs", "tenant_id", "id"),
        of_tenant("campaign_runs"),
        belongs("campaign_runs", "campaign_id", to="campaigns"),
        unique("campaign_runs", "tenant_id", "campaign_id", "number"),
        unique("campaign_runs", "tenant_id", "campaign_id", "version", "occurrence"),
    )
    partial(
        "ix_campaign_runs_unfinished",
        "campaign_runs",
        ["state"],
        "state IN ('preparing', 'sending', 'paused')",
        unique=False,
    )
    op.create_table(
        "run_portions",
        uuid("tenant_id"),
        uuid("run_id"),
        uuid("last_id"),
        json("people"),
        key("run_portions", "tenant_id", "run_id", "last_id"),
        of_tenant("run_portions"),
        belongs("run_portions", "run_id", to="campaign_runs"),
    )
    op.create_table(
        "experiments",
        uuid("tenant_id"),
        uuid("id"),
        whole("number"),
        uuid("campaign_id"),
        text("name", 200),
        text("state", 10),
        whole("sample_share"),
        text("metric", 20),
        whole("confidence"),
        flag("automatic"),
        whole("decides_after_s"),
        moment("decides_at", nullable=True),
        sa.Column("winner", sa.Integer(), nullable=True),
        json("result", nullable=True),
        moment("decided_at", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        key("experiments", "tenant_id", "id"),
        of_tenant("experiments"),
        belongs("experiments", "campaign_id", to="campaigns"),
        unique("experiments", "tenant_id", "campaign_id"),
        unique("experiments", "tenant_id", "number"),
    )
    op.create_table(
        "test_groups",
        uuid("tenant_id"),
        uuid("experiment_id"),
        whole("position"),
        text("name", 200),
        whole("share"),
        key("test_groups", "tenant_id", "experiment_id", "position"),
        of_tenant("test_groups"),
        belongs("test_groups", "experiment_id", to="experiments"),
    )


def _create_contents() -> None:
    op.create_table(
        "contents",
        uuid("tenant_id"),
        uuid("id"),
        whole("number"),
        uuid("campaign_id"),
        text("channel", 20),
        whole("test_group"),
        text("language", 35),
        text("name", 200),
        uuid("sender_id", nullable=True),
        text("from_address", 500),
        text("reply_to", 500),
        uuid("layout_id", nullable=True),
        text("subject", 2000),
        text("preheader", 2000),
        text("body"),
        text("plain", nullable=True),
        json("headers"),
        json("fields"),
        whole("version"),
        moment("created_at"),
        moment("updated_at"),
        key("contents", "tenant_id", "id"),
        of_tenant("contents"),
        belongs("contents", "campaign_id", to="campaigns"),
        belongs("contents", "layout_id", to="layouts", ondelete="NO ACTION"),
        belongs("contents", "sender_id", to="senders", ondelete="NO ACTION"),
        unique("contents", "tenant_id", "number"),
        unique("contents", "tenant_id", "campaign_id", "channel", "test_group", "language"),
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        uuid("tenant_id"),
        uuid("id"),
        uuid("customer_id"),
        uuid("campaign_id", nullable=True),
        uuid("run_id", nullable=True),
        uuid("occurrence_id"),
        uuid("content_id", nullable=True),
        text("channel", 20),
        sa.Column("test_group", sa.Integer(), nullable=True),
        whole("lane"),
        whole("priority"),
        flag("is_test"),
        text("state", 10),
        text("reason", 40, nullable=True),
        text("error", 2000, nullable=True),
        text("recipient", 1000),
        text("subject", 1000),
        json("data", nullable=True),
        json("decision", nullable=True),
        uuid("integration_id", nullable=True),
        text("provider_message_id", 300, nullable=True),
        whole("attempts"),
        uuid("lease_token", nullable=True),
        moment("lease_until", nullable=True),
        moment("due_at"),
        moment("created_at"),
        moment("attempted_at", nullable=True),
        moment("sent_at", nullable=True),
        moment("delivered_at", nullable=True),
        moment("opened_at", nullable=True),
        moment("human_opened_at", nullable=True),
        moment("clicked_at", nullable=True),
        moment("human_clicked_at", nullable=True),
        moment("converted_at", nullable=True),
        moment("bounced_at", nullable=True),
        moment("complained_at", nullable=True),
        moment("unsubscribed_at", nullable=True),
        moment("failed_at", nullable=True),
        key("deliveries", "tenant_id", "id"),
        of_tenant("deliveries"),
        belongs("deliveries", "campaign_id", to="campaigns"),
        belongs("deliveries", "content_id", to="contents", ondelete="NO ACTION"),
        belongs("deliveries", "customer_id", to="customers"),
        belongs("deliveries", "run_id", to="campaign_runs"),
        unique("deliveries", "tenant_id", "occurrence_id", "customer_id", "channel"),
    )
    op.create_index("ix_deliveries_campaign", "deliveries", ["tenant_id", "campaign_id", "id"])
    op.create_index("ix_deliveries_customer", "deliveries", ["tenant_id", "customer_id", "id"])
    due = ["lane", "tenant_id", "channel", "priority", "due_at"]
    partial("ix_deliveries_due", "deliveries", due, "state = 'queued'", unique=False)
    partial("ix_deliveries_in_hand", "deliveries", ["lease_until"], "state IN ('claimed', 'sending')", unique=False)
    partial(
        "ix_deliveries_provider_message",
        "deliveries",
        ["tenant_id", "provider_message_id"],
        "provider_message_id IS NOT NULL",
        unique=False,
    )
    parked = "state = 'queued' AND due_at > '9998-12-30 00:00:00+00'"
    partial("ix_deliveries_parked", "deliveries", ["tenant_id", "campaign_id", "due_at"], parked, unique=False)
    op.create_index("ix_deliveries_run", "deliveries", ["tenant_id", "run_id", "state"])
    op.create_table(
        "archived_messages",
        uuid("tenant_id"),
        uuid("delivery_id"),
        text("from_address", 500),
        text("reply_to", 500),
        text("subject", 2000),
        text("preheader", 2000),
        text("body"),
        text("plain"),
        json("headers"),
        json("fields"),
        moment("created_at"),
        key("archived_messages", "tenant_id", "delivery_id"),
        of_tenant("archived_messages"),
        belongs("archived_messages", "delivery_id", to="deliveries"),
    )


def _create_engagement() -> None:
    op.create_table(
        "links",
        uuid("tenant_id"),
        uuid("id"),
        whole("number"),
        uuid("campaign_id"),
        text("url", 4000),
        text("digest", 64),
        moment("created_at"),
        key("links", "tenant_id", "id"),
        of_tenant("links"),
        belongs("links", "campaign_id", to="campaigns"),
        unique("links", "tenant_id", "campaign_id", "digest"),
        unique("links", "tenant_id", "number"),
    )
    op.create_table(
        "engagements",
        uuid("tenant_id"),
        uuid("id"),
        uuid("delivery_id"),
        text("kind", 10),
        uuid("link_id", nullable=True),
        text("url", 4000, nullable=True),
        text("verdict", 10),
        json("reasons"),
        text("user_agent", 500),
        text("address", 45),
        moment("occurred_at"),
        key("engagements", "tenant_id", "id"),
        of_tenant("engagements"),
        belongs("engagements", "delivery_id", to="deliveries"),
    )
    op.create_index("ix_engagements_delivery", "engagements", ["tenant_id", "delivery_id", "occurred_at"])
    op.create_table(
        "hourly_counts",
        uuid("tenant_id"),
        uuid("subject_id"),
        text("metric", 30),
        moment("hour"),
        whole("count", big=True),
        sa.Column("amount", sa.Numeric(20, 4), nullable=False),
        key("hourly_counts", "tenant_id", "subject_id", "metric", "hour"),
        of_tenant("hourly_counts"),
    )
