"""SQL that writes JSON text: values, objects and arrays, on SQLite and on Postgres.

Text, not ``json_build_object``: it has no limit of arguments, keeps the order of the selection, and stored JSON is
embedded as it lies there. Every renderer yields valid JSON text or NULL; :class:`Concat` joins pieces as a balanced
tree, because SQLite bounds the depth of an expression.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import String, case, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from app.core.fulltext import conversations_with


class Rendered(FunctionElement[str]):
    """One value as JSON text. ``kind``: text, number, moment, json, id, or name (a word in capitals).

    ``cursor_moment`` and ``cursor_key`` are the bare pieces of a page's cursor.
    """

    type = String()
    inherit_cache = False
    name = "rendered"

    def __init__(self, kind: str, operand: ColumnElement[Any], prefix: str = "") -> None:
        super().__init__(operand)
        self.kind = kind
        self.prefix = prefix


@compiles(Rendered, "sqlite")
def _rendered_sqlite(element: Rendered, compiler: SQLCompiler, **kw: Any) -> str:
    value = compiler.process(next(iter(element.clauses)), **kw)
    match element.kind:
        case "moment":
            return f"('\"' || replace({value}, ' ', 'T') || 'Z\"')"
        case "json":
            return f"{value}"
        case "id":
            return f"('\"{element.prefix}_' || {value} || '\"')"
        case "name":
            return f"('\"' || upper({value}) || '\"')"
        case "cursor_moment":
            return f"(replace({value}, ' ', 'T') || 'Z')"
        case "cursor_key":
            return value
        case _:
            return f"json_quote({value})"


@compiles(Rendered, "postgresql")
def _rendered_postgres(element: Rendered, compiler: SQLCompiler, **kw: Any) -> str:
    value = compiler.process(next(iter(element.clauses)), **kw)
    match element.kind:
        case "moment":
            return f"to_char({value} AT TIME ZONE 'UTC', {MOMENT_FORMAT})"
        case "json":
            return f"({value})::text"
        case "id":
            return f"('\"{element.prefix}_' || replace(({value})::text, '-', '') || '\"')"
        case "name":
            return f"('\"' || upper({value}) || '\"')"
        case "cursor_moment":
            return f"to_char({value} AT TIME ZONE 'UTC', {BARE_MOMENT_FORMAT})"
        case "cursor_key":
            return f"replace(({value})::text, '-', '')"
        case "number":
            return f"({value})::text"
        case _:
            return f"to_json(({value})::text)::text"


BARE_MOMENT_FORMAT = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""
MOMENT_FORMAT = """'"\\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\\""'"""


class Concat(FunctionElement[str]):
    """Pieces of text joined by ``||``."""

    type = String()
    inherit_cache = False
    name = "joined"

    def __init__(self, *pieces: ColumnElement[Any]) -> None:
        super().__init__(*pieces)


@compiles(Concat)
def _concat(element: Concat, compiler: SQLCompiler, **kw: Any) -> str:
    return _balanced([compiler.process(piece, **kw) for piece in element.clauses])


def _balanced(pieces: Sequence[str]) -> str:
    if len(pieces) <= 2:
        return f"({' || '.join(pieces)})"
    middle = len(pieces) // 2
    return f"({_balanced(pieces[:middle])} || {_balanced(pieces[middle:])})"


class Joined(FunctionElement[str]):
    """Aggregates JSON texts, in the order of the rows, with commas between them."""

    type = String()
    inherit_cache = False
    name = "comma_joined"


@compiles(Joined, "sqlite")
def _joined_sqlite(element: Joined, compiler: SQLCompiler, **kw: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **kw)}, ',')"


@compiles(Joined, "postgresql")
def _joined_postgres(element: Joined, compiler: SQLCompiler, **kw: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **kw)}, ',')"


class OneOf(FunctionElement[bool]):
    """Whether the first operand is in the second, an array bound as one parameter (JSON text)."""

    inherit_cache = False
    name = "one_of"


@compiles(OneOf, "sqlite")
def _one_of_sqlite(element: OneOf, compiler: SQLCompiler, **kw: Any) -> str:
    value, array = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({value} IN (SELECT value FROM json_each({array})))"  # noqa: S608 - compiled clauses, no text of a caller


@compiles(OneOf, "postgresql")
def _one_of_postgres(element: OneOf, compiler: SQLCompiler, **kw: Any) -> str:
    value, array = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(({value})::text IN (SELECT jsonb_array_elements_text(({array})::jsonb)))"


class KeyIn(FunctionElement[bool]):
    """Whether a UUID column is in an array of hex keys bound as one parameter (JSON text)."""

    inherit_cache = False
    name = "key_in"


@compiles(KeyIn, "sqlite")
def _key_in_sqlite(element: KeyIn, compiler: SQLCompiler, **kw: Any) -> str:
    return _one_of_sqlite(element, compiler, **kw)  # type: ignore[arg-type]


@compiles(KeyIn, "postgresql")
def _key_in_postgres(element: KeyIn, compiler: SQLCompiler, **kw: Any) -> str:
    value, array = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({value} IN (SELECT jsonb_array_elements_text(({array})::jsonb)::uuid))"


class Said(FunctionElement[bool]):
    """Whether a message of a conversation matches a search: its id, the tenant, and the search in the words of SQLite
    and in those of Postgres (:mod:`app.core.fulltext`)."""

    inherit_cache = False
    name = "said"


@compiles(Said)
def _said(element: Said, compiler: SQLCompiler, **kw: Any) -> str:
    conversation_id, tenant, on_sqlite, on_postgres = element.clauses
    is_postgres = compiler.dialect.name == "postgresql"
    query = on_postgres if is_postgres else on_sqlite
    found = conversations_with(query, tenant, on_postgres=is_postgres)
    return f"({compiler.process(conversation_id.in_(found), **kw)})"


class Listed(FunctionElement[str]):
    """The rows of an array bound as one parameter (JSON text): ``key`` is the place, ``value`` the text."""

    inherit_cache = False
    name = "listed"


@compiles(Listed, "sqlite")
def _listed_sqlite(element: Listed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(Listed, "postgresql")
def _listed_postgres(element: Listed, compiler: SQLCompiler, **kw: Any) -> str:
    array = f"jsonb_array_elements_text(({compiler.process(element.clauses, **kw)})::jsonb)"
    return f"(SELECT place AS key, value FROM {array} WITH ORDINALITY AS given(value, place))"  # noqa: S608 - as above


class KeyOfPublicId(FunctionElement[Any]):
    """The key in a public id held as text (``cust_…``), given the length of its prefix."""

    inherit_cache = False
    name = "key_of_public_id"

    def __init__(self, operand: ColumnElement[Any], prefix: str) -> None:
        super().__init__(operand)
        self.start = len(prefix) + 2


@compiles(KeyOfPublicId, "sqlite")
def _public_key_sqlite(element: KeyOfPublicId, compiler: SQLCompiler, **kw: Any) -> str:
    return f"substr({compiler.process(element.clauses, **kw)}, {element.start})"


@compiles(KeyOfPublicId, "postgresql")
def _public_key_postgres(element: KeyOfPublicId, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(substr({compiler.process(element.clauses, **kw)}, {element.start}))::uuid"


def punctuation(text: str) -> ColumnElement[str]:
    """JSON's own characters and keys, which contain no quote of SQL."""
    if "'" in text:
        raise ValueError("a quote cannot be punctuation")
    return literal_column(f"'{text}'", String())


def boolean(condition: ColumnElement[Any], *, nullable: bool = False) -> ColumnElement[Any]:
    """``true`` or ``false`` (or NULL) as text."""
    whens: list[Any] = [(condition.is_(None), literal_column("NULL"))] if nullable else []
    return case(*whens, (condition, punctuation("true")), else_=punctuation("false"))


def or_null(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """JSON's null where SQL has none."""
    return func.coalesce(text, punctuation("null"))


def json_object(members: Sequence[tuple[str, ColumnElement[Any]]]) -> ColumnElement[str]:
    """``{"key":value,…}`` from keys and texts of JSON."""
    pieces: list[ColumnElement[Any]] = []
    opening = "{"
    for key, text in members:
        pieces += [punctuation(f'{opening}"{key}":'), text]
        opening = ","
    return Concat(*pieces, punctuation("}" if members else "{}"))
