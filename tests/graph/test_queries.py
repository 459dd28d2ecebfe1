"""Queries: who may read what, what is too much, and what a client gets wrong."""

from typing import Any
from uuid import UUID

import orjson
import pytest
from graphql import build_client_schema, get_introspection_query, print_schema

from app.core.access import Scope
from app.core.ids import new_id, public_id
from app.core.settings import Settings
from app.runtime import Runtime
from asgi import create_runtime
from resolvers.engine import GraphEngine
from resolvers.protocol import GraphRequest
from tests.graph.callers import Caller
from tests.graph.mutations import CUSTOMER
from tests.graph.statements import Recorder
from tests.graph.test_mutations import make_things, mutate
from tests.tenants import create_tenant

READ = Scope.CUSTOMERS_READ


# ---- scopes -----------------------------------------------------------------------------------------------------


async def test_a_key_reads_only_what_its_scopes_cover(owner: Caller) -> None:
    key = owner.key(READ)
    assert await key.data("{ customers { totalCount nodes { email identities { value } } } }")
    error = await key.error("{ customers { nodes { events { totalCount } } } }")
    assert error["message"] == "events needs the scope events:read."
    assert error["extensions"] == {"code": "FORBIDDEN", "scope": "events:read"}
    error = await key.error("{ customers { nodes { lastEvent { name } } } }")
    assert error["message"] == "lastEvent needs the scope events:read."


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("{ customers { totalCount } }", READ),
        ('{ customer(externalId: "x") { id } }', READ),
        ("{ events { totalCount } }", Scope.EVENTS_READ),
        ("{ members { totalCount } }", Scope.MEMBERS_READ),
        ("{ apiKeys { totalCount } }", Scope.API_KEYS_READ),
        ("{ auditLog { totalCount } }", Scope.AUDIT_READ),
        ("{ outbox { totalCount } }", Scope.OUTBOX_READ),
    ],
)
async def test_a_list_asks_for_its_scope(owner: Caller, text: str, scope: Scope) -> None:
    assert await owner.without(scope).refusal(text) == {"code": "FORBIDDEN", "scope": scope.value}
    assert await owner.nobody.refusal(text) == {"code": "UNAUTHENTICATED"}
    assert await owner.key(scope).data(text)


async def test_anything_found_by_its_id_asks_for_the_scope_of_its_kind(owner: Caller) -> None:
    things = await make_things(owner)
    for key, scope in (
        (things.customer, READ),
        (things.merge, READ),
        (things.member, Scope.MEMBERS_READ),
        (things.api_key, Scope.API_KEYS_READ),
    ):
        for text in ("query($id: ID!) { node(id: $id) { id } }", "query($id: ID!) { nodes(ids: [$id]) { id } }"):
            refusal = await owner.without(scope).refusal(text, id=key)
            assert refusal == {"code": "FORBIDDEN", "scope": scope.value}
            assert await owner.key(scope).data(text, id=key) in ({"node": {"id": key}}, {"nodes": [{"id": key}]})


async def test_a_scope_is_asked_for_even_where_there_is_nothing_to_read(owner: Caller) -> None:
    key = owner.without(Scope.MEMBERS_READ)
    assert (await key.refusal("{ apiKeys { nodes { createdBy { id } } } }"))["scope"] == "members:read"


# ---- tenants ----------------------------------------------------------------------------------------------------


