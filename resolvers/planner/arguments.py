"""Arguments of planned fields: what shapes a plan, what is only bound when it runs.

Enums and booleans, and whether an argument is given at all, shape the plan. Everything else is an :class:`Argument`: a
place in the request from which a bound parameter takes its value. The functions below are the conditions that
declarations write; each returns None for an argument that was not given.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLField, GraphQLNonNull, Undefined
from graphql.execution.values import VariableValues, get_argument_values
from graphql.language import FieldNode, ValueNode, VariableNode
from sqlalchemy import Boolean, DateTime, String, Uuid, bindparam, func, or_
from sqlalchemy.sql.elements import BindParameter, ColumnElement
from sqlalchemy.types import TypeEngine
from strawberry.utils.str_converters import to_camel_case

from app.actions.conversations.finding import MAX_SEARCH
from app.actions.visibility import TENANT
from app.core.errors import Invalid
from app.core.fulltext import search_query
from app.core.ids import parse_id
from resolvers.planner.sql import KeyIn, OneOf, Said

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Binding:
    """One bound parameter: in which field's arguments it is found, and how it becomes a value for the driver."""

    field_index: int
    read: Callable[[Values], Any]


@dataclass
class Bindings:
    """The bound parameters of a plan in the making."""

    found: dict[str, Binding] = field(default_factory=dict)

    def add(self, field_index: int, read: Callable[[Values], Any], type_: TypeEngine[Any]) -> BindParameter[Any]:
        name = f"p{len(self.found)}"
        self.found[name] = Binding(field_index, read)
        return bindparam(name, type_=type_, required=True)


@dataclass(frozen=True)
class Argument:
    """An argument that was given. ``path`` leads to it within its field's arguments."""

    path: tuple[str, ...]
    field_index: int
    bindings: Bindings

    def bind(self, convert: Callable[[Any, str], Any], type_: TypeEngine[Any]) -> BindParameter[Any]:
        """A parameter whose value is ``convert(given value, dotted path)``; it may raise :class:`Invalid`."""
        path, dotted = self.path, ".".join(self.path)

        def read(values: Values) -> Any:
            value: Any = values
            for step in path:
                value = value[step]
            return convert(value, dotted)

        return self.bindings.add(self.field_index, read, type_)


class ArgumentObject:
    """An input object that was given; its fields are attributes, None where not given."""

    def __init__(self, given: Values, path: tuple[str, ...], field_index: int, bindings: Bindings) -> None:
        self._given = given
        self._place = (path, field_index, bindings)

    def __getattr__(self, name: str) -> Any:
        path, field_index, bindings = self._place
        key = to_camel_case(name)
        return stand_in(self._given.get(key), (*path, key), field_index, bindings)


def stand_in(value: Any, path: tuple[str, ...], field_index: int, bindings: Bindings) -> Any:
    """What a declaration sees for ``value``: itself where it shapes the plan, else an :class:`Argument`."""
    if value is None or value is Undefined:
        return None
    if isinstance(value, bool | Enum):
        return value
    if isinstance(value, dict):
        return ArgumentObject(value, path, field_index, bindings)
    return Argument(path, field_index, bindings)


def shape(value: Any) -> Any:
    """What of ``value`` shapes a plan, as a hashable."""
    if value is None or value is Undefined:
        return None
    if isinstance(value, bool | Enum):
        return value
    if isinstance(value, dict):
        return tuple((key, shape(inner)) for key, inner in sorted(value.items()) if inner is not None)
    return "given"


@dataclass(frozen=True)
class FieldArguments:
    """How to read the arguments of one field of a document, fast where they are constants and plain variables."""

    definition: GraphQLField
    node: FieldNode
    constants: Mapping[str, Any] | None
    variables: tuple[tuple[str, str, Any], ...] = ()

    @classmethod
    def of(cls, definition: GraphQLField, node: FieldNode) -> "FieldArguments":
        given: dict[str, ValueNode] = {argument.name.value: argument.value for argument in node.arguments or ()}
        if any(_holds_variable(v) and not isinstance(v, VariableNode) for v in given.values()):
            return cls(definition, node, None)
        plain = {name: value.name.value for name, value in given.items() if isinstance(value, VariableNode)}
        literals = FieldNode(
            name=node.name, arguments=tuple(a for a in node.arguments or () if a.name.value not in plain), directives=()
        )
        loose = GraphQLField(definition.type, {name: arg for name, arg in definition.args.items() if name not in plain})
        constants = get_argument_values(loose, literals, VariableValues({}, {}))
        defaults = tuple((name, variable, definition.args[name].default_value) for name, variable in plain.items())
        return cls(definition, node, constants, defaults)

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """The coerced arguments by their names in the graph."""
        if self.constants is None:
            return get_argument_values(self.definition, self.node, variables)
        values = dict(self.constants)
        for name, variable, default in self.variables:
            value = variables.coerced.get(variable, default)
            if value is None and isinstance(self.definition.args[name].type, GraphQLNonNull):
                return get_argument_values(self.definition, self.node, variables)  # refuses it in graphql's words
            if value is not Undefined:
                values[name] = value
        return values


