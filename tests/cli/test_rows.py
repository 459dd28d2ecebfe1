"""Rows of a CSV file become items of the graph's input, or say by line and column why not."""

from pathlib import Path

import pytest

from app.cli.loading.rows import Column, EventShape, PersonShape, Refusal, Row, read_rows

PURCHASES = EventShape(
    name="purchase",
    customer_column="customer_id",
    customer_field="externalId",
    time_column="date",
    zone="UTC",
    key_prefix="p",
    properties=(Column.parse("items:int"), Column.parse("paid=amount:float")),
)
HEADER = "customer_id,date,items,amount\n"


def rows(tmp_path: Path, content: str | bytes, shape: EventShape | PersonShape = PURCHASES) -> list[Row]:
    file = tmp_path / "rows.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_rows(file, shape))


def test_a_row_becomes_an_event_keyed_by_its_line(tmp_path: Path) -> None:
    first, second = rows(tmp_path, HEADER + "00001,1997-01-01,1,11.77\n00001,1997-01-01,1,11.77\n")
    assert first.item == {
        "customer": {"externalId": "00001"},
        "name": "purchase",
        "properties": {"items": 1, "paid": 11.77},
        "idempotencyKey": "p:2",
        "occurredAt": "1997-01-01T00:00:00Z",
    }
    assert second.item is not None and second.item["idempotencyKey"] == "p:3"


def test_lines_are_those_of_the_file_even_after_a_cell_with_line_breaks(tmp_path: Path) -> None:
    shape = PersonShape({"email": "email"}, "UTC", (Column.parse("note"),))
    content = 'email,note\na@x.io,"one\ntwo\nthree"\n\nb@x.io,last\n'
    read = rows(tmp_path, content, shape)
    assert [(row.line, row.item) for row in read] == [
        (2, {"email": "a@x.io", "attributes": {"note": "one\ntwo\nthree"}}),
        (6, {"email": "b@x.io", "attributes": {"note": "last"}}),
    ]
    assert read[-1].end == len(content)


def test_an_empty_cell_says_nothing(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, HEADER + "7,,,\n")
    assert row.item == {"customer": {"externalId": "7"}, "name": "purchase", "properties": {}, "idempotencyKey": "p:2"}


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        (",1997-01-01,1,2", "customer_id", "is empty"),
        ("7,yesterday,1,2", "date", "'yesterday' is not an ISO 8601 date or time"),
        ("7,1997-01-01,one,2", "items", "'one' is not a whole number"),
        ("7,1997-01-01,1_000,2", "items", "'1_000' is not a whole number"),
        ("7,1997-01-01,99999999999999999999,2", "items", "'99999999999999999999' is not a whole number"),
        ("7,1997-01-01,1,nan", "amount", "'nan' is not a number"),
        ("7,1997-01-01,1,1e999", "amount", "'1e999' is not a number"),
        ("7,1997-01-01,1", None, "has 3 cells where the header has 4"),
        ("7,1997-01-01,1,2,3", None, "has 5 cells where the header has 4"),
    ],
)
def test_a_bad_row_is_refused_and_the_next_is_read(tmp_path: Path, line: str, field: str | None, message: str) -> None:
    bad, good = rows(tmp_path, f"{HEADER}{line}\n8,1997-01-02,1,2\n")
    assert (bad.item, bad.refusal) == (None, Refusal(2, "INVALID", message, field))
    assert good.refusal is None and good.item is not None


def test_what_is_not_utf8_is_refused(tmp_path: Path) -> None:
    bad, good = rows(tmp_path, b"customer_id,date,items,amount\nJos\xe9,,1,1\n8,,1,1\n")
    assert bad.refusal == Refusal(2, "INVALID", "is not UTF-8")
    assert good.item is not None


def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_the_data(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, b"\xef\xbb\xbfcustomer_id,date,items,amount\r\n7,,1,2.5\r\n")
    assert row.item is not None
    assert (row.item["customer"], row.item["properties"]) == ({"externalId": "7"}, {"items": 1, "paid": 2.5})


def test_times_without_an_offset_are_of_the_given_timezone(tmp_path: Path) -> None:
    shape = PersonShape({"externalId": "id", "createdAt": "since"}, "Europe/Paris")
    read = rows(tmp_path, "id,since\n1,2024-07-01 12:00\n2,2024-01-01T12:00:00+09:00\n", shape)
    assert [row.item for row in read] == [
        {"externalId": "1", "createdAt": "2024-07-01T10:00:00Z"},
        {"externalId": "2", "createdAt": "2024-01-01T03:00:00Z"},
    ]


def test_typed_cells(tmp_path: Path) -> None:
    columns = tuple(Column.parse(text) for text in ("a:bool", "b:json", "c:str", "d:float", "e:int"))
    (row,) = rows(
        tmp_path,
        'id,a,b,c,d,e\n1,yes,"[1, {""x"": null}]",007,-1.5e3,-4\n',
        PersonShape({"externalId": "id"}, "UTC", columns),
    )
    assert row.item is not None
    assert row.item["attributes"] == {"a": True, "b": [1, {"x": None}], "c": "007", "d": -1500.0, "e": -4}


def test_a_person_without_a_name_is_refused(tmp_path: Path) -> None:
    shape = PersonShape({"email": "email", "locale": "locale"}, "UTC")
    (row,) = rows(tmp_path, "email,locale\n,de\n", shape)
    assert row.refusal == Refusal(2, "INVALID", "names nobody", "email")


@pytest.mark.parametrize("content", ["", "id,date\n1,2\n"])
def test_a_file_without_the_columns_is_refused_whole(tmp_path: Path, content: str) -> None:
    with pytest.raises(ValueError, match="has no column customer_id"):
        rows(tmp_path, content)


@pytest.mark.parametrize("text", ["a:date", "x=", "=:int", ""])
def test_a_column_must_be_said_as_documented(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        Column.parse(text)
