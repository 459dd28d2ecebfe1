"""Pages of a connection: Relay's ``first``/``after`` and ``last``/``before`` over a keyset (an order, then the id).

A cursor is the order's code, the row's place in that order and its key: ``u~2026-11-21T10:00:00.000000Z~018f…``. SQL
writes it and this module reads it back; a cursor of another order is refused.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Integer, Uuid, tuple_
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeEngine

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


def _kinds(order: Order) -> tuple[str, ...]:
    """What a cursor of an order holds, piece by piece: the rank if there is one, the place, the key."""
    if order.column == "id":
        return ("key",)
    return (*(("number",) if order.rank else ()), "number" if order.counts else "moment", "key")


def _keys(order: Order, columns: Any) -> list[ColumnElement[Any]]:
    """The same pieces of a row."""
    if order.column == "id":
        return [columns.id]
    return [*((order.rank(columns),) if order.rank else ()), order.place(columns), columns.id]


def _number(text: str) -> int:
    """A whole number that every database holds. Raises :class:`ValueError`."""
    if not re.fullmatch("[0-9]{1,9}", text):
        raise ValueError(text)
    return int(text)


PIECES: dict[str, tuple[Callable[[str], Any], TypeEngine[Any]]] = {
    "number": (_number, Integer()),
    "moment": (
        lambda text: datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC),
        DateTime(timezone=True),
    ),
    "key": (lambda text: UUID(hex=text) if len(text) == 32 else UUID(int=-1), Uuid()),
}
"""How a piece of a cursor is read, and its type in SQL."""


def read_cursor(order: Order, text: str, path: str) -> list[Any]:
    """The pieces of the place in ``order`` that a cursor names. Raises :class:`Invalid` at ``path``."""
    code, *pieces = text.split("~")
    try:
        if code != order.code:
            raise ValueError(code)
        return [PIECES[kind][0](piece) for kind, piece in zip(_kinds(order), pieces, strict=True)]
    except ValueError as broken:
        raise Invalid.at(path, "is not a cursor of this list in this order") from broken


def cursor_text(order: Order, columns: Any) -> ColumnElement[str]:
    """The cursor of a row, as JSON text."""
    pieces: list[ColumnElement[Any]] = [punctuation(f'"{order.code}')]
    for kind, key in zip(_kinds(order), _keys(order, columns), strict=True):
        pieces += [punctuation("~"), Rendered("number" if kind == "number" else f"cursor_{kind}", key)]
    return Concat(*pieces, punctuation('"'))


def sorted_by(order: Order, columns: Any, *, reverse: bool = False) -> list[ColumnElement[Any]]:
    """The ORDER BY of an order."""
    keys = _keys(order, columns) if "id" in columns else [order.place(columns)]
    return [key.desc() if order.descending != reverse else key.asc() for key in keys]


def beyond(
    order: Order, columns: Any, argument: str, field_index: int, bindings: Bindings, *, following: bool
) -> ColumnElement[bool]:
    """The rows that follow (or precede) the cursor in ``argument``."""

    def piece(index: int) -> Callable[[Values], Any]:
        return lambda values: read_cursor(order, values[argument], argument)[index]

    marks = [bindings.add(field_index, piece(place), PIECES[kind][1]) for place, kind in enumerate(_kinds(order))]
    places = _keys(order, columns)
    here, there = (places[0], marks[0]) if len(places) == 1 else (tuple_(*places), tuple_(*marks))
    return here < there if order.descending == following else here > there


def limit(field_index: int, bindings: Bindings, extra: int) -> ColumnElement[int]:
    """The page's size plus ``extra`` as a bound parameter."""
    return bindings.add(field_index, lambda values: read_page(values).size + extra, Integer())
