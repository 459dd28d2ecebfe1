"""Saying something in conversations, and changing them: what agents do."""

from typing import Any
from uuid import UUID

import strawberry

from app.actions import conversations as actions
from app.actions.conversations import Said
from app.actions.conversations.transcripts import mail_transcript
from app.core.access import Scope
from app.core.ids import parse_id
from app.core.keep import KEEP, Keep
from resolvers.context import Info
from resolvers.conversations.inputs import (
    AddNoteInput,
    AssignConversationInput,
    CloseConversationInput,
    DeleteMessageInput,
    EditMessageInput,
    MailTranscriptInput,
    MarkConversationReadInput,
    SendMessageInput,
    StartConversationInput,
    UpdateConversationInput,
    UpdateConversationsInput,
    file_keys,
    maybe_key,
)
from resolvers.conversations.types import Conversation, Message
from resolvers.leave import mutation
from resolvers.planner.declare import Ref


@strawberry.type(description="A conversation after a change.")
class ConversationPayload:
    """The conversation as it is now."""

    conversation: Conversation = strawberry.field(description="The conversation as it is now.")


@strawberry.type(description="Conversations after a change.")
class ConversationsPayload:
    """The conversations as they are now."""

    conversations: list[Conversation] = strawberry.field(
        description="The conversations as they are now, in the order in which they were named."
    )


@strawberry.type(description="A message after a change.")
class MessagePayload:
    """The message as it is now."""

    message: Message = strawberry.field(description="The message as it is now.")


@strawberry.type(description="What was said.")
class SaidPayload:
    """The message and where it was said."""

    message: Message = strawberry.field(description="The message.")
    conversation: Conversation = strawberry.field(description="The conversation as it is now.")
    repeated: bool = strawberry.field(
        description="Whether it had been said before under the same clientId; then nobody was told again."
    )


@strawberry.type(description="A conversation that is on its way by mail.")
class MailTranscriptPayload:
    """To whom."""

    recipient: str = strawberry.field(description="The address to which it goes.")


def _conversation(key: UUID) -> ConversationPayload:
    return ConversationPayload(conversation=Ref(Conversation, key))  # type: ignore[arg-type]


def _said(said: Said) -> SaidPayload:
    return SaidPayload(
        message=Ref(Message, said.message.id),  # type: ignore[arg-type]
        conversation=Ref(Conversation, said.conversation.id),  # type: ignore[arg-type]
        repeated=said.repeated,
    )


def _message(key: UUID) -> MessagePayload:
    return MessagePayload(message=Ref(Message, key))  # type: ignore[arg-type]


def key_or_keep(noun: str, id: Any, field: str) -> UUID | Keep | None:
    """The key in an id; None for null; :data:`KEEP` where nothing was given."""
    return KEEP if id is strawberry.UNSET else maybe_key(noun, id, field)


@strawberry.type
class ConversationMutation:
    """Changes to conversations."""

    @mutation(Scope.CONVERSATIONS_WRITE, "Begins a conversation with a customer or a visitor.")
    async def start_conversation(self, info: Info, input: StartConversationInput) -> SaidPayload:
        values: dict[str, Any] = {
            "customer_id": maybe_key("customer", input.customer_id, "customer_id"),
            "visitor_id": maybe_key("visitor", input.visitor_id, "visitor_id"),
            "file_ids": file_keys(input.file_ids),
        }
        async with info.context.write() as tx:
            said = await actions.start_conversation(
                tx, text=input.text, subject=input.subject, client_id=input.client_id, **values
            )
        return _said(said)

    @mutation(
        Scope.CONVERSATIONS_WRITE, "Says something to the visitor, as an agent. A closed conversation is open again."
    )
    async def send_message(self, info: Info, input: SendMessageInput) -> SaidPayload:
        values = input.values()
        async with info.context.write() as tx:
            said = await actions.send_message(tx, **values)
        return _said(said)

    @mutation(Scope.CONVERSATIONS_WRITE, "Writes something that only agents see.")
    async def add_note(self, info: Info, input: AddNoteInput) -> SaidPayload:
        values = input.values()
        async with info.context.write() as tx:
            said = await actions.add_note(tx, **values)
        return _said(said)

    @mutation(
        Scope.CONVERSATIONS_WRITE,
        "Changes what a message says: one's own, or any agent's for owners and admins. What it said before is kept.",
    )
    async def edit_message(self, info: Info, input: EditMessageInput) -> MessagePayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.edit_message(tx, message_id=key, text=input.text)
        return _message(key)

    @mutation(
        Scope.CONVERSATIONS_WRITE,
        "Takes away what a message says: one's own, or any agent's for owners and admins. What it said is "
        "kept for agents.",
    )
    async def delete_message(self, info: Info, input: DeleteMessageInput) -> MessagePayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.delete_message(tx, message_id=key)
        return _message(key)

    @mutation(Scope.CONVERSATIONS_WRITE, "Says how far the agents have read. The mark never goes back.")
    async def mark_conversation_read(self, info: Info, input: MarkConversationReadInput) -> ConversationPayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.mark_read(tx, conversation_id=key, seq=input.seq)
        return _conversation(key)

    @mutation(Scope.CONVERSATIONS_WRITE, "Changes the status, the priority, the subject or the tags of a conversation.")
    async def update_conversation(self, info: Info, input: UpdateConversationInput) -> ConversationPayload:
        key = parse_id("conversation", input.conversation_id, "conversation_id")
        async with info.context.write() as tx:
            await actions.update_conversation(tx, conversation_id=key, **input.changes())
        return _conversation(key)

    @mutation(Scope.CONVERSATIONS_WRITE, "Changes many conversations: all of them, or none when one cannot be.")
    async def update_conversations(self, info: Info, input: UpdateConversationsInput) -> ConversationsPayload:
        values: dict[str, Any] = {
            "conversation_ids": input.keys(),
            "assignee_id": key_or_keep("user", input.assignee_id, "assignee_id"),
            "team_id": key_or_keep("team", input.team_id, "team_id"),
            **input.changes(),
        }
        async with info.context.write() as tx:
            changed = await actions.update_conversations(tx, **values)
        shown: Any = [Ref(Conversation, conversation.id) for conversation in changed]
        return ConversationsPayload(conversations=shown)

    @mutation(Scope.CONVERSATIONS_WRITE, "Closes a conversation. Once more changes nothing.")
    async def close_conversation(self, info: Info, input: CloseConversationInput) -> ConversationPayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.close_conversation(tx, conversation_id=key)
        return _conversation(key)

    @mutation(Scope.CONVERSATIONS_WRITE, "Gives a conversation to an agent, to a team, or back to the queue.")
    async def assign_conversation(self, info: Info, input: AssignConversationInput) -> ConversationPayload:
        key = input.key()
        assignee = key_or_keep("user", input.assignee_id, "assignee_id")
        team = key_or_keep("team", input.team_id, "team_id")
        async with info.context.write() as tx:
            await actions.assign_conversation(tx, conversation_id=key, assignee_id=assignee, team_id=team)
        return _conversation(key)

    @mutation(Scope.CONVERSATIONS_WRITE, "Mails what both sides said to each other, without notes.")
    async def mail_transcript(self, info: Info, input: MailTranscriptInput) -> MailTranscriptPayload:
        key = input.key()
        async with info.context.write() as tx:
            recipient = await mail_transcript(tx, conversation_id=key, recipient=input.recipient)
        return MailTranscriptPayload(recipient=recipient)
