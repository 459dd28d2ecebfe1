"""Every mutation: what it does, what it refuses, and that what was refused left no trace."""

from collections.abc import Callable
from typing import Any

import pytest

from app.core.access import Scope
from app.core.ids import new_id, public_id
from app.runtime import Runtime
from resolvers.schema import schema
from tests.graph.callers import Caller, Json, everything_stored
from tests.graph.campaigning import CAMPAIGNS
from tests.graph.consent import CONSENT
from tests.graph.content import CONTENT
from tests.graph.deliveries import DELIVERIES
from tests.graph.integrations import INTEGRATIONS
from tests.graph.mutations import CUSTOMER, MUTATIONS, PRO, PUBLIC_MUTATIONS, WITHOUT_INPUT, Things, unknown_things
from tests.graph.reporting import REPORTING
from tests.graph.talk import TALK, TALK_PUBLIC, TALK_WITHOUT_INPUT, VISITORS_OWN

SCOPED = sorted(name for name, mutation in MUTATIONS.items() if mutation.scope)
ADDRESSED = sorted(name for name, mutation in MUTATIONS.items() if mutation.refused_at)


def test_every_mutation_is_tested() -> None:
    mutations = schema._schema.mutation_type
    assert mutations is not None
    about_people = MUTATIONS.keys() | PUBLIC_MUTATIONS | WITHOUT_INPUT
    talk = TALK.keys() | VISITORS_OWN.keys() | TALK_PUBLIC | TALK_WITHOUT_INPUT
    sending = REPORTING.keys() | CONTENT.keys() | CONSENT.keys() | INTEGRATIONS.keys()
    sending |= CAMPAIGNS.keys() | DELIVERIES.keys()
    assert set(mutations.fields) == about_people | talk | sending


@pytest.fixture
async def things(owner: Caller) -> Things:
    return await make_things(owner)


async def make_things(owner: Caller) -> Things:
    """One of everything in the owner's tenant."""
    ids = []
    for name in ("one", "two", "three"):
        done = await mutate(owner, "identifyCustomer", {"externalId": name}, CUSTOMER)
        ids.append(done["customer"]["id"])
    merge = await mutate(
        owner, "mergeCustomers", {"winner": {"id": ids[1]}, "loser": {"externalId": "three"}}, "merge { id }"
    )
    await mutate(
        owner, "saveDevice", {"customer": {"id": ids[0]}, "token": "device", "platform": "ios"}, "device { id }"
    )
    invited = {"email": f"{ids[0]}@work.example", "role": "AGENT"}
    member = await mutate(owner, "addMember", invited, "member { id }")
    key = await mutate(owner, "createApiKey", {"name": "k", "scopes": ["events:read"]}, "apiKey { id }")
    segments = [await make_segment(owner, name, rule) for name, rule in (("pros", PRO), ("some", None), ("more", None))]
    return Things(ids[0], ids[1], merge["merge"]["id"], member["member"]["id"], key["apiKey"]["id"], *segments)


async def make_segment(owner: Caller, name: str, rule: Json | None = None) -> str:
    """The id of a new segment."""
    done = await mutate(owner, "createSegment", {"name": name, "rule": rule}, "segment { id }")
    return str(done["segment"]["id"])


def written(name: str, payload: str) -> str:
    """The text of a mutation whose input is a variable."""
    mutations = schema._schema.mutation_type
    assert mutations is not None
    return f"mutation($input: {mutations.fields[name].args['input'].type}) {{ {name}(input: $input) {{ {payload} }} }}"


async def mutate(caller: Caller, name: str, input: Json, payload: str) -> Any:
    """The payload of a mutation that is not refused."""
    return (await caller.data(written(name, payload), input=input))[name]


async def refuse(caller: Caller, name: str, input: Json, payload: str = "__typename") -> Json:
    """Why a mutation is refused; nothing that is stored has changed by it."""
    before = await everything_stored(caller.house)
    refusal = await caller.refusal(written(name, payload), input=input)
    assert await everything_stored(caller.house) == before
    return refusal