async def test_nothing_of_another_tenant_is_found(owner: Caller, stranger: Caller) -> None:
    foreign = await make_things(stranger)
    await mutate(stranger, "track", {"customer": {"id": foreign.customer}, "name": "secret"}, "event { id }")
    viewer = await stranger.data("{ viewer { member { id } } tenant { id } events { nodes { id } } }")
    keys = [
        foreign.customer,
        foreign.second,
        foreign.merge,
        foreign.member,
        foreign.api_key,
        viewer["viewer"]["member"]["id"],
        viewer["tenant"]["id"],
        viewer["events"]["nodes"][0]["id"],
        public_id("user", stranger.principal.id or UUID(int=0)),
        public_id("job", new_id()),
    ]
    found = await owner.data("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=keys)
    assert found["nodes"] == [None] * len(keys)
    for key in keys:
        assert await owner.data("query($id: ID!) { node(id: $id) { id } }", id=key) == {"node": None}
    found = await owner.data(
        """query($id: ID!, $subject: ID!) {
            byId: customer(id: $id) { id }
            byName: customer(externalId: "one") { id }
            customers { totalCount }
            searched: customers(filter: {search: "one"}) { nodes { id } }
            events(names: ["secret"]) { totalCount }
            auditLog(subjectId: $subject) { totalCount }
            outbox { totalCount }
            apiKeys { totalCount }
            members { totalCount }
        }""",
        id=foreign.customer,
        subject=foreign.api_key,
    )
    assert found == {
        "byId": None,
        "byName": None,
        "customers": {"totalCount": 0},
        "searched": {"nodes": []},
        "events": {"totalCount": 0},
        "auditLog": {"totalCount": 0},
        "outbox": {"totalCount": 0},
        "apiKeys": {"totalCount": 0},
        "members": {"totalCount": 1},
    }


async def test_a_cursor_of_another_tenant_only_says_a_place(owner: Caller, stranger: Caller) -> None:
    await make_things(owner)
    await make_things(stranger)
    text = "query($after: String) { customers(after: $after) { totalCount nodes { externalId } edges { cursor } } }"
    cursors = [edge["cursor"] for edge in (await stranger.data(text))["customers"]["edges"]]
    for cursor in cursors:
        found = (await owner.data(text, after=cursor))["customers"]
        assert found["totalCount"] == 2
        assert found["nodes"] in ([], [{"externalId": "two"}, {"externalId": "one"}])


async def test_one_statement_answers_one_root_field(owner: Caller, house: Runtime) -> None:
    await make_things(owner)
    statements = house.database.statements
    original = statements.cell
    recorder = Recorder(house.database)
    try:
        await owner.data("{ customers { nodes { identities { value } devices { token } events { totalCount } } } }")
        assert len(recorder.ran) == 1
        await owner.data("{ a: tenant { id } b: tenant { id } members { nodes { name email } } __typename }")
        assert len(recorder.ran) == 4
        await owner.data("{ viewer { kind label scopes } }")
        assert len(recorder.ran) == 4
        await owner.data("{ viewer { member { name } } tenant { id } }")
        assert len(recorder.ran) == 6
        recorder.check(owner.principal.tenant_id or UUID(int=0))
    finally:
        statements.cell = original  # type: ignore[method-assign]


# ---- what a client gets wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{", {}),
        ("{ nothing }", {}),
        ('{ customers(first: "x") { totalCount } }', {}),
        ("query A { tenant { id } } query B { tenant { id } }", {}),
        ("query($id: ID!) { node(id: $id) { id } }", {}),
        ("query($id: ID!) { node(id: $id) { id } }", {"id": None}),
        ("query($id: ID!) { node(id: $id) { id } }", {"id": {}}),
        ("query($n: Int) { customers(first: $n) { totalCount } }", {"n": "1"}),
        ("query($n: Int) { customers(first: $n) { totalCount } }", {"n": 2**31}),
        ("query($n: Int) { customers(first: $n) { totalCount } }", {"n": 1.5}),
        ("query($n: [String!]) { events(names: $n) { totalCount } }", {"n": [1]}),
        ("query($n: [String!]) { events(names: $n) { totalCount } }", {"n": [None]}),
        ("query($s: DateTime) { events(since: $s) { totalCount } }", {"s": "yesterday"}),
        ("query($s: DateTime) { events(since: $s) { totalCount } }", {"s": "2026-01-01T00:00:00"}),
        ("query($s: DateTime) { events(since: $s) { totalCount } }", {"s": 5}),
        ("query($o: EventOrder!) { events(orderBy: $o) { totalCount } }", {"o": "newest"}),
        ("query($f: CustomerFilter) { customers(filter: $f) { totalCount } }", {"f": {"nothing": 1}}),
        ("query($f: CustomerFilter) { customers(filter: $f) { totalCount } }", {"f": {"status": "GONE"}}),
        ("query($b: Boolean = true) { tenant @include(if: $b) { id } }", {"b": None}),
        ('subscription { customerChanged(customerId: "x") { __typename } }', {}),
    ],
)
async def test_a_wrong_request_is_refused_before_anything_runs(
    owner: Caller, text: str, variables: dict[str, Any]
) -> None:
    answer = await owner.answer(text, **variables)
    assert not answer.executed
    found = orjson.loads(answer.body)
    assert "data" not in found
    assert {error["extensions"]["code"] for error in found["errors"]} == {"BAD_REQUEST"}


