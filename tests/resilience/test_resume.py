"""A subscriber that is cut off again and again, while servers crash, has in the end every event once and in order.

``CHAOS_SEEDS="1 2 3"`` is the acceptance: other courses of events, each more than three times as long as the gate's.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.core.access import system
from app.core.database import Database
from app.core.feed import customer_topic
from app.core.ids import parse_id, public_id
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from models import Event, FeedEntry
from tests.resilience.cluster import Cluster
from tests.resilience.following import Subscriber, listening
from tests.resilience.telling import EMAIL, EVENTS_OF_A_BROWSER, EXTERNAL_ID, IDENTIFY, Client, Teller, event_key

SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEEDS", "").split()]
EVENTS, CUTS, CRASHES, UPDATES = (5000, 50, 5, 200) if SEEDS else (1500, 15, 2, 60)
WRITERS = 12
BROWSERS = EVENTS // EVENTS_OF_A_BROWSER
IMPATIENT = 0.03
AHEAD = 60
"""How many events writers may be ahead of the next thing that is to go wrong, so that it goes wrong in their midst."""
ARRIVAL_S = 40
EVENTS_OF = """subscription($id: ID!, $after: String) { customerEvents(customerId: $id, after: $after) {
  __typename ... on FeedItem { cursor } ... on TrackedEvent { event { id properties idempotencyKey } }
  ... on FeedGap { reason } } }"""
CHANGES_OF = """subscription($id: ID!, $after: String) { customerChanged(customerId: $id, after: $after) {
  __typename ... on FeedItem { cursor } ... on CustomerChange { change customer { attributes } }
  ... on FeedGap { reason } } }"""
REGISTER = "mutation($i: RegisterInput!) { register(input: $i) { accessToken tenantId } }"
MAKE_KEY = "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { key } }"
SCOPES = ["customers:read", "customers:write", "events:read", "events:write"]


class Course:
    """How far the telling has come, and what happens at which point of it."""

    def __init__(self, deeds: Sequence[tuple[int, Callable[[], Awaitable[None]]]]) -> None:
        self._deeds = sorted(deeds, key=lambda deed: deed[0])
        self._next = self._deeds[0][0]
        self._taken = 0
        self._done = 0
        self._moved = asyncio.Condition()

    async def take(self, count: int) -> None:
        """Returns when ``count`` more events may be told."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._taken <= self._next + AHEAD)
            self._taken += count

    async def done(self, count: int) -> None:
        """Notes that ``count`` more events are acknowledged."""
        async with self._moved:
            self._done += count
            self._moved.notify_all()

    async def reached(self, count: int) -> None:
        """Returns when so many events are acknowledged."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._done >= count)

    async def run(self) -> None:
        """Does every deed when its time has come."""
        for at, deed in self._deeds:
            await self._look_forward(at)
            await self.reached(at)
            await deed()
        await self._look_forward(EVENTS)

    async def _look_forward(self, at: int) -> None:
        async with self._moved:
            self._next = at
            self._moved.notify_all()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS or [1])
async def test_what_was_acknowledged_arrives_once_and_in_order(
    settings: Settings, backend: str, seed: int, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(f"{backend} {seed}")
    cluster = Cluster(settings, 2 if backend == "postgres" else 1, chance)
    client = Client(cluster, chance)
    try:
        await cluster.start()
        tenant_id = await _open_account(client)
        here = (await client.ask(IDENTIFY, {"i": {"externalId": EXTERNAL_ID, "email": EMAIL}}))["customer"]
        customer_id, start = here["id"], here["snapshotCursor"]
        events, changes, replay = (
            Subscriber(cluster, chance, client.key, document, customer_id, start)
            for document in (EVENTS_OF, CHANGES_OF, EVENTS_OF)
        )
        teller = Teller(client, chance, customer_id)
        client.impatient = IMPATIENT
        lag = await _run(chance, cluster, teller, events, changes)
        async with listening(replay):
            await replay.received(EVENTS, ARRIVAL_S)
    finally:
        await client.close()
        await cluster.stop()
    faults = {"cuts": events.cuts, "cuts of changes": changes.cuts, "crashes": cluster.crashes}
    record_property("chaos", faults | {"repeats": client.repeats, "overloads": client.overloads, "lag_s": lag})

    assert faults == {"cuts": CUTS, "cuts of changes": CUTS, "crashes": CRASHES}
    assert teller.told.keys() == {event_key(number) for number in range(EVENTS)}
    told, stored = await _feed(settings, tenant_id, parse_id("customer", customer_id))
    _check_events(events.items, teller.told, told, stored)
    _check_changes(changes.items)
    assert replay.items == events.items


async def _open_account(client: Client) -> UUID:
    owner = {"email": "owner@example.com", "password": "a password of the test", "tenantName": "Acme"}
    session = await client.ask(REGISTER, {"i": owner})
    made = await client.ask(MAKE_KEY, {"i": {"name": "chaos", "scopes": SCOPES}}, key=session["accessToken"])
    client.key = made["key"]
    return parse_id("tenant", session["tenantId"])


async def _run(
    chance: random.Random, cluster: Cluster, teller: Teller, events: Subscriber, changes: Subscriber
) -> float:
    """Tells everything while everything goes wrong, and waits until what was told has arrived. Returns for how long."""

    def at() -> int:
        return chance.randrange(20, EVENTS - 20)

    deeds = [(at(), deed) for deed in (events.cut, changes.cut) for _ in range(CUTS)]
    deeds += [(at(), cluster.crash) for _ in range(CRASHES)] + [(at(), cluster.roll)]
    course = Course(deeds)
    portions = iter(teller.plan(EVENTS))

    async def write() -> None:
        for numbers, way in portions:
            await course.take(len(numbers))
            await teller.tell(numbers, way)
            await course.done(len(numbers))

    async def update() -> None:
        for visits in range(1, UPDATES + 1):
            await course.reached((visits - 1) * EVENTS // UPDATES)
            await teller.update(visits)

    async def alias() -> None:
        for index in range(BROWSERS):
            await course.reached(index * EVENTS_OF_A_BROWSER + chance.randrange(EVENTS_OF_A_BROWSER))
            await teller.alias(index)

    async with listening(events, changes):
        async with asyncio.TaskGroup() as group:
            for deed in (course.run, update, alias, *[write] * WRITERS):
                group.create_task(deed())
        told_at = time.monotonic()
        await events.received(EVENTS, ARRIVAL_S)
        await changes.received(UPDATES + BROWSERS, ARRIVAL_S)
        lag = time.monotonic() - told_at
        await asyncio.sleep(0.5)  # what comes twice may come late
    return round(lag, 2)


async def _feed(settings: Settings, tenant_id: UUID, customer_id: UUID) -> tuple[list[str], dict[str, str]]:
    """The public ids of the events in the customer's feed in its order, and the id of each stored event by its key."""
    database = Database(settings)
    await database.open()
    units = UnitsOfWork(database)
    try:
        async with units.read(system(tenant_id)) as reading:
            topic = select(FeedEntry).where(col(FeedEntry.topic) == customer_topic(customer_id))
            entries = (await reading.session.execute(topic.order_by(col(FeedEntry.position)))).scalars().all()
            events = (await reading.session.execute(select(Event))).scalars().all()
    finally:
        units.services.close()
        await database.close()
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    assert {event.customer_id for event in events} == {customer_id}
    assert len(events) == EVENTS
    told = [public_id("event", entry.subject_id) for entry in entries if entry.kind == "event"]
    return told, {str(event.idempotency_key): public_id("event", event.id) for event in events}


