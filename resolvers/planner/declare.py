"""How a table-backed type of the graph says where its fields live.

    @table_type(models.Customer, noun="customer", scope=Scope.CUSTOMERS_READ)
    class Customer:
        locale: str | None = column("The person's language, as a BCP 47 tag.")
        email: str | None = column("…", lambda customer: primary_identity(customer, "email"))

        @connection(lambda: Event, "What this customer did, newest first.", scope=Scope.EVENTS_READ)
        def events(self, names: Names = None) -> Rows:
            event = rows(models.Event)
            return event.where(event.c.customer_id == self.c.id, one_of(event.c.name, names)).ordered(OCCURRED)

Such a type has no Python resolvers: the bodies above run when a plan is made, with ``self`` standing for the parent's
row in SQL and every argument for a bound parameter (see :mod:`resolvers.planner.arguments`). The tenant is put on every
table by :func:`rows`; nothing else makes one.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy.sql import ColumnElement, FromClause
from sqlmodel import SQLModel

from app.actions.visibility import visible_rows, visible_to_visitor
from app.core.access import Principal, Scope
from app.core.ids import PREFIXES

PLAN = "plan"
PAGE_DEFAULT, PAGE_MAX = 25, 100
LIST_MAX = 1000

T = TypeVar("T")


@dataclass(frozen=True)
class Order:
    """A way to order rows: by a column of moments, then by id. ``code`` marks the cursors of this order.

    ``column`` may be a function of the columns; it and ``rank``, a whole number that comes before it, must never be
    NULL. ``counts``: the column is a whole number and no moment.
    """

    code: str
    column: str | Callable[[Any], ColumnElement[Any]]
    descending: bool = True
    counts: bool = False
    rank: Callable[[Any], ColumnElement[Any]] | None = None

    def place(self, columns: Any) -> ColumnElement[Any]:
        """The column, of these rows."""
        found: ColumnElement[Any] = columns[self.column] if isinstance(self.column, str) else self.column(columns)
        return found


@dataclass(frozen=True)
class Rows:
    """Rows of one table of this tenant: the table's alias, conditions and an order. ``c`` holds its columns."""

    table: FromClause
    model: type[SQLModel]
    conditions: tuple[ColumnElement[bool], ...]
    order: Order | None = None

    @property
    def c(self) -> Any:
        return self.table.c

    def where(self, *conditions: ColumnElement[bool] | None) -> "Rows":
        """These rows, narrowed. A condition of an argument that was not given is None and says nothing."""
        return replace(self, conditions=self.conditions + tuple(c for c in conditions if c is not None))

    def ordered(self, order: Order) -> "Rows":
        return replace(self, order=order)


def rows(model: type[SQLModel]) -> Rows:
    """All rows of ``model``'s table that the caller's tenant owns, under a new alias."""
    table, mine = visible_rows(model)
    return Rows(table, model, (mine,))


def visitor_rows(model: type[SQLModel]) -> Rows:
    """The rows of ``model``'s table that the calling visitor may see, under a new alias."""
    table, mine = visible_to_visitor(model)
    return Rows(table, model, (mine,))


@dataclass(frozen=True)
class Column:
    """A field that is an expression over its row. ``expression`` None: the column of the field's own name."""

    expression: Callable[[Any], ColumnElement[Any]] | None = None
    scope: Scope | None = None


@dataclass(frozen=True)
class Link:
    """A field that leads to rows. ``kind``: one, many or page; ``size``: how many rows an estimate should expect."""

    kind: str
    target: Callable[[], type]
    find: Callable[..., Rows]
    scope: Scope | None = None
    size: int = 1


@dataclass(frozen=True)
class Choice:
    """A field of an interface or union type, decided row by row.

    ``cases`` gives, for the parent's row, each possible type: when it is that one, which, and its rows.
    """

    cases: Callable[[Any], Sequence[tuple[ColumnElement[bool], type, Rows]]]
    scope: Scope | None = None


@dataclass(frozen=True)
class ById:
    """A root field that finds rows of any type by their public ids: ``node`` and ``nodes``."""

    argument: str
    many: bool
    scope: Scope | None = None


Declared = Column | Link | Choice | ById


@dataclass(frozen=True)
class TableType:
    """What the planner knows of a table-backed type: its table, the noun of its ids and the scope it asks for."""

    model: type[SQLModel]
    noun: str
    scope: Scope | None
    fields: dict[str, Declared] = field(default_factory=dict)
    found: Callable[[type[SQLModel]], Rows] = rows
    """Gives the rows among which a key of this type is looked for."""


TABLE_TYPES: dict[str, TableType] = {}
"""By GraphQL type name."""

BY_NOUN: dict[str, type] = {}
"""The type that an id of this noun belongs to: what ``node(id:)`` can find."""


