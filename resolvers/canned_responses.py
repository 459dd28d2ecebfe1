"""Ready answers in the graph."""

from typing import Annotated, Any

import strawberry

import models
from app.core.access import Scope
from resolvers.nodes import Node
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, column, many, rows, table_type
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
