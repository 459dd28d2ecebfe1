"""The graph's own scalars and the generic shapes of pages."""

from datetime import UTC, datetime
from typing import Any, Generic, NewType, TypeVar

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from app.core import clock

JSON = NewType("JSON", object)
DateTime = NewType("DateTime", datetime)
Value = NewType("Value", object)


def _parse_moment(value: Any) -> datetime:
    """The moment in UTC. Raises :class:`GraphQLError`: any other error of a scalar is taken for a defect of ours."""
    if not isinstance(value, str):
        raise GraphQLError("A moment is a string in RFC 3339.")
    try:
        found = datetime.fromisoformat(value.upper())
    except ValueError as broken:
        raise GraphQLError(f"{value!r} is not a moment in RFC 3339.") from broken
    if found.tzinfo is None or len(value) < 11:
        raise GraphQLError(f"{value!r} has no timezone; write Z or an offset.")
    try:
        return found.astimezone(UTC)
    except OverflowError as far:
        raise GraphQLError(f"{value!r} is out of range.") from far


def _parse_moment_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> datetime:
    """The moment in a document; the error says where it stands."""
    try:
        return _parse_moment(value_from_ast_untyped(node, variables))
    except GraphQLError as refused:
        raise GraphQLError(refused.message, node) from refused


def _parse_value(value: Any) -> str | int | float | bool:
    """A value that can be compared. Raises :class:`GraphQLError` for anything else."""
    if not isinstance(value, str | int | float):
        raise GraphQLError("A value is a text, a number or a boolean.")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value: object, array, string, number, boolean or null.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
    ),
    Value: strawberry.scalar(
        name="Value",
        description="A text, a number or a boolean.",
        serialize=lambda value: value,
        parse_value=_parse_value,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A moment in RFC 3339; answered in UTC with six digits, as 2026-11-21T10:00:00.000000Z.",
        serialize=clock.iso,
        parse_value=_parse_moment,
        parse_literal=_parse_moment_literal,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    ),
}


def enum_value(value: str, description: str) -> Any:
    """A member of an enum of the graph: the word that is stored, and what it means."""
    return strawberry.enum_value(value, description=description)


Node_ = TypeVar("Node_")


@strawberry.type(description="Where a page stands among all rows.")
class PageInfo:
    """Relay's page information."""

    has_next_page: bool = strawberry.field(description="Whether rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether rows precede this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first row of this page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last row of this page.")


@strawberry.type(description="One row of a page, with its cursor.")
class Edge(Generic[Node_]):
    """Relay's edge."""

    cursor: str = strawberry.field(description="Where this row stands in the order of the list.")
    node: Node_ = strawberry.field(description="The row.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[Node_]):
    """Relay's connection, with the rows themselves beside the edges."""

    edges: list[Edge[Node_]] = strawberry.field(description="The rows of this page with their cursors.")
    nodes: list[Node_] = strawberry.field(description="The rows of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    total_count: int = strawberry.field(description="How many rows the list has in all.")


def strawberry_config() -> StrawberryConfig:
    """The schema's configuration: our scalars, and no hints about what exists to those who guess."""
    return StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True)
