"""What visitors do: they open a widget, say who they are, write, read, and say how content they were."""

from typing import Any
from uuid import UUID

import strawberry

from app.actions import conversations, visitors
from app.actions.conversations import Said
from app.actions.visitors import Opened
from app.actions.widgets import shown_to_visitors
from app.core.access import Principal, Scope
from app.core.ids import parse_id
from app.core.realtime.presence import AGENT
from resolvers.context import GraphContext, Info
from resolvers.conversations.inputs import CLIENT_ID, FILES, TEXT, ConversationInput, MessageInput, file_keys, maybe_key
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON, DateTime
from resolvers.visitors.own import VisitorConversation, VisitorMessage, VisitorSession


@strawberry.input(description="A widget that is opened on a page.")
class OpenWidgetInput:
    """Which widget, where, and for whom."""

    widget_key: str = strawberry.field(description="The widget's public key.")
    visitor_token: str | None = strawberry.field(
        default=None, description="The token of an earlier visit, if there was one; then it is the same visitor."
    )
    page_url: str | None = strawberry.field(default=None, description="The address of the page.")
    page_title: str | None = strawberry.field(default=None, description="The title of the page.")
    referrer: str | None = strawberry.field(default=None, description="The page from which the visitor came.")
    locale: str | None = strawberry.field(default=None, description="The visitor's language, as a BCP 47 tag.")
    timezone: str | None = strawberry.field(default=None, description="The visitor's IANA timezone.")
    user_agent: str | None = strawberry.field(default=None, description="What the browser calls itself.")


@strawberry.type(description="A session of a visitor that begins or goes on.")
class OpenWidgetPayload:
    """The token, and what the widget is to show."""

    token: str = strawberry.field(
        description="Send it as Authorization: Bearer, from pages of the same origin alone. Each opening gives another."
    )
    expires_at: DateTime = strawberry.field(description="When the token ends.")
    session: VisitorSession = strawberry.field(description="The visitor.")
    widget: JSON = strawberry.field(
        description="What to show: name, language, texts, colors, theme, position, ask_email, csat, files, show_agents."
    )
    is_open: bool = strawberry.field(description="Whether it is within business hours.")
    opens_at: DateTime | None = strawberry.field(description="When they begin next; null if they have, or are unknown.")
    agents_present: bool = strawberry.field(description="Whether any agent is there now.")


@strawberry.input(description="Who the calling visitor is.")
class IdentifyVisitorInput:
    """A claim, or with a hash a proof."""

    user_id: str = strawberry.field(description="Their id in the tenant's own systems.")
    user_hash: str | None = strawberry.field(
        default=None,
        description="The tenant's server's word for it: the HMAC-SHA-256 of userId with the identity secret, in hex. "
        "Without it nothing of anybody is shown.",
    )
    name: str | None = strawberry.field(default=None, description="What they are called.")
    email: str | None = strawberry.field(default=None, description="Their e-mail address.")
    attributes: JSON | None = strawberry.field(
        default=None, description="More about them, by name; taken only with a hash."
    )


@strawberry.type(description="The calling visitor after a change.")
class VisitorSessionPayload:
    """The visitor as they are now."""

    session: VisitorSession = strawberry.field(description="The visitor as they are now.")


@strawberry.input(description="Something that the calling visitor says.")
class SendVisitorMessageInput:
    """Where, and what."""

    conversation_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; if left out, in the latest that is not closed, else in a new one."
    )
    text: str = strawberry.field(description=TEXT)
    file_ids: list[strawberry.ID] | None = strawberry.field(default=None, description=FILES)
    client_id: str | None = strawberry.field(default=None, description=CLIENT_ID)
    page_url: str | None = strawberry.field(default=None, description="The page on which it is said.")


@strawberry.type(description="What the visitor said.")
class VisitorSaidPayload:
    """The message and where it was said."""

    message: VisitorMessage = strawberry.field(description="The message.")
    conversation: VisitorConversation = strawberry.field(description="The conversation as it is now.")
    repeated: bool = strawberry.field(
        description="Whether it had been said before under the same clientId; then nobody was told again."
    )


@strawberry.type(description="A message of the visitor after a change.")
class VisitorMessagePayload:
    """The message as it is now."""

    message: VisitorMessage = strawberry.field(description="The message as it is now.")


@strawberry.type(description="A conversation of the visitor after a change.")
class VisitorConversationPayload:
    """The conversation as it is now."""

    conversation: VisitorConversation = strawberry.field(description="The conversation as it is now.")


@strawberry.input(description="What a message of the visitor is to say instead.")
class EditVisitorMessageInput(MessageInput):
    """Which message, and what."""

    text: str = strawberry.field(description=TEXT)


@strawberry.input(description="A message of the visitor that is to be deleted.")
class DeleteVisitorMessageInput(MessageInput):
    """Which message."""


@strawberry.input(description="How far the visitor has read.")
class MarkVisitorReadInput(ConversationInput):
    """Where, and to which message."""

    seq: int = strawberry.field(description="The number of the last message.")
    delivered_only: bool = strawberry.field(
        default=False, description="Whether it has only reached the visitor, who has not looked at it yet."
    )


@strawberry.input(description="How content the visitor was.")
class RateConversationInput(ConversationInput):
    """Where, and how much."""

    score: int = strawberry.field(description="From 1 (not at all) to 5.")
    comment: str = strawberry.field(default="", description="What they say about it, at most 2,000 characters.")


@strawberry.input(description="A conversation that the visitor is done with.")
class CloseVisitorConversationInput(ConversationInput):
    """Which conversation."""


