"""Changing what is said."""

from typing import Any
from uuid import UUID

import strawberry

from app.actions import content as actions
from app.actions.campaigns import TransactionalSend, send_transactional
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from resolvers.content.inputs import ContentTextsInput, maybe_object
from resolvers.content.types import Content, Layout, Sender, SenderAddress, Snippet
from resolvers.context import Info
from resolvers.customers.inputs import CustomerRefInput
from resolvers.integrations.types import MessageChannel
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON


@strawberry.input(description="A new sender.")
class CreateSenderInput:
    """Name and address."""

    address: str = strawberry.field(
        description="An e-mail address, or a phone number, or up to 11 letters and digits that stand for one."
    )
    name: str = strawberry.field(default="", description="The name that people see.")
    kind: SenderAddress = strawberry.field(default=SenderAddress.EMAIL, description="What the address is.")


@strawberry.input(description="What changes about a sender. What is left out stays.")
class UpdateSenderInput:
    """A sender and what is new."""

    sender_id: strawberry.ID = strawberry.field(description="The sender.")
    address: str | None = strawberry.field(default=None, description="The address.")
    name: str | None = strawberry.field(default=None, description="The name that people see.")


@strawberry.input(description="A sender as which no campaign sends.")
class DeleteSenderInput:
    """Which one."""

    sender_id: strawberry.ID = strawberry.field(description="The sender.")


@strawberry.input(description="A new layout.")
class CreateLayoutInput:
    """Name and frame."""

    name: str = strawberry.field(description="What it is called; no other layout is called so.")
    body: str = strawberry.field(description="HTML in Liquid, with {{ content }} in it once.")


@strawberry.input(description="What changes about a layout. What is left out stays.")
class UpdateLayoutInput:
    """A layout and what is new."""

    layout_id: strawberry.ID = strawberry.field(description="The layout.")
    name: str | None = strawberry.field(default=None, description="What it is called.")
    body: str | None = strawberry.field(default=None, description="HTML in Liquid, with {{ content }} in it once.")


@strawberry.input(description="A layout that no campaign has.")
class DeleteLayoutInput:
    """Which one."""

    layout_id: strawberry.ID = strawberry.field(description="The layout.")


@strawberry.input(description="A snippet and its value.")
class SetSnippetInput:
    """Name and value."""

    name: str = strawberry.field(description="Its name, 1 to 150 characters. A snippet of this name is changed.")
    value: str = strawberry.field(description="What stands where it is named, in Liquid: 1 to 16,000 characters.")


@strawberry.input(description="A snippet that nothing shows.")
class DeleteSnippetInput:
    """Which one."""

    snippet_id: strawberry.ID = strawberry.field(description="The snippet.")


@strawberry.input(description="What a campaign says over a channel to a test group in a language.")
class SetContentInput(ContentTextsInput):
    """Where it goes, and the texts."""

    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")
    channel: MessageChannel = strawberry.field(description="Over which channel.")
    test_group: int = strawberry.field(default=0, description="To which test group, counted from 0.")
    language: str = strawberry.field(default="", description="In which language; empty for everybody else.")
    expected_version: int | None = strawberry.field(
        default=None,
        description="Only if the content still has this version, 0: only if there is none yet. Else it is a CONFLICT, "
        "and nothing is changed.",
    )


@strawberry.input(description="What changes about a content. What is left out stays.")
class UpdateContentInput(ContentTextsInput):
    """A content and what is new."""

    content_id: strawberry.ID = strawberry.field(description="The content.")


@strawberry.input(description="A content of a draft.")
class DeleteContentInput:
    """Which one."""

    content_id: strawberry.ID = strawberry.field(description="The content.")


