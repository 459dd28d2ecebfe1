"""What mutations of conversations are given."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import strawberry

from app.core.ids import parse_id
from resolvers.conversations.words import ConversationPriority, ConversationStatus
from resolvers.scalars import DateTime

FILES = "Files that the caller uploaded and has not sent yet, at most 10."
CLIENT_ID = "The caller's own name for the message, 1 to 64 characters: sending again under it says nothing twice."
TEXT = "In Markdown, 1 to 10,000 characters; may be empty with files."


def file_keys(ids: Sequence[strawberry.ID] | None) -> list[UUID]:
    """The keys of files. Raises :class:`app.core.errors.Invalid`."""
    return [parse_id("file", id, f"file_ids.{place}") for place, id in enumerate(ids or ())]


def maybe_key(noun: str, id: strawberry.ID | None, field: str) -> UUID | None:
    """The key in an id that may be left out."""
    return None if id is None else parse_id(noun, id, field)


@strawberry.input(description="A conversation that an agent begins. Exactly one of customer and visitor is enough.")
class StartConversationInput:
    """With whom, and what is said."""

    customer_id: strawberry.ID | None = strawberry.field(default=None, description="The customer to write to.")
    visitor_id: strawberry.ID | None = strawberry.field(default=None, description="The visitor to write to.")
    text: str = strawberry.field(description=TEXT)
    subject: str = strawberry.field(default="", description="What it is about, at most 300 characters.")
    file_ids: list[strawberry.ID] | None = strawberry.field(default=None, description=FILES)
    client_id: str | None = strawberry.field(default=None, description=CLIENT_ID)


@strawberry.input(description="One conversation.")
class ConversationInput:
    """Which conversation."""

    conversation_id: strawberry.ID = strawberry.field(description="The conversation.")

    def key(self) -> UUID:
        """The conversation's key."""
        return parse_id("conversation", self.conversation_id, "conversation_id")


@strawberry.input(description="Something that is said in a conversation.")
class SendMessageInput(ConversationInput):
    """Where, and what."""

    text: str = strawberry.field(description=TEXT)
    file_ids: list[strawberry.ID] | None = strawberry.field(default=None, description=FILES)
    client_id: str | None = strawberry.field(default=None, description=CLIENT_ID)

    def values(self) -> dict[str, Any]:
        """As the actions want them."""
        return {
            "conversation_id": self.key(),
            "text": self.text,
            "file_ids": file_keys(self.file_ids),
            "client_id": self.client_id,
        }


@strawberry.input(description="A note, which only agents see.")
class AddNoteInput(SendMessageInput):
    """Where, and what."""


@strawberry.input(description="One message.")
class MessageInput:
    """Which message."""

    message_id: strawberry.ID = strawberry.field(description="The message.")

    def key(self) -> UUID:
        """The message's key."""
        return parse_id("message", self.message_id, "message_id")


@strawberry.input(description="A message that is to be deleted. That it was said stays.")
class DeleteMessageInput(MessageInput):
    """Which message."""


@strawberry.input(description="What a message is to say instead.")
class EditMessageInput(MessageInput):
    """Which message, and what."""

    text: str = strawberry.field(description=TEXT)


@strawberry.input(description="How far the agents have read.")
class MarkConversationReadInput(ConversationInput):
    """Where, and to which message."""

    seq: int = strawberry.field(description="The number of the last message that was read.")


@strawberry.input(description="A conversation that is to be closed.")
class CloseConversationInput(ConversationInput):
    """Which conversation."""


@strawberry.input(description="To whom a conversation is given. What is left out stays.")
class AssignConversationInput(ConversationInput):
    """An agent, a team, or both."""

    assignee_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The user who gets it; null gives it back to the queue."
    )
    team_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The team that gets it; null takes it from its team."
    )


@strawberry.input(description="A conversation that is to be mailed, without notes.")
class MailTranscriptInput(ConversationInput):
    """Which conversation, and to whom."""

    recipient: str | None = strawberry.field(
        default=None, description="To which address; the customer's or the visitor's own if left out."
    )


@strawberry.input(description="What changes about conversations. What is left out stays.")
class ConversationChangesInput:
    """The changes that one conversation and many can get."""

    status: ConversationStatus | None = strawberry.field(default=None, description="How it stands.")
    snoozed_until: DateTime | None = strawberry.field(
        default=None, description="Until when it is put aside; alone, it means the status SNOOZED."
    )
    priority: ConversationPriority | None = strawberry.field(default=None, description="How urgent it is.")
    subject: str | None = strawberry.field(default=None, description="What it is about.")
    tags: list[str] | None = strawberry.field(default=None, description="All its tags, at most 20.")
    add_tags: list[str] | None = strawberry.field(default=None, description="Tags that it gets.")
    remove_tags: list[str] | None = strawberry.field(default=None, description="Tags that it loses.")

    def changes(self) -> dict[str, Any]:
        """As the actions want them."""
        return {
            "status": None if self.status is None else self.status.value,
            "snoozed_until": self.snoozed_until,
            "priority": None if self.priority is None else self.priority.value,
            "subject": self.subject,
            "tags": self.tags,
            "add_tags": self.add_tags or (),
            "remove_tags": self.remove_tags or (),
        }


@strawberry.input(description="What changes about a conversation. What is left out stays.")
class UpdateConversationInput(ConversationChangesInput):
    """A conversation and what is new."""

    conversation_id: strawberry.ID = strawberry.field(description="The conversation.")


@strawberry.input(description="What changes about conversations: about all of them, or about none.")
class UpdateConversationsInput(ConversationChangesInput):
    """Conversations and what is new."""

    conversation_ids: list[strawberry.ID] = strawberry.field(description="Which: 1 to 100.")
    assignee_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The user who gets them; null gives them back to the queue."
    )
    team_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The team that gets them; null takes them from theirs."
    )

    def keys(self) -> list[UUID]:
        """The conversations' keys."""
        return [
            parse_id("conversation", id, f"conversation_ids.{place}") for place, id in enumerate(self.conversation_ids)
        ]