@pytest.mark.parametrize(
    "text",
    [
        "query($o: CustomerOrder = CREATED_NEWEST) { customers(orderBy: $o) { totalCount } }",
        "query($o: EventOrder) { customers { nodes { events(orderBy: $o) { totalCount } } } }",
        "query($o: Boolean = true) { customers { nodes @include(if: $o) { id } } }",
    ],
)
async def test_null_where_a_default_would_have_stood_is_refused(owner: Caller, text: str) -> None:
    assert await owner.data(text)
    found = await owner.ask(text, o=None)
    assert found["data"] is None
    assert found["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
    assert found["errors"][0]["path"] == ["customers"]


async def test_exactly_one_name_finds_a_customer(owner: Caller) -> None:
    await mutate(owner, "identifyCustomer", {"externalId": "x", "email": "Mixed@Example.com"}, CUSTOMER)
    wrong = {"code": "INVALID", "field": "id"}
    assert await owner.refusal("{ customer { id } }") == wrong
    assert await owner.refusal('{ customer(externalId: "x", email: "y") { id } }') == wrong
    assert await owner.refusal("{ customer(id: null, email: null) { id } }") == wrong
    found = await owner.data('{ customer(id: null, email: "mixed@EXAMPLE.com") { externalId email } }')
    assert found["customer"] == {"externalId": "x", "email": "mixed@example.com"}
    refusal = await owner.refusal("query($x: String) { customer(externalId: $x) { id } }", x="\x00")
    assert refusal == {"code": "INVALID", "field": "externalId"}


async def test_a_refused_field_that_may_be_null_leaves_the_others(owner: Caller) -> None:
    found = await owner.ask('{ node(id: "x") { id } tenant { __typename } }')
    assert found["data"] == {"node": None, "tenant": {"__typename": "Tenant"}}
    assert found["errors"][0]["path"] == ["node"]
    found = await owner.ask("{ tenant { id } customers(first: 500) { totalCount } }")
    assert found["data"] is None


async def test_searching_finds_any_part_whatever_its_case(owner: Caller) -> None:
    await mutate(owner, "identifyCustomer", {"externalId": "Größe_1", "attributes": {"city": "München"}}, CUSTOMER)
    await mutate(
        owner, "identifyCustomer", {"externalId": "other%", "attributes": {"n": [{"deep": "Ärzte"}]}}, CUSTOMER
    )
    text = "query($s: String) { customers(filter: {search: $s}) { nodes { externalId } } }"
    for search, expected in (
        ("GR", ["Größe_1"]),
        ("größe", ["Größe_1"]),
        ("München", ["Größe_1"]),
        ("Ärzte", ["other%"]),
        ("_1", ["Größe_1"]),
        ("_", ["Größe_1"]),
        ("%", ["other%"]),
        ("e", ["other%", "Größe_1"]),
        ("\\", []),
        ("absent", []),
    ):
        found = await owner.data(text, s=search)
        assert [node["externalId"] for node in found["customers"]["nodes"]] == expected, search


async def test_introspection_works(owner: Caller) -> None:
    found = await owner.data(get_introspection_query(input_value_deprecation=True, specified_by_url=True))
    assert "type Customer implements Node" in print_schema(build_client_schema(found))
    mixed = await owner.data(
        '{ __schema { queryType { name } } __type(name: "Node") { name } __typename tenant { __typename } }'
    )
    assert mixed == {
        "__schema": {"queryType": {"name": "Query"}},
        "__type": {"name": "Node"},
        "__typename": "Query",
        "tenant": {"__typename": "Tenant"},
    }
    assert (await owner.nobody.data("{ __schema { queryType { name } } }"))["__schema"]


# ---- what we get wrong ------------------------------------------------------------------------------------------


async def test_what_we_did_not_expect_is_shown_without_its_message(settings: Settings) -> None:
    account = await create_tenant(settings, "Broken")
    runtime = create_runtime(settings, runs_jobs=False)
    await runtime.start()
    engine = GraphEngine(runtime)
    caller = Caller(engine, runtime, account.principal.through("graph", "request-7"))
    await runtime.stop()
    masked = {
        "message": "Something went wrong here; it has been noted.",
        "locations": [{"line": 1, "column": 3}],
        "path": ["tenant"],
        "extensions": {"code": "INTERNAL", "requestId": "request-7"},
    }
    assert await caller.ask("{ tenant { id } }") == {"data": None, "errors": [masked]}
    found = await caller.ask('{ node(id: "tn_00000000000000000000000000000000") { id } viewer { kind } }')
    assert found["data"]["node"] is None
    assert found["errors"][0]["extensions"]["code"] == "INTERNAL"


def test_an_operation_is_told_by_its_name(engine: GraphEngine) -> None:
    text = """query A { tenant { id } } mutation B { resendVerification { done } }
        subscription C { customerChanged(customerId: 1) { __typename } }"""
    kinds = [engine.kind(GraphRequest(text, {}, name)) for name in ("A", "B", "C", "D", None)]
    assert kinds == ["query", "mutation", "subscription", None, None]
    assert engine.kind(GraphRequest("{ nothing }")) is None


async def test_pages_walk_through_equal_moments_once_each_way(owner: Caller) -> None:
    person = {"externalId": "p"}
    moment = "2026-01-01T00:00:00Z"
    events = [{"customer": person, "name": f"e{n}", "occurredAt": moment} for n in range(7)]
    await mutate(owner, "trackMany", {"events": events}, "results { eventId }")
    text = """query($first: Int, $after: String, $last: Int, $before: String, $orderBy: EventOrder!) {
        events(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy) {
            nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
    }"""
    for order in ("NEWEST", "OLDEST"):
        whole = (await owner.data(text, orderBy=order))["events"]
        names = [node["name"] for node in whole["nodes"]]
        assert sorted(names) == [f"e{n}" for n in range(7)]
        forward: list[str] = []
        place: dict[str, Any] = {"first": 3}
        while True:
            page = (await owner.data(text, orderBy=order, **place))["events"]
            forward += [node["name"] for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            place["after"] = page["pageInfo"]["endCursor"]
        backward: list[str] = []
        place = {"last": 3}
        while True:
            page = (await owner.data(text, orderBy=order, **place))["events"]
            backward = [node["name"] for node in page["nodes"]] + backward
            if not page["pageInfo"]["hasPreviousPage"]:
                break
            place["before"] = page["pageInfo"]["startCursor"]
        assert forward == backward == names


@pytest.mark.parametrize("people", [0, 3])
async def test_a_page_of_which_nothing_is_asked_for_is_still_one_page(owner: Caller, people: int) -> None:
    """Only constants and a count: no row of the page makes a text of its own, and none is needed."""
    for number in range(people):
        await mutate(owner, "identifyCustomer", {"externalId": f"{number}"}, CUSTOMER)
    found = await owner.data(
        "{ a: customers { pageInfo { hasPreviousPage } } b: customers(last: 1) { pageInfo { hasNextPage __typename } }"
        " c: customers { totalCount } d: customers { __typename } e: customers { edges { __typename } } }"
    )
    assert found == {
        "a": {"pageInfo": {"hasPreviousPage": False}},
        "b": {"pageInfo": {"hasNextPage": False, "__typename": "PageInfo"}},
        "c": {"totalCount": people},
        "d": {"__typename": "CustomerConnection"},
        "e": {"edges": [{"__typename": "CustomerEdge"}] * people},
    }


async def test_the_deepest_document_is_answered(owner: Caller) -> None:
    key = (await mutate(owner, "identifyCustomer", {"externalId": "p"}, CUSTOMER))["customer"]["id"]
    await mutate(owner, "track", {"customer": {"id": key}, "name": "a"}, "event { id }")
    text = "{ customers { nodes { " + "lastEvent { customer { " * 6 + "id" + " } }" * 6 + " } } }"
    (found,) = (await owner.data(text))["customers"]["nodes"]
    for _ in range(6):
        found = found["lastEvent"]["customer"]
    assert found == {"id": key}
