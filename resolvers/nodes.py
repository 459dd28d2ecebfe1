"""What has an id of its own, and the root fields that find it by that id."""

from typing import Annotated, Any

import strawberry
from sqlalchemy import Select, String, func, select, type_coerce
from sqlalchemy.sql import ColumnElement

import models
from resolvers.planner.declare import Rows, by_id, column, rows


@strawberry.interface(description="Anything that has an id of its own.")
class Node:
    """Relay's node: the id's prefix says what it is."""

    id: strawberry.ID = column("The typed public id: a prefix for the kind of thing, then 32 hex digits.")


def lookup(found: Rows, value: ColumnElement[object]) -> ColumnElement[object]:
    """One value of the first of other rows, as an expression over the parent's row (NULL if there is none)."""
    statement = select(value).select_from(found.table).where(*found.conditions).limit(1)
    return statement.correlate_except(found.table).scalar_subquery()


def values_of(found: Rows, value: ColumnElement[Any]) -> Select[Any]:
    """The values of all of other rows, for an ``in_`` over the parent's row."""
    return select(value).select_from(found.table).where(*found.conditions).correlate_except(found.table)


def feed_cursor(noun: str, row: Rows) -> ColumnElement[Any]:
    """Where the feed of a customer or a segment stands, in the words of :func:`app.core.feed.encode_cursor`."""
    tenant, topic = rows(models.Tenant), rows(models.FeedTopic)
    name = type_coerce(f"{noun}:", String()).concat(func.replace(row.c.id.cast(String()), "-", ""))
    head = lookup(topic.where(topic.c.topic == name), topic.c.head.cast(String()))
    return lookup(tenant, tenant.c.feed_epoch.concat("-").concat(func.coalesce(head, "0")))


@strawberry.type
class NodeQuery:
    """The root fields that find anything by its id."""

    @by_id("id", "Anything that has an id, or null if there is no such thing.", many=False, graphql_type=Node | None)
    def node(self, id: Annotated[strawberry.ID, strawberry.argument(description="A typed public id.")]) -> None: ...

    @by_id(
        "ids",
        "Anything that has an id, in the order of the ids; null where there is no such thing. At most 100.",
        many=True,
        graphql_type=list[Node | None],
    )
    def nodes(self, ids: Annotated[list[strawberry.ID], strawberry.argument(description="Public ids.")]) -> None: ...
