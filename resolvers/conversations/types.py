"""Conversations and what is said in them, as agents see them."""

from typing import Annotated, Any

import strawberry
from sqlalchemy import and_, case, or_

import models
from app.core.access import Scope
from resolvers.accounts.users import User, user_of
from resolvers.conversations.words import ConversationPriority, ConversationStatus, MessageKind, SenderKind
from resolvers.customers.types import Customer, customer_of
from resolvers.files.types import File, sent_with
from resolvers.nodes import Node, feed_cursor
from resolvers.planner.declare import Order, Rows, column, connection, many, one, rows, table_type
from resolvers.scalars import JSON, Connection, DateTime
from resolvers.teams.types import Team, counted
from resolvers.visitors.types import Visitor, visitor_of
from resolvers.widgets.types import Widget, widget_of

LATEST_SAID = Order("q", "seq", counts=True)
CHANGED = Order("g", "changed_at", descending=False)


def queue_position(conversation: Rows) -> Any:
    """Its place in the queue of its team, from 1; NULL while it waits for nobody."""
    other = rows(models.Conversation)
    same_queue = or_(
        other.c.team_id == conversation.c.team_id, and_(other.c.team_id.is_(None), conversation.c.team_id.is_(None))
    )
    before = or_(
        other.c.queued_at < conversation.c.queued_at,
        and_(other.c.queued_at == conversation.c.queued_at, other.c.id <= conversation.c.id),
    )
    ahead = counted(other.where(other.c.queued_at.is_not(None), same_queue, before))
    return case((conversation.c.queued_at.is_not(None), ahead))


def side_of(principal_kind: Any) -> Any:
    """The side on which a caller of this kind is."""
    return case((or_(principal_kind == "visitor", principal_kind == "system"), principal_kind), else_="agent")


@table_type(models.ConversationTag, noun="conversation_tag", scope=Scope.CONVERSATIONS_READ)
class ConversationTag:
    """A word by which a conversation is found again."""

    name: str = column("The word.")


@table_type(models.MessageRevision, noun="message_revision", scope=Scope.CONVERSATIONS_READ)
class MessageRevision:
    """What a message said before it was changed."""

    action: str = column("What was done to it: edited or deleted.")
    text: str = column("What it said before.")
    changed_by_kind: SenderKind = column("Which side changed it.", lambda revision: side_of(revision.c.changed_by_kind))
    changed_at: DateTime = column("When.")

    @one(lambda: User, "Who changed it, if that was somebody who still works here.", graphql_type=User | None)
    def changed_by(self: Any) -> Rows:
        return user_of(self.c.changed_by_id)


@table_type(models.Message, noun="message", scope=Scope.CONVERSATIONS_READ)
class Message(Node):
    """Something said in a conversation."""

    seq: int = column("Its number in the conversation, from 1 without gaps.")
    kind: MessageKind = column("What kind of thing it is.")
    sender_kind: SenderKind = column("Which side said it.")
    sender_name: str = column("What the sender was called then.")
    text: str = column("What was said, in Markdown; empty once it is deleted.")
    html: str = column("The same as HTML that is safe to show.")
    data: JSON | None = column("What a system line says, as an object with an event.")
    client_id: str | None = column("The sender's own name for it, by which sending again is recognised.")
    created_at: DateTime = column("When it was said.")
    edited_at: DateTime | None = column("When it was last changed.")
    deleted_at: DateTime | None = column("When it was deleted.")

    @one(lambda: User, "The agent who said it, if they still work here.", graphql_type=User | None)
    def sender(self: Any) -> Rows:
        user = user_of(self.c.sender_id)
        return user.where(self.c.sender_kind == "agent")

    @many(lambda: File, "The files sent with it, in order.", graphql_type=list[File], size=2)
    def files(self: Any) -> Rows:
        return sent_with(self, rows(models.File))

    @many(
        lambda: MessageRevision,
        "What it said before, oldest first.",
        graphql_type=list[MessageRevision],
        size=1,
    )
    def revisions(self: Any) -> Rows:
        revision = rows(models.MessageRevision)
        return revision.where(revision.c.message_id == self.c.id).ordered(CHANGED)

    @one(
        lambda: Conversation,
        "The conversation in which it was said.",
        graphql_type=Annotated["Conversation", strawberry.lazy(__name__)],
    )
    def conversation(self: Any) -> Rows:
        conversation = rows(models.Conversation)
        return conversation.where(conversation.c.id == self.c.conversation_id)


