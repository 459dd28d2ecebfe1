"""Identify, update and alias: who is who, what is stored, and what is refused without a trace."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.actions.customers import CustomerFacts, CustomerRef, Identified, alias, get_customer, identify_many
from app.actions.customers import update_customer as update
from app.core import clock
from app.core.access import Scope
from app.core.errors import Forbidden, IdentityConflict, Invalid, NotFound
from models import Consent, Customer, Event, Identity, Merge
from tests.actions.people import People, anon, by_id, ext


async def test_everything_said_is_stored_in_its_one_form(people: People) -> None:
    born = datetime(2024, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)
    result = await people.identify(
        external_id="u1",
        email="Ada.Lovelace@EXAMPLE.com",
        phone="+1 (415) 555-2671",
        anonymous_id="browser",
        attributes={"plan": "pro", "age": 36, "score": 1.5, "vip": True, "tags": ["a", {"b": None}]},
        timezone="Europe/London",
        locale="en_gb",
        consents={"email": "subscribed", "sms": "unsubscribed"},
        created_at=born,
    )
    assert result == Identified(result.customer_id, created=True, changed=True)
    view = await people.read(get_customer, ext("u1"))
    assert view.id == result.customer_id
    assert view.status == "active"
    assert (view.external_id, view.email, view.phone) == ("u1", "ada.lovelace@example.com", "+14155552671")
    assert view.anonymous_ids == ["browser"]
    assert view.attributes == {"plan": "pro", "age": 36, "score": 1.5, "vip": True, "tags": ["a", {"b": None}]}
    assert view.attributes["vip"] is True
    assert (view.timezone, view.locale, view.created_at) == ("Europe/London", "en-GB", born)
    assert view.consents == {"email": "subscribed", "sms": "unsubscribed"}
    assert {(row["kind"], row["is_primary"], row["source"]) for row in await people.rows(Identity)} == {
        ("external_id", True, "graph"),
        ("email", True, "graph"),
        ("phone", True, "graph"),
        ("anonymous_id", False, "graph"),
    }
    assert await people.feed(result.customer_id) == [("customer", result.customer_id, {"change": "identified"})]


async def test_saying_the_same_again_changes_nothing(people: People) -> None:
    facts = {
        "external_id": "u1",
        "email": "a@example.com",
        "anonymous_id": "b1",
        "attributes": {"plan": "pro", "n": 1.0, "big": 1e16},
        "consents": {"email": "subscribed"},
        "locale": "en",
    }
    first = await people.identify(**facts)
    before = await people.everything()
    again = await people.identify(**facts | {"attributes": {"plan": "pro", "n": 1, "gone": None}})
    assert again == Identified(first.customer_id, created=False, changed=False)
    assert await people.everything() == before


async def test_a_number_and_a_boolean_are_different_attributes(people: People) -> None:
    await people.identify(external_id="u1", attributes={"vip": 1, "deep": [1]})
    assert (await people.identify(external_id="u1", attributes={"vip": True})).changed
    assert (await people.identify(external_id="u1", attributes={"deep": [True]})).changed
    (row,) = await people.rows(Customer)
    assert row["attributes"]["vip"] is True
    assert row["attributes"]["deep"][0] is True


async def test_an_attribute_of_none_is_removed_and_others_stay(people: People) -> None:
    await people.identify(external_id="u1", attributes={"plan": "pro", "city": "Rome"})
    result = await people.identify(external_id="u1", attributes={"plan": None, "never": None})
    assert result.changed
    (row,) = await people.rows(Customer)
    assert row["attributes"] == {"city": "Rome"}
    assert await people.changes(result.customer_id) == ["identified", "updated"]


async def test_a_new_email_replaces_the_old_one_which_is_free_again(people: People) -> None:
    one = await people.identify(external_id="u1", email="old@example.com")
    assert (await people.identify(external_id="u1", email="new@example.com")).changed
    two = await people.identify(email="old@example.com")
    assert two.created
    assert await people.names() == {
        ("external_id", "u1"): one.customer_id,
        ("email", "new@example.com"): one.customer_id,
        ("email", "old@example.com"): two.customer_id,
    }


async def test_an_external_id_is_added_to_somebody_found_by_a_weaker_name(people: People) -> None:
    one = await people.identify(email="a@example.com")
    assert await people.identify(email="a@example.com", external_id="u1") == replace(one, created=False)
    assert (await people.names())["external_id", "u1"] == one.customer_id


KNOWN: tuple[dict[str, Any], ...] = (
    {"external_id": "u1", "email": "one@example.com", "phone": "+14155550001", "anonymous_id": "b1"},
    {"external_id": "u2", "email": "two@example.com", "phone": "+14155550002", "anonymous_id": "b2"},
    {"email": "three@example.com", "phone": "+14155550003"},
)


@pytest.mark.parametrize(
    ("facts", "fields"),
    [
        ({"external_id": "u1", "email": "two@example.com"}, ["email"]),
        ({"external_id": "u1", "phone": "+14155550002", "anonymous_id": "b2"}, ["phone", "anonymous_id"]),
        ({"external_id": "u1", "anonymous_id": "b2"}, ["anonymous_id"]),
        ({"email": "one@example.com", "phone": "+14155550003"}, ["phone"]),
        ({"external_id": "new", "email": "one@example.com"}, ["external_id"]),
        ({"external_id": "new", "phone": "+14155550001"}, ["external_id"]),
        ({"external_id": "new", "anonymous_id": "b1"}, ["external_id"]),
        ({"email": "new@example.com", "phone": "+14155550003"}, ["email"]),
        ({"email": "new@example.com", "anonymous_id": "b1"}, ["email"]),
    ],
)
async def test_names_of_two_people_are_a_conflict(people: People, facts: dict[str, Any], fields: list[str]) -> None:
    for known in KNOWN:
        await people.identify(**known)
    before = await people.everything()
    with pytest.raises(IdentityConflict) as refusal:
        await people.identify(**facts, attributes={"left": "a trace"})
    assert [issue.path for issue in refusal.value.issues] == fields
    assert refusal.value.field == fields[0]
    assert await people.everything() == before


async def test_a_browsers_events_join_whoever_it_turns_out_to_be(people: People) -> None:
    start = clock.now() - timedelta(hours=2)
    late = await people.track(anon("b1"), "late", occurred_at=start + timedelta(hours=1))
    early = await people.track(anon("b1"), "early", occurred_at=start)
    await people.track(anon("b2"), "elsewhere")
    assert (late.customer_id, early.customer_id) == (None, None)
    result = await people.identify(external_id="u1", anonymous_id="b1")
    owners = {row["name"]: row["customer_id"] for row in await people.rows(Event)}
    assert owners == {"late": result.customer_id, "early": result.customer_id, "elsewhere": None}
    assert await people.feed(result.customer_id) == [
        ("customer", result.customer_id, {"change": "identified"}),
        ("event", early.event_id, {"name": "early"}),
        ("event", late.event_id, {"name": "late"}),
    ]
    assert (await people.track(anon("b1"), "after")).customer_id == result.customer_id


async def test_two_browsers_of_one_person_become_one_customer(people: People) -> None:
    nameless = await people.identify(anonymous_id="phone", attributes={"seen": "phone", "theme": "dark"})
    event = await people.track(anon("phone"))
    known = await people.identify(external_id="u1", anonymous_id="laptop", attributes={"seen": "laptop"})
    result = await people.identify(external_id="u1", anonymous_id="phone")
    assert result == Identified(known.customer_id, created=False, changed=True)
    rows = {row["id"]: row for row in await people.rows(Customer)}
    assert rows[known.customer_id]["attributes"] == {"seen": "laptop", "theme": "dark"}
    assert rows[nameless.customer_id]["status"] == "merged"
    assert rows[nameless.customer_id]["merged_into_id"] == known.customer_id
    assert set((await people.names()).values()) == {known.customer_id}
    assert [row["customer_id"] for row in await people.rows(Event)] == [known.customer_id]
    (merge,) = await people.rows(Merge)
    assert (merge["winner_id"], merge["loser_id"]) == (known.customer_id, nameless.customer_id)
    assert await people.changes(nameless.customer_id) == ["identified", "visit", "merged"]
    assert await people.changes(known.customer_id) == ["identified", "merged"]
    assert event.customer_id == nameless.customer_id


async def test_a_nameless_customer_gets_the_names_that_are_new(people: People) -> None:
    nameless = await people.identify(anonymous_id="b1")
    assert (await people.identify(anonymous_id="b1", email="a@example.com")).customer_id == nameless.customer_id
    assert await people.rows(Merge) == []


async def test_an_addressed_customer_is_never_absorbed(people: People) -> None:
    nameless = await people.identify(anonymous_id="b1")
    await people.identify(email="a@example.com")
    with pytest.raises(IdentityConflict) as refusal:
        await people.do(update, customer_id=nameless.customer_id, facts=CustomerFacts(email="a@example.com"))
    assert refusal.value.field == "email"
    assert await people.rows(Merge) == []


async def test_an_update_addresses_a_customer_by_id_and_may_change_every_name(people: People) -> None:
    one = await people.identify(external_id="u1", email="a@example.com")
    facts = CustomerFacts(external_id="u9", email="b@example.com", attributes={"n": 1})
    assert (await people.do(update, customer_id=one.customer_id, facts=facts)).changed
    assert await people.names() == {("external_id", "u9"): one.customer_id, ("email", "b@example.com"): one.customer_id}
    with pytest.raises(NotFound) as missing:
        await people.do(update, customer_id=uuid4(), facts=facts)
    assert missing.value.field == "customer_id"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({}, "external_id"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": "  "}, "external_id"),
        ({"external_id": "x" * 321}, "external_id"),
        ({"external_id": "a\x00b"}, "external_id"),
        ({"external_id": "a\ud800"}, "external_id"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b\x00.com"}, "email"),
        ({"phone": "415 555 2671"}, "phone"),
        ({"phone": "+1"}, "phone"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"locale": "english please"}, "locale"),
        ({"created_at": datetime(2024, 1, 1)}, "created_at"),  # noqa: DTZ001
        ({"created_at": datetime(1969, 1, 1, tzinfo=UTC)}, "created_at"),
        ({"consents": {"email": "maybe"}}, "consents.email"),
        ({"consents": {"E-Mail": "subscribed"}}, "consents.E-Mail"),
        ({"attributes": {"email": "a@example.com"}}, "attributes.email"),
        ({"attributes": {"id": 1}}, "attributes.id"),
        ({"attributes": {"": 1}}, "attributes."),
        ({"attributes": {"x" * 151: 1}}, "attributes." + "x" * 151),
        ({"attributes": {"a": "x" * 1001}}, "attributes.a"),
        ({"attributes": {"a": "x\x00"}}, "attributes.a"),
        ({"attributes": {"a": float("nan")}}, "attributes.a"),
        ({"attributes": {"a": float("inf")}}, "attributes.a"),
        ({"attributes": {"a": 2**63}}, "attributes.a"),
        ({"attributes": {"a": -(2**63) - 1}}, "attributes.a"),
        ({"attributes": {"a": 1e19}}, "attributes.a"),
        ({"attributes": {"a": {1, 2}}}, "attributes.a"),
        ({"attributes": {"a": [[[[[["deep"]]]]]]}}, "attributes.a.0.0.0.0.0"),
        ({"attributes": {"a": {"b": "x\x00"}}}, "attributes.a.b"),
        ({"attributes": {"a": ["x" * 999] * 11}}, "attributes.a"),
        ({"attributes": {f"a{n}": n for n in range(301)}}, "attributes"),
    ],
)
async def test_what_is_malformed_is_refused_at_its_place(people: People, facts: dict[str, Any], field: str) -> None:
    before = await people.everything()
    with pytest.raises(Invalid) as refusal:
        await people.identify(**({"anonymous_id": "b1"} if facts else {}) | facts)
    assert refusal.value.field == field
    assert await people.everything() == before


async def test_every_malformed_field_is_named_at_once(people: People) -> None:
    with pytest.raises(Invalid) as refusal:
        await people.identify(external_id="u", email="nobody", phone="12", attributes={"phone": 1, "b": 2**70})
    assert [issue.path for issue in refusal.value.issues] == ["email", "phone", "attributes.phone", "attributes.b"]


async def test_the_largest_values_are_accepted(people: People) -> None:
    attributes = {
        "most": 2**63 - 1,
        "least": -(2**63),
        "long": "é" * 1000,
        "deep": [[[[["x"]]]]],
        "x" * 150: 1,
        **{f"a{n}": n for n in range(295)},
    }
    await people.identify(external_id="x" * 320, attributes=attributes)
    (row,) = await people.rows(Customer)
    assert row["attributes"] == attributes
    with pytest.raises(Invalid):
        await people.identify(external_id="x" * 320, attributes={"one": "more"})
    assert (await people.identify(external_id="x" * 320, attributes={"one": "more", "a1": None})).changed


async def test_consent_is_recorded_with_its_source_and_only_when_it_changes(people: People) -> None:
    first = await people.identify(external_id="u1", consents={"email": "subscribed"})
    (before,) = await people.rows(Consent)
    assert not (await people.identify(external_id="u1", consents={"email": "subscribed"})).changed
    assert await people.rows(Consent) == [before]
    elsewhere = People(people.units, people.principal.through("silocdp"))
    assert (await elsewhere.identify(external_id="u1", consents={"email": "unsubscribed"})).changed
    (after,) = await people.rows(Consent)
    assert (after["customer_id"], after["status"], after["source"]) == (first.customer_id, "unsubscribed", "silocdp")
    assert after["changed_at"] > before["changed_at"]


async def test_refused_items_of_a_batch_do_not_stop_the_others(people: People) -> None:
    await people.identify(external_id="u1", email="one@example.com")
    results = await people.do(
        identify_many,
        [
            CustomerFacts(external_id="u2", email="two@example.com"),
            CustomerFacts(external_id="u3", email="one@example.com"),
            CustomerFacts(phone="none"),
            CustomerFacts(customer_id=uuid4()),
            CustomerFacts(email="two@example.com", attributes={"n": 1}),
            CustomerFacts(external_id="u2", email="two@example.com", attributes={"n": 1}),
        ],
    )
    created, conflict, invalid, missing, updated, same = results
    assert isinstance(created, Identified)
    assert created.created
    assert isinstance(conflict, IdentityConflict)
    assert isinstance(invalid, Invalid)
    assert isinstance(missing, NotFound)
    assert updated == Identified(created.customer_id, created=False, changed=True)
    assert same == Identified(created.customer_id, created=False, changed=False)
    assert len(await people.rows(Customer)) == 2
    assert await people.changes(created.customer_id) == ["identified", "updated"]


async def test_a_batch_may_make_a_browser_known_and_absorb_it(people: People) -> None:
    event = await people.track(anon("b1"), "before")
    nameless, known, joined = await people.do(
        identify_many,
        [
            CustomerFacts(anonymous_id="b1", attributes={"theme": "dark"}),
            CustomerFacts(external_id="u1"),
            CustomerFacts(external_id="u1", anonymous_id="b1"),
        ],
    )
    assert joined == Identified(known.customer_id, created=False, changed=True)
    (merge,) = await people.rows(Merge)
    (row,) = await people.rows(Event)
    assert row["customer_id"] == known.customer_id
    await people.unmerge(merge["id"])
    (row,) = await people.rows(Event)
    assert (row["id"], row["customer_id"]) == (event.event_id, nameless.customer_id)
    assert await people.names() == {
        ("external_id", "u1"): known.customer_id,
        ("anonymous_id", "b1"): nameless.customer_id,
    }


async def test_alias_joins_a_browser_to_an_existing_customer(people: People) -> None:
    event = await people.track(anon("b1"))
    one = await people.identify(external_id="u1")
    assert await people.do(alias, anonymous_id="b1", customer=ext("u1")) == one.customer_id
    assert await people.do(alias, anonymous_id="b1", customer=by_id(one.customer_id)) == one.customer_id
    assert await people.feed(one.customer_id) == [
        ("customer", one.customer_id, {"change": "identified"}),
        ("customer", one.customer_id, {"change": "aliased"}),
        ("event", event.event_id, {"name": "visit"}),
    ]
    await people.identify(external_id="u2")
    with pytest.raises(IdentityConflict) as refusal:
        await people.do(alias, anonymous_id="b1", customer=ext("u2"))
    assert refusal.value.field == "anonymous_id"
    with pytest.raises(NotFound):
        await people.do(alias, anonymous_id="b2", customer=ext("nobody"))
    assert ("anonymous_id", "b2") not in await people.names()


async def test_the_same_names_of_two_tenants_are_two_people(people: People, strangers: People) -> None:
    ours = await people.identify(external_id="u1", anonymous_id="b1")
    theirs = await strangers.identify(external_id="u1", anonymous_id="b1")
    assert theirs.created
    assert theirs.customer_id != ours.customer_id
    with pytest.raises(NotFound):
        await strangers.do(update, customer_id=ours.customer_id, facts=CustomerFacts(attributes={"n": 1}))
    with pytest.raises(NotFound):
        await strangers.read(get_customer, by_id(ours.customer_id))


async def test_without_the_scope_nothing_is_done(people: People) -> None:
    keys = People(people.units, replace(people.principal, scopes=frozenset({Scope.CUSTOMERS_READ})))
    with pytest.raises(Forbidden) as refusal:
        await keys.identify(external_id="u1")
    assert refusal.value.scope == "customers:write"
    with pytest.raises(Forbidden):
        await keys.do(alias, anonymous_id="b", customer=CustomerRef("email", "a@example.com"))
    assert await people.rows(Customer) == []