def _check_events(
    items: list[dict[str, Any]], acknowledged: dict[str, str | None], told: list[str], stored: dict[str, str]
) -> None:
    assert [item for item in items if item["__typename"] != "TrackedEvent"] == []
    arrived = [item["event"]["id"] for item in items]
    doubled = {event_id: count for event_id, count in Counter(arrived).items() if count > 1}
    assert doubled == {}
    assert stored.keys() == acknowledged.keys()
    assert {key: event_id for key, event_id in acknowledged.items() if event_id not in (None, stored[key])} == {}
    assert {item["event"]["idempotencyKey"]: item["event"]["id"] for item in items} == stored
    assert arrived == told
    offsets = [int(item["cursor"].rpartition("-")[2]) for item in items]
    assert offsets == sorted(set(offsets))
    assert all(item["event"]["idempotencyKey"] == event_key(item["event"]["properties"]["number"]) for item in items)


def _check_changes(items: list[dict[str, Any]]) -> None:
    assert [item for item in items if item["__typename"] != "CustomerChange"] == []
    assert Counter(item["change"] for item in items) == {"UPDATED": UPDATES, "ALIASED": BROWSERS}
    seen = [item["customer"]["attributes"].get("visits", 0) for item in items]
    assert seen == sorted(seen), "a later change never shows an earlier customer"
    updated = [item["customer"]["attributes"]["visits"] for item in items if item["change"] == "UPDATED"]
    assert all(visits >= number for number, visits in enumerate(updated, 1)), "a change shows itself or what is newer"
