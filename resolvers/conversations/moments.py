"""What is true only for moments: who is there, and who is typing. It is never stored, and has no cursor."""

from collections.abc import AsyncGenerator
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry

from app.actions.conversations.typing import may_watch, own_agents, who_types
from app.core.access import Scope
from app.core.errors import Unauthenticated
from app.core.ids import parse_id, public_id
from app.core.realtime.presence import AGENT, VISITOR
from resolvers.context import GraphContext, Info
from resolvers.conversations.changes import being_here
from resolvers.conversations.words import SenderKind
from resolvers.scalars import enum_value

TYPING_S = 8.0
"""How long somebody types who has not said so again."""
NOUNS = {AGENT: "user", VISITOR: "visitor"}


@strawberry.enum(description="As what somebody is there.")
class PresenceKind(Enum):
    """As the hub knows them."""

    AGENT = enum_value("agent", description="A member with an inbox open.")
    VISITOR = enum_value("visitor", description="A visitor with a widget open.")


@strawberry.type(description="Somebody who is there.")
class PresentOne:
    """Who."""

    kind: PresenceKind = strawberry.field(description="As what.")
    id: strawberry.ID = strawberry.field(description="The public id of the user or the visitor.")


@strawberry.type(description="Somebody came or went.")
class PresenceChange(PresentOne):
    """Who, and whether they are there."""

    present: bool = strawberry.field(description="Whether they are there now.")


@strawberry.type(description="Somebody began or stopped typing.")
class TypingChange:
    """Who, where, and whether."""

    conversation_id: strawberry.ID = strawberry.field(description="In which conversation.")
    kind: SenderKind = strawberry.field(description="Which side they are on.")
    name: str = strawberry.field(description="What they are called.")
    typing: bool = strawberry.field(description="Whether they type now.")


@strawberry.input(description="Whether the caller types in a conversation.")
class SetTypingInput:
    """Where, and whether."""

    conversation_id: strawberry.ID = strawberry.field(description="The conversation.")
    typing: bool = strawberry.field(
        default=True, description="Whether the caller types. Say so again every few seconds: it is forgotten after 8."
    )
    note: bool = strawberry.field(default=False, description="Whether it becomes a note, of which no visitor may know.")


@strawberry.type(description="Whether the caller is shown as typing.")
class SetTypingPayload:
    """As it was asked for."""

    typing: bool = strawberry.field(description="Whether the others see it now.")


def typing_channel(conversation_id: UUID) -> str:
    """Where the hub's signals of one conversation are."""
    return f"typing:{conversation_id.hex}"


def tenant_of(context: GraphContext) -> UUID:
    """The caller's tenant. Raises :class:`Unauthenticated` for nobody."""
    if context.principal.tenant_id is None:
        raise Unauthenticated("Sign in or send an API key.")
    return context.principal.tenant_id


@strawberry.type
class MomentQuery:
    """Root fields about what is true now."""

    @strawberry.field(description="Everybody who is there now, in any order.")
    async def present_now(
        self,
        info: Info,
        kind: Annotated[PresenceKind | None, strawberry.argument(description="Only agents, or only visitors.")] = None,
    ) -> list[PresentOne]:
        context = info.context
        context.principal.require(Scope.CONVERSATIONS_READ)
        return [
            PresentOne(kind=one, id=strawberry.ID(public_id(NOUNS[one.value], key)))
            for one in ([kind] if kind else PresenceKind)
            for key in sorted(context.runtime.presence.present(tenant_of(context), one.value))
        ]


@strawberry.type
class MomentMutation:
    """Changes of what is true now."""

    @strawberry.mutation(description="Shows the others in a conversation that the caller types, or has stopped.")
    async def set_typing(self, info: Info, input: SetTypingInput) -> SetTypingPayload:
        context = info.context
        key = parse_id("conversation", input.conversation_id, "conversation_id")
        async with context.read() as reading:
            typist = await who_types(reading, conversation_id=key)
        said = {"name": typist.name, "note": input.note} if input.typing else None
        place = f"{typist.kind}:{typist.id.hex}"
        context.runtime.hub.signal(tenant_of(context), typing_channel(key), place, said, TYPING_S)
        return SetTypingPayload(typing=input.typing)


@strawberry.type
class MomentSubscription:
    """Following what is true now."""

    @strawberry.subscription(
        description="First everybody who is there, then who comes and goes. A visitor is told of the agents to whom "
        "their conversations are given, and of nobody else. While it is open, a member who may answer is there."
    )
    async def presence(self, info: Info) -> AsyncGenerator[PresenceChange, None]:
        context = info.context
        is_visitor = context.principal.kind == "visitor"
        context.principal.require(Scope.VISITOR if is_visitor else Scope.CONVERSATIONS_READ)
        with being_here(context):
            async for change in context.runtime.presence.changes(tenant_of(context)):
                if is_visitor and (change.kind != AGENT or not await _is_own_agent(context, change.id)):
                    continue
                who = strawberry.ID(public_id(NOUNS[change.kind], change.id))
                yield PresenceChange(kind=PresenceKind(change.kind), id=who, present=change.present)

    @strawberry.subscription(description="First who types in a conversation, then who begins and stops: the others.")
    async def typing(
        self,
        info: Info,
        conversation_id: Annotated[strawberry.ID, strawberry.argument(description="Which conversation.")],
    ) -> AsyncGenerator[TypingChange, None]:
        context = info.context
        key = parse_id("conversation", conversation_id, "conversation_id")
        async with context.read() as reading:
            await may_watch(reading, conversation_id=key)
        caller = context.principal
        shown: dict[str, str] = {}
        async for signal in context.runtime.hub.signals(tenant_of(context), typing_channel(key)):
            side, _, who = signal.key.partition(":")
            data = signal.data
            if caller.id is not None and who == caller.id.hex:
                continue
            if data is not None and data.get("note") and caller.kind == "visitor":
                data = None
            name = shown.pop(signal.key, None) if data is None else str(data["name"])
            if name is None:
                continue
            if data is not None:
                shown[signal.key] = name
            yield TypingChange(
                conversation_id=conversation_id, kind=SenderKind(side), name=name, typing=data is not None
            )


async def _is_own_agent(context: GraphContext, user_id: UUID) -> bool:
    async with context.read() as reading:
        return user_id in await own_agents(reading)
