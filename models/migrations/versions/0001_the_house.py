"""The house: tenants and their people, customers, events, the feed, jobs, the outbox and the audit log."""

import sqlalchemy as sa
from alembic import op

from models.migrations.ddl import (
    belongs,
    json,
    key,
    moment,
    narrow_to_tenant,
    of_tenant,
    partial,
    refers,
    text,
    unique,
    uuid,
    whole,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "api_keys",
    "members",
    "customers",
    "consents",
    "devices",
    "identities",
    "merges",
    "merge_moves",
    "events",
    "feed_entries",
    "feed_topics",
    "outbox_messages",
    "audit_entries",
)
"""The tables on which Postgres forces row-level security."""


def upgrade() -> None:
    _create_accounts()
    _create_email_tokens()
    _create_refresh_tokens()
    _create_customers()
    _create_devices()
    _create_merges()
    _create_events()
    _create_feed()
    _create_jobs()
    _create_outbox()
    _create_audit()
    if op.get_bind().dialect.name == "postgresql":
        for table in TENANT_TABLES:
            narrow_to_tenant(table)


def downgrade() -> None:
    for table in (
        "audit_entries",
        "outbox_messages",
        "jobs",
        "feed_topics",
        "feed_entries",
        "events",
        "merge_moves",
        "merges",
        "identities",
        "devices",
        "consents",
        "customers",
        "refresh_tokens",
        "sessions",
        "members",
        "email_tokens",
        "api_keys",
        "users",
        "tenants",
    ):
        op.drop_table(table)


def _create_accounts() -> None:
    op.create_table(
        "tenants",
        uuid("id"),
        text("name", 200),
        text("plan", 20),
        text("feed_epoch", 16),
        moment("created_at"),
        moment("updated_at"),
        key("tenants", "id"),
    )
    op.create_table(
        "users",
        uuid("id"),
        text("email", 320),
        text("name", 200),
        text("password_hash", 255, nullable=True),
        moment("email_verified_at", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        key("users", "id"),
        unique("users", "email"),
    )
    op.create_table(
        "api_keys",
        uuid("tenant_id"),
        uuid("id"),
        text("name", 100),
        text("prefix", 20),
        text("secret_hash", 64),
        text("last4", 4),
        json("scopes"),
        uuid("created_by_id", nullable=True),
        moment("created_at"),
        moment("expires_at", nullable=True),
        moment("last_used_at", nullable=True),
        moment("revoked_at", nullable=True),
        key("api_keys", "tenant_id", "id"),
        of_tenant("api_keys"),
        unique("api_keys", "prefix"),
    )


def _create_email_tokens() -> None:
    op.create_table(
        "email_tokens",
        text("token_hash", 64),
        uuid("user_id"),
        text("purpose", 10),
        moment("created_at"),
        moment("expires_at"),
        moment("used_at", nullable=True),
        key("email_tokens", "token_hash"),
        refers("email_tokens", "user_id", to="users"),
    )
    op.create_index("ix_email_tokens_expires_at", "email_tokens", ["expires_at"])
    op.create_index("ix_email_tokens_user_id", "email_tokens", ["user_id"])
    op.create_table(
        "members",
        uuid("tenant_id"),
        uuid("id"),
        uuid("user_id"),
        text("role", 20),
        moment("invited_at", nullable=True),
        moment("created_at"),
        key("members", "tenant_id", "id"),
        of_tenant("members"),
        refers("members", "user_id", to="users"),
        unique("members", "tenant_id", "user_id"),
    )
    op.create_index("ix_members_user", "members", ["user_id"])
    op.create_table(
        "sessions",
        uuid("id"),
        uuid("user_id"),
        uuid("tenant_id"),
        moment("created_at"),
        moment("revoked_at", nullable=True),
        key("sessions", "id"),
        of_tenant("sessions"),
        refers("sessions", "user_id", to="users"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])


def _create_refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        text("token_hash", 64),
        uuid("session_id"),
        moment("created_at"),
        moment("expires_at"),
        moment("used_at", nullable=True),
        key("refresh_tokens", "token_hash"),
        refers("refresh_tokens", "session_id", to="sessions"),
    )
    op.create_index("ix_refresh_tokens_expires_at", "refresh_tokens", ["expires_at"])
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])


