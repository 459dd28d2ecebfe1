"""Conversations between visitors and agents, and everything that is said in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlmodel import Field

from models.base import TenantRow, belongs_to, json_column

HAS_CLIENT_ID = text("client_id IS NOT NULL")
IS_QUEUED = text("queued_at IS NOT NULL")
IS_WAITING = text("waiting_since IS NOT NULL")


class Conversation(TenantRow, table=True):
    """A talk with one visitor, or with a customer whom an agent wrote to.

    ``status``: ``open``, ``pending`` (the visitor is asked), ``snoozed`` (until ``snoozed_until``) or ``closed``.
    ``priority``: ``low``, ``normal``, ``high``, ``urgent``. Messages are numbered by ``seq`` from 1 to ``head``; a side
    has read up to its mark, and ``*_unread`` counts what the other side has written beyond it. ``queued_at`` is set
    while it waits for an agent; ``waiting_since`` is the first message of the visitor that nobody has answered;
    ``active_at`` orders the inbox. ``routing`` says why the assignee is who they are. ``proven_id`` as in
    :class:`models.Visitor`.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "widget_id"], ["widgets.tenant_id", "widgets.id"]),
        ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"]),
        belongs_to("visitors", "visitor_id"),
        belongs_to("customers", "customer_id"),
        Index("ix_conversations_active", "tenant_id", "status", "active_at", "id"),
        Index("ix_conversations_assignee", "tenant_id", "assignee_id", "status", "active_at", "id"),
        Index("ix_conversations_visitor", "tenant_id", "visitor_id", "active_at"),
        Index("ix_conversations_customer", "tenant_id", "customer_id", "active_at"),
        Index("ix_conversations_proven", "tenant_id", "proven_id"),
        Index(
            "ix_conversations_queue",
            "tenant_id",
            "team_id",
            "queued_at",
            sqlite_where=IS_QUEUED,
            postgresql_where=IS_QUEUED,
        ),
        Index(
            "ix_conversations_waiting",
            "tenant_id",
            "waiting_since",
            sqlite_where=IS_WAITING,
            postgresql_where=IS_WAITING,
        ),
    )

    id: UUID = Field(primary_key=True)
    widget_id: UUID | None = None
    visitor_id: UUID | None = None
    customer_id: UUID | None = None
    proven_id: str | None = Field(default=None, max_length=150)
    status: str = Field(max_length=10)
    snoozed_until: datetime | None = None
    assignee_id: UUID | None = Field(default=None, foreign_key="users.id")
    team_id: UUID | None = None
    routing: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    queued_at: datetime | None = None
    assigned_at: datetime | None = None
    priority: str = Field(default="normal", max_length=10)
    subject: str = Field(default="", max_length=300)
    locale: str | None = Field(default=None, max_length=35)
    head: int = 0
    agents_read_to: int = 0
    agents_unread: int = 0
    visitor_read_to: int = 0
    visitor_delivered_to: int = 0
    visitor_unread: int = 0
    last_text: str = Field(default="", max_length=300)
    last_sender_kind: str | None = Field(default=None, max_length=10)
    last_message_at: datetime | None = None
    waiting_since: datetime | None = None
    first_reply_at: datetime | None = None
    closed_at: datetime | None = None
    csat_score: int | None = None
    csat_comment: str = Field(default="", max_length=2000)
    csat_at: datetime | None = None
    active_at: datetime
    created_at: datetime
    updated_at: datetime


class ConversationTag(TenantRow, table=True):
    """A word by which a conversation is found again."""

    __tablename__ = "conversation_tags"
    __table_args__ = (
        belongs_to("conversations", "conversation_id"),
        Index("ix_conversation_tags_name", "tenant_id", "name", "conversation_id"),
    )

    conversation_id: UUID = Field(primary_key=True)
    name: str = Field(primary_key=True, max_length=50)


class Message(TenantRow, table=True):
    """Something said in a conversation: ``kind`` is ``text``, ``note`` (agents only) or ``system``.

    ``sender_kind``: ``visitor``, ``agent`` (``sender_id`` is the user, or null for an API key) or ``system``.
    ``text`` is Markdown as it was written, ``html`` what it means, safe to show, ``words`` what it is found by
    (:mod:`app.core.fulltext`; those of the first message are the subject's too). A deleted message keeps its row and
    has no text. ``client_id`` is the sender's own name for it, so that sending again does not say it twice. ``data`` is
    what a system line says, as ``{"event": "assigned", …}``.
    """

    __tablename__ = "messages"
    __table_args__ = (
        belongs_to("conversations", "conversation_id"),
        Index("uq_messages_seq", "tenant_id", "conversation_id", "seq", unique=True),
        Index(
            "uq_messages_client_id",
            "tenant_id",
            "conversation_id",
            "sender_kind",
            "client_id",
            unique=True,
            sqlite_where=HAS_CLIENT_ID,
            postgresql_where=HAS_CLIENT_ID,
        ),
    )

    id: UUID = Field(primary_key=True)
    conversation_id: UUID
    seq: int
    kind: str = Field(max_length=10)
    sender_kind: str = Field(max_length=10)
    sender_id: UUID | None = None
    sender_name: str = Field(default="", max_length=200)
    text: str
    html: str
    words: str = ""
    data: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    client_id: str | None = Field(default=None, max_length=64)
    created_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None


class MessageRevision(TenantRow, table=True):
    """What a message said before it was ``edited`` or ``deleted``, and who did that."""

    __tablename__ = "message_revisions"
    __table_args__ = (
        belongs_to("messages", "message_id"),
        Index("ix_message_revisions_message", "tenant_id", "message_id", "changed_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    message_id: UUID
    action: str = Field(max_length=10)
    text: str
    changed_by_kind: str = Field(max_length=10)
    changed_by_id: UUID | None = None
    changed_at: datetime


class MessageFile(TenantRow, table=True):
    """A file that was sent with a message, in the order of ``place``."""

    __tablename__ = "message_files"
    __table_args__ = (
        belongs_to("messages", "message_id"),
        belongs_to("files", "file_id"),
        Index("ix_message_files_file", "tenant_id", "file_id"),
    )

    message_id: UUID = Field(primary_key=True)
    file_id: UUID = Field(primary_key=True)
    place: int


class CannedResponse(TenantRow, table=True):
    """A ready answer. ``texts`` is an object from language to text, with ``{{customer.name}}`` and the like in it."""

    __tablename__ = "canned_responses"
    __table_args__ = (Index("uq_canned_responses_shortcut", "tenant_id", "shortcut", unique=True),)

    id: UUID = Field(primary_key=True)
    shortcut: str = Field(max_length=50)
    title: str = Field(default="", max_length=200)
    texts: dict[str, str] = Field(sa_column=json_column())
    created_by_id: UUID | None = None
    created_at: datetime
    updated_at: datetime


class SavedView(TenantRow, table=True):
    """A filter of the inbox with a name: of one user, or everybody's where ``user_id`` is null."""

    __tablename__ = "saved_views"
    __table_args__ = (Index("ix_saved_views_user", "tenant_id", "user_id", "name"),)

    id: UUID = Field(primary_key=True)
    user_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="CASCADE")
    name: str = Field(max_length=100)
    filter: dict[str, Any] = Field(sa_column=json_column())
    created_at: datetime
    updated_at: datetime
