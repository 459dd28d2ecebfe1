"""How a content looks before it is sent."""

from typing import Annotated, Any

import strawberry

from app.actions.content import Preview, check_contents, preview_content
from app.core.access import Scope
from app.core.ids import parse_id
from app.core.message import Message
from resolvers.content.inputs import ContentTextsInput, maybe_object
from resolvers.context import Info
from resolvers.conversations.inputs import maybe_key
from resolvers.customers.inputs import CustomerRefInput
from resolvers.integrations.types import MessageChannel
from resolvers.scalars import JSON


@strawberry.input(description="A content that is not saved, or what is to be different of one that is.")
class ContentDraftInput(ContentTextsInput):
    """The texts and where they go."""

    channel: MessageChannel | None = strawberry.field(
        default=None, description="Over which channel; needed unless it is about a saved content."
    )

    def draft(self) -> dict[str, Any]:
        """The values of an action."""
        return self.values() | ({} if self.channel is None else {"channel": self.channel.value})


@strawberry.type(description="A header of an e-mail.")
class MessageHeader:
    """Name and value."""

    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="Its value, on one line.")


@strawberry.type(description="A message as one customer would get it.")
class MessagePreview:
    """Its parts."""

    subject: str = strawberry.field(description="The subject of an e-mail.")
    preheader: str = strawberry.field(description="What mailboxes show beside the subject.")
    body: str = strawberry.field(description="HTML of an e-mail, the text of every other message.")
    plain: str = strawberry.field(description="The text of an e-mail.")
    from_address: str = strawberry.field(description="From whom.")
    reply_to: str = strawberry.field(description="To whom answers go.")
    headers: list[MessageHeader] = strawberry.field(description="The headers that the content names.")
    fields: JSON = strawberry.field(description="What else the channel has.")


@strawberry.type(description="Something in a content that is allowed, but most likely not meant.")
class ContentWarning:
    """What and where."""

    code: str = strawberry.field(
        description="safe_value (a person's value is shown as HTML), unknown_name (nothing is called so) or css_stays "
        "(styles could not go onto the elements)."
    )
    path: str = strawberry.field(description="The part: body, subject, layout, snippets.footer.")
    line: int = strawberry.field(description="The line of the part, from 1; 0 where there is none.")
    message: str = strawberry.field(description="A sentence for people.")


@strawberry.type(description="What stands against sending.")
class ContentIssue:
    """What and where."""

    path: str = strawberry.field(description="Where: contents.12.body.")
    message: str = strawberry.field(description="A sentence for people.")


@strawberry.type(description="What a content looks like, and what to think about.")
class ContentPreview:
    """The message and what was noticed."""

    message: MessagePreview = strawberry.field(description="The message.")
    links: list[str] = strawberry.field(description="The addresses whose clicks are counted, as the template has them.")
    warnings: list[ContentWarning] = strawberry.field(description="What is most likely not meant.")
    missing: list[str] = strawberry.field(description="What it asks for and this customer has not: customer.plan.")


@strawberry.type
class PreviewQuery:
    """Root fields that try contents out."""

    @strawberry.field(description="A content as a customer would get it. Nothing is sent and nothing is counted.")
    async def preview_content(
        self,
        info: Info,
        content_id: Annotated[strawberry.ID | None, strawberry.argument(description="A saved content.")] = None,
        draft: Annotated[
            ContentDraftInput | None, strawberry.argument(description="Texts that are not saved, over the saved ones.")
        ] = None,
        customer: Annotated[
            CustomerRefInput | None,
            strawberry.argument(description="As whom; as somebody of whom nothing is known if left out."),
        ] = None,
        data: Annotated[JSON | None, strawberry.argument(description="What {{ trigger }} is.")] = None,
        event: Annotated[JSON | None, strawberry.argument(description="What {{ event }} is.")] = None,
    ) -> ContentPreview:
        info.context.principal.require(Scope.CAMPAIGNS_READ)
        info.context.ask_much()
        key = maybe_key("content", content_id, "content_id")
        ref = None if customer is None else customer.ref()
        given_data, given_event = maybe_object(data, "data"), maybe_object(event, "event")
        async with info.context.read() as reading:
            preview = await preview_content(
                reading,
                content_id=key,
                draft=None if draft is None else draft.draft(),
                customer=ref,
                data=given_data,
                event=given_event,
            )
        return _shown(preview)

    @strawberry.field(description="What stands against sending a campaign; nothing if it can be launched.")
    async def content_issues(
        self, info: Info, campaign_id: Annotated[strawberry.ID, strawberry.argument(description="The campaign.")]
    ) -> list[ContentIssue]:
        info.context.principal.require(Scope.CAMPAIGNS_READ)
        info.context.ask_much()
        key = parse_id("campaign", campaign_id, "campaign_id")
        async with info.context.read() as reading:
            issues = await check_contents(reading, key)
        return [ContentIssue(path=issue.path, message=issue.message) for issue in issues]


def _shown(preview: Preview) -> ContentPreview:
    warnings = [
        ContentWarning(code=one.code, path=one.part, line=one.line, message=one.message) for one in preview.warnings
    ]
    return ContentPreview(
        message=_message(preview.message),
        links=list(preview.links),
        warnings=warnings,
        missing=list(preview.missing),
    )


def _message(message: Message) -> MessagePreview:
    fields: Any = dict(message.fields)
    return MessagePreview(
        subject=message.subject,
        preheader=message.preheader,
        body=message.body,
        plain=message.plain,
        from_address=message.from_address,
        reply_to=message.reply_to,
        headers=[MessageHeader(name=name, value=value) for name, value in message.headers],
        fields=fields,
    )
