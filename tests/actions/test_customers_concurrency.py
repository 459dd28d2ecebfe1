"""Racing units of work: whoever comes first, one value names one person and nothing is lost."""

import asyncio
from typing import Any

from app.actions.customers import CustomerFacts, identify, identify_many, merge, save_device
from app.actions.events import NewEvent, track, track_many
from app.core.errors import RapportError
from models import Customer, Device, Event, Identity, Merge
from tests.actions.people import People, anon, ext

RACERS = 12


async def race(people: People, *calls: tuple[Any, ...], **named: Any) -> list[Any]:
    """Runs each call in a unit of work of its own, all at once."""
    runs = (asyncio.create_task(people.do(action, *arguments, **named)) for action, *arguments in calls)
    return await asyncio.gather(*runs, return_exceptions=True)


async def test_one_new_name_identified_by_many_at_once_is_one_customer(people: People) -> None:
    results = await race(
        people, *((identify, CustomerFacts(external_id="u1", attributes={f"a{n}": n})) for n in range(RACERS))
    )
    assert len({result.customer_id for result in results}) == 1
    assert sum(result.created for result in results) == 1
    (row,) = await people.rows(Customer)
    assert row["attributes"] == {f"a{n}": n for n in range(RACERS)}
    assert len(await people.rows(Identity)) == 1


async def test_crossing_batches_of_new_names_do_not_wait_for_each_other(people: People) -> None:
    names = [CustomerFacts(external_id=f"u{n}", email=f"u{n}@example.com") for n in range(40)]
    results = await race(people, *((identify_many, names if n % 2 else names[::-1]) for n in range(8)))
    assert all(not isinstance(item, RapportError) for batch in results for item in batch)
    assert len(await people.rows(Customer)) == 40
    assert len(await people.rows(Identity)) == 80


async def test_one_key_tracked_by_many_at_once_is_one_event(people: People) -> None:
    results = await race(people, *((track, NewEvent(ext("u1"), "visit", idempotency_key="k")) for _ in range(RACERS)))
    assert len({(result.event_id, result.customer_id) for result in results}) == 1
    assert sum(not result.duplicate for result in results) == 1
    assert len(await people.rows(Event)) == 1
    assert len(await people.rows(Customer)) == 1


async def test_a_browser_identified_while_its_events_arrive_keeps_them_all(people: People) -> None:
    tracks = [(track_many, [NewEvent(anon("b1"), f"e{n}"), NewEvent(anon("b2"), "other")]) for n in range(RACERS)]
    known = (identify, CustomerFacts(external_id="u1", anonymous_id="b1"))
    *_, identified = await race(people, *tracks[:6], known, *tracks[6:], known)
    rows = await people.rows(Event)
    assert len(rows) == 2 * RACERS
    assert {row["customer_id"] for row in rows if row["anonymous_id"] == "b1"} == {identified.customer_id}
    assert {row["customer_id"] for row in rows if row["anonymous_id"] == "b2"} == {None}
    assert sorted(await people.changes(identified.customer_id)) == sorted(
        ["identified", *(f"e{n}" for n in range(RACERS))]
    )


async def test_events_tracked_while_their_customer_is_merged_end_with_the_winner(people: People) -> None:
    winner = await people.identify(external_id="a")
    await people.identify(external_id="b")

    async def merging() -> Any:
        return await people.do(merge, winner=ext("a"), loser=ext("b"))

    tracks = [people.track(ext("b"), f"e{n}") for n in range(RACERS)]
    tasks = [asyncio.create_task(run) for run in (*tracks[:6], merging(), *tracks[6:], merging())]
    results = await asyncio.gather(*tasks)
    assert results[6] == results[-1]
    assert len(await people.rows(Merge)) == 1
    assert {row["customer_id"] for row in await people.rows(Event)} == {winner.customer_id}
    assert len(await people.rows(Event)) == RACERS
    assert {row["status"] for row in await people.rows(Customer)} == {"active", "merged"}


async def test_one_email_wanted_by_two_people_goes_to_one(people: People) -> None:
    await people.identify(external_id="a")
    await people.identify(external_id="b")
    wants = [(identify, CustomerFacts(external_id=name, email="x@example.com")) for name in "abababab"]
    results = await race(people, *wants)
    refused = [result for result in results if isinstance(result, RapportError)]
    assert {type(refusal).__name__ for refusal in refused} == {"IdentityConflict"}
    assert len(refused) == 4
    assert [row["value"] for row in await people.rows(Identity) if row["kind"] == "email"] == ["x@example.com"]


async def test_one_token_saved_for_two_people_is_one_device(people: People) -> None:
    await people.identify(external_id="a")
    await people.identify(external_id="b")
    saves = [people.do(save_device, customer=ext(name), token="t", platform="ios") for name in "abababab"]
    await asyncio.gather(*map(asyncio.create_task, saves))
    assert len(await people.rows(Device)) == 1
