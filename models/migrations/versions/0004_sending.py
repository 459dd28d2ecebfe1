"""How a tenant sends and reports: consent, integrations, senders, layouts, snippets, webhooks."""

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

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "subscription_topics",
    "topic_consents",
    "suppressions",
    "soft_bounces",
    "integrations",
    "sending_policies",
    "frequency_caps",
    "senders",
    "layouts",
    "snippets",
    "reporting_webhooks",
    "webhook_calls",
)
"""The tables on which Postgres forces row-level security."""


DOMAIN_COLUMNS = (
    "verification_token",
    "verified_at",
    "checked_at",
    "dkim_selector",
    "dkim_public_key",
    "dkim_private_key",
    "dkim_verified_at",
    "tracks_links",
    "carries_widgets",
)


def upgrade() -> None:
    with op.batch_alter_table("domains") as domains:
        domains.add_column(text("verification_token", 60, nullable=True))
        domains.add_column(moment("verified_at", nullable=True))
        domains.add_column(moment("checked_at", nullable=True))
        domains.add_column(text("dkim_selector", 63, nullable=True))
        domains.add_column(text("dkim_public_key", 1000, nullable=True))
        domains.add_column(text("dkim_private_key", nullable=True))
        domains.add_column(moment("dkim_verified_at", nullable=True))
        domains.add_column(sa.Column("tracks_links", sa.Boolean(), nullable=False, server_default=sa.false()))
        domains.add_column(sa.Column("carries_widgets", sa.Boolean(), nullable=False, server_default=sa.true()))
    _create_consent()
    _create_rules()
    _create_content()
    _create_webhooks()
    if op.get_bind().dialect.name == "postgresql":
        for table in TENANT_TABLES:
            narrow_to_tenant(table)


def downgrade() -> None:
    for table in reversed(TENANT_TABLES):
        op.drop_table(table)
    with op.batch_alter_table("domains") as domains:
        for column in DOMAIN_COLUMNS:
            domains.drop_column(column)


def _create_consent() -> None:
    op.create_table(
        "subscription_topics",
        uuid("tenant_id"),
        uuid("id"),
        whole("number"),
        text("name", 200),
        text("description", 1000),
        flag("subscribed_by_default"),
        whole("position"),
        moment("created_at"),
        moment("updated_at"),
        moment("deleted_at", nullable=True),
        key("subscription_topics", "tenant_id", "id"),
        of_tenant("subscription_topics"),
        unique("subscription_topics", "tenant_id", "number"),
    )
    op.create_table(
        "topic_consents",
        uuid("tenant_id"),
        uuid("customer_id"),
        uuid("topic_id"),
        text("status", 15),
        text("source", 20),
        moment("changed_at"),
        key("topic_consents", "tenant_id", "customer_id", "topic_id"),
        of_tenant("topic_consents"),
        belongs("topic_consents", "customer_id", to="customers"),
        belongs("topic_consents", "topic_id", to="subscription_topics"),
    )
    op.create_table(
        "suppressions",
        uuid("tenant_id"),
        uuid("id"),
        text("channel", 20),
        text("address", 1000),
        text("reason", 20),
        text("detail", 1000),
        uuid("delivery_id", nullable=True),
        moment("created_at"),
        key("suppressions", "tenant_id", "id"),
        of_tenant("suppressions"),
        unique("suppressions", "tenant_id", "channel", "address"),
    )
    op.create_table(
        "soft_bounces",
        uuid("tenant_id"),
        text("channel", 20),
        text("address", 320),
        whole("count"),
        moment("first_at"),
        moment("last_at"),
        key("soft_bounces", "tenant_id", "channel", "address"),
        of_tenant("soft_bounces"),
    )