@strawberry.input(description="A page that the visitor looks at.")
class SeePageInput:
    """Its address and title."""

    url: str = strawberry.field(description="The address of the page.")
    title: str = strawberry.field(default="", description="The title of the page.")


def _session(key: UUID) -> VisitorSessionPayload:
    return VisitorSessionPayload(session=Ref(VisitorSession, key))  # type: ignore[arg-type]


def _conversation(key: UUID) -> VisitorConversationPayload:
    return VisitorConversationPayload(conversation=Ref(VisitorConversation, key))  # type: ignore[arg-type]


def _message(key: UUID) -> VisitorMessagePayload:
    return VisitorMessagePayload(message=Ref(VisitorMessage, key))  # type: ignore[arg-type]


def _said(said: Said) -> VisitorSaidPayload:
    return VisitorSaidPayload(
        message=Ref(VisitorMessage, said.message.id),  # type: ignore[arg-type]
        conversation=Ref(VisitorConversation, said.conversation.id),  # type: ignore[arg-type]
        repeated=said.repeated,
    )


def _opened(context: GraphContext, opened: Opened, visitor: Principal) -> OpenWidgetPayload:
    present = context.runtime.presence.present(opened.visitor.tenant_id, AGENT)
    session: Any = Ref(VisitorSession, opened.visitor.id, caller=visitor)
    return OpenWidgetPayload(
        token=opened.token,
        expires_at=DateTime(opened.expires_at),
        session=session,
        widget=JSON(shown_to_visitors(opened.widget, opened.visitor.locale)),
        is_open=opened.is_open,
        opens_at=None if opened.opens_at is None else DateTime(opened.opens_at),
        agents_present=bool(present),
    )


@strawberry.type
class VisitorMutation:
    """What visitors do."""

    @strawberry.mutation(description="Opens a widget on a page, as a new visitor or one who comes back. Public.")
    async def open_widget(self, info: Info, input: OpenWidgetInput) -> OpenWidgetPayload:
        context = info.context
        async with context.write_public() as tx:
            opened = await visitors.open_widget(
                tx,
                widget_key=input.widget_key,
                origin=context.principal.origin,
                visitor_token=input.visitor_token,
                page_url=input.page_url,
                page_title=input.page_title,
                referrer=input.referrer,
                locale=input.locale,
                timezone=input.timezone,
                user_agent=input.user_agent,
            )
            visitor = tx.principal
        return _opened(context, opened, visitor)

    @mutation(Scope.VISITOR, "Says who the calling visitor is; with a hash, it is proven.")
    async def identify_visitor(self, info: Info, input: IdentifyVisitorInput) -> VisitorSessionPayload:
        async with info.context.write() as tx:
            visitor = await visitors.identify_visitor(
                tx,
                user_id=input.user_id,
                user_hash=input.user_hash,
                name=input.name,
                email=input.email,
                attributes=input.attributes,  # type: ignore[arg-type]
            )
        return _session(visitor.id)

    @mutation(Scope.VISITOR, "Says something as the calling visitor.")
    async def send_visitor_message(self, info: Info, input: SendVisitorMessageInput) -> VisitorSaidPayload:
        key, files = maybe_key("conversation", input.conversation_id, "conversation_id"), file_keys(input.file_ids)
        async with info.context.write() as tx:
            said = await conversations.visitor_says(
                tx,
                conversation_id=key,
                text=input.text,
                file_ids=files,
                client_id=input.client_id,
                page_url=input.page_url,
            )
        return _said(said)

    @mutation(Scope.VISITOR, "Changes what a message of the calling visitor says.")
    async def edit_visitor_message(self, info: Info, input: EditVisitorMessageInput) -> VisitorMessagePayload:
        key = input.key()
        async with info.context.write() as tx:
            await conversations.edit_message(tx, message_id=key, text=input.text)
        return _message(key)

    @mutation(Scope.VISITOR, "Takes away what a message of the calling visitor says.")
    async def delete_visitor_message(self, info: Info, input: DeleteVisitorMessageInput) -> VisitorMessagePayload:
        key = input.key()
        async with info.context.write() as tx:
            await conversations.delete_message(tx, message_id=key)
        return _message(key)

    @mutation(Scope.VISITOR, "Says how far the calling visitor has read. Marks never go back.")
    async def mark_visitor_read(self, info: Info, input: MarkVisitorReadInput) -> VisitorConversationPayload:
        key = input.key()
        async with info.context.write() as tx:
            await conversations.mark_visitor_read(
                tx, conversation_id=key, seq=input.seq, delivered_only=input.delivered_only
            )
        return _conversation(key)

    @mutation(Scope.VISITOR, "Says how content the calling visitor was, once the conversation is closed.")
    async def rate_conversation(self, info: Info, input: RateConversationInput) -> VisitorConversationPayload:
        key = input.key()
        async with info.context.write() as tx:
            await conversations.rate_conversation(tx, conversation_id=key, score=input.score, comment=input.comment)
        return _conversation(key)

    @mutation(Scope.VISITOR, "Closes a conversation of the calling visitor.")
    async def close_visitor_conversation(
        self, info: Info, input: CloseVisitorConversationInput
    ) -> VisitorConversationPayload:
        key = parse_id("conversation", input.conversation_id, "conversation_id")
        async with info.context.write() as tx:
            await conversations.close_conversation(tx, conversation_id=key)
        return _conversation(key)

    @mutation(Scope.VISITOR, "Says which page the calling visitor looks at.")
    async def see_page(self, info: Info, input: SeePageInput) -> VisitorSessionPayload:
        async with info.context.write() as tx:
            visitor = await visitors.see_page(tx, url=input.url, title=input.title)
        return _session(visitor.id)
