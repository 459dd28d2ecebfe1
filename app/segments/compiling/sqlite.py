"""A rule's words on SQLite. Moments are texts of one length, as SQLAlchemy stores them, and compare as such."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement as Column
from sqlalchemy import (
    Float,
    Integer,
    Select,
    String,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
)

from app.segments.compiling.binds import MOMENT, Clock
from app.segments.compiling.dialect import Condition, Dialect, Expression, compared
from app.segments.compiling.instants import LATEST_SECOND, OLDEST_SECOND
from app.segments.operators import type_of
from app.segments.rules import Compares, Number, Path, Scalar

NUMBERS = ("integer", "real")
NEVER = "9999"
"""Later than every moment that a rule knows, as text."""
FRACTION = ".000000"


class SQLite(Dialect):
    """SQLite 3.53."""

    def value(self, document: Any, path: Path) -> Expression:
        """The value as SQLite has it: booleans are 1 and 0, lists and objects texts of JSON. Ask its type as well."""
        return func.json_extract(document, _way(path))

    def type(self, document: Any, path: Path) -> Expression:
        """The JSON type: null, true, false, integer, real, text, array or object; SQL's null where nothing is."""
        return func.json_type(document, _way(path))

    def equals(self, document: Any, path: Path, value: Scalar) -> Condition:
        if isinstance(value, bool):
            return self.type(document, path) == ("true" if value else "false")
        return and_(self.value(document, path) == _plain(value), self._is(document, path, value))

    def _is(self, document: Any, path: Path, value: Scalar) -> Condition:
        kinds = NUMBERS if type_of(value) == "number" else ("text",)
        return self.type(document, path).in_([_word(kind) for kind in kinds])

    def one_of(self, document: Any, path: Path, values: Sequence[Scalar]) -> Condition:
        if isinstance(values[0], bool):
            return or_(*(self.equals(document, path, value) for value in sorted(set(values))))
        return and_(self.value(document, path).in_(_listed(values)), self._is(document, path, values[0]))

    def text(self, document: Any, path: Path) -> Expression:
        return case((self.type(document, path) == _word("text"), self.value(document, path)))

    def has(self, document: Any, path: Path, value: Scalar) -> Condition:
        item = func.json_each(document, _way(path)).table_valued("value", "type").alias()
        if isinstance(value, bool):
            fits = item.c.type == ("true" if value else "false")
        else:
            kinds = NUMBERS if type_of(value) == "number" else ("text",)
            fits = and_(item.c.value == _plain(value), item.c.type.in_([_word(kind) for kind in kinds]))
        found = exists(select(literal_column("1")).select_from(item).where(fits))
        return and_(self.type(document, path) == _word("array"), found)

    def compares(self, document: Any, path: Path, test: Compares) -> Condition:
        value = compared(self.value(document, path), test.how, _plain(test.number))
        return and_(value, self._is(document, path, test.number))

    def between(self, document: Any, path: Path, low: Number, high: Number) -> Condition:
        return and_(self.value(document, path).between(_plain(low), _plain(high)), self._is(document, path, low))

    def exists(self, document: Any, path: Path) -> Condition:
        return func.coalesce(self.type(document, path), _word("null")) != _word("null")

    def empty(self, document: Any, path: Path) -> Condition:
        kind, value = func.coalesce(self.type(document, path), _word("null")), self.value(document, path)
        return case(
            (kind == _word("null"), literal_column("1")),
            (kind == _word("text"), value == ""),
            (kind == _word("array"), value == "[]"),
            (kind == _word("object"), value == "{}"),
            else_=literal_column("0"),
        ) == literal_column("1")

    def moment(self, document: Any, path: Path) -> Column[datetime]:
        value = type_coerce(self.value(document, path), String())
        day = func.substr(value, 1, 10, type_=String())
        is_day = and_(value.op("GLOB")("[1-8][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*"), func.date(day) == day)
        floor = cast(func.floor(self.value(document, path)), Integer())
        moment = case(
            (and_(self.type(document, path) == _word("text"), is_day), _moment_of_text(value, day)),
            (
                self.between(document, path, OLDEST_SECOND, LATEST_SECOND),
                func.datetime(floor, "unixepoch", type_=String()) + FRACTION,
            ),
        )
        return type_coerce(moment, MOMENT)

    def number(self, document: Any, path: Path) -> Expression:
        return case((self._is(document, path, 0), self.value(document, path)))

    def distinct_key(self, document: Any, path: Path) -> Expression:
        kind = self.type(document, path)
        return case(
            (kind == _word("true"), literal_column("x'01'")),
            (kind == _word("false"), literal_column("x'00'")),
            (kind.in_([_word(word) for word in ("text", *NUMBERS)]), self.value(document, path)),
        )

    def shown(self, document: Any, path: Path) -> Expression:
        return type_coerce(document.op("->")(_way(path)), Text())

    def json_list(self, values: Sequence[Any]) -> Expression:
        *plain, text = values
        return func.json_array(*plain, func.json(text))

    def rows_as_json(self, rows: Any) -> Expression:
        return select(func.json_group_array(func.json_array(*rows.c))).select_from(rows).scalar_subquery()

    def matches(self, text: Any, how: str, part: str) -> Condition:
        given = literal(part, Text())
        if how == "contains":
            return func.instr(text, given) > 0
        length = literal(len(part), Integer())
        return (func.substr(text, 1, length) if how == "startsWith" else func.substr(text, -length)) == given

    def among(self, text: Any, values: Sequence[str]) -> Condition:
        return text.in_(_listed(values))  # type: ignore[no-any-return]

    def total(self, numbers: Any) -> Expression:
        """``total`` and not ``sum``, which fails on the overflow of whole numbers."""
        return func.round(func.total(numbers), 6)

    def times(self, number: Number, count: Any) -> Expression:
        return func.round(_plain(number) * count, 6)

    def figure(self, number: Number) -> Expression:
        return _plain(number)

    def shifted(self, moment: Any, seconds: int) -> Column[datetime]:
        text = type_coerce(moment, String())
        moved = func.datetime(func.substr(text, 1, 19), f"{seconds // 60:+d} minutes", type_=String())
        return type_coerce(moved + func.substr(text, 20), MOMENT)

    def earliest(self, moments: Sequence[Any]) -> Column[datetime]:
        if len(moments) == 1:
            return type_coerce(moments[0], MOMENT)
        known = [func.coalesce(type_coerce(moment, String()), NEVER) for moment in moments]
        return type_coerce(func.nullif(func.min(*known), NEVER), MOMENT)

    def return_of(self, moment: Any, clock: Clock) -> Expression:
        """``date`` makes the 29th of February the 1st of March in a year that has none."""
        rest = func.substr(type_coerce(moment, String()), 5, 6, type_=String())
        now, later = (func.date(cast(clock.year(ahead), String()) + rest) for ahead in (0, 1))
        return case((now >= clock.day(), now), else_=later)

    def day_start(self, day: Any, ahead: int) -> Column[datetime]:
        return type_coerce(func.date(day, f"{ahead:+d} days", type_=String()) + f" 00:00:00{FRACTION}", MOMENT)

    def any_row(self, person: Any, rows: Select[Any], *, whole: bool) -> Condition:
        """``IN`` is worked out once for all people, ``EXISTS`` for each anew by its index."""
        if whole:
            return person.in_(rows)  # type: ignore[no-any-return]
        column = rows.selected_columns[0]
        return exists(rows.with_only_columns(literal_column("1")).where(column == person))