def _create_rules() -> None:
    op.create_table(
        "integrations",
        uuid("tenant_id"),
        uuid("id"),
        whole("number"),
        text("name", 200),
        text("kind", 20),
        text("channel", 20),
        json("settings"),
        text("credentials", nullable=True),
        text("callback_key", 40),
        flag("is_default"),
        flag("is_enabled"),
        text("last_error", 2000, nullable=True),
        moment("failed_at", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        moment("deleted_at", nullable=True),
        key("integrations", "tenant_id", "id"),
        of_tenant("integrations"),
        unique("integrations", "callback_key"),
        unique("integrations", "tenant_id", "number"),
    )
    op.create_table(
        "sending_policies",
        uuid("tenant_id"),
        json("quiet_hours", nullable=True),
        text("timezone", 64),
        json("in_doubt"),
        whole("soft_bounce_limit"),
        flag("tracks_opens"),
        flag("tracks_clicks"),
        uuid("tracking_domain_id", nullable=True),
        moment("updated_at"),
        key("sending_policies", "tenant_id"),
        of_tenant("sending_policies"),
        belongs("sending_policies", "tracking_domain_id", to="domains", ondelete="NO ACTION"),
    )
    op.create_table(
        "frequency_caps",
        uuid("tenant_id"),
        uuid("id"),
        text("name", 200),
        text("channel", 20, nullable=True),
        whole("messages"),
        whole("window_s"),
        moment("created_at"),
        key("frequency_caps", "tenant_id", "id"),
        of_tenant("frequency_caps"),
    )


def _create_content() -> None:
    op.create_table(
        "senders",
        uuid("tenant_id"),
        uuid("id"),
        whole("number"),
        text("kind", 10),
        text("name", 200),
        text("address", 320),
        moment("created_at"),
        moment("updated_at"),
        key("senders", "tenant_id", "id"),
        of_tenant("senders"),
        unique("senders", "tenant_id", "number"),
        unique("senders", "tenant_id", "kind", "address", "name"),
    )
    op.create_table(
        "layouts",
        uuid("tenant_id"),
        uuid("id"),
        whole("number"),
        text("name", 200),
        text("body"),
        moment("created_at"),
        moment("updated_at"),
        key("layouts", "tenant_id", "id"),
        of_tenant("layouts"),
        unique("layouts", "tenant_id", "name"),
        unique("layouts", "tenant_id", "number"),
    )
    op.create_table(
        "snippets",
        uuid("tenant_id"),
        uuid("id"),
        text("name", 150),
        text("value", 16000),
        moment("created_at"),
        moment("updated_at"),
        key("snippets", "tenant_id", "id"),
        of_tenant("snippets"),
        unique("snippets", "tenant_id", "name"),
    )


def _create_webhooks() -> None:
    op.create_table(
        "reporting_webhooks",
        uuid("tenant_id"),
        uuid("id"),
        whole("number"),
        text("name", 200),
        text("endpoint", 2000),
        text("dialect", 20),
        json("events"),
        flag("full_resolution"),
        flag("with_content"),
        text("secret"),
        flag("is_enabled"),
        json("cursors"),
        moment("failing_since", nullable=True),
        text("last_error", 2000, nullable=True),
        moment("created_at"),
        moment("updated_at"),
        key("reporting_webhooks", "tenant_id", "id"),
        of_tenant("reporting_webhooks"),
        unique("reporting_webhooks", "tenant_id", "number"),
    )
    op.create_table(
        "webhook_calls",
        uuid("tenant_id"),
        uuid("id"),
        uuid("webhook_id"),
        uuid("ordering_id"),
        whole("position", big=True),
        text("event_key", 150),
        text("event", 60),
        json("payload"),
        text("state", 10),
        whole("attempts"),
        moment("run_at"),
        uuid("lease_token", nullable=True),
        moment("lease_until", nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        text("error", 2000, nullable=True),
        moment("created_at"),
        moment("ended_at", nullable=True),
        key("webhook_calls", "tenant_id", "id"),
        of_tenant("webhook_calls"),
        belongs("webhook_calls", "webhook_id", to="reporting_webhooks"),
        unique("webhook_calls", "tenant_id", "webhook_id", "event_key"),
    )
    lane = ["tenant_id", "webhook_id"]
    partial("ix_webhook_calls_due", "webhook_calls", [*lane, "run_at"], "state = 'due'", unique=False)
    partial(
        "ix_webhook_calls_order", "webhook_calls", [*lane, "ordering_id", "position"], "state = 'due'", unique=False
    )
    op.create_index("ix_webhook_calls_ended", "webhook_calls", ["ended_at"])
    op.create_index("ix_webhook_calls_state", "webhook_calls", ["tenant_id", "webhook_id", "state", "position"])
