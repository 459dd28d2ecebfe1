"""Conversations, live."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry

from app.actions.feed import start_following_conversation, start_following_inbox
from app.core.access import Scope
from app.core.ids import parse_id
from app.core.realtime.presence import AGENT, VISITOR
from models import FeedEntry
from resolvers.context import GraphContext, Info
from resolvers.conversations.matching import Matcher
from resolvers.conversations.queries import WhichConversations
from resolvers.conversations.types import Conversation, Message
from resolvers.customers.subscriptions import After
from resolvers.feed import FeedGap, FeedItem, Follower, version
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON, DateTime, enum_value


@strawberry.enum(description="What became of a conversation.")
class ConversationChangeKind(Enum):
    """The kinds of the feed's entries."""

    MESSAGE_CREATED = enum_value("message.created", description="Something was said.")
    MESSAGE_EDITED = enum_value("message.edited", description="A message was changed.")
    MESSAGE_DELETED = enum_value("message.deleted", description="A message was deleted.")
    CREATED = enum_value("conversation.created", description="It began.")
    CLOSED = enum_value("conversation.closed", description="It was closed.")
    REOPENED = enum_value("conversation.reopened", description="It is open again.")
    PENDING = enum_value("conversation.pending", description="The visitor is asked.")
    SNOOZED = enum_value("conversation.snoozed", description="It was put aside.")
    ASSIGNED = enum_value("conversation.assigned", description="It was given to an agent, or back to the queue.")
    CHANGED = enum_value("conversation.changed", description="Its priority, subject, tags or team changed.")
    READ = enum_value("conversation.read", description="A side has read, or has received, further.")
    RATED = enum_value("conversation.rated", description="The visitor said how content they are.")
    IDENTIFIED = enum_value("conversation.identified", description="It is known with whom it is.")


KINDS = {kind.value: kind for kind in ConversationChangeKind}


@strawberry.type(description="Something in a conversation changed.")
class ConversationChange(FeedItem):
    """What changed, and the conversation as it is."""

    change: ConversationChangeKind = strawberry.field(description="What became of it.")
    changed_at: DateTime = strawberry.field(description="When.")
    data: JSON = strawberry.field(description="What else there is to say, as seq, or side, to and delivered of a mark.")
    conversation: Conversation | None = strawberry.field(description="The conversation as it is now; null if erased.")
    message: Message | None = strawberry.field(description="The message that this is about, as it is now.")


ConversationItem = Annotated[
    ConversationChange | FeedGap,
    strawberry.union("ConversationItem", description="A change, or a gap in what is told."),
]
InboxItem = Annotated[
    ConversationChange | FeedGap, strawberry.union("InboxItem", description="A change, or a gap in what is told.")
]


@contextmanager
def being_here(context: GraphContext) -> Iterator[None]:
    """As long as the block runs, a visitor is there, or a member as an agent if they may answer."""
    caller, presence = context.principal, context.runtime.presence
    kind = {"member": AGENT, "visitor": VISITOR}.get(caller.kind)
    answers = kind == VISITOR or Scope.CONVERSATIONS_WRITE in caller.scopes
    if kind is None or not answers or caller.tenant_id is None or caller.id is None:
        yield
        return
    with presence.here(caller.tenant_id, kind, caller.id):
        yield


@strawberry.type
class ConversationSubscription:
    """Following conversations."""

    @strawberry.subscription(
        description="Everything in all conversations, in order, each once. With a filter, only in those that match it "
        "as they are then: what leaves it is not told of. While it is open, a member who may answer is there as agent."
    )
    async def inbox(
        self, info: Info, filter: WhichConversations = None, after: After = None
    ) -> AsyncGenerator[InboxItem, None]:
        context = info.context
        context.principal.require(Scope.CONVERSATIONS_READ)
        matches = None if filter is None else Matcher.of(info)
        shared = matches is None or not matches.plan.asks_who
        follower = Follower(context, start_following_inbox, Scope.CONVERSATIONS_READ, shared)
        context.keep(being_here(context))
        async for item in follower.follow(after, _change):
            if matches is None or isinstance(item, FeedGap) or await matches(subject_of(item)):
                yield item

    @strawberry.subscription(description="Everything in one conversation, notes included, in order, each once.")
    async def conversation(
        self,
        info: Info,
        conversation_id: Annotated[strawberry.ID, strawberry.argument(description="Which conversation to follow.")],
        after: After = None,
    ) -> AsyncGenerator[ConversationItem, None]:
        key = parse_id("conversation", conversation_id, "conversation_id")
        begin = partial(start_following_conversation, conversation_id=key)
        follower = Follower(info.context, begin, Scope.CONVERSATIONS_READ, shared=True)
        async for item in follower.follow(after, _change):
            yield item


def subject_of(change: Any) -> UUID:
    """The conversation that a payload is about."""
    key: UUID = change.conversation.key
    return key


def message_of(entry: FeedEntry, shown: type) -> Any:
    """The message that an entry is about, as a row of the type ``shown``; None if it is about none."""
    key = entry.data.get("message")
    return None if key is None else Ref(shown, UUID(hex=key), version(entry))


def _change(entry: FeedEntry, cursor: str) -> ConversationChange | None:
    if entry.kind not in KINDS:
        return None
    return ConversationChange(
        cursor=cursor,
        change=KINDS[entry.kind],
        changed_at=DateTime(entry.created_at),
        data=JSON({name: value for name, value in entry.data.items() if name != "message"}),
        conversation=Ref(Conversation, entry.subject_id, version(entry)),  # type: ignore[arg-type]
        message=message_of(entry, Message),
    )
