"""A select that is run again and again: compiled once, and run in the driver's own words.

SQLAlchemy finds a statement's text anew each time by going over all of it, which for fifty rules takes longer than the
database does.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, CompoundSelect, Select, Uuid
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.visitors import iterate


def as_driven(ids: Iterable[UUID], dialect: Dialect) -> dict[Any, UUID]:
    """The ids by what the driver makes of them."""
    return {one if dialect.name == "postgresql" else one.hex: one for one in ids}


class Prepared:
    """A select for one dialect. Its parameters are found by name, and null in a row stays null.

    Ids come back as the driver has them (:func:`as_driven`): most rows are about ids that the caller knows already.
    """

    def __init__(self, select: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]], dialect: Dialect) -> None:
        compiled: Any = select.compile(dialect=dialect)
        unknown = {one.key: None for one in iterate(select) if isinstance(one, BindParameter) and one.required}
        written = compiled.construct_expanded_state(unknown)  # lists of values are part of the text
        self._sql: str = written.statement
        self._given: dict[str, Any] = dict(written.parameters)
        speak = [(name, bind.type.dialect_impl(dialect)) for name, bind in compiled.binds.items()]
        converts = {name: kind.bind_processor(dialect) for name, kind in speak} | dict(written.processors)
        self._places: list[tuple[str, Callable[[Any], Any] | None]] = [
            (name, converts.get(name)) for name in written.positiontup
        ]
        heard = [column.type.dialect_impl(dialect) for column in select.selected_columns]
        kinds = [None if isinstance(kind, Uuid) else kind.result_processor(dialect, None) for kind in heard]
        self._reads = [(place, read) for place, read in enumerate(kinds) if read is not None]

    async def run(self, connection: AsyncConnection, parameters: Mapping[str, Any]) -> list[list[Any]]:
        """The rows for these parameters; those that the statement brings with it need not be given."""
        given = {**self._given, **parameters}
        values = tuple(given[name] if convert is None else convert(given[name]) for name, convert in self._places)
        rows = [list(row) for row in (await connection.exec_driver_sql(self._sql, values)).all()]
        for place, read in self._reads:
            for row in rows:
                if row[place] is not None:
                    row[place] = read(row[place])
        return rows
