"""What a visitor sees: themselves, their conversations, and what was said to them. Nothing else is theirs.

The rows come from :func:`resolvers.planner.declare.visitor_rows` and from nowhere else. Members see the same tables
through other types.
"""

from typing import Annotated, Any

import strawberry

import models
from app.core.access import Scope
from resolvers.accounts.users import user_of
from resolvers.conversations.types import LATEST_SAID, queue_position
from resolvers.conversations.words import ConversationStatus, MessageKind, SenderKind
from resolvers.files.types import sent_with
from resolvers.nodes import feed_cursor, lookup
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, column, connection, many, one, table_type, visitor_rows
from resolvers.scalars import JSON, Connection, DateTime

LATEST = Order("an", "active_at")


def _name_of(user_id: Any) -> Any:
    user = user_of(user_id)
    return lookup(user, user.c.name)


@table_type(models.File, noun="file", scope=Scope.VISITOR, for_visitor=True)
class VisitorFile:
    """A file that was sent in one of the visitor's conversations."""

    id: strawberry.ID = column("Its public id.")
    name: str = column("What it is called; cleaned, so that it is safe to show.")
    size: int = column("How many bytes it has.")
    mime_type: str = column("What its bytes are, whatever the sender called it.")
    width: int | None = column("How wide an image is, in pixels.")
    height: int | None = column("How high an image is, in pixels.")
    created_at: DateTime = column("When it was uploaded.")


@table_type(models.Message, noun="message", scope=Scope.VISITOR, for_visitor=True)
class VisitorMessage:
    """Something said in one of the visitor's conversations, by either side."""

    id: strawberry.ID = column("Its public id.")
    seq: int = column("Its number in the conversation. Not every number is there.")
    kind: MessageKind = column("What kind of thing it is: text or system.")
    sender_kind: SenderKind = column("Which side said it.")
    sender_name: str = column("What the sender was called then.")
    mine: bool = column("Whether the visitor said it.", lambda message: message.c.sender_kind == "visitor")
    text: str = column("What was said, in Markdown; empty once it is deleted.")
    html: str = column("The same as HTML that is safe to show.")
    data: JSON | None = column("What a system line says, as an object with an event.")
    client_id: str | None = column("The sender's own name for it, by which sending again is recognised.")
    created_at: DateTime = column("When it was said.")
    edited_at: DateTime | None = column("When it was last changed.")
    deleted_at: DateTime | None = column("When it was deleted.")

    @many(lambda: VisitorFile, "The files sent with it, in order.", graphql_type=list[VisitorFile], size=2)
    def files(self: Any) -> Rows:
        return sent_with(self, visitor_rows(models.File))


@table_type(models.Conversation, noun="conversation", scope=Scope.VISITOR, for_visitor=True)
class VisitorConversation:
    """A conversation of the visitor, or of the same person in another browser."""

    id: strawberry.ID = column("Its public id.")
    status: ConversationStatus = column("How it stands.")
    subject: str = column("What it is about.")
    assignee_name: str | None = column(
        "What the agent is called to whom it was given.",
        lambda conversation: _name_of(conversation.c.assignee_id),
    )
    queue_position: int | None = column("Its place in the queue, from 1; null if it does not wait.", queue_position)
    visitor_unread: int = column("How many messages of agents the visitor has not read.")
    visitor_read_to: int = column("Up to which message the visitor has read.")
    agents_read_to: int = column("Up to which message agents have read.")
    head: int = column("The number of its last message.")
    last_text: str = column("The beginning of what was said last, as plain text.")
    last_sender_kind: SenderKind | None = column("Which side said it.")
    last_message_at: DateTime | None = column("When.")
    csat_score: int | None = column("How content the visitor was, from 1 to 5.")
    closed_at: DateTime | None = column("When it was last closed; null while it is not.")
    created_at: DateTime = column("When it began.")

    @connection(lambda: VisitorMessage, "What was said, latest first.", graphql_type=Connection[VisitorMessage])
    def messages(self: Any) -> Rows:
        message = visitor_rows(models.Message)
        return message.where(message.c.conversation_id == self.c.id).ordered(LATEST_SAID)


@table_type(models.Widget, noun="widget", scope=Scope.VISITOR, for_visitor=True)
class VisitorWidget:
    """The widget in which the visitor is."""

    id: strawberry.ID = column("Its public id.")
    key: str = column("Its public key, which stands in the page.")
    name: str = column("What it is called.")


@table_type(models.Visitor, noun="visitor", scope=Scope.VISITOR, for_visitor=True)
class VisitorSession:
    """The calling visitor."""

    id: strawberry.ID = column("Their public id.")
    name: str = column("What they are called, as far as they said.")
    email: str | None = column("Their e-mail address, as far as they said.")
    locale: str | None = column("Their language, as a BCP 47 tag.")
    identified: bool = column(
        "Whether the tenant's server vouched for who they are.", lambda visitor: visitor.c.proven_id.is_not(None)
    )
    snapshot_cursor: str = column(
        "Where the visitor's feed stands in the very moment of this answer: subscribe with it as after and nothing is "
        "missed or doubled.",
        lambda visitor: feed_cursor("visitor", visitor),
    )

    @one(lambda: VisitorWidget, "The widget in which they are.", graphql_type=VisitorWidget | None)
    def widget(self: Any) -> Rows:
        return visitor_rows(models.Widget)

    @connection(
        lambda: VisitorConversation,
        "Their conversations, those with the latest activity first.",
        graphql_type=Connection[VisitorConversation],
    )
    def conversations(self: Any) -> Rows:
        return visitor_rows(models.Conversation).ordered(LATEST)


@strawberry.type
class VisitorSessionQuery:
    """The root fields of visitors."""

    @one(
        lambda: VisitorSession,
        "The calling visitor; refused for anybody else.",
        graphql_type=VisitorSession | None,
        scope=Scope.VISITOR,
    )
    def visitor_session(self: Any) -> Rows:
        return visitor_rows(models.Visitor)

    @one(
        lambda: VisitorConversation,
        "One of the calling visitor's conversations, or null.",
        graphql_type=VisitorConversation | None,
        scope=Scope.VISITOR,
    )
    def visitor_conversation(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The conversation's public id.")]
    ) -> Rows:
        conversation = visitor_rows(models.Conversation)
        return conversation.where(conversation.c.id == given.key("conversation", id))