def _create_customers() -> None:
    op.create_table(
        "customers",
        uuid("tenant_id"),
        uuid("id"),
        text("status", 10),
        uuid("merged_into_id", nullable=True),
        json("attributes"),
        text("timezone", 64, nullable=True),
        text("locale", 35, nullable=True),
        moment("suppressed_at", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        key("customers", "tenant_id", "id"),
        of_tenant("customers"),
        belongs("customers", "merged_into_id", to="customers", ondelete="NO ACTION"),
    )
    op.create_index("ix_customers_created", "customers", ["tenant_id", "created_at", "id"])
    op.create_index("ix_customers_updated", "customers", ["tenant_id", "updated_at", "id"])
    op.create_table(
        "consents",
        uuid("tenant_id"),
        uuid("customer_id"),
        text("channel", 20),
        text("status", 15),
        text("source", 20),
        moment("changed_at"),
        key("consents", "tenant_id", "customer_id", "channel"),
        of_tenant("consents"),
        belongs("consents", "customer_id", to="customers"),
    )


def _create_devices() -> None:
    op.create_table(
        "devices",
        uuid("tenant_id"),
        uuid("id"),
        uuid("customer_id"),
        text("token", 1000),
        text("platform", 20),
        json("attributes"),
        moment("last_used_at", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        key("devices", "tenant_id", "id"),
        of_tenant("devices"),
        belongs("devices", "customer_id", to="customers"),
        unique("devices", "tenant_id", "token"),
    )
    op.create_index("ix_devices_customer", "devices", ["tenant_id", "customer_id"])
    op.create_table(
        "identities",
        uuid("tenant_id"),
        uuid("id"),
        uuid("customer_id"),
        text("kind", 20),
        text("value", 320),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        text("source", 20),
        moment("created_at"),
        key("identities", "tenant_id", "id"),
        of_tenant("identities"),
        belongs("identities", "customer_id", to="customers"),
        unique("identities", "tenant_id", "kind", "value"),
    )
    op.create_index("ix_identities_customer", "identities", ["tenant_id", "customer_id", "kind"])
    partial("uq_identities_primary", "identities", ["tenant_id", "customer_id", "kind"], "is_primary", unique=True)


def _create_merges() -> None:
    op.create_table(
        "merges",
        uuid("tenant_id"),
        uuid("id"),
        uuid("winner_id"),
        uuid("loser_id"),
        json("restore"),
        moment("merged_at"),
        moment("unmerged_at", nullable=True),
        key("merges", "tenant_id", "id"),
        of_tenant("merges"),
        belongs("merges", "loser_id", to="customers"),
        belongs("merges", "winner_id", to="customers"),
    )
    op.create_index("ix_merges_loser", "merges", ["tenant_id", "loser_id"])
    op.create_index("ix_merges_winner", "merges", ["tenant_id", "winner_id"])
    op.create_table(
        "merge_moves",
        uuid("tenant_id"),
        uuid("merge_id"),
        text("kind", 10),
        uuid("row_id"),
        key("merge_moves", "tenant_id", "merge_id", "kind", "row_id"),
        of_tenant("merge_moves"),
        belongs("merge_moves", "merge_id", to="merges"),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        uuid("tenant_id"),
        uuid("id"),
        uuid("customer_id", nullable=True),
        text("anonymous_id", 320, nullable=True),
        text("name", 150),
        json("properties"),
        moment("occurred_at"),
        moment("received_at"),
        text("source", 20),
        text("idempotency_key", 200, nullable=True),
        key("events", "tenant_id", "id"),
        of_tenant("events"),
        belongs("events", "customer_id", to="customers"),
    )
    partial("ix_events_anonymous", "events", ["tenant_id", "anonymous_id"], "customer_id IS NULL", unique=False)
    op.create_index("ix_events_customer", "events", ["tenant_id", "customer_id", "occurred_at", "id"])
    op.create_index("ix_events_name", "events", ["tenant_id", "name", "occurred_at"])
    op.create_index("ix_events_occurred", "events", ["tenant_id", "occurred_at", "id"])
    partial("uq_events_key", "events", ["tenant_id", "idempotency_key"], "idempotency_key IS NOT NULL", unique=True)


def _create_feed() -> None:
    op.create_table(
        "feed_entries",
        uuid("tenant_id"),
        text("topic", 80),
        whole("position", big=True),
        text("kind", 40),
        uuid("subject_id"),
        json("data"),
        moment("created_at"),
        key("feed_entries", "tenant_id", "topic", "position"),
        of_tenant("feed_entries"),
    )
    op.create_index("ix_feed_entries_created", "feed_entries", ["created_at"])
    op.create_table(
        "feed_topics",
        uuid("tenant_id"),
        text("topic", 80),
        whole("head", big=True),
        whole("floor", big=True),
        key("feed_topics", "tenant_id", "topic"),
        of_tenant("feed_topics"),
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        uuid("id"),
        uuid("tenant_id", nullable=True),
        text("kind", 60),
        json("payload"),
        text("state", 10),
        moment("run_at"),
        whole("attempts"),
        whole("max_attempts"),
        uuid("lease_token", nullable=True),
        moment("lease_until", nullable=True),
        text("key", 200, nullable=True),
        text("error", 2000, nullable=True),
        moment("created_at"),
        moment("finished_at", nullable=True),
        key("jobs", "id"),
        of_tenant("jobs"),
        unique("jobs", "kind", "key"),
    )
    op.create_index("ix_jobs_due", "jobs", ["state", "run_at"])


def _create_outbox() -> None:
    op.create_table(
        "outbox_messages",
        uuid("tenant_id"),
        uuid("id"),
        text("channel", 20),
        text("purpose", 30),
        text("recipient", 320),
        text("subject", 300),
        text("body"),
        moment("created_at"),
        key("outbox_messages", "tenant_id", "id"),
        of_tenant("outbox_messages"),
    )


def _create_audit() -> None:
    op.create_table(
        "audit_entries",
        uuid("tenant_id"),
        uuid("id"),
        moment("occurred_at"),
        text("actor_kind", 10),
        uuid("actor_id", nullable=True),
        text("actor_label", 320),
        text("action", 60),
        text("subject_id", 60),
        json("changes"),
        text("request_id", 64, nullable=True),
        key("audit_entries", "tenant_id", "id"),
        of_tenant("audit_entries"),
    )