def _way(path: Path) -> Column[str]:
    return literal("".join(["$", *(f".{orjson.dumps(name).decode()}" for name in path)]), Text())


def _word(kind: str) -> Column[str]:
    return literal_column(f"'{kind}'", Text())


def _plain(value: Scalar) -> Expression:
    """A value that the driver binds as it is."""
    if isinstance(value, str):
        return literal(value, Text())
    return literal(value, Integer() if isinstance(value, int) else Float())


def _listed(values: Sequence[Scalar]) -> Any:
    items = func.json_each(literal(orjson.dumps(list(values)).decode(), Text())).table_valued("value").alias()
    return select(items.c.value)


def _moment_of_text(value: Any, day: Any) -> Any:
    """What stands after the date, read character by character: SQLite itself would let nonsense pass."""
    tail = func.substr(value, 20, type_=String())
    zone = case(
        (tail.op("GLOB")("*Z"), "Z"),
        (tail.op("GLOB")("*[+-][0-9][0-9]:[0-9][0-9]"), func.substr(tail, -6, type_=String())),
        else_="",
    )
    fraction = func.substr(tail, 1, func.length(tail) - func.length(zone), type_=String())
    sound = and_(
        func.substr(value, 11).op("GLOB")("[T ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]*"),
        func.substr(value, 12, 2) <= "23",
        func.substr(value, 15, 2) <= "59",
        func.substr(value, 18, 2) <= "59",
        or_(
            fraction == "",
            and_(
                fraction.op("GLOB")(".[0-9]*"),
                func.substr(fraction, 2).op("NOT GLOB")("*[^0-9]*"),
                func.length(fraction) <= 10,
            ),
        ),
        or_(func.length(zone) <= 1, and_(func.substr(zone, 2, 2) <= "14", func.substr(zone, 5, 2) <= "59")),
    )
    local = day + " " + func.substr(value, 12, 8, type_=String()) + zone
    digits = func.substr(func.substr(fraction, 2, type_=String()) + "000000", 1, 6, type_=String())
    return case(
        (func.length(value) == 10, value + f" 00:00:00{FRACTION}"),
        (sound, func.datetime(local, type_=String()) + "." + digits),
    )