@table_type(models.Conversation, noun="conversation", scope=Scope.CONVERSATIONS_READ)
class Conversation(Node):
    """A talk with a visitor, or with a customer whom an agent wrote to."""

    status: ConversationStatus = column("How it stands.")
    snoozed_until: DateTime | None = column("Until when it is put aside.")
    priority: ConversationPriority = column("How urgent it is.")
    subject: str = column("What it is about.")
    locale: str | None = column("The visitor's language, as a BCP 47 tag.")
    routing: JSON | None = column(
        "Why this agent: method, chosen, reason, at, and who was considered with load, capacity and verdict."
    )
    queued_at: DateTime | None = column("Since when it waits for an agent; null if it does not.")
    queue_position: int | None = column("Its place in the queue, from 1; null if it does not wait.", queue_position)
    assigned_at: DateTime | None = column("When it was given to its agent.")
    head: int = column("The number of its last message.")
    agents_read_to: int = column("Up to which message agents have read.")
    agents_unread: int = column("How many messages of the visitor no agent has read.")
    visitor_read_to: int = column("Up to which message the visitor has read.")
    visitor_delivered_to: int = column("Up to which message everything has reached the visitor.")
    visitor_unread: int = column("How many messages of agents the visitor has not read.")
    last_text: str = column("The beginning of what was said last, as plain text.")
    last_sender_kind: SenderKind | None = column("Which side said it.")
    last_message_at: DateTime | None = column("When.")
    waiting_since: DateTime | None = column("Since when the visitor waits for an answer; null if they do not.")
    first_reply_at: DateTime | None = column("When an agent first answered.")
    closed_at: DateTime | None = column("When it was last closed; null while it is not.")
    csat_score: int | None = column("How content the visitor was, from 1 to 5.")
    csat_comment: str = column("What they said about that.")
    csat_at: DateTime | None = column("When they said so.")
    active_at: DateTime = column("When anything last happened in it that brings it up in the inbox.")
    created_at: DateTime = column("When it began.")
    updated_at: DateTime = column("When anything about it last changed.")
    snapshot_cursor: str = column(
        "Where this conversation's feed stands in the very moment of this answer: subscribe with it as after and "
        "nothing is missed or doubled.",
        lambda conversation: feed_cursor("conversation", conversation),
    )

    @many(lambda: ConversationTag, "Its tags, by name.", graphql_type=list[ConversationTag], size=3)
    def tags(self: Any) -> Rows:
        tag = rows(models.ConversationTag)
        return tag.where(tag.c.conversation_id == self.c.id).ordered(Order("t", "name", descending=False))

    @one(lambda: Visitor, "The visitor who wrote; null if an agent wrote first.", graphql_type=Visitor | None)
    def visitor(self: Any) -> Rows:
        return visitor_of(self)

    @one(lambda: Customer, "Who that is, once known.", graphql_type=Customer | None, scope=Scope.CUSTOMERS_READ)
    def customer(self: Any) -> Rows:
        return customer_of(self)

    @one(lambda: User, "The agent to whom it was given.", graphql_type=User | None)
    def assignee(self: Any) -> Rows:
        return user_of(self.c.assignee_id)

    @one(lambda: Team, "The team in whose queue it is or was.", graphql_type=Team | None)
    def team(self: Any) -> Rows:
        team = rows(models.Team)
        return team.where(team.c.id == self.c.team_id)

    @one(
        lambda: Widget,
        "The widget in which it began, unless that was deleted.",
        graphql_type=Widget | None,
        scope=Scope.WIDGETS_READ,
    )
    def widget(self: Any) -> Rows:
        return widget_of(self)

    @connection(lambda: Message, "What was said, latest first.", graphql_type=Connection[Message])
    def messages(self: Any) -> Rows:
        message = rows(models.Message)
        return message.where(message.c.conversation_id == self.c.id).ordered(LATEST_SAID)
