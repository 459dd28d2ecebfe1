"""Pages of a connection: Relay's ``first``/``after`` and ``last``/``before`` over a keyset (an order, then the id).

A cursor is the order's code, the row's place in that order and its key: ``u~2026-11-21T10:00:00.000000Z~018f…``. SQL
writes it and this module reads it back; a cursor of another order is refused.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Integer, Uuid, tuple_
from sqlalchemy.sql import ColumnElement

from app.core.errors import Invalid
from resolvers.planner.arguments import Bindings, Values
from resolvers.planner.declare import PAGE_DEFAULT, PAGE_MAX, Order
from resolvers.planner.sql import Concat, Rendered, punctuation


class Page(NamedTuple):
    """How a connection was asked for: its size, from which end, and whether a cursor bounds that end."""

    size: int
    backward: bool
    bounded: bool


def read_page(values: Values) -> Page:
    """The page that a connection's arguments ask for. Raises :class:`Invalid` at the argument that is wrong."""
    first, last = values.get("first"), values.get("last")
    if first is not None and last is not None:
        raise Invalid.at("last", "cannot be used together with first")
    backward = last is not None
    name, size = ("last", last) if backward else ("first", PAGE_DEFAULT if first is None else first)
    if size is None or not 0 <= size <= PAGE_MAX:
        raise Invalid.at(name, f"must be from 0 to {PAGE_MAX}")
    return Page(size, backward, values.get("before" if backward else "after") is not None)


def read_cursor(order: Order, text: str, path: str) -> tuple[datetime | None, UUID]:
    """The place in ``order`` that a cursor names. Raises :class:`Invalid` at ``path``."""
    code, _, place = text.partition("~")
    moment, _, key = place.rpartition("~")
    try:
        if code != order.code:
            raise ValueError(code)
        found = UUID(hex=key) if len(key) == 32 else UUID(int=-1)
        if order.column == "id":
            return None, found
        return datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC), found
    except ValueError as broken:
        raise Invalid.at(path, "is not a cursor of this list in this order") from broken


def cursor_text(order: Order, columns: Any) -> ColumnElement[str]:
    """The cursor of a row, as JSON text."""
    key = Rendered("cursor_key", columns.id)
    if order.column == "id":
        return Concat(punctuation(f'"{order.code}~'), key, punctuation('"'))
    place = Rendered("cursor_moment", columns[order.column])
    return Concat(punctuation(f'"{order.code}~'), place, punctuation("~"), key, punctuation('"'))


def sorted_by(order: Order, columns: Any, *, reverse: bool = False) -> list[ColumnElement[Any]]:
    """The ORDER BY of an order."""
    keys = (
        [columns[order.column]] if order.column == "id" or "id" not in columns else [columns[order.column], columns.id]
    )
    return [key.desc() if order.descending != reverse else key.asc() for key in keys]


def beyond(
    order: Order, columns: Any, argument: str, field_index: int, bindings: Bindings, *, following: bool
) -> ColumnElement[bool]:
    """The rows that follow (or precede) the cursor in ``argument``."""

    def part(index: int) -> Callable[[Values], Any]:
        return lambda values: read_cursor(order, values[argument], argument)[index]

    key = bindings.add(field_index, part(1), Uuid())
    if order.column == "id":
        place: ColumnElement[Any] = columns.id
        mark: ColumnElement[Any] = key
    else:
        moment = bindings.add(field_index, part(0), DateTime(timezone=True))
        place, mark = tuple_(columns[order.column], columns.id), tuple_(moment, key)
    return place < mark if order.descending == following else place > mark


def limit(field_index: int, bindings: Bindings, extra: int) -> ColumnElement[int]:
    """The page's size plus ``extra`` as a bound parameter."""
    return bindings.add(field_index, lambda values: read_page(values).size + extra, Integer())
