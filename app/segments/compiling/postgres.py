"""A rule's words on Postgres. Values are compared as ``jsonb``: it orders numbers exactly and never fails on a type."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Boolean,
    Date,
    DateTime,
    Double,
    Integer,
    Numeric,
    Select,
    Text,
    case,
    cast,
    exists,
    extract,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy import ColumnElement as Column
from sqlalchemy.dialects.postgresql import JSON, JSONB

from app.segments.compiling.binds import MOMENT, Clock
from app.segments.compiling.dialect import Condition, Dialect, Expression, compared
from app.segments.compiling.instants import LATEST_SECOND, OLDEST_SECOND
from app.segments.rules import Compares, Number, Path, Scalar

_LEAP_YEAR = "([1-8][0-9](0[48]|[2468][048]|[13579][26])|(1[26]|2[048]|3[26]|4[048]|5[26]|6[048]|7[26]|8[048])00)"
_DAY = (
    "([1-8][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    f"|02-(0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)"
)
_ZONE = "(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
ONE_DAY = f"^{_DAY}$"
ONE_MOMENT = f"^{_DAY}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{{1,9}})?{_ZONE}?$"
ZONED = f"{_ZONE}$"
"""What Postgres may be asked to read as a moment: it raises an error at anything else."""


class Postgres(Dialect):
    """Postgres 15."""

    def value(self, document: Any, path: Path) -> Expression:
        """The value as ``jsonb``; null where there is none."""
        for name in path:
            document = document.op("->", return_type=JSONB())(literal(name, Text()))
        return document  # type: ignore[no-any-return]

    def equals(self, document: Any, path: Path, value: Scalar) -> Condition:
        return self.value(document, path) == _json(value)

    def one_of(self, document: Any, path: Path, values: Sequence[Scalar]) -> Condition:
        return self.value(document, path).in_(select(func.jsonb_array_elements(_json(list(values)))))

    def text(self, document: Any, path: Path) -> Expression:
        value = self.value(document, path)
        return case((func.jsonb_typeof(value) == "string", value.op("#>>")(literal_column("'{}'::text[]"))))

    def has(self, document: Any, path: Path, value: Scalar) -> Condition:
        found = self.value(document, path)
        return _if_type(found, "array", found.op("@>")(_json([value])))

    def compares(self, document: Any, path: Path, test: Compares) -> Condition:
        value = self.value(document, path)
        return _if_type(value, "number", compared(value, test.how, _json(test.number)))

    def between(self, document: Any, path: Path, low: Number, high: Number) -> Condition:
        value = self.value(document, path)
        return _if_type(value, "number", value.between(_json(low), _json(high)))

    def exists(self, document: Any, path: Path) -> Condition:
        return func.coalesce(func.jsonb_typeof(self.value(document, path)), "null") != "null"

    def empty(self, document: Any, path: Path) -> Condition:
        nothing: list[Any] = [literal_column(f"'{text}'::jsonb") for text in ("null", '""', "[]", "{}")]
        return func.coalesce(self.value(document, path), nothing[0]).in_(nothing)

    def moment(self, document: Any, path: Path) -> Column[datetime]:
        value, text = self.value(document, path), self.text(document, path)
        exact = func.regexp_replace(text, "([.][0-9]{6})[0-9]+", "\\1")
        zoned = case((text.op("~")(ZONED), exact), else_=exact.op("||")("Z"))
        second = func.to_timestamp(cast(func.floor(cast(value, Numeric())), Double()))
        moment = case(
            (text.op("~")(ONE_DAY), _at(text.op("||")(" 00:00:00Z"))),
            (text.op("~")(ONE_MOMENT), _at(zoned)),
            (self.between(document, path, OLDEST_SECOND, LATEST_SECOND), second),
        )
        return type_coerce(moment, MOMENT)

    def number(self, document: Any, path: Path) -> Expression:
        value = self.value(document, path)
        return case((func.jsonb_typeof(value) == "number", cast(value, Numeric())))

    def distinct_key(self, document: Any, path: Path) -> Expression:
        value = self.value(document, path)
        return case((func.jsonb_typeof(value).in_(["string", "number", "boolean"]), value))

    def shown(self, document: Any, path: Path) -> Expression:
        return cast(self.value(document, path), Text())

    def json_list(self, values: Sequence[Any]) -> Expression:
        *plain, text = values
        return cast(func.json_build_array(*plain, cast(text, JSON())), Text())

    def rows_as_json(self, rows: Any) -> Expression:
        listed = func.coalesce(func.json_agg(func.json_build_array(*rows.c)), literal_column("'[]'::json"))
        return cast(select(listed).select_from(rows).scalar_subquery(), Text())

    def matches(self, text: Any, how: str, part: str) -> Condition:
        if how == "contains":
            return func.strpos(text, literal(part, Text())) > 0
        end = func.left if how == "startsWith" else func.right
        return end(text, literal(len(part), Integer())) == literal(part, Text())

    def among(self, text: Any, values: Sequence[str]) -> Condition:
        return text.in_(select(func.jsonb_array_elements_text(_json(list(values)))))  # type: ignore[no-any-return]

    def total(self, numbers: Any) -> Expression:
        return func.round(func.coalesce(func.sum(numbers), 0), 6)

    def times(self, number: Number, count: Any) -> Expression:
        found: Expression = self.figure(number) * count
        return found

    def figure(self, number: Number) -> Expression:
        return literal(Decimal(repr(number)), Numeric())

    def shifted(self, moment: Any, seconds: int) -> Column[datetime]:
        return type_coerce(moment + func.make_interval(0, 0, 0, 0, 0, 0, literal(seconds, Integer())), MOMENT)

    def earliest(self, moments: Sequence[Any]) -> Column[datetime]:
        return type_coerce(func.least(*moments), MOMENT)

    def return_of(self, moment: Any, clock: Clock) -> Expression:
        there = func.timezone("UTC", moment)
        month, day = cast(extract("month", there), Integer()), cast(extract("day", there), Integer())
        now, later = (func.make_date(clock.year(ahead), month, 1, type_=Date()) + (day - 1) for ahead in (0, 1))
        return type_coerce(case((now >= clock.day(), now), else_=later), Date())

    def day_start(self, day: Any, ahead: int) -> Column[datetime]:
        moved = cast(day + literal(ahead, Integer()), DateTime(timezone=False))
        return type_coerce(func.timezone("UTC", moved), MOMENT)

    def any_row(self, person: Any, rows: Select[Any], *, whole: bool) -> Condition:
        """Never ``IN``: where its hash table would be too large, Postgres searches all rows for every person."""
        if rows._group_by_clauses:
            grouped = rows.subquery()
            return exists(select(literal_column("1")).select_from(grouped).where(grouped.c[0] == person))
        column = rows.selected_columns[0]
        return exists(rows.with_only_columns(literal_column("1")).where(column == person))


def _json(value: Any) -> Expression:
    return literal(value, JSONB())


def _if_type(value: Any, kind: str, condition: Any) -> Condition:
    """The condition for values of one type. ``CASE``, because Postgres takes a type that is asked beside for rare."""
    return type_coerce(case((func.jsonb_typeof(value) == kind, condition)), Boolean())


def _at(text: Any) -> Expression:
    return cast(text, DateTime(timezone=True))
