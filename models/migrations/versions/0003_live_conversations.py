"""Live conversations: widgets, visitors, teams, conversations, messages, files, and full text over messages."""

import sqlalchemy as sa
from alembic import op

from models.migrations import search
from models.migrations.ddl import (
    belongs,
    counter,
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

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "teams",
    "team_members",
    "agents",
    "widgets",
    "domains",
    "visitors",
    "visitor_pages",
    "conversations",
    "conversation_tags",
    "messages",
    "message_revisions",
    "files",
    "message_files",
    "canned_responses",
    "saved_views",
)
"""The tables on which Postgres forces row-level security."""


def upgrade() -> None:
    op.add_column("tenants", counter("identity_version"))
    _create_teams()
    _create_widgets()
    _create_visitors()
    _create_conversations()
    _create_messages()
    _create_files()
    _create_inbox()
    if op.get_bind().dialect.name == "postgresql":
        for table in TENANT_TABLES:
            narrow_to_tenant(table)
    search.create()


def downgrade() -> None:
    for table in reversed(TENANT_TABLES):
        op.drop_table(table)
    search.drop()
    with op.batch_alter_table("tenants") as tenants:
        tenants.drop_column("identity_version")


def _optional(table: str, column: str, *, to: str) -> sa.ForeignKeyConstraint:
    """A reference led by the tenant to a row that must not go while it is referred to."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{to}.tenant_id", f"{to}.id"], name=f"fk_{table}_tenant_id_{column}"
    )


def _create_teams() -> None:
    op.create_table(
        "teams",
        uuid("tenant_id"),
        uuid("id"),
        text("name", 100),
        text("routing", 20),
        sa.Column("reassign_after_s", sa.Integer(), nullable=True),
        moment("created_at"),
        moment("updated_at"),
        key("teams", "tenant_id", "id"),
        of_tenant("teams"),
        unique("teams", "tenant_id", "name"),
    )
    op.create_table(
        "team_members",
        uuid("tenant_id"),
        uuid("team_id"),
        uuid("user_id"),
        moment("last_assigned_at", nullable=True),
        moment("created_at"),
        key("team_members", "tenant_id", "team_id", "user_id"),
        of_tenant("team_members"),
        belongs("team_members", "team_id", to="teams"),
        refers("team_members", "user_id", to="users"),
    )
    op.create_index("ix_team_members_user", "team_members", ["tenant_id", "user_id"])
    op.create_table(
        "agents",
        uuid("tenant_id"),
        uuid("user_id"),
        text("availability", 10),
        whole("capacity"),
        moment("seen_at", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        key("agents", "tenant_id", "user_id"),
        of_tenant("agents"),
        refers("agents", "user_id", to="users"),
    )


def _create_widgets() -> None:
    op.create_table(
        "widgets",
        uuid("tenant_id"),
        uuid("id"),
        text("key", 40),
        text("name", 200),
        uuid("team_id", nullable=True),
        json("settings"),
        moment("installed_at", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        moment("deleted_at", nullable=True),
        key("widgets", "tenant_id", "id"),
        of_tenant("widgets"),
        unique("widgets", "key"),
        _optional("widgets", "team_id", to="teams"),
    )
    op.create_table(
        "domains",
        uuid("tenant_id"),
        uuid("id"),
        text("name", 253),
        moment("created_at"),
        key("domains", "tenant_id", "id"),
        of_tenant("domains"),
        unique("domains", "tenant_id", "name"),
    )


def _create_visitors() -> None:
    table = "visitors"
    op.create_table(
        table,
        uuid("tenant_id"),
        uuid("id"),
        uuid("widget_id"),
        uuid("customer_id", nullable=True),
        text("proven_id", 150, nullable=True),
        text("name", 200),
        text("email", 320, nullable=True),
        text("locale", 35, nullable=True),
        text("timezone", 64, nullable=True),
        text("user_agent", 500),
        text("referrer", 2000),
        text("page_url", 2000),
        text("page_title", 300),
        whole("page_count"),
        whole("session_version"),
        moment("created_at"),
        moment("seen_at"),
        key(table, "tenant_id", "id"),
        of_tenant(table),
        belongs(table, "widget_id", to="widgets"),
        belongs(table, "customer_id", to="customers"),
    )
    op.create_index("ix_visitors_customer", table, ["tenant_id", "customer_id"])
    op.create_index("ix_visitors_proven", table, ["tenant_id", "proven_id"])
    op.create_index("ix_visitors_seen", table, ["tenant_id", "seen_at", "id"])
    op.create_table(
        "visitor_pages",
        uuid("tenant_id"),
        uuid("id"),
        uuid("visitor_id"),
        text("url", 2000),
        text("title", 300),
        moment("seen_at"),
        key("visitor_pages", "tenant_id", "id"),
        of_tenant("visitor_pages"),
        belongs("visitor_pages", "visitor_id", to="visitors"),
    )
    op.create_index("ix_visitor_pages_visitor", "visitor_pages", ["tenant_id", "visitor_id", "seen_at", "id"])


def _create_conversations() -> None:
    table = "conversations"
    op.create_table(
        table,
        uuid("tenant_id"),
        uuid("id"),
        uuid("widget_id", nullable=True),
        uuid("visitor_id", nullable=True),
        uuid("customer_id", nullable=True),
        text("proven_id", 150, nullable=True),
        text("status", 10),
        moment("snoozed_until", nullable=True),
        uuid("assignee_id", nullable=True),
        uuid("team_id", nullable=True),
        json("routing", nullable=True),
        moment("queued_at", nullable=True),
        moment("assigned_at", nullable=True),
        text("priority", 10),
        text("subject", 300),
        text("locale", 35, nullable=True),
        *(whole(name) for name in ("head", "agents_read_to", "agents_unread")),
        *(whole(name) for name in ("visitor_read_to", "visitor_delivered_to", "visitor_unread")),
        text("last_text", 300),
        text("last_sender_kind", 10, nullable=True),
        moment("last_message_at", nullable=True),
        moment("waiting_since", nullable=True),
        moment("first_reply_at", nullable=True),
        moment("closed_at", nullable=True),
        sa.Column("csat_score", sa.Integer(), nullable=True),
        text("csat_comment", 2000),
        moment("csat_at", nullable=True),
        moment("active_at"),
        moment("created_at"),
        moment("updated_at"),
        key(table, "tenant_id", "id"),
        of_tenant(table),
        _optional(table, "widget_id", to="widgets"),
        _optional(table, "team_id", to="teams"),
        belongs(table, "visitor_id", to="visitors"),
        belongs(table, "customer_id", to="customers"),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name=f"fk_{table}_assignee_id"),
    )
    op.create_index("ix_conversations_active", table, ["tenant_id", "status", "active_at", "id"])
    op.create_index("ix_conversations_assignee", table, ["tenant_id", "assignee_id", "status", "active_at", "id"])
    op.create_index("ix_conversations_visitor", table, ["tenant_id", "visitor_id", "active_at"])
    op.create_index("ix_conversations_customer", table, ["tenant_id", "customer_id", "active_at"])
    op.create_index("ix_conversations_proven", table, ["tenant_id", "proven_id"])
    queue = ["tenant_id", "team_id", "queued_at"]
    partial("ix_conversations_queue", table, queue, "queued_at IS NOT NULL", unique=False)
    waiting = ["tenant_id", "waiting_since"]
    partial("ix_conversations_waiting", table, waiting, "waiting_since IS NOT NULL", unique=False)
    op.create_table(
        "conversation_tags",
        uuid("tenant_id"),
        uuid("conversation_id"),
        text("name", 50),
        key("conversation_tags", "tenant_id", "conversation_id", "name"),
        of_tenant("conversation_tags"),
        belongs("conversation_tags", "conversation_id", to="conversations"),
    )
    op.create_index("ix_conversation_tags_name", "conversation_tags", ["tenant_id", "name", "conversation_id"])


def _create_messages() -> None:
    table = "messages"
    op.create_table(
        table,
        uuid("tenant_id"),
        uuid("id"),
        uuid("conversation_id"),
        whole("seq"),
        text("kind", 10),
        text("sender_kind", 10),
        uuid("sender_id", nullable=True),
        text("sender_name", 200),
        text("text"),
        text("html"),
        text("words"),
        json("data", nullable=True),
        text("client_id", 64, nullable=True),
        moment("created_at"),
        moment("edited_at", nullable=True),
        moment("deleted_at", nullable=True),
        key(table, "tenant_id", "id"),
        of_tenant(table),
        belongs(table, "conversation_id", to="conversations"),
    )
    op.create_index("uq_messages_seq", table, ["tenant_id", "conversation_id", "seq"], unique=True)
    sender = ["tenant_id", "conversation_id", "sender_kind", "client_id"]
    partial("uq_messages_client_id", table, sender, "client_id IS NOT NULL", unique=True)
    op.create_table(
        "message_revisions",
        uuid("tenant_id"),
        uuid("id"),
        uuid("message_id"),
        text("action", 10),
        text("text"),
        text("changed_by_kind", 10),
        uuid("changed_by_id", nullable=True),
        moment("changed_at"),
        key("message_revisions", "tenant_id", "id"),
        of_tenant("message_revisions"),
        belongs("message_revisions", "message_id", to="messages"),
    )
    of_message = ["tenant_id", "message_id", "changed_at", "id"]
    op.create_index("ix_message_revisions_message", "message_revisions", of_message)


def _create_files() -> None:
    op.create_table(
        "files",
        uuid("tenant_id"),
        uuid("id"),
        text("name", 255),
        whole("size"),
        text("mime_type", 100),
        text("sha256", 64),
        text("storage_key", 200),
        text("uploader_kind", 10),
        uuid("uploader_id", nullable=True),
        uuid("visitor_id", nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        moment("created_at"),
        moment("attached_at", nullable=True),
        key("files", "tenant_id", "id"),
        of_tenant("files"),
        belongs("files", "visitor_id", to="visitors"),
    )
    op.create_index("ix_files_unattached", "files", ["attached_at", "created_at"])
    op.create_table(
        "message_files",
        uuid("tenant_id"),
        uuid("message_id"),
        uuid("file_id"),
        whole("place"),
        key("message_files", "tenant_id", "message_id", "file_id"),
        of_tenant("message_files"),
        belongs("message_files", "message_id", to="messages"),
        belongs("message_files", "file_id", to="files"),
    )
    op.create_index("ix_message_files_file", "message_files", ["tenant_id", "file_id"])


def _create_inbox() -> None:
    op.create_table(
        "canned_responses",
        uuid("tenant_id"),
        uuid("id"),
        text("shortcut", 50),
        text("title", 200),
        json("texts"),
        uuid("created_by_id", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        key("canned_responses", "tenant_id", "id"),
        of_tenant("canned_responses"),
    )
    op.create_index("uq_canned_responses_shortcut", "canned_responses", ["tenant_id", "shortcut"], unique=True)
    op.create_table(
        "saved_views",
        uuid("tenant_id"),
        uuid("id"),
        uuid("user_id", nullable=True),
        text("name", 100),
        json("filter"),
        moment("created_at"),
        moment("updated_at"),
        key("saved_views", "tenant_id", "id"),
        of_tenant("saved_views"),
        refers("saved_views", "user_id", to="users"),
    )
    op.create_index("ix_saved_views_user", "saved_views", ["tenant_id", "user_id", "name"])