# ---- who may, and on what ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(MUTATIONS) - {"changePassword"}))
async def test_mutation_does_what_it_says(owner: Caller, things: Things, name: str) -> None:
    mutation = MUTATIONS[name]
    done = await mutate(owner, name, mutation.input(things), mutation.payload)
    assert done
    if mutation.payload == CUSTOMER:
        assert done == {"customer": {"id": things.customer}}


@pytest.mark.parametrize("name", sorted(MUTATIONS))
async def test_mutation_refuses_nobody(owner: Caller, things: Things, name: str) -> None:
    assert await refuse(owner.nobody, name, MUTATIONS[name].input(things)) == {"code": "UNAUTHENTICATED"}


@pytest.mark.parametrize("name", SCOPED)
async def test_mutation_asks_for_its_scope(owner: Caller, things: Things, name: str) -> None:
    scope = MUTATIONS[name].scope
    assert scope is not None
    refusal = await refuse(owner.without(scope), name, MUTATIONS[name].input(things))
    assert refusal == {"code": "FORBIDDEN", "scope": scope.value}


@pytest.mark.parametrize("name", ADDRESSED)
async def test_mutation_finds_neither_unknown_things_nor_those_of_another_tenant(
    owner: Caller, stranger: Caller, things: Things, name: str
) -> None:
    foreign = await make_things(stranger)
    for absent in (unknown_things(), foreign):
        refusal = await refuse(owner, name, MUTATIONS[name].input(absent))
        assert refusal == {"code": "NOT_FOUND", "field": MUTATIONS[name].refused_at}


# ---- bad input --------------------------------------------------------------------------------------------------

