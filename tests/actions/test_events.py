"""Tracking: what is stored, what is one event and what is two, and what is refused without a trace."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from app.actions.customers import CustomerFacts, CustomerRef, delete_customer, identify_many
from app.actions.events import NewEvent, Tracked, list_events, track_many
from app.core import clock
from app.core.access import Scope
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from models import Customer, Event, Identity
from tests.actions.people import People, anon, by_id, ext


async def test_an_event_is_stored_as_it_was_told(people: People) -> None:
    one = await people.identify(external_id="u1")
    when = datetime(2024, 5, 6, 9, 8, 9, 123456, tzinfo=timezone(timedelta(hours=2)))
    started = clock.now()
    tracked = await people.track(
        ext("u1"), "purchase", properties={"items": 2, "amount": 9.5, "none": None}, occurred_at=when
    )
    assert tracked == Tracked(tracked.event_id, one.customer_id, duplicate=False)
    (row,) = await people.rows(Event)
    assert started <= row.pop("received_at") <= clock.now()
    assert row == {
        "tenant_id": people.principal.tenant_id,
        "id": tracked.event_id,
        "customer_id": one.customer_id,
        "anonymous_id": None,
        "name": "purchase",
        "properties": {"items": 2, "amount": 9.5, "none": None},
        "occurred_at": datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC),
        "source": "graph",
        "idempotency_key": None,
    }
    assert await people.feed(one.customer_id) == [
        ("customer", one.customer_id, {"change": "identified"}),
        ("event", tracked.event_id, {"name": "purchase"}),
    ]


async def test_without_a_moment_it_happened_when_it_was_received(people: People) -> None:
    await people.track(ext("u1"))
    (row,) = await people.rows(Event)
    assert row["occurred_at"] == row["received_at"]


async def test_an_unknown_name_makes_a_customer_and_a_browser_does_not(people: People) -> None:
    by_ext = await people.track(ext("u1"))
    by_email = await people.track(CustomerRef("email", "A@example.com"))
    by_phone = await people.track(CustomerRef("phone", "+1 415 555 2671"))
    by_browser = await people.track(anon("b1"))
    assert by_browser.customer_id is None
    assert await people.names() == {
        ("external_id", "u1"): by_ext.customer_id,
        ("email", "a@example.com"): by_email.customer_id,
        ("phone", "+14155552671"): by_phone.customer_id,
    }
    assert by_ext.customer_id is not None
    assert await people.changes(by_ext.customer_id) == ["identified", "visit"]
    assert (await people.track(CustomerRef("email", "a@example.com"))).customer_id == by_email.customer_id
    with pytest.raises(NotFound) as refusal:
        await people.track(by_id(uuid4()))
    assert refusal.value.field == "customer"
    assert len(await people.rows(Customer)) == 3


async def test_a_known_browsers_events_are_its_customers(people: People) -> None:
    one = await people.identify(external_id="u1", anonymous_id="b1")
    assert (await people.track(anon("b1"))).customer_id == one.customer_id
    (row,) = await people.rows(Event)
    assert (row["customer_id"], row["anonymous_id"]) == (one.customer_id, "b1")


async def test_equal_events_without_a_key_are_two_events(people: People) -> None:
    event = {"properties": {"n": 1}, "occurred_at": clock.now()}
    first, second = await people.track(ext("u1"), **event), await people.track(ext("u1"), **event)
    assert first.event_id != second.event_id
    assert len(await people.rows(Event)) == 2


@pytest.mark.parametrize("ref", [ext("u1"), anon("b1"), CustomerRef("email", "a@example.com")])
async def test_the_same_key_again_is_the_same_event(people: People, ref: CustomerRef) -> None:
    first = await people.track(ref, idempotency_key="k")
    before = await people.everything()
    again = await people.track(ref, properties={"other": True}, idempotency_key="k")
    assert again == replace(first, duplicate=True)
    assert await people.everything() == before


async def test_a_key_stays_the_same_events_when_its_browser_becomes_known_and_merged(people: People) -> None:
    first = await people.track(anon("b1"), idempotency_key="k")
    one = await people.identify(external_id="u1", anonymous_id="b1")
    again = await people.track(anon("b1"), idempotency_key="k")
    assert again == Tracked(first.event_id, one.customer_id, duplicate=True)
    two = await people.identify(external_id="u2")
    await people.merge(ext("u2"), ext("u1"))
    assert await people.track(ext("u1"), idempotency_key="k") == Tracked(
        first.event_id, two.customer_id, duplicate=True
    )


async def test_a_key_used_for_another_event_is_a_conflict(people: People, strangers: People) -> None:
    await people.track(ext("u1"), "visit", idempotency_key="k")
    before = await people.everything()
    for ref, name in ((ext("u1"), "purchase"), (ext("new"), "visit"), (anon("b1"), "visit")):
        with pytest.raises(Conflict) as refusal:
            await people.track(ref, name, idempotency_key="k")
        assert refusal.value.field == "idempotency_key"
    assert await people.everything() == before
    assert not (await strangers.track(ext("u1"), "visit", idempotency_key="k")).duplicate


NOW = clock.now()


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 151}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"properties": {"a": 2**63}}, "properties.a"),
        ({"properties": {"a": float("nan")}}, "properties.a"),
        ({"properties": {"a": {"b\x00": 1}}}, "properties.a"),
        ({"properties": {"a": ["\ud800"]}}, "properties.a.0"),
        ({"properties": {str(n): "x" * 1000 for n in range(33)}}, "properties"),
        ({"properties": ["no", "object"]}, "properties"),
        ({"occurred_at": datetime(2024, 1, 1)}, "occurred_at"),  # noqa: DTZ001
        ({"occurred_at": datetime(1969, 12, 31, tzinfo=UTC)}, "occurred_at"),
        ({"occurred_at": NOW + timedelta(days=2)}, "occurred_at"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "k" * 201}, "idempotency_key"),
        ({"customer": ext("")}, "customer"),
        ({"customer": CustomerRef("email", "nobody")}, "customer"),
        ({"customer": CustomerRef("nickname", "x")}, "customer"),
    ],
)
async def test_what_is_malformed_is_refused_at_its_place(people: People, event: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await people.track(**{"customer": ext("u1"), "name": "visit"} | event)
    assert refusal.value.field == field
    assert not any((await people.everything()).values())


async def test_the_farthest_moments_are_accepted(people: People) -> None:
    for moment in (datetime(1970, 1, 1, tzinfo=UTC), clock.now() + timedelta(hours=23, minutes=59)):
        await people.track(ext("u1"), occurred_at=moment)
    assert len(await people.rows(Event)) == 2


async def test_refused_events_of_a_batch_do_not_stop_the_others(people: People) -> None:
    results = await people.do(
        track_many,
        [
            NewEvent(ext("u1"), "a", idempotency_key="k"),
            NewEvent(ext("u1"), ""),
            NewEvent(ext("u1"), "a", idempotency_key="k"),
            NewEvent(ext("u2"), "a", idempotency_key="k"),
            NewEvent(by_id(uuid4()), "a"),
            NewEvent(anon("b1"), "b"),
            NewEvent(ext("u1"), "c"),
        ],
    )
    first, invalid, again, conflict, missing, anonymous, last = results
    assert again == replace(first, duplicate=True)
    assert [type(refusal) for refusal in (invalid, conflict, missing)] == [Invalid, Conflict, NotFound]
    assert (anonymous.customer_id, last.customer_id) == (None, first.customer_id)
    assert [row["name"] for row in await people.rows(Event)] == ["a", "b", "c"]
    assert [row["value"] for row in await people.rows(Identity)] == ["u1"]
    assert await people.changes(first.customer_id) == ["identified", "a", "c"]


async def test_a_batch_of_many_people_is_stored_in_order(people: People) -> None:
    await people.do(identify_many, [CustomerFacts(external_id=f"u{n}") for n in range(150)])
    results = await people.do(track_many, [NewEvent(ext(f"u{n % 200}"), f"e{n}") for n in range(600)])
    assert all(isinstance(result, Tracked) for result in results)
    assert [row["name"] for row in await people.rows(Event)] == [f"e{n}" for n in range(600)]
    assert len(await people.rows(Customer)) == 200
    owners = await people.names()
    assert results[7].customer_id == owners["external_id", "u7"]
    assert await people.changes(owners["external_id", "u7"]) == ["identified", "e7", "e207", "e407"]


async def test_events_are_listed_newest_first(people: People) -> None:
    one = await people.identify(external_id="u1")
    for hours, name in ((3, "a"), (1, "b"), (2, "a")):
        await people.track(ext("u1"), name, occurred_at=clock.now() - timedelta(hours=hours))
    await people.track(ext("u2"), "a")

    async def listed(**window: Any) -> list[str]:
        return [row.name for row in await people.read(list_events, customer_id=one.customer_id, **window)]

    assert await listed(limit=10) == ["b", "a", "a"]
    assert await listed(limit=2) == ["b", "a"]
    assert await listed(limit=10, name="a") == ["a", "a"]
    for limit in (0, 1001):
        with pytest.raises(Invalid):
            await listed(limit=limit)


async def test_nobody_tracks_for_another_tenant_or_for_the_deleted(people: People, strangers: People) -> None:
    one = await people.identify(external_id="u1")
    with pytest.raises(NotFound):
        await strangers.track(by_id(one.customer_id))
    assert await strangers.read(list_events, customer_id=one.customer_id, limit=10) == []
    await people.do(delete_customer, customer=ext("u1"))
    with pytest.raises(NotFound):
        await people.track(by_id(one.customer_id))
    assert await people.rows(Event) == []


async def test_each_action_asks_for_its_scope(people: People) -> None:
    one = await people.identify(external_id="u1")
    weak = People(people.units, replace(people.principal, scopes=frozenset({Scope.CUSTOMERS_WRITE})))
    with pytest.raises(Forbidden) as refusal:
        await weak.track(ext("u1"))
    assert refusal.value.scope == "events:write"
    with pytest.raises(Forbidden):
        await weak.read(list_events, customer_id=one.customer_id, limit=1)
