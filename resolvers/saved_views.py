"""Saved views of the inbox in the graph."""

from typing import Any
from uuid import UUID

import strawberry

import models
from app.actions.conversations import saved_views as actions
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from resolvers.context import Info
from resolvers.leave import mutation
from resolvers.nodes import Node
from resolvers.planner.declare import Order, Ref, Rows, column, many, rows, table_type
from resolvers.scalars import JSON, DateTime


@table_type(models.SavedView, noun="saved_view", scope=Scope.CONVERSATIONS_READ)
class SavedView(Node):
    """A filter of the inbox with a name: the caller's own, or everybody's."""

    name: str = column("What it is called.")
    filter: JSON = column("A ConversationFilter as JSON.")
    shared: bool = column("Whether everybody sees it.", lambda view: view.c.user_id.is_(None))
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")


@strawberry.type
class SavedViewQuery:
    """Root fields about saved views."""

    @many(
        lambda: SavedView,
        "The caller's saved views and those of everybody, by name.",
        graphql_type=list[SavedView],
        scope=Scope.CONVERSATIONS_READ,
    )
    def saved_views(self: Any) -> Rows:
        return rows(models.SavedView).ordered(Order("v", "name", descending=False))


@strawberry.input(description="A new view of the inbox.")
class CreateSavedViewInput:
    """Its name and its filter."""

    name: str = strawberry.field(description="What it is called, 1 to 100 characters.")
    filter: JSON = strawberry.field(description="A ConversationFilter as JSON, and orderBy if it has an order.")
    shared: bool = strawberry.field(default=False, description="Whether everybody sees it.")


@strawberry.input(description="What changes about a saved view. What is left out stays.")
class UpdateSavedViewInput:
    """A view and what is new."""

    saved_view_id: strawberry.ID = strawberry.field(description="The view.")
    name: str | None = strawberry.field(default=None, description="What it is called.")
    filter: JSON | None = strawberry.field(default=None, description="The whole filter.")
    shared: bool | None = strawberry.field(default=None, description="Whether everybody sees it.")


@strawberry.input(description="A view that is to be deleted.")
class DeleteSavedViewInput:
    """Which one."""

    saved_view_id: strawberry.ID = strawberry.field(description="The view.")


@strawberry.type(description="A saved view after a change.")
class SavedViewPayload:
    """The view as it is now."""

    saved_view: SavedView = strawberry.field(description="The view as it is now.")


@strawberry.type(description="Which view was deleted.")
class DeleteSavedViewPayload:
    """The id that was."""

    saved_view_id: strawberry.ID = strawberry.field(description="The view that was deleted.")


def _view(key: UUID) -> SavedViewPayload:
    return SavedViewPayload(saved_view=Ref(SavedView, key))  # type: ignore[arg-type]


@strawberry.type
class SavedViewMutation:
    """Changes to saved views."""

    @mutation(Scope.CONVERSATIONS_READ, "Keeps a filter of the inbox under a name, for oneself or for everybody.")
    async def create_saved_view(self, info: Info, input: CreateSavedViewInput) -> SavedViewPayload:
        filter: Any = input.filter
        async with info.context.write() as tx:
            view = await actions.create_saved_view(tx, name=input.name, filter=filter, shared=input.shared)
        return _view(view.id)

    @mutation(Scope.CONVERSATIONS_READ, "Changes a view of one's own, or one of everybody.")
    async def update_saved_view(self, info: Info, input: UpdateSavedViewInput) -> SavedViewPayload:
        key = parse_id("saved_view", input.saved_view_id, "saved_view_id")
        filter: Any = input.filter
        async with info.context.write() as tx:
            await actions.update_saved_view(tx, saved_view_id=key, name=input.name, filter=filter, shared=input.shared)
        return _view(key)

    @mutation(Scope.CONVERSATIONS_READ, "Deletes a view of one's own, or one of everybody.")
    async def delete_saved_view(self, info: Info, input: DeleteSavedViewInput) -> DeleteSavedViewPayload:
        key = parse_id("saved_view", input.saved_view_id, "saved_view_id")
        async with info.context.write() as tx:
            await actions.delete_saved_view(tx, saved_view_id=key)
        return DeleteSavedViewPayload(saved_view_id=strawberry.ID(public_id("saved_view", key)))