BAD: list[tuple[str, Callable[[Things], Json], str, str]] = [
    ("identifyCustomer", lambda t: {}, "INVALID", "input.externalId"),
    ("identifyCustomer", lambda t: {"externalId": ""}, "INVALID", "input.externalId"),
    ("identifyCustomer", lambda t: {"email": "nonsense"}, "INVALID", "input.email"),
    ("identifyCustomer", lambda t: {"phone": "12"}, "INVALID", "input.phone"),
    ("identifyCustomer", lambda t: {"anonymousId": "\x00"}, "INVALID", "input.anonymousId"),
    ("identifyCustomer", lambda t: {"externalId": "a", "timezone": "Mars"}, "INVALID", "input.timezone"),
    ("identifyCustomer", lambda t: {"externalId": "a", "locale": "?"}, "INVALID", "input.locale"),
    ("identifyCustomer", lambda t: {"externalId": "a", "attributes": [1]}, "INVALID", "input.attributes"),
    ("identifyCustomer", lambda t: {"externalId": "a", "attributes": {"id": 1}}, "INVALID", "input.attributes.id"),
    (
        "identifyCustomer",
        lambda t: {"externalId": "a", "createdAt": "1969-12-31T23:59:59Z"},
        "INVALID",
        "input.createdAt",
    ),
    ("identifyCustomer", lambda t: {"externalId": "one", "email": "x"}, "INVALID", "input.email"),
    ("identifyMany", lambda t: {"customers": []}, "INVALID", "input.customers"),
    ("identifyMany", lambda t: {"customers": [{"externalId": "a"}] * 501}, "INVALID", "input.customers"),
    ("updateCustomer", lambda t: {"id": "nonsense"}, "INVALID", "input.id"),
    ("updateCustomer", lambda t: {"id": t.merge}, "INVALID", "input.id"),
    ("updateCustomer", lambda t: {"id": t.customer, "externalId": "two"}, "IDENTITY_CONFLICT", "input.externalId"),
    ("aliasCustomer", lambda t: {"anonymousId": "", "customer": t.ref()}, "INVALID", "input.anonymousId"),
    ("mergeCustomers", lambda t: {"winner": t.ref(), "loser": t.ref()}, "INVALID", "input.loser"),
    ("mergeCustomers", lambda t: {"winner": t.ref(), "loser": {"id": "x"}}, "INVALID", "input.loser.id"),
    ("mergeCustomers", lambda t: {"winner": t.ref(), "loser": {"externalId": "zzz"}}, "NOT_FOUND", "input.loser"),
    ("unmergeCustomers", lambda t: {"mergeId": t.customer}, "INVALID", "input.mergeId"),
    ("suppressCustomer", lambda t: {"customer": {"id": "x"}}, "INVALID", "input.customer.id"),
    ("suppressCustomer", lambda t: {"customer": {"email": "x"}}, "INVALID", "input.customer"),
    ("deleteCustomer", lambda t: {"customer": {"externalId": "nobody"}}, "NOT_FOUND", "input.customer"),
    ("saveDevice", lambda t: {"customer": t.ref(), "token": "", "platform": "ios"}, "INVALID", "input.token"),
    ("saveDevice", lambda t: {"customer": t.ref(), "token": "t", "platform": "?"}, "INVALID", "input.platform"),
    (
        "saveDevice",
        lambda t: {"customer": t.ref(), "token": "t", "platform": "ios", "attributes": 1},
        "INVALID",
        "input.attributes",
    ),
    (
        "saveDevice",
        lambda t: {"customer": t.ref(), "token": "t", "platform": "ios", "lastUsedAt": "1900-01-01T00:00:00Z"},
        "INVALID",
        "input.lastUsedAt",
    ),
    ("removeDevice", lambda t: {"customer": t.ref(), "token": "unknown"}, "NOT_FOUND", "input.token"),
    ("track", lambda t: {"customer": t.ref(), "name": ""}, "INVALID", "input.name"),
    ("track", lambda t: {"customer": t.ref(), "name": "a", "properties": "x"}, "INVALID", "input.properties"),
    (
        "track",
        lambda t: {"customer": t.ref(), "name": "a", "occurredAt": "2200-01-01T00:00:00Z"},
        "INVALID",
        "input.occurredAt",
    ),
    (
        "track",
        lambda t: {"customer": t.ref(), "name": "a", "idempotencyKey": ""},
        "INVALID",
        "input.idempotencyKey",
    ),
    ("trackMany", lambda t: {"events": []}, "INVALID", "input.events"),
    (
        "trackMany",
        lambda t: {"events": [{"customer": {"id": "x"}, "name": "a"}]},
        "INVALID",
        "input.events.0.customer.id",
    ),
    ("updateTenant", lambda t: {"name": " "}, "INVALID", "input.name"),
    ("addMember", lambda t: {"email": "x", "role": "AGENT"}, "INVALID", "input.email"),
    ("addMember", lambda t: {"email": f"{t.customer}@work.example", "role": "AGENT"}, "CONFLICT", "input.email"),
    ("changeMemberRole", lambda t: {"memberId": t.customer, "role": "AGENT"}, "INVALID", "input.memberId"),
    ("createApiKey", lambda t: {"name": "", "scopes": ["events:read"]}, "INVALID", "input.name"),
    ("createApiKey", lambda t: {"name": "k", "scopes": []}, "INVALID", "input.scopes"),
    ("createApiKey", lambda t: {"name": "k", "scopes": ["x"]}, "INVALID", "input.scopes"),
    (
        "createApiKey",
        lambda t: {"name": "k", "scopes": ["events:read"], "expiresAt": "2020-01-01T00:00:00Z"},
        "INVALID",
        "input.expiresAt",
    ),
    ("createSegment", lambda t: {"name": " "}, "INVALID", "input.name"),
    (
        "createSegment",
        lambda t: {
            "name": "s",
            "rule": {"and": [PRO, {"not": {"identity": {"kind": "email", "is": {"equals": "x"}}}}]},
        },
        "INVALID",
        "input.rule.and.1.not.identity.is.equals",
    ),
    (
        "createSegment",
        lambda t: {"name": "s", "rule": {"segment": {"id": public_id("segment", new_id())}}},
        "INVALID",
        "input.rule.segment.id",
    ),
    ("updateSegment", lambda t: {"segmentId": t.customer}, "INVALID", "input.segmentId"),
    ("updateSegment", lambda t: {"segmentId": t.static, "rule": PRO}, "INVALID", "input.rule"),
    (
        "updateSegment",
        lambda t: {"segmentId": t.segment, "rule": {"segment": {"id": t.segment}}},
        "CONFLICT",
        "input.rule.segment.id",
    ),
    ("refreshSegment", lambda t: {"segmentId": t.static}, "INVALID", "input.segmentId"),
    ("addSegmentMembers", lambda t: {"segmentId": t.segment, "customers": [t.ref()]}, "INVALID", "input.segmentId"),
    ("addSegmentMembers", lambda t: {"segmentId": t.static, "customers": []}, "INVALID", "input.customers"),
    (
        "addSegmentMembers",
        lambda t: {"segmentId": t.static, "customers": [t.ref(), {"id": "x"}]},
        "INVALID",
        "input.customers.1.id",
    ),
    ("removeSegmentMembers", lambda t: {"segmentId": t.segment, "customers": [t.ref()]}, "INVALID", "input.segmentId"),
    ("importSegmentMembers", lambda t: {"segmentId": t.static, "csv": "colour\nred"}, "INVALID", "input.csv"),
    (
        "importSegmentMembers",
        lambda t: {"segmentId": t.static, "csv": "id\nx", "column": "colour"},
        "INVALID",
        "input.column",
    ),
    (
        "copySegmentMembers",
        lambda t: {"segmentId": t.static, "fromSegmentId": t.customer},
        "INVALID",
        "input.fromSegmentId",
    ),
    ("changePassword", lambda t: {"current": "x", "new": "short"}, "INVALID", "input.new"),
    ("changePassword", lambda t: {"current": "x", "new": "long enough it is"}, "INVALID", "input.current"),
]


