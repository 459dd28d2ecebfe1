"""Changing widgets and where they may stand."""

from typing import Any
from uuid import UUID

import strawberry

from app.actions import widgets as actions
from app.actions.visitors import identity_secret, rotate_identity_secret
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.core.keep import KEEP
from resolvers.context import Info
from resolvers.conversations.inputs import maybe_key
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON
from resolvers.widgets.types import Domain, Widget


@strawberry.input(description="A new widget.")
class CreateWidgetInput:
    """What it is called, and how it looks."""

    name: str = strawberry.field(description="What it is called.")
    settings: JSON | None = strawberry.field(
        default=None,
        description="Colours, texts, position, business hours and more; what is not said has its default.",
    )
    team_id: strawberry.ID | None = strawberry.field(
        default=None, description="The team in whose queue its conversations begin."
    )


@strawberry.input(description="What changes about a widget. What is left out stays.")
class UpdateWidgetInput:
    """A widget and what is new."""

    widget_id: strawberry.ID = strawberry.field(description="The widget.")
    name: str | None = strawberry.field(default=None, description="What it is called.")
    settings: JSON | None = strawberry.field(
        default=None, description="Each section replaces the one there was; a section of null has its defaults again."
    )
    team_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The team in whose queue its conversations begin; null for none."
    )


@strawberry.input(description="A widget that is to be deleted. What was said in it stays.")
class DeleteWidgetInput:
    """Which widget."""

    widget_id: strawberry.ID = strawberry.field(description="The widget.")


@strawberry.type(description="A widget after a change.")
class WidgetPayload:
    """The widget as it is now."""

    widget: Widget = strawberry.field(description="The widget as it is now.")


@strawberry.type(description="Which widget was deleted.")
class DeleteWidgetPayload:
    """The id that was."""

    widget_id: strawberry.ID = strawberry.field(description="The widget that was deleted.")


@strawberry.input(description="A site on which widgets may stand.")
class AddDomainInput:
    """Its name."""

    name: str = strawberry.field(description="example.com, or *.example.com for everything below it.")


@strawberry.input(description="A site on which widgets may stand no longer.")
class RemoveDomainInput:
    """Which one."""

    domain_id: strawberry.ID = strawberry.field(description="The domain.")


@strawberry.type(description="A domain after a change.")
class DomainPayload:
    """The domain as it is now."""

    domain: Domain = strawberry.field(description="The domain as it is now.")


@strawberry.type(description="Which domain was removed.")
class RemoveDomainPayload:
    """The id that was."""

    domain_id: strawberry.ID = strawberry.field(description="The domain that was removed.")


@strawberry.type(description="A new identity secret.")
class RotateIdentitySecretPayload:
    """The secret."""

    secret: str = strawberry.field(description="The secret with which the tenant's server vouches for its users.")


def _widget(key: UUID) -> WidgetPayload:
    return WidgetPayload(widget=Ref(Widget, key))  # type: ignore[arg-type]


@strawberry.type
class IdentitySecretQuery:
    """The root field about the identity secret."""

    @strawberry.field(
        description="The secret with which the tenant's server vouches for its users. No page may have it."
    )
    async def identity_secret(self, info: Info) -> str:
        async with info.context.read() as reading:
            return await identity_secret(reading)


@strawberry.type
class WidgetMutation:
    """Changes to widgets."""

    @mutation(Scope.WIDGETS_WRITE, "Makes a widget.")
    async def create_widget(self, info: Info, input: CreateWidgetInput) -> WidgetPayload:
        team = maybe_key("team", input.team_id, "team_id")
        settings: Any = input.settings
        async with info.context.write() as tx:
            widget = await actions.create_widget(tx, name=input.name, settings=settings, team_id=team)
        return _widget(widget.id)

    @mutation(Scope.WIDGETS_WRITE, "Changes a widget.")
    async def update_widget(self, info: Info, input: UpdateWidgetInput) -> WidgetPayload:
        key = parse_id("widget", input.widget_id, "widget_id")
        unset = input.team_id is strawberry.UNSET
        team: Any = KEEP if unset else maybe_key("team", input.team_id, "team_id")
        settings: Any = input.settings
        async with info.context.write() as tx:
            await actions.update_widget(tx, widget_id=key, name=input.name, settings=settings, team_id=team)
        return _widget(key)

    @mutation(Scope.WIDGETS_WRITE, "Deletes a widget: nobody can open it any more.")
    async def delete_widget(self, info: Info, input: DeleteWidgetInput) -> DeleteWidgetPayload:
        key = parse_id("widget", input.widget_id, "widget_id")
        async with info.context.write() as tx:
            await actions.delete_widget(tx, widget_id=key)
        return DeleteWidgetPayload(widget_id=strawberry.ID(public_id("widget", key)))

    @mutation(Scope.WIDGETS_WRITE, "Allows widgets on a site. Once there is one, they may stand nowhere else.")
    async def add_domain(self, info: Info, input: AddDomainInput) -> DomainPayload:
        async with info.context.write() as tx:
            domain = await actions.add_domain(tx, name=input.name)
        return DomainPayload(domain=Ref(Domain, domain.id))  # type: ignore[arg-type]

    @mutation(Scope.WIDGETS_WRITE, "Forbids widgets on a site. Without any, they may stand everywhere.")
    async def remove_domain(self, info: Info, input: RemoveDomainInput) -> RemoveDomainPayload:
        key = parse_id("domain", input.domain_id, "domain_id")
        async with info.context.write() as tx:
            await actions.remove_domain(tx, domain_id=key)
        return RemoveDomainPayload(domain_id=strawberry.ID(public_id("domain", key)))

    @mutation(Scope.WIDGETS_WRITE, "Replaces the identity secret. Visitors whom the old one proved must do so anew.")
    async def rotate_identity_secret(self, info: Info) -> RotateIdentitySecretPayload:
        async with info.context.write() as tx:
            secret = await rotate_identity_secret(tx)
        return RotateIdentitySecretPayload(secret=secret)