@strawberry.input(description="A content to be sent to one address, to see how it arrives.")
class SendTestInput:
    """What, as whom, and where to."""

    content_id: strawberry.ID = strawberry.field(description="The content.")
    customer: CustomerRefInput = strawberry.field(description="As whom it is written.")
    to: str = strawberry.field(default="", description="Where it goes; to the customer's own address if left out.")
    data: JSON | None = strawberry.field(default=None, description="What {{ trigger }} is.")


@strawberry.type(description="A sender after a change.")
class SenderPayload:
    """The sender as it is now."""

    sender: Sender = strawberry.field(description="The sender as it is now.")


@strawberry.type(description="Which sender was deleted.")
class DeleteSenderPayload:
    """The id that was."""

    sender_id: strawberry.ID = strawberry.field(description="The sender that was deleted.")


@strawberry.type(description="A layout after a change.")
class LayoutPayload:
    """The layout as it is now."""

    layout: Layout = strawberry.field(description="The layout as it is now.")


@strawberry.type(description="Which layout was deleted.")
class DeleteLayoutPayload:
    """The id that was."""

    layout_id: strawberry.ID = strawberry.field(description="The layout that was deleted.")


@strawberry.type(description="A snippet after a change.")
class SnippetPayload:
    """The snippet as it is now."""

    snippet: Snippet = strawberry.field(description="The snippet as it is now.")


@strawberry.type(description="Which snippet was deleted.")
class DeleteSnippetPayload:
    """The id that was."""

    snippet_id: strawberry.ID = strawberry.field(description="The snippet that was deleted.")


@strawberry.type(description="A content after a change.")
class ContentPayload:
    """The content as it is now."""

    content: Content = strawberry.field(description="The content as it is now.")


@strawberry.type(description="Which content was deleted.")
class DeleteContentPayload:
    """The id that was."""

    content_id: strawberry.ID = strawberry.field(description="The content that was deleted.")


@strawberry.type(description="A message on its way to see how it arrives.")
class SendTestPayload:
    """Which one."""

    delivery_id: strawberry.ID = strawberry.field(description="The delivery. It is counted nowhere.")


def _ref(of: type, key: UUID) -> Any:
    """The row as it is when the answer is read."""
    return Ref(of, key)