@pytest.mark.parametrize(
    ("name", "bad", "code", "at"), BAD, ids=[f"{place}-{case[0]}-{case[3]}" for place, case in enumerate(BAD)]
)
async def test_mutation_says_what_is_wrong_and_where(
    owner: Caller, things: Things, name: str, bad: Callable[[Things], Json], code: str, at: str
) -> None:
    assert await refuse(owner, name, bad(things)) == {"code": code, "field": at}


async def test_all_that_is_wrong_is_listed(owner: Caller) -> None:
    error = await owner.error(written("identifyCustomer", CUSTOMER), input={"email": "x", "locale": "?"})
    assert [issue["field"] for issue in error["extensions"]["issues"]] == ["input.email", "input.locale"]
    assert error["path"] == ["identifyCustomer"]


async def test_one_name_of_a_customer_must_be_given(owner: Caller) -> None:
    for ref in ({}, {"id": "x", "email": "a@example.com"}, {"email": None}):
        answer = await owner.answer(written("suppressCustomer", CUSTOMER), input={"customer": ref})
        assert not answer.executed


# ---- several at once --------------------------------------------------------------------------------------------


async def test_a_bad_item_of_identify_many_does_not_stop_the_others(owner: Caller) -> None:
    customers = [{"externalId": "good"}, {"email": "bad"}, {"externalId": "fine", "attributes": {"email": 1}}]
    payload = "results { customerId created changed error { code message field } }"
    results = (await mutate(owner, "identifyMany", {"customers": customers}, payload))["results"]
    assert [result["created"] for result in results] == [True, False, False]
    assert results[0]["error"] is None
    assert results[1]["customerId"] is None
    assert [result["error"] and (result["error"]["code"], result["error"]["field"]) for result in results] == [
        None,
        ("INVALID", "email"),
        ("INVALID", "attributes.email"),
    ]


