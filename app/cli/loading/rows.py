"""From a line of a CSV file to one item of the graph's input, or the reason why it cannot be one."""

import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

CELL_BYTES = 1_000_000
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
csv.field_size_limit(CELL_BYTES)


class BadCell(ValueError):
    """One cell does not hold what it should."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(f"{column}: {message}")
        self.column = column
        self.message = message


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not loaded. ``line`` is the line of the file on which the row begins."""

    line: int
    code: str
    message: str
    field: str | None = None

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"line {self.line}: {where}{self.message} ({self.code})"


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file. ``end`` is how many bytes of the file have been read with it."""

    line: int
    end: int
    item: dict[str, Any] | None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column that becomes a property: ``[name=]column[:type]``, with type str, int, float, bool or json."""

    name: str
    source: str
    kind: str

    @classmethod
    def parse(cls, text: str) -> "Column":
        """Raises ValueError when the type is not known."""
        name, _, rest = text.rpartition("=")
        source, _, kind = rest.partition(":")
        if not source or (kind or "str") not in READERS:
            raise ValueError(f"{text!r} is not [name=]column[:type] with a type of {', '.join(READERS)}")
        return cls(name or source, source, kind or "str")

    def value(self, cells: Mapping[str, str]) -> Any:
        """The cell's value; an empty cell says nothing and gives None."""
        return read_cell(cells, self.source, READERS[self.kind])


@dataclass(frozen=True, slots=True)
class EventShape:
    """How a row becomes a ``TrackEventInput``."""

    name: str
    customer_column: str
    customer_field: str
    time_column: str | None
    zone: str
    key_prefix: str
    properties: Sequence[Column] = ()

    @property
    def columns(self) -> list[str]:
        """The columns that the file must have."""
        own = [self.customer_column, *([self.time_column] if self.time_column else [])]
        return own + [column.source for column in self.properties]

    def item(self, line: int, cells: Mapping[str, str]) -> dict[str, Any]:
        who = cells[self.customer_column].strip()
        if not who:
            raise BadCell(self.customer_column, "is empty")
        item: dict[str, Any] = {
            "customer": {self.customer_field: who},
            "name": self.name,
            "properties": present(self.properties, cells),
            "idempotencyKey": f"{self.key_prefix}:{line}",
        }
        if self.time_column and (moment := read_moment(cells, self.time_column, self.zone)):
            item["occurredAt"] = moment
        return item


@dataclass(frozen=True, slots=True)
class PersonShape:
    """How a row becomes one customer of ``identifyMany``. ``fields`` maps the input's fields to columns."""

    fields: Mapping[str, str]
    zone: str
    attributes: Sequence[Column] = field(default=())

    @property
    def columns(self) -> list[str]:
        """The columns that the file must have."""
        return [*self.fields.values(), *(column.source for column in self.attributes)]

    def item(self, line: int, cells: Mapping[str, str]) -> dict[str, Any]:
        item: dict[str, Any] = {}
        for name, column in self.fields.items():
            is_moment = name == "createdAt"
            if value := read_moment(cells, column, self.zone) if is_moment else cells[column].strip():
                item[name] = value
        if not item.keys() & {"externalId", "email", "phone", "anonymousId"}:
            raise BadCell(next(iter(self.fields.values())), "names nobody")
        if attributes := present(self.attributes, cells):
            item["attributes"] = attributes
        return item


Shape = EventShape | PersonShape


def read_rows(path: Path, shape: Shape) -> Iterator[Row]:
    """The records of a UTF-8 CSV file with a header. Raises ValueError when the header lacks a column of ``shape``."""
    lines = _Lines(path)
    records = csv.reader(lines)
    header = [name.strip() for name in next(records, [])]
    if absent := [column for column in shape.columns if column not in header]:
        raise ValueError(f"{path.name} has no column {', '.join(absent)}; it has {', '.join(header) or 'none'}")
    while True:
        line = lines.number + 1
        try:
            cells = next(records)
        except StopIteration:
            return
        except csv.Error as broken:
            yield Row(line, lines.consumed, None, Refusal(line, "INVALID", str(broken)))
            continue
        if cells:
            yield _row(line, lines.consumed, header, cells, shape)


def _row(line: int, end: int, header: Sequence[str], cells: Sequence[str], shape: Shape) -> Row:
    if len(cells) != len(header):
        message = f"has {len(cells)} cells where the header has {len(header)}"
        return Row(line, end, None, Refusal(line, "INVALID", message))
    try:
        "".join(cells).encode()
        return Row(line, end, shape.item(line, dict(zip(header, cells, strict=True))))
    except UnicodeEncodeError:
        return Row(line, end, None, Refusal(line, "INVALID", "is not UTF-8"))
    except BadCell as bad:
        return Row(line, end, None, Refusal(line, "INVALID", bad.message, bad.column))


class _Lines:
    """The lines of a file as text, counting lines and bytes. What is not UTF-8 comes out as lone surrogates."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.number = 0
        self.consumed = 0

    def __iter__(self) -> Iterator[str]:
        with self._file as file:
            for raw in file:
                self.number += 1
                self.consumed += len(raw)
                text = raw.decode("utf-8", "surrogateescape")
                yield text.removeprefix("\ufeff") if self.number == 1 else text


def present(columns: Sequence[Column], cells: Mapping[str, str]) -> dict[str, Any]:
    """The values of the columns whose cells are not empty."""
    return {column.name: value for column in columns if (value := column.value(cells)) is not None}


def read_cell(cells: Mapping[str, str], column: str, read: Callable[[str], Any]) -> Any:
    """The cell read as its type, None when empty. Raises :class:`BadCell`."""
    text = cells[column].strip()
    if not text:
        return None
    try:
        return read(text)
    except ValueError as bad:
        raise BadCell(column, f"{text[:60]!r} {bad}") from bad


def read_moment(cells: Mapping[str, str], column: str, zone: str) -> str | None:
    """The cell's ISO 8601 date or moment as RFC 3339 in UTC; one without an offset is of the timezone ``zone``."""

    def read(text: str) -> str:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as bad:
            raise ValueError("is not an ISO 8601 date or time") from bad
        aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")

    moment: str | None = read_cell(cells, column, read)
    return moment


def _number(kind: type[int] | type[float]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        wanted = f"is not {'a whole number' if kind is int else 'a number'}"
        if not NUMBER.fullmatch(text):
            raise ValueError(wanted)
        try:
            number = kind(text)
            orjson.dumps(number)
        except (ValueError, orjson.JSONEncodeError) as bad:
            raise ValueError(wanted) from bad
        if not math.isfinite(number):
            raise ValueError(wanted)
        return number

    return read


def _boolean(text: str) -> bool:
    word = text.lower()
    if word not in BOOLEANS:
        raise ValueError(f"is not one of {', '.join(BOOLEANS)}")
    return BOOLEANS[word]


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as bad:
        raise ValueError("is not JSON") from bad


BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
READERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": _number(int),
    "float": _number(float),
    "bool": _boolean,
    "json": _json,
}