@strawberry.type
class ContentMutation:
    """Changes to what is said."""

    @mutation(Scope.CAMPAIGNS_WRITE, "Makes a sender.")
    async def create_sender(self, info: Info, input: CreateSenderInput) -> SenderPayload:
        async with info.context.write() as tx:
            made = await actions.create_sender(tx, kind=input.kind.value, address=input.address, name=input.name)
        return SenderPayload(sender=_ref(Sender, made.id))

    @mutation(Scope.CAMPAIGNS_WRITE, "Changes a sender. Messages that are sent from now on have it.")
    async def update_sender(self, info: Info, input: UpdateSenderInput) -> SenderPayload:
        key = parse_id("sender", input.sender_id, "sender_id")
        async with info.context.write() as tx:
            await actions.update_sender(tx, sender_id=key, address=input.address, name=input.name)
        return SenderPayload(sender=_ref(Sender, key))

    @mutation(Scope.CAMPAIGNS_WRITE, "Deletes a sender, unless a campaign sends as it.")
    async def delete_sender(self, info: Info, input: DeleteSenderInput) -> DeleteSenderPayload:
        key = parse_id("sender", input.sender_id, "sender_id")
        async with info.context.write() as tx:
            await actions.delete_sender(tx, sender_id=key)
        return DeleteSenderPayload(sender_id=strawberry.ID(public_id("sender", key)))

    @mutation(Scope.CAMPAIGNS_WRITE, "Makes a layout.")
    async def create_layout(self, info: Info, input: CreateLayoutInput) -> LayoutPayload:
        async with info.context.write() as tx:
            made = await actions.create_layout(tx, name=input.name, body=input.body)
        return LayoutPayload(layout=_ref(Layout, made.id))

    @mutation(Scope.CAMPAIGNS_WRITE, "Changes a layout. Messages that are sent from now on have it.")
    async def update_layout(self, info: Info, input: UpdateLayoutInput) -> LayoutPayload:
        key = parse_id("layout", input.layout_id, "layout_id")
        async with info.context.write() as tx:
            await actions.update_layout(tx, layout_id=key, name=input.name, body=input.body)
        return LayoutPayload(layout=_ref(Layout, key))

    @mutation(Scope.CAMPAIGNS_WRITE, "Deletes a layout, unless a campaign has it.")
    async def delete_layout(self, info: Info, input: DeleteLayoutInput) -> DeleteLayoutPayload:
        key = parse_id("layout", input.layout_id, "layout_id")
        async with info.context.write() as tx:
            await actions.delete_layout(tx, layout_id=key)
        return DeleteLayoutPayload(layout_id=strawberry.ID(public_id("layout", key)))

    @mutation(Scope.CAMPAIGNS_WRITE, "Makes a snippet, or changes the one of this name.")
    async def set_snippet(self, info: Info, input: SetSnippetInput) -> SnippetPayload:
        async with info.context.write() as tx:
            made = await actions.set_snippet(tx, name=input.name, value=input.value)
        return SnippetPayload(snippet=_ref(Snippet, made.id))

    @mutation(Scope.CAMPAIGNS_WRITE, "Deletes a snippet, unless something shows it.")
    async def delete_snippet(self, info: Info, input: DeleteSnippetInput) -> DeleteSnippetPayload:
        key = parse_id("snippet", input.snippet_id, "snippet_id")
        async with info.context.write() as tx:
            await actions.delete_snippet(tx, snippet_id=key)
        return DeleteSnippetPayload(snippet_id=strawberry.ID(public_id("snippet", key)))

    @mutation(Scope.CAMPAIGNS_WRITE, "Says what a campaign says over a channel to a test group in a language.")
    async def set_content(self, info: Info, input: SetContentInput) -> ContentPayload:
        campaign = parse_id("campaign", input.campaign_id, "campaign_id")
        values = input.values()
        async with info.context.write() as tx:
            made = await actions.set_content(
                tx,
                campaign_id=campaign,
                channel=input.channel.value,
                test_group=input.test_group,
                language=input.language,
                values=values,
                expected_version=input.expected_version,
            )
        return ContentPayload(content=_ref(Content, made.id))

    @mutation(Scope.CAMPAIGNS_WRITE, "Changes a content. Messages that are sent from now on have it.")
    async def update_content(self, info: Info, input: UpdateContentInput) -> ContentPayload:
        key = parse_id("content", input.content_id, "content_id")
        values = input.values()
        async with info.context.write() as tx:
            await actions.update_content(tx, content_id=key, values=values)
        return ContentPayload(content=_ref(Content, key))

    @mutation(Scope.CAMPAIGNS_WRITE, "Deletes a content of a draft.")
    async def delete_content(self, info: Info, input: DeleteContentInput) -> DeleteContentPayload:
        key = parse_id("content", input.content_id, "content_id")
        async with info.context.write() as tx:
            await actions.delete_content(tx, content_id=key)
        return DeleteContentPayload(content_id=strawberry.ID(public_id("content", key)))

    @mutation(Scope.CAMPAIGNS_SEND, "Sends a content to one address, before all campaigns. It is counted nowhere.")
    async def send_test(self, info: Info, input: SendTestInput) -> SendTestPayload:
        key = parse_id("content", input.content_id, "content_id")
        customer = input.customer.ref()
        data = maybe_object(input.data, "data")
        async with info.context.write() as tx:
            channel = (await actions.get_content(tx, content_id=key)).channel
            send = TransactionalSend(
                channel, customer, input.to, content_id=key, data=data or {}, options={"is_test": True}
            )
            made = await send_transactional(tx, send=send)
        return SendTestPayload(delivery_id=strawberry.ID(public_id("delivery", made)))