async def test_a_bad_item_of_track_many_does_not_stop_the_others(owner: Caller) -> None:
    person, absent = {"externalId": "p"}, {"id": public_id("customer", new_id())}
    events = [
        {"customer": person, "name": "a", "idempotencyKey": "k"},
        {"customer": person, "name": ""},
        {"customer": absent, "name": "a"},
        {"customer": person, "name": "a", "idempotencyKey": "k"},
        {"customer": {"anonymousId": "b"}, "name": "a", "occurredAt": "1960-01-01T00:00:00Z"},
        {"customer": {"anonymousId": "b"}, "name": "a"},
    ]
    payload = "results { eventId customerId duplicate error { code field } }"
    results = (await mutate(owner, "trackMany", {"events": events}, payload))["results"]
    assert [result["error"] and (result["error"]["code"], result["error"]["field"]) for result in results] == [
        None,
        ("INVALID", "name"),
        ("NOT_FOUND", "customer"),
        None,
        ("INVALID", "occurredAt"),
        None,
    ]
    assert results[3] == {**results[0], "duplicate": True}
    assert results[5]["customerId"] is None
    assert len((await owner.data("{ events { nodes { id } } }"))["events"]["nodes"]) == 2


async def test_mutations_of_one_request_run_in_order_and_each_alone(owner: Caller, house: Runtime) -> None:
    text = """mutation {
        a: identifyCustomer(input: {externalId: "x"}) { created ...Name }
        b: identifyCustomer(input: {email: "nonsense"}) { created }
        c: identifyCustomer(input: {externalId: "x", locale: "de"}) { created ...Name customer { locale } }
    } fragment Name on IdentifyCustomerPayload { customer { externalId } }"""
    found = await owner.ask(text)
    assert found["data"] is None
    assert [error["path"] for error in found["errors"]] == [["b"]]
    named = await owner.data('{ customer(externalId: "x") { locale } }')
    assert named["customer"] == {"locale": None}  # a null that reaches the root ends the operation


async def test_payloads_that_share_a_fragment_have_what_each_asks_for(owner: Caller) -> None:
    await mutate(owner, "identifyCustomer", {"externalId": "x"}, CUSTOMER)
    ref = '(input: {customer: {externalId: "x"}})'
    found = await owner.data(
        f"mutation {{ a: suppressCustomer{ref} {{ ...F }}"
        f" b: unsuppressCustomer{ref} {{ ...F customer {{ locale }} }} }}"
        " fragment F on CustomerPayload { customer { suppressed } }"
    )
    assert found == {"a": {"customer": {"suppressed": True}}, "b": {"customer": {"suppressed": False, "locale": None}}}


async def test_a_wrong_argument_in_a_payload_is_not_blamed_on_the_input(owner: Caller) -> None:
    payload = "customer { events(first: 500) { totalCount } }"
    refusal = await owner.refusal(written("identifyCustomer", payload), input={"externalId": "x"})
    assert refusal == {"code": "INVALID", "field": "first"}


async def test_a_payload_that_the_caller_may_not_have_is_refused_before_anything_is_done(
    house: Runtime, owner: Caller
) -> None:
    """Also one that costs too much: the refusal would come too late once the change is committed."""
    writer = owner.key(Scope.CUSTOMERS_WRITE)
    text = "mutation { identifyCustomer(input: {externalId: "
    before = await everything_stored(house)
    assert await writer.refusal(text + '"unread"}) { customer { id } } }') == {
        "code": "FORBIDDEN", "scope": "customers:read"
    }  # fmt: skip
    greedy = "customer { events(first: 100) { nodes { customer { events(first: 100) { nodes { name id } } } } } }"
    greedy = greedy.replace("name", "customer { events(first: 100) { totalCount } }")
    costly = await owner.refusal(text + '"greedy"}) { ' + greedy + " } }")
    assert costly["code"] == "INVALID"
    assert await everything_stored(house) == before
    assert (await writer.data(text + '"blind"}) { created } }'))["identifyCustomer"] == {"created": True}