def column(
    description: str, expression: Callable[[Any], ColumnElement[Any]] | None = None, *, scope: Scope | None = None
) -> Any:
    """A field that is a column of the type's table, or an SQL expression over its row."""
    return strawberry.field(description=description, metadata={PLAN: Column(expression, scope)})


def choice(
    description: str, cases: Callable[[Any], Sequence[tuple[ColumnElement[bool], type, Rows]]], *, scope: Scope | None
) -> Any:
    """A field of an interface or union type."""
    return strawberry.field(description=description, metadata={PLAN: Choice(cases, scope)})


def one(target: Callable[[], type], description: str, *, graphql_type: Any = None, scope: Scope | None = None) -> Any:
    """A field that leads to at most one row (null if there is none)."""
    return _link("one", target, description, graphql_type, scope, 1)


def many(
    target: Callable[[], type],
    description: str,
    *,
    graphql_type: Any = None,
    scope: Scope | None = None,
    size: int = 10,
) -> Any:
    """A field that leads to a short list of rows, at most 1,000."""
    return _link("many", target, description, graphql_type, scope, size)


def connection(
    target: Callable[[], type], description: str, *, graphql_type: Any = None, scope: Scope | None = None
) -> Any:
    """A field that leads to pages of rows: ``first``/``after`` forward, ``last``/``before`` backward."""
    return _link("page", target, description, graphql_type, scope, PAGE_DEFAULT)


def by_id(argument: str, description: str, *, many: bool, graphql_type: Any) -> Callable[[Callable[..., Any]], Any]:
    """A root field that finds rows of any type by their public ids."""

    def declare(signature: Callable[..., Any]) -> Any:
        return strawberry.field(
            resolver=signature,
            description=description,
            graphql_type=graphql_type,
            metadata={PLAN: ById(argument, many)},
        )

    return declare


def _link(
    kind: str,
    target: Callable[[], type],
    description: str,
    graphql_type: Any,
    scope: Scope | None,
    size: int,
) -> Callable[[Callable[..., Rows]], Any]:
    def declare(find: Callable[..., Rows]) -> Any:
        resolver = _with_paging(find) if kind == "page" else find
        return strawberry.field(
            resolver=resolver,
            description=description,
            graphql_type=graphql_type,
            metadata={PLAN: Link(kind, target, find, scope, size)},
        )

    return declare


PAGING = {
    "first": Annotated[
        int | None, strawberry.argument(description=f"How many from the start of the page, 0 to {PAGE_MAX}.")
    ],
    "after": Annotated[str | None, strawberry.argument(description="Only what follows this cursor.")],
    "last": Annotated[
        int | None, strawberry.argument(description=f"How many from the end of the page, 0 to {PAGE_MAX}.")
    ],
    "before": Annotated[str | None, strawberry.argument(description="Only what precedes this cursor.")],
}


def _with_paging(find: Callable[..., Rows]) -> Callable[..., Rows]:
    """The same function as the graph sees it: with the four arguments of a connection."""

    def paged(*_: object, **__: object) -> Rows:
        raise AssertionError("a table-backed field is planned, never resolved")

    own = inspect.signature(find)
    extra = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in PAGING.items()
    ]
    paged.__signature__ = own.replace(parameters=[*own.parameters.values(), *extra])  # type: ignore[attr-defined]
    paged.__annotations__ = {**find.__annotations__, **PAGING}
    paged.__name__, paged.__module__ = find.__name__, find.__module__
    return paged


def table_type(
    model: type[SQLModel], *, noun: str, scope: Scope | None, name: str | None = None, for_visitor: bool = False
) -> Callable[[type[T]], type[T]]:
    """Makes a class a GraphQL type whose rows live in ``model``'s table. Its docstring is its description.

    A type ``for_visitor`` shows the calling visitor's own rows of a table that has another type for members: its ids
    look the same and ``node(id:)`` does not find it.
    """

    def declare(cls: type[T]) -> type[T]:
        made = strawberry.type(cls, name=name, description=inspect.cleandoc(cls.__doc__ or ""))
        definition = made.__strawberry_definition__  # type: ignore[attr-defined]
        fields = {f.python_name: f.metadata[PLAN] for f in definition.fields if PLAN in f.metadata}
        found = visitor_rows if for_visitor else rows
        TABLE_TYPES[definition.name] = TableType(model, noun, scope, fields, found)
        if noun in PREFIXES and not for_visitor:
            BY_NOUN[noun] = made
        return made

    return declare


@dataclass(frozen=True, slots=True)
class Ref:
    """What a mutation or subscription payload says instead of an object: the row of this key.

    ``version`` (an offset of the feed) lets subscribers with the same selection of the same moment share one read.
    ``caller`` is for whom it is read, if the mutation itself has made them known.
    """

    type: type
    key: UUID
    version: str | None = None
    caller: Principal | None = None
