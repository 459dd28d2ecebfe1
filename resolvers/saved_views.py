"""Saved views of the inbox in the graph."""

from typing import Any

import strawberry

import models
from app.core.access import Scope
from resolvers.nodes import Node
from resolvers.planner.declare import Order, Rows, column, many, rows, table_type
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
