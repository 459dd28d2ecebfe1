"""Many values in one statement of one text: a whole batch is one bound parameter, so the statement is prepared once."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, ColumnElement, Text, any_, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession


def is_postgres(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def among(session: AsyncSession, column: Any, values: Collection[str] | Collection[UUID]) -> ColumnElement[bool]:
    """``column IN values`` for text and ids, in a form whose SQL does not change with the number of values."""
    if is_postgres(session):
        return column == any_(literal(list(values), ARRAY(column.type)))  # type: ignore[no-any-return]
    texts = [value.hex if isinstance(value, UUID) else value for value in values]
    given = func.json_each(literal(orjson.dumps(texts).decode(), Text())).table_valued("value")
    return column.in_(select(given.c.value))  # type: ignore[no-any-return]
