"""Following customers: in order, each once, across interruptions, and honest about what cannot be replayed."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import update
from sqlmodel import col

from app.core import clock
from app.core.access import Scope, system
from app.core.feed import trim_feed
from app.core.ids import new_id, parse_id, public_id
from app.core.settings import Settings
from app.runtime import Runtime
from asgi import create_runtime
from models import Event, Tenant
from resolvers.engine import GraphEngine
from resolvers.protocol import GraphRequest, Refused
from tests.graph.callers import Caller, Stream
from tests.graph.mutations import CUSTOMER
from tests.graph.test_mutations import mutate
from tests.tenants import create_tenant

EVENTS = """subscription($id: ID!, $names: [String!], $after: String) {
    customerEvents(customerId: $id, names: $names, after: $after) {
        __typename
        ... on TrackedEvent { cursor event { id name properties customer { externalId } } }
        ... on FeedGap { cursor reason }
    }
}"""
CHANGES = """subscription($id: ID!, $after: String) {
    customerChanged(customerId: $id, after: $after) {
        __typename
        ... on FeedItem { cursor }
        ... on CustomerChange { change changedAt customer { externalId locale } }
        ... on FeedGap { reason }
    }
}"""


@pytest.fixture
async def person(owner: Caller) -> str:
    """The id of a customer."""
    return str((await mutate(owner, "identifyCustomer", {"externalId": "p"}, CUSTOMER))["customer"]["id"])


async def track(owner: Caller, person: str, name: str, **properties: Any) -> str:
    input = {"customer": {"id": person}, "name": name, "properties": properties}
    return str((await mutate(owner, "track", input, "event { id }"))["event"]["id"])


async def cursor_now(owner: Caller, person: str) -> str:
    found = await owner.data("query($id: ID!) { customer(id: $id) { snapshotCursor } }", id=person)
    return str(found["customer"]["snapshotCursor"])


def names(payloads: list[Any]) -> list[str]:
    return [payload["event"]["name"] for payload in payloads]


async def silence(stream: Stream) -> bool:
    """Whether nothing comes for a moment. The stream cannot be used afterwards."""
    waiting = asyncio.ensure_future(anext(stream.results))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return not done


async def test_events_come_as_they_are_tracked(owner: Caller, person: str) -> None:
    await track(owner, person, "before")
    async with owner.follow(EVENTS, id=person) as stream:
        first = asyncio.ensure_future(stream.next())
        await asyncio.sleep(0.2)
        key = await track(owner, person, "a", price=1.5)
        payload = await first
        assert payload["__typename"] == "TrackedEvent"
        assert payload["event"] == {
            "id": key,
            "name": "a",
            "properties": {"price": 1.5},
            "customer": {"externalId": "p"},
        }
        await track(owner, person, "b")
        assert names([await stream.next()]) == ["b"]


async def test_what_was_missed_is_replayed_in_order_and_once(owner: Caller, person: str) -> None:
    start = await cursor_now(owner, person)
    for name in "abcde":
        await track(owner, person, name)
    async with owner.follow(EVENTS, id=person, after=start) as stream:
        payloads = await stream.take(5)
    assert names(payloads) == list("abcde")
    for place, payload in enumerate(payloads):
        async with owner.follow(EVENTS, id=person, after=payload["cursor"]) as stream:
            assert names(await stream.take(4 - place)) == list("abcde")[place + 1 :]
    async with owner.follow(EVENTS, id=person, after=payloads[-1]["cursor"]) as stream:
        await track(owner, person, "new")
        assert names([await stream.next()]) == ["new"]


async def test_more_than_a_chunk_is_replayed(owner: Caller, person: str) -> None:
    start = await cursor_now(owner, person)
    events = [{"customer": {"id": person}, "name": f"e{n}"} for n in range(450)]
    await mutate(owner, "trackMany", {"events": events}, "results { eventId }")
    async with owner.follow(EVENTS, id=person, after=start) as stream:
        assert names(await stream.take(450)) == [f"e{n}" for n in range(450)]


async def test_only_named_events_come(owner: Caller, person: str) -> None:
    start = await cursor_now(owner, person)
    for name in ("a", "b", "a", "c"):
        await track(owner, person, name)
    async with owner.follow(EVENTS, id=person, names=["a", "c"], after=start) as stream:
        assert names(await stream.take(3)) == ["a", "a", "c"]
    async with owner.follow(EVENTS, id=person, names=[], after=start) as stream:
        assert await silence(stream)


async def test_loading_then_following_misses_nothing(owner: Caller, person: str) -> None:
    """What happens between the answer of the query and the subscription is replayed; what was in it is not."""
    await track(owner, person, "seen")
    text = "query($id: ID!) { customer(id: $id) { snapshotCursor events { nodes { name } } } }"
    loaded = (await owner.data(text, id=person))["customer"]
    assert loaded["events"]["nodes"] == [{"name": "seen"}]
    await track(owner, person, "between")
    async with owner.follow(EVENTS, id=person, after=loaded["snapshotCursor"]) as stream:
        assert names([await stream.next()]) == ["between"]
        await track(owner, person, "after")
        assert names([await stream.next()]) == ["after"]


async def test_snapshots_taken_while_events_are_tracked_miss_nothing(owner: Caller, person: str) -> None:
    text = "query($id: ID!) { customer(id: $id) { snapshotCursor events(first: 100) { nodes { name } } } }"
    tracking = asyncio.gather(*(track(owner, person, f"e{n}") for n in range(40)))
    snapshots = []
    while not tracking.done():
        snapshots.append((await owner.data(text, id=person))["customer"])
        await asyncio.sleep(0.002)
    await tracking
    for snapshot in snapshots[:: max(1, len(snapshots) // 5)]:
        loaded = [node["name"] for node in snapshot["events"]["nodes"]]
        async with owner.follow(EVENTS, id=person, after=snapshot["snapshotCursor"]) as stream:
            followed = names(await stream.take(40 - len(loaded)))
        assert sorted(loaded + followed) == sorted(f"e{n}" for n in range(40))


async def test_changes_come_with_the_customer_as_they_are(owner: Caller, person: str) -> None:
    start = await cursor_now(owner, person)
    await mutate(owner, "updateCustomer", {"id": person, "locale": "de"}, CUSTOMER)
    await mutate(owner, "suppressCustomer", {"customer": {"id": person}}, CUSTOMER)
    await track(owner, person, "not a change")
    consent = {"customer": {"id": person}, "channel": "SMS", "status": "SUBSCRIBED"}
    await mutate(owner, "setConsent", consent, CUSTOMER)
    device = {"customer": {"id": person}, "token": f"t{person}", "platform": "web"}
    await mutate(owner, "saveDevice", device, "device { id }")
    await mutate(owner, "unsuppressCustomer", {"customer": {"id": person}}, CUSTOMER)
    await mutate(owner, "deleteCustomer", {"customer": {"id": person}}, "customerId")
    async with owner.follow(CHANGES, id=person, after=start) as stream:
        payloads = await stream.take(6)
    changes = [payload["change"] for payload in payloads]
    assert changes == ["UPDATED", "SUPPRESSED", "CONSENT", "DEVICE", "UNSUPPRESSED", "DELETED"]
    assert payloads[0]["customer"] == {"externalId": None, "locale": "de"}
    assert all(payload["changedAt"].endswith("Z") for payload in payloads)


async def test_merging_is_told_to_both(owner: Caller, person: str) -> None:
    other = (await mutate(owner, "identifyCustomer", {"externalId": "q"}, CUSTOMER))["customer"]["id"]
    starts = {key: await cursor_now(owner, key) for key in (person, other)}
    merge = {"winner": {"id": person}, "loser": {"id": other}}
    await mutate(owner, "mergeCustomers", merge, "merge { id }")
    for key, start in starts.items():
        async with owner.follow(CHANGES, id=key, after=start) as stream:
            assert (await stream.next())["change"] == "MERGED"


# ---- gaps -------------------------------------------------------------------------------------------------------


async def test_what_was_trimmed_is_a_gap_and_the_rest_follows(owner: Caller, house: Runtime, person: str) -> None:
    start = await cursor_now(owner, person)
    await track(owner, person, "lost")
    async with house.write(system()) as tx:
        while await trim_feed(tx.session, clock.now() + timedelta(seconds=1)):
            pass
    await track(owner, person, "kept")
    async with owner.follow(EVENTS, id=person, after=start) as stream:
        gap, kept = await stream.take(2)
        assert (gap["__typename"], gap["reason"]) == ("FeedGap", "TRIMMED")
        assert names([kept]) == ["kept"]
    async with owner.follow(EVENTS, id=person, after=gap["cursor"]) as stream:
        assert names([await stream.next()]) == ["kept"]


async def test_what_is_trimmed_under_a_follower_is_a_gap(owner: Caller, house: Runtime, person: str) -> None:
    async with owner.follow(EVENTS, id=person) as stream:
        first = asyncio.ensure_future(stream.next())
        await asyncio.sleep(0.2)
        await track(owner, person, "a")
        assert names([await first]) == ["a"]
        await track(owner, person, "lost")
        async with house.write(system()) as tx:
            while await trim_feed(tx.session, clock.now() + timedelta(seconds=1)):
                pass
        await track(owner, person, "kept")
        gap, kept = await stream.take(2)
        assert (gap["__typename"], gap["reason"]) == ("FeedGap", "TRIMMED")
        assert names([kept]) == ["kept"]


async def test_a_restored_database_is_a_gap(owner: Caller, house: Runtime, person: str) -> None:
    start = await cursor_now(owner, person)
    await track(owner, person, "before")
    async with house.write(system()) as tx:
        epoch = update(Tenant).where(col(Tenant.id) == owner.principal.tenant_id).values(feed_epoch="restored")
        await tx.session.execute(epoch)
    async with owner.follow(EVENTS, id=person, after=start) as stream:
        gap = await stream.next()
        assert (gap["reason"], gap["cursor"]) == ("EPOCH", "restored-2")
        await track(owner, person, "new")
        assert names([await stream.next()]) == ["new"]


async def test_a_cursor_from_the_future_is_a_gap(owner: Caller, person: str) -> None:
    start = await cursor_now(owner, person)
    epoch, _, offset = start.partition("-")
    async with owner.follow(CHANGES, id=person, after=f"{epoch}-{int(offset) + 5}") as stream:
        gap = await stream.next()
        assert (gap["__typename"], gap["reason"], gap["cursor"]) == ("FeedGap", "AHEAD", start)
        await mutate(owner, "updateCustomer", {"id": person, "locale": "fr"}, CUSTOMER)
        assert (await stream.next())["change"] == "UPDATED"


# ---- what is gone, and who may follow ---------------------------------------------------------------------------


async def test_an_event_that_is_gone_is_null(owner: Caller, house: Runtime, person: str) -> None:
    start = await cursor_now(owner, person)
    key = await track(owner, person, "gone")
    await track(owner, person, "there")
    await forget_event(owner, house, key)
    async with owner.follow(EVENTS, id=person, after=start) as stream:
        gone, there = await stream.take(2)
    assert (gone["__typename"], gone["event"]) == ("TrackedEvent", None)
    assert names([there]) == ["there"]


async def forget_event(owner: Caller, house: Runtime, key: str) -> None:
    async with house.write(system(owner.principal.tenant_id)) as tx:
        event = await tx.session.get_one(Event, (owner.principal.tenant_id, parse_id("event", key)))
        await tx.session.delete(event)


async def test_an_erased_customer_cannot_be_followed(owner: Caller, person: str) -> None:
    start = await cursor_now(owner, person)
    await track(owner, person, "a")
    await mutate(owner, "eraseCustomer", {"customer": {"id": person}}, "customerId")
    assert await refused(owner, EVENTS, id=person, after=start) == {"code": "NOT_FOUND", "field": "customerId"}


async def refused(caller: Caller, text: str, **variables: Any) -> Any:
    """Why a subscription is refused before it begins."""
    stream = caller.engine.subscribe(GraphRequest(text, variables), caller.principal)
    with pytest.raises(Refused) as refusal:
        await anext(stream)
    (error,) = orjson.loads(refusal.value.answer.body)["errors"]
    return {name: value for name, value in error["extensions"].items() if name != "issues"}


async def test_who_may_not_follow_is_refused(owner: Caller, stranger: Caller, person: str) -> None:
    absent = {"code": "NOT_FOUND", "field": "customerId"}
    for text, scope in ((EVENTS, Scope.EVENTS_READ), (CHANGES, Scope.CUSTOMERS_READ)):
        assert await refused(stranger, text, id=person) == absent
        assert await refused(owner, text, id=public_id("customer", new_id())) == absent
        assert await refused(owner, text, id="nonsense") == {"code": "INVALID", "field": "customerId"}
        assert await refused(owner, text, id=person, after="nonsense") == {"code": "INVALID", "field": "after"}
        assert await refused(owner.without(scope), text, id=person) == {"code": "FORBIDDEN", "scope": scope.value}
        assert await refused(owner.nobody, text, id=person) == {"code": "UNAUTHENTICATED"}
        assert await refused(owner, text) == {"code": "BAD_REQUEST"}


async def test_the_selection_of_a_payload_asks_for_its_scopes(owner: Caller, person: str) -> None:
    start = await cursor_now(owner, person)
    await track(owner, person, "a")
    key = owner.key(Scope.EVENTS_READ)
    text = """subscription($id: ID!, $after: String) {
        customerEvents(customerId: $id, after: $after) { ... on TrackedEvent { event { name customer { id } } } }
    }"""
    async with key.follow(text, id=person, after=start) as stream:
        found = orjson.loads(await anext(stream.results))
    assert found["data"] == {"customerEvents": {"event": None}}
    assert found["errors"][0]["path"] == ["customerEvents", "event"]
    assert found["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scope": "customers:read"}
    async with key.follow(text.replace("customer { id }", ""), id=person, after=start) as stream:
        assert names([await stream.next()]) == ["a"]


async def test_followers_with_the_same_selection_share_one_read(owner: Caller, house: Runtime, person: str) -> None:
    start = await cursor_now(owner, person)
    for name in "abc":
        await track(owner, person, name)
    statements = house.database.statements
    original, ran = statements.cell, []

    async def cell(sql: str, parameters: Any, tenant_id: UUID | None) -> Any:
        ran.append(sql)
        return await original(sql, parameters, tenant_id)

    statements.cell = cell  # type: ignore[method-assign]
    try:
        for _ in range(5):
            async with owner.follow(EVENTS, id=person, after=start) as stream:
                assert names(await stream.take(3)) == list("abc")
        assert len(ran) == 3
    finally:
        statements.cell = original  # type: ignore[method-assign]


async def test_draining_ends_every_stream(settings: Settings) -> None:
    account = await create_tenant(settings, "Drained")
    runtime = create_runtime(settings, runs_jobs=False)
    await runtime.start()
    try:
        owner = Caller(GraphEngine(runtime), runtime, account.principal)
        person = (await mutate(owner, "identifyCustomer", {"externalId": "p"}, CUSTOMER))["customer"]["id"]
        ended = [asyncio.ensure_future(rest(owner, text, id=person)) for text in (EVENTS, CHANGES, EVENTS)]
        async with asyncio.timeout(15):
            while runtime.hub.listening < 3:
                await asyncio.sleep(0.01)
        await track(owner, person, "last")
        runtime.drain()
        async with asyncio.timeout(15):
            counts = await asyncio.gather(*ended)
        assert counts[1] == 0
        assert runtime.hub.listening == 0
    finally:
        await runtime.stop()


async def rest(caller: Caller, text: str, **variables: Any) -> int:
    """How many payloads come until the stream ends."""
    async with caller.follow(text, **variables) as stream:
        return len([payload async for payload in stream.results])
