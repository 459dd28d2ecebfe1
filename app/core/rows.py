"""Inserting and updating many rows at the speed of the driver.

SQLAlchemy's own ``executemany`` spends more time per row on preparing parameters than both databases on storing them.
The statement of a table and its columns is made once here. Rows go to SQLite's driver as plain tuples, and to Postgres
as one array per column: one statement for all rows costs its server a third of one for each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import JSON, Table, inspect
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

Convert = Callable[[Any], Any]
Only = tuple[str, tuple[str, ...]]
"""A column and the words of our own code that it may have."""


async def insert_rows(connection: AsyncConnection, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all have the same columns; a column that is not given has its default or is null."""
    if not rows:
        return
    columns = tuple(rows[0])
    statement = _statement(model, columns, connection.dialect)
    parameters = []
    for row in rows:
        values = [row[name] for name in columns]
        for index, convert in statement.converts:
            values[index] = convert(values[index])
        values += statement.defaults
        parameters.append(tuple(values))
    if statement.by_column:
        await connection.exec_driver_sql(statement.sql, tuple(map(list, zip(*parameters, strict=True))))
    else:
        await connection.exec_driver_sql(statement.sql, parameters)


async def update_rows(
    connection: AsyncConnection,
    model: type[SQLModel],
    tenant_id: UUID,
    rows: Sequence[Mapping[str, Any]],
    match: Sequence[str] = ("id",),
    only: "Only | None" = None,
) -> set[UUID]:
    """Gives rows of a tenant new values in one statement. All rows have the same columns, of which those in ``match``
    say which row is meant and are not changed; ``id`` is among them. ``only`` rows of which a column has one of these
    values are changed. Returns the ids of the rows that were found."""
    if not rows:
        return set()
    columns = tuple(rows[0])
    statement = _update(model, columns, tuple(match), only, connection.dialect)
    values = [[row[name] for name in columns] for row in rows]
    for index, convert in statement.converts:
        for row in values:
            row[index] = convert(row[index])
    if statement.by_column:
        parameters: tuple[Any, ...] = (*map(list, zip(*values, strict=True)), tenant_id)
    else:
        parameters = (orjson.dumps(values).decode(), tenant_id.hex)
    found = await connection.exec_driver_sql(statement.sql, parameters)
    return {one if isinstance(one, UUID) else UUID(str(one)) for (one,) in found.all()}


@dataclass(frozen=True, slots=True)
class _Statement:
    """An INSERT in the driver's own words, the conversions it needs by position, and the values nobody gave.

    ``by_column``: it takes a list per column, not a tuple per row.
    """

    sql: str
    by_column: bool
    converts: list[tuple[int, Convert]]
    defaults: list[Any]


@lru_cache(maxsize=256)
def _statement(model: type[SQLModel], columns: tuple[str, ...], dialect: Dialect) -> _Statement:
    table: Table = inspect(model).local_table
    absent = [column for column in table.columns if column.name not in columns and column.default is not None]
    defaults = {column.name: getattr(column.default, "arg", None) for column in absent}
    names = [*columns, *defaults]
    on_postgres = dialect.name == "postgresql"
    source = _arrays(table, names, dialect) if on_postgres else f"VALUES ({', '.join('?' for _ in names)})"
    sql = f"INSERT INTO {table.name} ({', '.join(names)}) {source}"
    converts = [(index, _convert(table, name, dialect)) for index, name in enumerate(columns)]
    needed = [(index, convert) for index, convert in converts if convert is not None]
    return _Statement(sql, on_postgres, needed, list(defaults.values()))


@lru_cache(maxsize=256)
def _update(
    model: type[SQLModel], columns: tuple[str, ...], match: tuple[str, ...], only: Only | None, dialect: Dialect
) -> _Statement:
    table: Table = inspect(model).local_table
    on_postgres = dialect.name == "postgresql"
    place = {name: number for number, name in enumerate(columns)}
    new = ", ".join(f"{name} = given.c{place[name] + 1}" for name in columns if name not in match)
    if on_postgres:
        given = _arrays(table, columns, dialect)
        same = " AND ".join(f"{table.name}.{name} = given.c{place[name] + 1}" for name in match)
        same += f" AND {table.name}.tenant_id = ${len(columns) + 1}{_among(table.name, only)}"
    else:
        # SQLite would rather read all rows of the tenant. So it is told to begin with what is given.
        values = ", ".join(f"value ->> {number} AS c{number + 1}" for number in place.values())
        found = " AND ".join(f"found.{name} = value ->> {place[name]}" for name in match) + _among("found", only)
        given = (
            f"SELECT found.rowid AS target, {values} FROM json_each(?) "  # noqa: S608
            f"CROSS JOIN {table.name} AS found WHERE found.tenant_id = ? AND {found} LIMIT -1"
        )
        same = f"{table.name}.rowid = given.target"
    sql = f"UPDATE {table.name} SET {new} FROM ({given}) AS given WHERE {same} RETURNING {table.name}.id"  # noqa: S608
    converts = [(index, _convert(table, name, dialect)) for index, name in enumerate(columns)]
    return _Statement(sql, on_postgres, [(index, convert) for index, convert in converts if convert is not None], [])


def _among(table: str, only: Only | None) -> str:
    if only is None:
        return ""
    column, words = only
    return f" AND {table}.{column} IN ({', '.join(map(repr, words))})"


def _arrays(table: Table, names: Sequence[str], dialect: Dialect) -> str:
    """All rows as arrays, one per column. JSON travels as text: its arrays have no form of their own in the driver."""
    types = [table.columns[name].type for name in names]
    as_text = [isinstance(kind, JSON) for kind in types]
    arrays = ", ".join(
        f"${number}::{'text' if text else kind.compile(dialect)}[]"
        for number, (kind, text) in enumerate(zip(types, as_text, strict=True), 1)
    )
    columns = [f"c{number}" for number, _ in enumerate(names, 1)]
    values = ", ".join(
        f"{column}::{kind.compile(dialect)}" if text else column
        for column, kind, text in zip(columns, types, as_text, strict=True)
    )
    return f"SELECT {values} FROM unnest({arrays}) AS given({', '.join(columns)})"  # noqa: S608


def _convert(table: Table, name: str, dialect: Dialect) -> Convert | None:
    kind = table.columns[name].type
    if isinstance(kind, UTCDateTime):
        return _moment_text if dialect.name == "sqlite" else _aware
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _aware(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment


@lru_cache(maxsize=1024)
def _moment_text(moment: datetime | None) -> str | None:
    """What SQLAlchemy's DateTime stores in SQLite."""
    aware = _aware(moment)
    if aware is None:
        return None
    return aware.astimezone(UTC).isoformat(" ", "microseconds")[:26]
