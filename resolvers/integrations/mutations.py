"""Changing integrations."""

from typing import Any

import strawberry

from app.actions import integrations as actions
from app.core.ids import parse_id, public_id
from resolvers.context import Info
from resolvers.integrations.types import Integration, MessageChannel
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON


@strawberry.input(description="A new integration.")
class CreateIntegrationInput:
    """What it is, and what it must be told."""

    name: str = strawberry.field(description="What it is called.")
    kind: str = strawberry.field(description="What it is, as integrationKinds lists them.")
    channel: MessageChannel | None = strawberry.field(
        default=None, description="The channel it carries; may be left out where its kind has one."
    )
    settings: JSON | None = strawberry.field(default=None, description="How it is used, as its kind's schema says.")
    credentials: JSON | None = strawberry.field(
        default=None, description="Passwords and keys. They are encrypted and never shown again."
    )
    is_default: bool | None = strawberry.field(
        default=None, description="Whether its channel goes over it; left out: if it is the first of its channel."
    )
    is_enabled: bool = strawberry.field(default=True, description="Whether messages may go over it now.")


@strawberry.input(description="What changes about an integration. What is left out stays.")
class UpdateIntegrationInput:
    """An integration and what is new."""

    integration_id: strawberry.ID = strawberry.field(description="The integration.")
    name: str | None = strawberry.field(default=None, description="What it is called.")
    settings: JSON | None = strawberry.field(
        default=None, description="Each name replaces the setting there was; null gives its default back."
    )
    credentials: JSON | None = strawberry.field(
        default=None,
        description="Each name replaces the secret there was; null forgets it. To be given again by whoever changes "
        "where they go.",
    )
    is_default: bool | None = strawberry.field(default=None, description="Whether its channel goes over it.")
    is_enabled: bool | None = strawberry.field(default=None, description="Whether messages may go over it now.")


@strawberry.input(description="An integration that is to be deleted. Its credentials are forgotten.")
class DeleteIntegrationInput:
    """Which one."""

    integration_id: strawberry.ID = strawberry.field(description="The integration.")


@strawberry.type(description="An integration after a change.")
class IntegrationPayload:
    """The integration as it is now."""

    integration: Integration = strawberry.field(description="The integration as it is now.")


@strawberry.type(description="Which integration was deleted.")
class DeleteIntegrationPayload:
    """The id that was."""

    integration_id: strawberry.ID = strawberry.field(description="The integration that was deleted.")


@strawberry.type
class IntegrationMutation:
    """Changes to integrations."""

    @strawberry.mutation(description="Makes an integration.")
    async def create_integration(self, info: Info, input: CreateIntegrationInput) -> IntegrationPayload:
        settings: Any = input.settings
        credentials: Any = input.credentials
        async with info.context.write() as tx:
            integration = await actions.create_integration(
                tx,
                name=input.name,
                kind=input.kind,
                channel=input.channel.value if input.channel else None,
                settings=settings,
                credentials=credentials,
                is_default=input.is_default,
                is_enabled=input.is_enabled,
            )
        return IntegrationPayload(integration=Ref(Integration, integration.id))  # type: ignore[arg-type]

    @strawberry.mutation(description="Changes an integration.")
    async def update_integration(self, info: Info, input: UpdateIntegrationInput) -> IntegrationPayload:
        key = parse_id("integration", input.integration_id, "integration_id")
        settings: Any = input.settings
        credentials: Any = input.credentials
        async with info.context.write() as tx:
            await actions.update_integration(
                tx,
                integration_id=key,
                name=input.name,
                settings=settings,
                credentials=credentials,
                is_default=input.is_default,
                is_enabled=input.is_enabled,
            )
        return IntegrationPayload(integration=Ref(Integration, key))  # type: ignore[arg-type]

    @strawberry.mutation(description="Deletes an integration and forgets its credentials.")
    async def delete_integration(self, info: Info, input: DeleteIntegrationInput) -> DeleteIntegrationPayload:
        key = parse_id("integration", input.integration_id, "integration_id")
        async with info.context.write() as tx:
            await actions.delete_integration(tx, integration_id=key)
        return DeleteIntegrationPayload(integration_id=strawberry.ID(public_id("integration", key)))
