"""Whole builds and what the clock changes, worked off by a running server."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine

from app.actions.segments import (
    CsvChanges,
    add_members_from_csv,
    copy_members,
    create_segment,
    delete_segment,
    explain_membership,
    get_segment,
    list_members,
    member_count_series,
    refresh_segment,
    update_segment,
)
from app.actions.segments.building import build_portion, plan_build
from app.core import clock
from app.core.errors import Invalid
from app.core.ids import public_id
from app.runtime import Runtime
from app.runtime.alarm import Alarm
from models import SegmentFlip, SegmentMembership
from tests.actions.people import People, by_id, ext
from tests.tenants import TenantAccount

PRO = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}
LATELY = {"event": {"name": "visit", "within": {"last": {"days": 30}}}}
WAIT_S = 10.0


@pytest.fixture
async def served(runtime: Runtime, tenant: TenantAccount) -> People:
    """The owner of a tenant, on a server that works jobs off."""
    return People(runtime.units, tenant.principal)


async def eventually(check: Callable[[], Awaitable[Any]]) -> None:
    """Waits until ``check`` gives something true."""
    async with asyncio.timeout(WAIT_S):
        while not await check():
            await asyncio.sleep(0.02)


async def ready(people: People, key: UUID) -> None:
    async def is_ready() -> bool:
        return (await people.read(get_segment, segment_id=key)).state == "ready"

    await eventually(is_ready)


async def members(people: People, key: UUID) -> set[UUID]:
    return {one for one, _ in await people.read(list_members, segment_id=key, limit=1000)}


async def test_who_was_there_before_the_segment_is_found_in_the_background(served: People) -> None:
    people = served
    ids = [(await people.identify(external_id=f"u{n}", attributes={"plan": "pro"})).customer_id for n in range(60)]
    await people.identify(external_id="free", attributes={"plan": "free"})
    key = await people.do(create_segment, name="Pros", rule=PRO)
    await ready(people, key)
    segment = await people.read(get_segment, segment_id=key)
    assert (segment.member_count, segment.progress) == (60, 1000)
    assert await members(people, key) == set(ids)
    rows = await people.rows(SegmentMembership)
    assert {row["enter_cause"] for row in rows} == {"build"}
    await people.do(update_segment, segment_id=key, rule={"not": PRO})
    await ready(people, key)
    assert (await people.read(get_segment, segment_id=key)).member_count == 1
    assert [row["leave_cause"] for row in await people.rows(SegmentMembership)].count("build") == 60


async def test_everybody_leaves_a_deleted_segment(served: People) -> None:
    people = served
    ann = (await people.identify(external_id="ann", attributes={"plan": "pro"})).customer_id
    key = await people.do(create_segment, name="Pros", rule=PRO)
    await ready(people, key)
    await people.do(delete_segment, segment_id=key)

    async def has_left() -> bool:
        return [row["leave_cause"] for row in await people.rows(SegmentMembership)] == ["segment deleted"]

    await eventually(has_left)
    assert (await people.feed(ann))[-1] == ("segment.left", key, {"segment": key.hex, "cause": "segment deleted"})


async def test_a_build_that_died_goes_on_where_it_was(people: People) -> None:
    for n in range(10):
        await people.identify(external_id=f"u{n}", attributes={"plan": "pro"})
    key = await people.do(create_segment, name="Pros", rule=PRO)
    plan = await people.read(plan_build, segment_id=key)
    assert plan is not None
    assert len(plan.customers) == 10
    await people.do(build_portion, segment_id=key, customers=plan.customers[:4])
    rest = await people.read(plan_build, segment_id=key)
    assert rest is not None
    assert rest.customers == plan.customers[4:]
    await people.do(build_portion, segment_id=key, customers=plan.customers)
    assert (await people.read(get_segment, segment_id=key)).member_count == 10
    assert len(await people.rows(SegmentMembership)) == 10


async def test_a_refresh_mends_what_is_wrong(served: People) -> None:
    people = served
    key = await people.do(create_segment, name="Pros", rule=PRO)
    static = await people.do(create_segment, name="Friends")
    await ready(people, key)
    await people.do(refresh_segment, segment_id=key)
    await ready(people, key)
    with pytest.raises(Invalid, match="static"):
        await people.do(refresh_segment, segment_id=static)


async def test_who_leaves_by_the_clock_leaves_when_the_moment_comes(served: People) -> None:
    people = served
    key = await people.do(create_segment, name="Lately", rule=LATELY)
    ann = (await people.identify(external_id="ann")).customer_id
    left_at = clock.now() + timedelta(seconds=0.5)
    await people.track(ext("ann"), "visit", occurred_at=left_at - timedelta(days=30))
    assert await members(people, key) == {ann}

    async def is_empty() -> bool:
        return await members(people, key) == set()

    await eventually(is_empty)
    (row,) = await people.rows(SegmentMembership)
    assert row["leave_cause"] == "time"
    assert left_at <= row["left_at"] < left_at + timedelta(seconds=1)
    assert await people.rows(SegmentFlip) == []


async def test_moments_that_passed_while_nobody_ran_are_worked_off(people: People) -> None:
    now = clock.now()
    key = await people.do(create_segment, name="Lately", rule=LATELY)
    for name in ("ann", "bob"):
        await people.track(ext(name), "visit", occurred_at=now)
    assert len(await members(people, key)) == 2
    with time_machine.travel(now + timedelta(days=40), tick=False):
        assert await Alarm(people.units).work_off() == 2
        assert await Alarm(people.units).work_off() == 0
    assert await members(people, key) == set()
    assert await people.rows(SegmentFlip) == []


async def test_a_csv_adds_whom_its_lines_name(people: People) -> None:
    ann = (await people.identify(external_id="ann", email="ann@example.com")).customer_id
    bob = (await people.identify(external_id="bob", email="bob@example.com")).customer_id
    key = await people.do(create_segment, name="Friends")
    text = 'name,Email\n"Ann, the first",ANN@example.com\nBob,bob@example.com\n\nEve,eve@example.com\nNone,\n'
    found = await people.do(add_members_from_csv, segment_id=key, text=text)
    assert found == CsvChanges(2, 0, [(5, "names no customer"), (6, "is empty")])
    again = f"id\n{public_id('customer', ann)}\n"
    assert await people.do(add_members_from_csv, segment_id=key, text=again, column="id") == CsvChanges(0, 1, [])
    assert await members(people, key) == {ann, bob}
    with pytest.raises(Invalid, match="first line"):
        await people.do(add_members_from_csv, segment_id=key, text="name\nAnn\n")
    copy = await people.do(create_segment, name="Copy")
    assert await people.do(copy_members, segment_id=copy, from_segment_id=key) == 2
    assert await people.do(copy_members, segment_id=copy, from_segment_id=key) == 0


async def test_the_growth_of_a_segment_is_counted_from_its_history(people: People) -> None:
    key = await people.do(create_segment, name="Pros", rule=PRO)
    start = datetime(2026, 1, 31, 12, tzinfo=UTC)
    for day, plan in ((0, "pro"), (1, "pro"), (2, "free")):
        with time_machine.travel(start + timedelta(days=day, hours=1), tick=False):
            await people.identify(external_id=f"u{day}", attributes={"plan": plan})
            if day == 2:
                await people.identify(external_id="u0", attributes={"plan": plan})
    end = start + timedelta(days=3)
    series = await people.read(member_count_series, segment_id=key, start=start, end=end, step="day")
    assert series == [(start + timedelta(days=day), count) for day, count in enumerate((0, 1, 2, 1))]
    later = datetime(2026, 3, 31, 12, tzinfo=UTC)
    series = await people.read(member_count_series, segment_id=key, start=start, end=later, step="month")
    assert series == [(start, 0), (datetime(2026, 2, 28, 12, tzinfo=UTC), 1), (later, 1)]
    with pytest.raises(Invalid, match="1000 points"):
        await people.read(member_count_series, segment_id=key, start=start, end=later, step="hour")


async def test_a_membership_is_explained(people: People) -> None:
    key = await people.do(create_segment, name="Pros", rule={"and": [PRO, LATELY]})
    ann = (await people.identify(external_id="ann", attributes={"plan": "pro"})).customer_id
    outside = await people.read(explain_membership, segment_id=key, customer_id=ann)
    assert (outside.is_member, outside.entered_at, outside.cause) == (False, None, None)
    event = await people.track(by_id(ann), "visit")
    inside = await people.read(explain_membership, segment_id=key, customer_id=ann)
    assert (inside.is_member, inside.cause) == (True, "event:visit")
    assert inside.verdict is not None
    plan, visit = inside.verdict.below
    assert (plan.path, plan.holds, plan.because) == ("rule.and.0.attribute", True, {"value": "pro"})
    assert [one["id"] for one in visit.because["events"]] == [event.event_id]