def _holds_variable(node: ValueNode) -> bool:
    if isinstance(node, VariableNode):
        return True
    inner = getattr(node, "values", None) or [f.value for f in getattr(node, "fields", None) or ()]
    return any(_holds_variable(value) for value in inner)


# ---- conditions that declarations write -------------------------------------------------------------------------


def text(argument: Any, normalise: Callable[[str], str] = str) -> BindParameter[Any]:
    """The argument as text, normalised as it is stored. NUL is refused: Postgres cannot hold it."""
    return _bound(argument, lambda value, path: normalise(_clean_text(value, path)), String())


def key(noun: str, argument: Any) -> BindParameter[Any]:
    """The key in a public id of ``noun``."""
    return _bound(argument, lambda value, path: parse_id(noun, value, path), Uuid())


def moment(argument: Any) -> BindParameter[Any]:
    """A moment in time."""
    return _bound(argument, lambda value, _: _utc(value), DateTime(timezone=True))


def equals(column: Any, argument: Any) -> ColumnElement[bool] | None:
    """The column is the given text."""
    return None if argument is None else column == text(argument)


def one_of(column: Any, argument: Any) -> ColumnElement[bool] | None:
    """The column is one of the given texts."""
    if argument is None:
        return None
    return OneOf(column, _bound(argument, lambda values, path: _json([_clean_text(v, path) for v in values]), String()))


def key_in(noun: str, column: Any, argument: Any) -> ColumnElement[bool] | None:
    """The column is one of the given public ids of ``noun``."""
    if argument is None:
        return None
    return KeyIn(
        column, _bound(argument, lambda ids, path: _json([parse_id(noun, i, path).hex for i in ids]), String())
    )


def contains(columns: list[Any], argument: Any) -> ColumnElement[bool] | None:
    """One of the columns contains the given text, whatever its case."""
    if argument is None:
        return None
    # Both sides are lowered by the database: SQLite knows no capitals but those of ASCII.
    pattern = func.lower(_bound(argument, _like_pattern, String()))
    return or_(*(func.lower(column).like(pattern, escape="\\") for column in columns))


def said(conversation_id: Any, argument: Any) -> ColumnElement[bool] | None:
    """Something was said in the conversation, or is its subject, that has the words of the given text; a text without
    any word says nothing."""
    if argument is None:
        return None
    blank = _bound(argument, lambda value, path: not _clean_text(value, path).strip(), Boolean())
    queries = (_bound(argument, partial(_search, on_postgres=database), String()) for database in (False, True))
    return or_(blank, Said(conversation_id, TENANT, *queries))


NO_WORD = {False: '""', True: ""}
"""A search that finds nothing, in the words of SQLite and in those of Postgres."""


def _search(value: Any, path: str, *, on_postgres: bool) -> str:
    if len(value) > MAX_SEARCH:
        raise Invalid.at(path, f"must be at most {MAX_SEARCH} characters")
    return search_query(_clean_text(value, path), on_postgres=on_postgres) or NO_WORD[on_postgres]


def since(column: Any, argument: Any) -> ColumnElement[bool] | None:
    """The column is at or after the given moment."""
    return None if argument is None else column >= moment(argument)


def until(column: Any, argument: Any) -> ColumnElement[bool] | None:
    """The column is before the given moment."""
    return None if argument is None else column < moment(argument)


def _bound(argument: Any, convert: Callable[[Any, str], Any], type_: TypeEngine[Any]) -> BindParameter[Any]:
    """Declarations annotate their arguments as the graph sees them; when a plan is made they are all of this class."""
    assert isinstance(argument, Argument)
    return argument.bind(convert, type_)


def _clean_text(value: Any, path: str) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if "\x00" in value:
        raise Invalid.at(path, "contains a NUL character")
    return str(value)


def _like_pattern(value: Any, path: str) -> str:
    escaped = _clean_text(value, path).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _json(value: Any) -> str:
    return orjson.dumps(value, default=_hex).decode()


def _hex(value: Any) -> str:
    if isinstance(value, UUID):
        return value.hex
    raise TypeError(type(value).__name__)
