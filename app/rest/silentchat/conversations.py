"""SilentChat ``/conversations`` and the messages in them."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.actions import conversations
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.core.keep import KEEP
from app.core.tx import Reading
from app.rest.door import Call, Endpoint
from app.rest.silentchat.wire import Listed, Window, Wire, contact_id, moment, user, user_id
from models import Conversation as ConversationRow
from models import Message as MessageRow

TAG = "Conversations"
Status = Literal["open", "pending", "snoozed", "closed"]
FIELDS = {"conversation_id": "id", "conversation_ids": "id", "assignee_id": "assigned_to"}


class ConversationQuery(Window):
    status: Status | None = None
    assigned_to: str | None = Field(None, description="A member (`usr_…`), or `none`.")
    visitor_id: str | None = None
    tag: str | None = None
    search: str | None = Field(None, description="Words that were said in it, or are in its subject.")


class ConversationChanges(Wire):
    """What is left out stays as it is; an `assigned_to` of null puts it back into the queue."""

    assigned_to: str | None = None
    status: Status | None = None
    tags: list[str] | None = Field(None, description="All of its tags.")
    priority: Literal["low", "normal", "high", "urgent"] | None = None
    subject: str | None = None


class Conversation(Wire):
    id: str
    status: str
    visitor_id: str | None
    assigned_to: str | None
    last_message: str | None
    last_message_at: str | None
    created_at: str | None
    contact_id: str | None
    subject: str
    priority: str
    tags: list[str]
    unread_count: int = Field(description="Messages of the visitor that no agent has read.")
    closed_at: str | None


class NewMessage(Wire):
    text: str = ""
    file_ids: list[str] = Field(default_factory=list, max_length=10)
    client_id: str | None = Field(None, description="Your own id of it: sent again, it is not said twice.")


class MessageQuery(Window):
    order: Literal["asc", "desc"] = Field("asc", description="Oldest or newest first.")


class Message(Wire):
    id: str
    conversation_id: str
    sender_type: str = Field(description="`visitor`, `agent` or `system`.")
    sender_id: str | None
    type: str = Field(description="`text`, `note` (agents only) or `system`.")
    text: str
    created_at: str | None
    edited_at: str | None
    deleted_at: str | None


async def list_conversations(call: Call[None, ConversationQuery]) -> Listed[Conversation]:
    query = call.query
    nobody = query.assigned_to == "none"
    assignee = user_id(query.assigned_to, "assigned_to") if query.assigned_to and not nobody else None
    async with call.read() as reading:
        rows, total = await conversations.list_conversations(
            reading,
            status=query.status,
            assignee_id=assignee,
            unassigned=True if nobody else None,
            visitor_id=parse_id("visitor", query.visitor_id, "visitor_id") if query.visitor_id else None,
            tag=query.tag,
            search=query.search,
            limit=query.limit,
            offset=query.offset,
        )
        return query.listed(await _shown(reading, rows), total)


async def get_conversation(call: Call[None, None]) -> Conversation:
    async with call.read() as reading:
        row = await conversations.get_conversation(reading, conversation_id=_addressed(call))
        return (await _shown(reading, [row]))[0]


async def update_conversation(call: Call[ConversationChanges, None]) -> Conversation:
    body = call.body
    assignee = user_id(body.assigned_to, "assigned_to") if body.assigned_to else None
    async with call.write() as tx:
        rows = await conversations.update_conversations(
            tx,
            conversation_ids=[_addressed(call)],
            status=body.status,
            priority=body.priority,
            subject=body.subject,
            tags=body.tags,
            assignee_id=assignee if "assigned_to" in body.model_fields_set else KEEP,
        )
        return (await _shown(tx, rows))[0]


async def close_conversation(call: Call[None, None]) -> Conversation:
    async with call.write() as tx:
        row = await conversations.close_conversation(tx, conversation_id=_addressed(call))
        return (await _shown(tx, [row]))[0]


async def list_messages(call: Call[None, MessageQuery]) -> Listed[Message]:
    query = call.query
    async with call.read() as reading:
        rows, total = await conversations.list_messages(
            reading,
            conversation_id=_addressed(call),
            limit=query.limit,
            offset=query.offset,
            newest_first=query.order == "desc",
        )
    return query.listed([_message(row) for row in rows], total)


async def send_message(call: Call[NewMessage, None]) -> Message:
    body = call.body
    files = [parse_id("file", one, f"file_ids.{place}") for place, one in enumerate(body.file_ids)]
    async with call.write() as tx:
        said = await conversations.send_message(
            tx, conversation_id=_addressed(call), text=body.text, file_ids=files, client_id=body.client_id
        )
    return _message(said.message)


def _addressed(call: Call[Any, Any]) -> UUID:
    return parse_id("conversation", call.path["id"])


async def _shown(reading: Reading, rows: list[ConversationRow]) -> list[Conversation]:
    tags = await conversations.tags_of(reading, conversation_ids=[row.id for row in rows])
    return [_conversation(row, tags[row.id]) for row in rows]


def _conversation(row: ConversationRow, tags: list[str]) -> Conversation:
    return Conversation(
        id=public_id("conversation", row.id),
        status=row.status,
        visitor_id=public_id("visitor", row.visitor_id) if row.visitor_id else None,
        assigned_to=user(row.assignee_id),
        last_message=row.last_text if row.last_message_at else None,
        last_message_at=moment(row.last_message_at),
        created_at=moment(row.created_at),
        contact_id=contact_id(row.customer_id) if row.customer_id else None,
        subject=row.subject,
        priority=row.priority,
        tags=tags,
        unread_count=row.agents_unread,
        closed_at=moment(row.closed_at),
    )


def _message(row: MessageRow) -> Message:
    sender = {"visitor": "visitor", "agent": "user"}.get(row.sender_kind)
    return Message(
        id=public_id("message", row.id),
        conversation_id=public_id("conversation", row.conversation_id),
        sender_type=row.sender_kind,
        sender_id=public_id(sender, row.sender_id) if sender and row.sender_id else None,
        type=row.kind,
        text=row.text,
        created_at=moment(row.created_at),
        edited_at=moment(row.edited_at),
        deleted_at=moment(row.deleted_at),
    )


READ, WRITE = Scope.CONVERSATIONS_READ, Scope.CONVERSATIONS_WRITE
ONE = "/v1/conversations/{id}"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/conversations",
        handler=list_conversations,
        tag=TAG,
        summary="List conversations, latest activity first",
        scope=READ,
        query=ConversationQuery,
        response=Listed[Conversation],
        fields=FIELDS,
    ),
    Endpoint(
        method="GET",
        path=ONE,
        handler=get_conversation,
        tag=TAG,
        summary="Get a conversation",
        scope=READ,
        response=Conversation,
        fields=FIELDS,
    ),
    Endpoint(
        method="PATCH",
        path=ONE,
        handler=update_conversation,
        tag=TAG,
        summary="Assign a conversation, change its status, its tags",
        scope=WRITE,
        body=ConversationChanges,
        response=Conversation,
        fields=FIELDS,
    ),
    Endpoint(
        method="POST",
        path=f"{ONE}/close",
        handler=close_conversation,
        tag=TAG,
        summary="Close a conversation",
        scope=WRITE,
        response=Conversation,
        fields=FIELDS,
    ),
    Endpoint(
        method="GET",
        path=f"{ONE}/messages",
        handler=list_messages,
        tag=TAG,
        summary="List the messages of a conversation",
        scope=READ,
        query=MessageQuery,
        response=Listed[Message],
        fields=FIELDS,
    ),
    Endpoint(
        method="POST",
        path=f"{ONE}/messages",
        handler=send_message,
        tag=TAG,
        summary="Send a message as an agent",
        scope=WRITE,
        body=NewMessage,
        response=Message,
        status=201,
        fields=FIELDS,
    ),
)
