"""Limits: a document that is too large, or may read too much, is refused before anything runs, and at once."""

from typing import Any

import orjson
import pytest
from graphql import parse

from app.core.ids import new_id, public_id
from app.runtime import Runtime
from resolvers.planner.limits import TooLarge, check_document
from tests.graph.callers import Caller
from tests.graph.statements import Recorder
from tests.graph.test_mutations import make_things


async def test_what_may_read_too_much_is_refused_before_it_runs(owner: Caller, house: Runtime) -> None:
    text = """{ customers(first: 100) { nodes { events(first: 100) { nodes {
        customer { events(first: 100) { nodes { id } } }
    } } } } }"""
    original = house.database.statements.cell
    recorder = Recorder(house.database)
    try:
        error = await owner.error(text)
        assert recorder.ran == []
    finally:
        house.database.statements.cell = original  # type: ignore[method-assign]
    assert error["extensions"]["code"] == "INVALID"
    assert error["extensions"]["field"] == "query"
    assert error["message"] == ("query: may read 1020100 rows, more than the 20000 allowed; ask for smaller pages")
    assert await owner.data(text.replace("first: 100", "first: 10"))


async def test_pages_are_bounded(owner: Caller) -> None:
    for given, at in (
        ("first: 101", "first"),
        ("first: -1", "first"),
        ("last: 101", "last"),
        ("last: -5", "last"),
        ("first: 1, last: 1", "last"),
        ('after: "nonsense"', "after"),
        ('before: "cn~nonsense"', "before"),
        ('after: "n~2026-01-01T00:00:00.000000Z~0123456789abcdef0123456789abcdef"', "after"),
    ):
        refusal = await owner.refusal(f"{{ customers({given}) {{ nodes {{ id }} }} }}")
        assert refusal == {"code": "INVALID", "field": at}
        nested = await owner.refusal(
            f"{{ customers {{ nodes {{ events({given.replace('n~', 'o~')}) {{ nodes {{ id }} }} }} }} }}"
        )
        assert nested == {"code": "INVALID", "field": at}


async def test_at_most_a_hundred_things_are_found_at_once(owner: Caller) -> None:
    text = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    keys = [public_id("customer", new_id()) for _ in range(101)]
    assert await owner.data(text, ids=keys[:100]) == {"nodes": [None] * 100}
    assert await owner.data(text, ids=[]) == {"nodes": []}
    assert await owner.refusal(text, ids=keys) == {"code": "INVALID", "field": "ids"}
    assert await owner.refusal(text, ids=[keys[0], "nonsense"]) == {"code": "INVALID", "field": "ids.1"}
    assert await owner.refusal('{ node(id: "cust_1") { id } }') == {"code": "INVALID", "field": "id"}


async def test_things_come_in_the_order_in_which_they_were_asked_for(owner: Caller) -> None:
    things = await make_things(owner)
    keys = [things.member, things.customer, public_id("event", new_id()), things.member, things.api_key, things.second]
    found = await owner.data("query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=keys)
    names = ["Member", "Customer", None, "Member", "ApiKey", "Customer"]
    assert found["nodes"] == [name and {"__typename": name, "id": key} for name, key in zip(names, keys, strict=True)]


LONG = "Syntax Error: Document contains more than 2000 tokens. Parsing aborted."
REPEATS = "The same field is repeated more than 100 times in one selection."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ " + "".join(f"a{n}: tenant {{ id }} " for n in range(60)) + "}", None),
        (
            "{ " + "".join(f"a{n}: tenant {{ id }} " for n in range(61)) + "}",
            "The operation has 61 aliases; at most 60 are allowed.",
        ),
        (
            "{ " + "tenant { id } " * 500 + "}",
            "Syntax Error: Document contains more than 2000 tokens. Parsing aborted.",
        ),
        ("{ " + "tenant { id } " * 400 + "}", REPEATS),
        ("{ tenant { " + "id " * 500 + "} }", REPEATS),
        ("{ " + "...{ tenant { id } } " * 200 + "}", REPEATS),
        ("{ " + ("tenant { " + "id " * 30 + "} ") * 30 + "}", REPEATS),
        ("{ " + "...A " * 30 + "} fragment A on Query { tenant { id } }", None),
        (
            "{ tenant { " + " ".join(f"... @include(if: true) {{ a{n}: id }}" for n in range(51)) + " } }",
            "The operation has 51 directives; at most 50 are allowed.",
        ),
        (
            "{ customers { nodes " + "{ mergedInto " * 13 + "{ id }" + " }" * 15,
            "The operation has 16 levels; at most 15 are allowed.",
        ),
    ],
)
async def test_documents_are_bounded(owner: Caller, text: str, message: str | None) -> None:
    answer = await owner.answer(text)
    if message is None:
        assert answer.executed
        assert not answer.partial, answer.body
        return
    assert not answer.executed
    (error,) = orjson.loads(answer.body)["errors"]
    assert (error["message"], error["extensions"]["code"]) == (message, "BAD_REQUEST")


async def test_a_chain_of_doubling_fragments_is_refused(owner: Caller) -> None:
    """2**40 fields, if it were written out."""
    chain = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(40))
    answer = await owner.answer(f"{{ ...F0 }} {chain} fragment F40 on Query {{ tenant {{ id }} }}")
    assert not answer.executed
    assert "millions of fields" in orjson.loads(answer.body)["errors"][0]["message"]


async def test_doubling_through_fields_is_refused(owner: Caller) -> None:
    """Each link doubles under a key of its own, so that nothing of it merges."""
    chain = "".join(
        f"fragment F{n} on Customer {{ a: mergedInto {{ ...F{n + 1} }} b: mergedInto {{ ...F{n + 1} }} }} "
        for n in range(12)
    )
    answer = await owner.answer(
        f'{{ customer(externalId: "x") {{ ...F0 }} }} {chain} fragment F12 on Customer {{ id }}'
    )
    assert not answer.executed


async def test_fragments_inside_themselves_are_refused(owner: Caller) -> None:
    for text in (
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B tenant { id } } fragment B on Query { ...A }",
        '{ customer(id: "x") { ...A } } fragment A on Customer { a: mergedInto { ...A } b: mergedInto { ...A } }',
    ):
        answer = await owner.answer(text)
        assert not answer.executed
        assert "within itself" in orjson.loads(answer.body)["errors"][0]["message"]


def test_measuring_a_document_visits_every_fragment_once() -> None:
    """A chain ten times as long takes ten times as many visits, not 2**10 times."""
    visits = []
    for length in (40, 400):
        chain = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(length))
        document = parse(f"{{ ...F0 }} {chain} fragment F{length} on Query {{ tenant {{ id }} }}")
        counted = _Counted()
        for definition in document.definitions:
            selections = definition.selection_set  # type: ignore[attr-defined]
            object.__setattr__(selections, "selections", _CountedNodes(selections.selections, counted))
        with pytest.raises(TooLarge):
            check_document(document, 15)
        visits.append(counted.count)
    assert visits[1] <= visits[0] * 11


class _Counted:
    count = 0


class _CountedNodes(tuple[Any, ...]):
    """Selections that count how often they are looked through."""

    counted: _Counted

    def __new__(cls, nodes: Any, counted: _Counted) -> "_CountedNodes":
        made = super().__new__(cls, nodes)
        made.counted = counted
        return made

    def __iter__(self) -> Any:
        self.counted.count += len(self)
        return super().__iter__()
