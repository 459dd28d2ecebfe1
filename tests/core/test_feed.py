"""The feed: offsets without holes, in commit order, and trimming that never lies about what is gone."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from app.core import clock
from app.core.access import system
from app.core.errors import Invalid
from app.core.feed import Cursor, customer_topic, decode_cursor, encode_cursor, read_entries, read_topic, trim_feed
from app.core.ids import new_id
from app.core.tx import UnitsOfWork
from models import FeedEntry
from tests.tenants import TenantAccount

TOPIC = customer_topic(UUID(int=7))


async def write(units: UnitsOfWork, tenant: TenantAccount, *topics: str) -> None:
    async with units.write(tenant.principal) as tx:
        for topic in topics:
            tx.emit(topic, "event", new_id(), {"name": topic})


async def positions(units: UnitsOfWork, tenant: TenantAccount, topic: str) -> list[int]:
    async with units.read(tenant.principal) as reading:
        return [entry.position for entry in await read_entries(reading.session, tenant.id, topic, 0, 1000)]


async def age(units: UnitsOfWork, by: timedelta, *, topic: str, up_to: int) -> None:
    async with units.write(system()) as tx:
        await tx.session.execute(
            update(FeedEntry)
            .where(col(FeedEntry.topic) == topic, col(FeedEntry.position) <= up_to)
            .values(created_at=clock.now() - by)
        )


async def trim(units: UnitsOfWork, limit: int = 500) -> int:
    async with units.write(system()) as tx:
        return await trim_feed(tx.session, clock.now() - timedelta(days=7), limit)


async def test_offsets_are_dense_and_each_topic_has_its_own(units: UnitsOfWork, tenant: TenantAccount) -> None:
    await write(units, tenant, TOPIC, "other", TOPIC)
    await write(units, tenant, "other", TOPIC)
    assert await positions(units, tenant, TOPIC) == [1, 2, 3]
    assert await positions(units, tenant, "other") == [1, 2]


async def test_concurrent_writers_leave_no_hole_and_none_appears_late(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    seen: list[int] = []
    writing = True

    async def follow() -> None:
        while writing or len(seen) < 60:
            async with units.read(tenant.principal) as reading:
                entries = await read_entries(reading.session, tenant.id, TOPIC, seen[-1] if seen else 0, 7)
            seen.extend(entry.position for entry in entries)
            await asyncio.sleep(0.001)

    async def write_some(turn: int) -> None:
        for _ in range(10):
            # Half of them lock two topics, in the opposite order of naming.
            await write(units, tenant, *((TOPIC, "a") if turn % 2 else ("a", TOPIC)))

    follower = asyncio.create_task(follow())
    await asyncio.gather(*(write_some(turn) for turn in range(6)))
    writing = False
    async with asyncio.timeout(20):
        await follower
    assert seen == list(range(1, 61))


async def test_a_rolled_back_unit_leaves_no_entry_and_no_hole(units: UnitsOfWork, tenant: TenantAccount) -> None:
    await write(units, tenant, TOPIC)
    with pytest.raises(ZeroDivisionError):
        async with units.write(tenant.principal) as tx:
            tx.emit(TOPIC, "event", new_id())
            raise ZeroDivisionError
    await write(units, tenant, TOPIC)
    assert await positions(units, tenant, TOPIC) == [1, 2]


async def test_a_topic_is_another_for_another_tenant(
    units: UnitsOfWork, tenant: TenantAccount, other_tenant: TenantAccount
) -> None:
    await write(units, tenant, TOPIC, TOPIC)
    await write(units, other_tenant, TOPIC)
    assert await positions(units, tenant, TOPIC) == [1, 2]
    assert await positions(units, other_tenant, TOPIC) == [1]


async def test_trimming_raises_the_floor_to_the_last_entry_it_removed(
    units: UnitsOfWork, tenant: TenantAccount, other_tenant: TenantAccount
) -> None:
    await write(units, tenant, *[TOPIC] * 5)
    await write(units, other_tenant, *[TOPIC] * 3)
    await age(units, timedelta(days=8), topic=TOPIC, up_to=2)
    assert await trim(units) == 4
    assert await positions(units, tenant, TOPIC) == [3, 4, 5]
    assert await positions(units, other_tenant, TOPIC) == [3]
    async with units.read(tenant.principal) as reading:
        topic = await read_topic(reading.session, tenant.id, TOPIC)
    assert (topic.head, topic.floor) == (5, 2)
    assert topic.misses(Cursor("test", 1)) == "trimmed"
    assert topic.misses(Cursor("test", 2)) is None
    assert topic.misses(Cursor("test", 6)) == "ahead"
    assert topic.misses(Cursor("older", 3)) == "epoch"
    assert await trim(units) == 0


async def test_trimming_never_lowers_a_floor_and_goes_on_in_batches(units: UnitsOfWork, tenant: TenantAccount) -> None:
    await write(units, tenant, *[f"topic {n}" for n in range(30)] * 2)
    async with units.write(system()) as tx:
        await tx.session.execute(update(FeedEntry).values(created_at=clock.now() - timedelta(days=8)))
    removed = []
    while count := await trim(units, 25):
        removed.append(count)
    assert len(removed) >= 3
    async with units.read(tenant.principal) as reading:
        assert (await reading.session.execute(select(func.count()).select_from(FeedEntry))).scalar_one() == 0
        assert {(await read_topic(reading.session, tenant.id, f"topic {n}")).floor for n in range(30)} == {2}
    await write(units, tenant, "topic 3")
    assert await positions(units, tenant, "topic 3") == [3]


async def test_a_batch_of_trimming_holds_the_writer_only_for_a_moment(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    await write(units, tenant, *[f"topic {n}" for n in range(500)])
    async with units.write(system()) as tx:
        await tx.session.execute(update(FeedEntry).values(created_at=clock.now() - timedelta(days=8)))
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await trim(units) == 500
    assert loop.time() - began < 1.0  # measured: 13 to 30 ms; a busy machine takes longer


@pytest.mark.parametrize("text", ["", "abc", "abc-", "-1", "abc-01", "abc--1", "ABC-1", f"{'a' * 17}-1", "abc-1 "])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        decode_cursor(text)
    assert refusal.value.field == "after"


def test_a_cursor_survives_the_journey() -> None:
    assert decode_cursor(encode_cursor("0af3", 12)) == Cursor("0af3", 12)
