"""Ready answers in the graph."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

import models
from app.actions.conversations import canned_responses as actions
from app.actions.conversations.rendering import render_canned_response
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from resolvers.context import Info
from resolvers.leave import mutation
from resolvers.nodes import Node
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Ref, Rows, column, many, rows, table_type
from resolvers.scalars import JSON, DateTime


@table_type(models.CannedResponse, noun="canned_response", scope=Scope.CONVERSATIONS_READ)
class CannedResponse(Node):
    """A ready answer, which an agent finds by its shortcut."""

    shortcut: str = column("What an agent types to get it, without a slash.")
    title: str = column("What it is called.")
    texts: JSON = column("Its text by language, in Markdown, with variables such as {{customer.name}}.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")


@strawberry.type
class CannedResponseQuery:
    """Root fields about ready answers."""

    @many(
        lambda: CannedResponse,
        "Ready answers, by shortcut.",
        graphql_type=list[CannedResponse],
        scope=Scope.CONVERSATIONS_READ,
        size=50,
    )
    def canned_responses(
        self: Any,
        search: Annotated[
            str | None, strawberry.argument(description="Part of the shortcut, the title or a text.")
        ] = None,
    ) -> Rows:
        answer = rows(models.CannedResponse)
        found = given.contains([answer.c.shortcut, answer.c.title], search)
        return answer.where(found).ordered(Order("r", "shortcut", descending=False))

    @strawberry.field(
        description="A ready answer with its variables filled in, for a conversation, in Markdown. In the language "
        "given, else the visitor's, else any."
    )
    async def render_canned_response(
        self,
        info: Info,
        canned_response_id: Annotated[strawberry.ID, strawberry.argument(description="The ready answer.")],
        conversation_id: Annotated[strawberry.ID, strawberry.argument(description="For which conversation.")],
        language: Annotated[str | None, strawberry.argument(description="In which language.")] = None,
    ) -> str:
        info.context.principal.require(Scope.CONVERSATIONS_READ)
        answer = parse_id("canned_response", canned_response_id, "canned_response_id")
        conversation = parse_id("conversation", conversation_id, "conversation_id")
        async with info.context.read() as reading:
            return await render_canned_response(
                reading, canned_response_id=answer, conversation_id=conversation, language=language
            )


@strawberry.input(description="A new ready answer.")
class CreateCannedResponseInput:
    """Its text, and how it is found."""

    texts: JSON = strawberry.field(description="Its text by language, in Markdown, each 1 to 10,000 characters.")
    shortcut: str | None = strawberry.field(
        default=None, description="What an agent types to get it; made from the title or the text if left out."
    )
    title: str = strawberry.field(default="", description="What it is called.")


@strawberry.input(description="What changes about a ready answer. What is left out stays.")
class UpdateCannedResponseInput:
    """A ready answer and what is new."""

    canned_response_id: strawberry.ID = strawberry.field(description="The ready answer.")
    shortcut: str | None = strawberry.field(default=None, description="What an agent types to get it.")
    title: str | None = strawberry.field(default=None, description="What it is called.")
    texts: JSON | None = strawberry.field(default=None, description="All its texts by language.")


@strawberry.input(description="A ready answer that is to be deleted.")
class DeleteCannedResponseInput:
    """Which one."""

    canned_response_id: strawberry.ID = strawberry.field(description="The ready answer.")


@strawberry.type(description="A ready answer after a change.")
class CannedResponsePayload:
    """The ready answer as it is now."""

    canned_response: CannedResponse = strawberry.field(description="The ready answer as it is now.")


@strawberry.type(description="Which ready answer was deleted.")
class DeleteCannedResponsePayload:
    """The id that was."""

    canned_response_id: strawberry.ID = strawberry.field(description="The ready answer that was deleted.")


def _answer(key: UUID) -> CannedResponsePayload:
    return CannedResponsePayload(canned_response=Ref(CannedResponse, key))  # type: ignore[arg-type]


@strawberry.type
class CannedResponseMutation:
    """Changes to ready answers."""

    @mutation(Scope.CONVERSATIONS_WRITE, "Makes a ready answer.")
    async def create_canned_response(self, info: Info, input: CreateCannedResponseInput) -> CannedResponsePayload:
        texts: Any = input.texts
        async with info.context.write() as tx:
            answer = await actions.create_canned_response(tx, texts=texts, shortcut=input.shortcut, title=input.title)
        return _answer(answer.id)

    @mutation(Scope.CONVERSATIONS_WRITE, "Changes a ready answer.")
    async def update_canned_response(self, info: Info, input: UpdateCannedResponseInput) -> CannedResponsePayload:
        key = parse_id("canned_response", input.canned_response_id, "canned_response_id")
        texts: Any = input.texts
        async with info.context.write() as tx:
            await actions.update_canned_response(
                tx, canned_response_id=key, shortcut=input.shortcut, title=input.title, texts=texts
            )
        return _answer(key)

    @mutation(Scope.CONVERSATIONS_WRITE, "Deletes a ready answer.")
    async def delete_canned_response(self, info: Info, input: DeleteCannedResponseInput) -> DeleteCannedResponsePayload:
        key = parse_id("canned_response", input.canned_response_id, "canned_response_id")
        async with info.context.write() as tx:
            await actions.delete_canned_response(tx, canned_response_id=key)
        return DeleteCannedResponsePayload(canned_response_id=strawberry.ID(public_id("canned_response", key)))
