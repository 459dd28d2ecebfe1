"""Segments follow what is said, answered, closed and rated, in the same transaction, and the clock."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select
from sqlmodel import col

from app.actions.conversations import close_conversation, rate_conversation, send_message
from app.actions.segments import create_segment
from app.core import clock
from app.runtime.alarm import Alarm
from models import SegmentMembership
from tests.actions.people import People, ext
from tests.actions.visiting import Site

RULES: dict[str, dict[str, Any]] = {
    "open": {"conversation": {"status": {"equals": "open"}}},
    "waits": {"conversation": {"waitingSince": {"longerAgoThan": {"minutes": 10}}}},
    "unhappy": {"rating": {"is": {"atMost": 2}}},
    "resolved": {"conversation": {"closedAt": {"inTheLast": {"days": 7}}}},
    "often": {"conversation": {"count": {"atLeast": 2}}},
    "never": {"conversation": {"count": {"equals": 0}}},
}


@pytest.fixture
async def site(people: People) -> Site:
    return await Site.built(people)


async def test_members_are_those_of_every_moment(site: Site) -> None:
    start = clock.now()
    with time_machine.travel(start, tick=False) as moved:
        keys = {name: await site.people.do(create_segment, name=name, rule=rule) for name, rule in RULES.items()}

        async def inside(at: timedelta = timedelta()) -> dict[str, str]:
            """The segments that ann is in at a moment, each with what made her enter."""
            moved.move_to(start + at, tick=False)
            await Alarm(site.units).work_off()
            return await causes(site, keys)

        ann = await site.browser()
        talk = await ann.says("help!")
        assert await inside() == {}
        await site.proven("ann", ann)
        assert await inside() == {"open": "conversation"}
        assert await inside(timedelta(minutes=10) - timedelta(microseconds=1)) == {"open": "conversation"}
        assert await inside(timedelta(minutes=10)) == {"open": "conversation", "waits": "time"}
        await site.people.do(send_message, conversation_id=talk, text="How?")
        assert await inside(timedelta(minutes=11)) == {"open": "conversation"}
        await site.people.do(close_conversation, conversation_id=talk)
        assert await inside(timedelta(minutes=11)) == {"resolved": "conversation"}
        await ann.do(rate_conversation, conversation_id=talk, score=2)
        assert await inside(timedelta(minutes=11)) == {"resolved": "conversation", "unhappy": "conversation"}
        await ann.do(rate_conversation, conversation_id=talk, score=5)
        assert await inside(timedelta(days=7, minutes=11, microseconds=-1)) == {"resolved": "conversation"}
        assert await inside(timedelta(days=7, minutes=11)) == {}
        await ann.says("again")
        assert await inside(timedelta(days=7, minutes=11)) == {"open": "conversation", "often": "conversation"}


async def causes(site: Site, keys: dict[str, UUID]) -> dict[str, str]:
    async with site.units.read(site.people.principal) as reading:
        lasting = select(col(SegmentMembership.segment_id), col(SegmentMembership.enter_cause))
        rows = (await reading.session.execute(lasting.where(col(SegmentMembership.left_at).is_(None)))).tuples().all()
    found = dict(rows)
    return {name: found[key] for name, key in keys.items() if key in found}


async def test_a_merge_and_its_undoing_move_what_was_said(site: Site) -> None:
    key = await site.people.do(create_segment, name="open", rule=RULES["open"])
    ann, bob = await site.proven("ann"), await site.proven("bob")
    await ann.says("help!")
    names = await site.people.names()
    customers = {name: names["external_id", name] for name in ("ann", "bob")}
    assert await members(site, key) == {customers["ann"]}
    merge_id = await site.people.merge(ext("bob"), ext("ann"))
    assert await members(site, key) == {customers["bob"]}
    await site.people.unmerge(merge_id)
    assert await members(site, key) == {customers["ann"]}
    assert (await site.visitor(bob))["customer_id"] == customers["bob"]


async def members(site: Site, key: UUID) -> set[UUID]:
    stays = await site.people.rows(SegmentMembership)
    return {stay["customer_id"] for stay in stays if stay["segment_id"] == key and stay["left_at"] is None}
