"""What visitors follow."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from app.actions.feed import start_following_own
from app.core.access import Scope
from models import FeedEntry
from resolvers.context import Info
from resolvers.conversations.changes import KINDS, ConversationChangeKind, being_here, message_of
from resolvers.customers.subscriptions import After
from resolvers.feed import FeedGap, FeedItem, Follower, version
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON, DateTime
from resolvers.visitors.own import VisitorConversation, VisitorMessage

SHOWN = ("seq", "side", "to", "delivered", "from", "name", "score")
"""What of an entry's data a visitor is told."""


@strawberry.type(description="Something in one of the visitor's conversations changed.")
class VisitorConversationChange(FeedItem):
    """What changed, and the conversation as it is."""

    change: ConversationChangeKind = strawberry.field(description="What became of it.")
    changed_at: DateTime = strawberry.field(description="When.")
    data: JSON = strawberry.field(description="What else there is to say, as seq, or side, to and delivered of a mark.")
    conversation: VisitorConversation | None = strawberry.field(
        description="The conversation as it is now; null if it is not the visitor's any more."
    )
    message: VisitorMessage | None = strawberry.field(description="The message that this is about, as it is now.")


VisitorConversationItem = Annotated[
    VisitorConversationChange | FeedGap,
    strawberry.union("VisitorConversationItem", description="A change, or a gap in what is told."),
]


@strawberry.type
class VisitorSubscription:
    """Following one's own conversations."""

    @strawberry.subscription(
        description="Every change of the calling visitor's conversations, in order, each once. While it is open, the "
        "visitor is there."
    )
    async def visitor_conversation(
        self, info: Info, after: After = None
    ) -> AsyncGenerator[VisitorConversationItem, None]:
        context = info.context
        context.principal.require(Scope.VISITOR)
        with being_here(context):
            async for item in Follower(context, start_following_own, Scope.VISITOR).follow(after, _change):
                yield item


def _change(entry: FeedEntry, cursor: str) -> VisitorConversationChange | None:
    if entry.kind not in KINDS:
        return None
    return VisitorConversationChange(
        cursor=cursor,
        change=KINDS[entry.kind],
        changed_at=DateTime(entry.created_at),
        data=JSON({name: entry.data[name] for name in SHOWN if name in entry.data}),
        conversation=Ref(VisitorConversation, entry.subject_id, version(entry)),  # type: ignore[arg-type]
        message=message_of(entry, VisitorMessage),
    )
