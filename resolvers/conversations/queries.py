"""Finding conversations."""

from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import DateTime as Moment
from sqlalchemy import case, func, literal, or_

import models
from app.actions.feed import inbox_cursor
from app.actions.visibility import CALLER
from app.core.access import Scope
from resolvers.context import Info
from resolvers.conversations.types import Conversation
from resolvers.conversations.words import ConversationPriority, ConversationStatus
from resolvers.nodes import values_of
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, connection, one, rows
from resolvers.scalars import Connection, enum_value

NEVER = datetime(9999, 12, 31, tzinfo=UTC)


@strawberry.enum(description="How conversations are ordered.")
class ConversationOrder(Enum):
    """By a moment; then by id."""

    ACTIVE_NEWEST = enum_value("active_newest", description="Those in which something happened last come first.")
    ACTIVE_OLDEST = enum_value("active_oldest", description="Those in which nothing happened for longest come first.")
    WAITING_LONGEST = enum_value(
        "waiting_longest", description="Those whose visitor waits longest come first; those who do not wait, last."
    )
    PRIORITY = enum_value("priority", description="The most urgent come first; among these, the latest activity.")


def _urgency(columns: Any) -> Any:
    ranks = {priority.value: rank for rank, priority in enumerate(ConversationPriority)}
    return case(ranks, value=columns.priority, else_=0)


def _waiting(columns: Any) -> Any:
    return func.coalesce(columns.waiting_since, literal(NEVER, Moment(timezone=True)))


ORDERS = {
    ConversationOrder.ACTIVE_NEWEST: Order("an", "active_at"),
    ConversationOrder.ACTIVE_OLDEST: Order("ao", "active_at", descending=False),
    ConversationOrder.WAITING_LONGEST: Order("w", _waiting, descending=False),
    ConversationOrder.PRIORITY: Order("p", "active_at", rank=_urgency),
}


@strawberry.input(description="Which conversations. Everything given must hold.")
class ConversationFilter:
    """Conditions on conversations."""

    status: list[ConversationStatus] | None = strawberry.field(default=None, description="Of one of these states.")
    assignee_id: strawberry.ID | None = strawberry.field(default=None, description="Given to this user.")
    unassigned: bool | None = strawberry.field(default=None, description="Only those without, or with, an agent.")
    mine: bool | None = strawberry.field(default=None, description="Only those given to the caller, or the others.")
    team_id: strawberry.ID | None = strawberry.field(default=None, description="Of this team.")
    priority: list[ConversationPriority] | None = strawberry.field(default=None, description="Of these priorities.")
    tag: str | None = strawberry.field(default=None, description="With this tag.")
    customer_id: strawberry.ID | None = strawberry.field(default=None, description="With this customer.")
    visitor_id: strawberry.ID | None = strawberry.field(default=None, description="With this visitor.")
    waiting: bool | None = strawberry.field(
        default=None, description="Only those whose visitor waits for an answer, or the others."
    )
    unread: bool | None = strawberry.field(
        default=None, description="Only those with messages that no agent has read, or the others."
    )
    search: str | None = strawberry.field(
        default=None, description="Words, or beginnings of words, of the subject or of what was said."
    )


def filtered(conversation: Rows, filter: Any) -> Rows:
    """Conversations narrowed by a filter; None narrows nothing."""
    if filter is None:
        return conversation
    c = conversation.c
    mine = or_(c.assignee_id != CALLER, c.assignee_id.is_(None)) if filter.mine is False else c.assignee_id == CALLER
    return conversation.where(
        given.one_of(c.status, filter.status),
        given.one_of(c.priority, filter.priority),
        _is(c.assignee_id, "user", filter.assignee_id),
        _is(c.team_id, "team", filter.team_id),
        _is(c.customer_id, "customer", filter.customer_id),
        _is(c.visitor_id, "visitor", filter.visitor_id),
        _whether(c.assignee_id.is_(None), filter.unassigned),
        None if filter.mine is None else mine,
        _whether(c.waiting_since.is_not(None), filter.waiting),
        _whether(c.agents_unread > 0, filter.unread),
        _tagged(conversation, filter.tag),
        given.said(c.id, filter.search),
    )


def _is(column: Any, noun: str, argument: Any) -> Any:
    return None if argument is None else column == given.key(noun, argument)


def _whether(condition: Any, wanted: bool | None) -> Any:
    return None if wanted is None else condition if wanted else ~condition


def _tagged(conversation: Rows, argument: Any) -> Any:
    if argument is None:
        return None
    tag = rows(models.ConversationTag)
    named = tag.where(tag.c.conversation_id == conversation.c.id, given.equals(tag.c.name, argument))
    return conversation.c.id.in_(values_of(named, tag.c.conversation_id))


WhichConversations = Annotated[
    ConversationFilter | None, strawberry.argument(description="Which conversations; all of them if left out.")
]


@strawberry.type
class ConversationQuery:
    """Root fields about conversations."""

    @one(
        lambda: Conversation,
        "One conversation, or null.",
        graphql_type=Conversation | None,
        scope=Scope.CONVERSATIONS_READ,
    )
    def conversation(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The conversation's public id.")]
    ) -> Rows:
        conversation = rows(models.Conversation)
        return conversation.where(conversation.c.id == given.key("conversation", id))

    @connection(
        lambda: Conversation,
        "Conversations, page by page.",
        graphql_type=Connection[Conversation],
        scope=Scope.CONVERSATIONS_READ,
    )
    def conversations(
        self: Any,
        filter: WhichConversations = None,
        order_by: Annotated[
            ConversationOrder, strawberry.argument(description="Which come first.")
        ] = ConversationOrder.ACTIVE_NEWEST,
    ) -> Rows:
        return filtered(rows(models.Conversation), filter).ordered(ORDERS[order_by])

    @strawberry.field(
        description="Where the inbox's feed stands. Ask for it before you load a list, and subscribe to inbox with it "
        "as after: then nothing is missed."
    )
    async def inbox_snapshot_cursor(self, info: Info) -> str:
        async with info.context.read() as reading:
            return await inbox_cursor(reading)
