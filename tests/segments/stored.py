"""What the database holds of a tenant, as the reference wants it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import SQLModel, col

from app.core.access import system
from app.core.tx import Reading, UnitsOfWork
from app.segments import in_order, parse_rule, segments_of
from models import Consent, Conversation, Customer, Device, Event, FeedEntry, Identity, Segment, SegmentMembership
from tests.segments.reference import Happened, Person, Talk, is_member


async def rows_of(reading: Reading, table: type[SQLModel]) -> Sequence[Any]:
    return (await reading.session.execute(select(table))).scalars().all()


async def stored_people(units: UnitsOfWork, tenant_id: UUID) -> dict[UUID, Person]:
    """Everybody there is, active or not, with everything that a rule can ask about but memberships."""
    async with units.read(system(tenant_id)) as reading:
        people = {
            row.id: Person(row.id, row.status, row.attributes, row.timezone, row.locale, row.created_at, row.updated_at)
            for row in await rows_of(reading, Customer)
        }
        for row in await rows_of(reading, Identity):
            people[row.customer_id].identities.append((row.kind, row.value))
        for row in await rows_of(reading, Device):
            people[row.customer_id].devices.append((row.platform, row.last_used_at))
        for row in await rows_of(reading, Consent):
            people[row.customer_id].consents[row.channel] = row.status
        for row in await rows_of(reading, Event):
            if row.customer_id is not None:
                people[row.customer_id].events.append(Happened(row.name, row.properties, row.occurred_at))
        for row in await rows_of(reading, Conversation):
            if row.customer_id is not None:
                moments = (row.created_at, row.waiting_since, row.closed_at)
                people[row.customer_id].talks.append(Talk(row.id, row.status, *moments, row.csat_score, row.csat_at))
        return people


async def stored_members(units: UnitsOfWork, tenant_id: UUID) -> dict[UUID, set[UUID]]:
    """The members of each segment that is not deleted, once its count and its history are found to say the same."""
    async with units.read(system(tenant_id)) as reading:
        segments = await rows_of(reading, Segment)
        stays = await rows_of(reading, SegmentMembership)
        told = select(FeedEntry).where(col(FeedEntry.topic).like("segment:%")).order_by(col(FeedEntry.position))
        entries = (await reading.session.execute(told)).scalars().all()
    members: dict[UUID, set[UUID]] = {segment.id: set() for segment in segments}
    for stay in stays:
        assert stay.left_at is None or stay.left_at >= stay.entered_at
        if stay.left_at is None:
            assert stay.customer_id not in members[stay.segment_id]
            members[stay.segment_id].add(stay.customer_id)
    assert {segment.id: segment.member_count for segment in segments} == {
        key: len(all_) for key, all_ in members.items()
    }
    assert replayed(entries) == {key: found for key, found in members.items() if found}
    return {segment.id: members[segment.id] for segment in segments if segment.deleted_at is None}


def replayed(entries: Sequence[FeedEntry]) -> dict[UUID, set[UUID]]:
    """Who is in which segment by what its subscribers heard: nobody enters who is in, or leaves who is out."""
    inside: dict[UUID, set[UUID]] = defaultdict(set)
    for entry in entries:
        segment_id = UUID(hex=entry.topic.removeprefix("segment:"))
        assert (entry.subject_id in inside[segment_id]) == (entry.kind == "segment.left"), entry
        (inside[segment_id].add if entry.kind == "segment.entered" else inside[segment_id].remove)(entry.subject_id)
    return {segment_id: found for segment_id, found in inside.items() if found}


async def expected_members(
    units: UnitsOfWork, tenant_id: UUID, people: Any, found: dict[UUID, set[UUID]], now: datetime
) -> dict[UUID, set[UUID]]:
    """The members of the dynamic segments by the reference; the static ones have whom they have."""
    async with units.read(system(tenant_id)) as reading:
        statement = select(col(Segment.id), col(Segment.rule)).where(col(Segment.deleted_at).is_(None))
        stored = dict((await reading.session.execute(statement)).tuples().all())
    rules = {key: parse_rule(rule) for key, rule in stored.items() if rule is not None}
    for key in stored.keys() - rules.keys():
        for customer_id in found[key]:
            assert people[customer_id].status == "active"
            people[customer_id].segments.add(key)
    expected = {}
    for key in in_order({key: segments_of(rule) for key, rule in rules.items()}):
        expected[key] = {one.id for one in people.values() if is_member(rules[key], one, now)}
        for customer_id in expected[key]:
            people[customer_id].segments.add(key)
    return expected
