"""Defining and reading segments."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.actions.segments import (
    MemberChanges,
    Preview,
    UsedBy,
    add_members,
    count_customers,
    create_segment,
    delete_segment,
    find_customers,
    get_segment,
    list_members,
    list_segments,
    preview_segment,
    remove_members,
    segment_with_number,
    segments_of,
    update_segment,
    used_by,
)
from app.core.access import Principal, Scope
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.ids import new_id, public_id
from app.segments import read_rule
from models import Segment, SegmentDependency
from tests.actions.people import People, ext

PRO = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}


async def test_a_segment_with_a_rule_is_dynamic_and_one_without_is_static(people: People) -> None:
    pros = await people.do(create_segment, name="Pros", description="They pay", rule=PRO)
    friends = await people.do(create_segment, name="Friends")
    first, second = await people.read(get_segment, segment_id=pros), await people.read(get_segment, segment_id=friends)
    assert (first.number, first.name, first.description, first.kind) == (1, "Pros", "They pay", "dynamic")
    assert (first.rule, first.version, first.state, first.member_count) == (PRO, 1, "building", 0)
    assert first.created_by_id == people.principal.id
    assert (second.number, second.kind, second.rule, second.state) == (2, "static", None, "ready")
    assert await people.read(list_segments, limit=10) == ([first, second], 2)
    assert await people.read(list_segments, limit=10, kind="static") == ([second], 1)
    assert await people.read(list_segments, limit=1, offset=1) == ([second], 2)
    assert await people.read(segment_with_number, number=2) == second


async def test_a_wrong_rule_is_refused_with_its_place_and_leaves_no_trace(people: People) -> None:
    missing = {"and": [PRO, {"segment": {"id": public_id("segment", new_id())}}]}
    for rule, path in (
        ({"attribute": {"name": "plan", "is": {"is": 1}}}, "rule.attribute.is.is"),
        (missing, "rule.and.1.segment.id"),
    ):
        with pytest.raises(Invalid) as refused:
            await people.do(create_segment, name="X", rule=rule)
        assert refused.value.field == path
    with pytest.raises(Invalid, match="name"):
        await people.do(create_segment, name="  ")
    assert await people.rows(Segment) == []


async def test_updating_changes_what_is_given(people: People) -> None:
    key = await people.do(create_segment, name="Pros", rule=PRO)
    await people.do(update_segment, segment_id=key, name="Payers")
    named = await people.read(get_segment, segment_id=key)
    assert (named.name, named.version) == ("Payers", 1)
    other = {"attribute": {"name": "plan", "is": {"exists": True}}}
    await people.do(update_segment, segment_id=key, rule=PRO)
    assert (await people.read(get_segment, segment_id=key)).version == 1
    await people.do(update_segment, segment_id=key, rule=other)
    changed = await people.read(get_segment, segment_id=key)
    assert (changed.rule, changed.version, changed.state) == (other, 2, "building")
    static = await people.do(create_segment, name="Friends")
    with pytest.raises(Invalid, match="static"):
        await people.do(update_segment, segment_id=static, rule=PRO)
    with pytest.raises(NotFound):
        await people.do(update_segment, segment_id=new_id(), name="X")


async def test_a_segment_cannot_come_to_depend_on_itself(people: People) -> None:
    first = await people.do(create_segment, name="A", rule=PRO)
    second = await people.do(create_segment, name="B", rule={"segment": {"id": public_id("segment", first)}})
    circle = {"not": {"segment": {"id": public_id("segment", second)}}}
    with pytest.raises(Conflict) as refused:
        await people.do(update_segment, segment_id=first, rule=circle)
    assert refused.value.field == "rule.not.segment.id"
    assert (await people.read(get_segment, segment_id=first)).rule == PRO


async def test_a_segment_in_use_is_not_deleted(people: People) -> None:
    first = await people.do(create_segment, name="A", rule=PRO)
    second = await people.do(create_segment, name="B", rule={"segment": {"id": public_id("segment", first)}})
    assert await people.read(used_by, segment_id=first) == UsedBy([second])
    with pytest.raises(Conflict, match=public_id("segment", second)):
        await people.do(delete_segment, segment_id=first)
    await people.do(delete_segment, segment_id=second)
    assert await people.read(used_by, segment_id=first) == UsedBy([])
    await people.do(delete_segment, segment_id=first)
    with pytest.raises(NotFound):
        await people.read(get_segment, segment_id=first)
    assert await people.rows(SegmentDependency) == []
    third = await people.do(create_segment, name="C")
    assert (await people.read(get_segment, segment_id=third)).number == 3


async def test_static_members_come_and_go(people: People) -> None:
    ids = sorted([(await people.identify(external_id=f"u{n}")).customer_id for n in range(3)])
    key = await people.do(create_segment, name="Friends")
    refs = [ext("u0"), ext("nobody"), ext("u1"), ext("u0")]
    assert await people.do(add_members, segment_id=key, customers=refs) == MemberChanges(2, [1])
    assert await people.do(add_members, segment_id=key, customers=refs) == MemberChanges(0, [1])
    members = await people.read(list_members, segment_id=key, limit=10)
    assert [one for one, _ in members] == ids[:2]
    assert (await people.read(get_segment, segment_id=key)).member_count == 2
    assert [s.id for s in await people.read(segments_of, customer_id=ids[0])] == [key]
    assert [one for one, _ in await people.read(list_members, segment_id=key, limit=10, after=ids[0])] == [ids[1]]
    assert await people.do(remove_members, segment_id=key, customers=[ext("u0"), ext("u2")]) == MemberChanges(1, [])
    assert (await people.read(get_segment, segment_id=key)).member_count == 1
    then = members[0][1] + timedelta(microseconds=1)
    assert [one for one, _ in await people.read(list_members, segment_id=key, limit=9, as_of=then)] == ids[:2]
    assert await people.read(list_members, segment_id=key, limit=9, as_of=datetime(2020, 1, 1, tzinfo=UTC)) == []
    assert await people.feed(ids[0]) == [
        ("customer", ids[0], {"change": "identified"}),
        ("segment.entered", key, {"segment": key.hex, "cause": "added"}),
        ("segment.left", key, {"segment": key.hex, "cause": "removed"}),
    ]


async def test_a_rule_is_tried_before_it_is_saved(people: People) -> None:
    ids = [(await people.identify(external_id=f"u{n}", attributes={"plan": "pro"})).customer_id for n in range(3)]
    await people.identify(external_id="free", attributes={"plan": "free"})
    assert await people.read(preview_segment, rule=PRO) == Preview(3, sorted(ids, reverse=True))
    assert await people.read(preview_segment, rule=PRO, sample=0) == Preview(3, [])
    rule = read_rule(PRO)
    assert await people.read(count_customers, rule=rule) == 3
    assert await people.read(find_customers, rule=rule, limit=2) == sorted(ids)[:2]
    assert await people.read(find_customers, rule=rule, limit=2, after=sorted(ids)[1]) == sorted(ids)[2:]


async def test_segments_need_their_scopes(people: People) -> None:
    key = await people.do(create_segment, name="Friends")
    people.principal = Principal(
        "api_key", people.principal.tenant_id, UUID(int=1), scopes=frozenset({Scope.EVENTS_READ})
    )
    with pytest.raises(Forbidden):
        await people.read(get_segment, segment_id=key)
    with pytest.raises(Forbidden):
        await people.do(create_segment, name="Enemies")


async def test_segments_are_one_tenants_own(people: People, strangers: People) -> None:
    key = await people.do(create_segment, name="Friends")
    with pytest.raises(NotFound):
        await strangers.read(get_segment, segment_id=key)
    with pytest.raises(NotFound):
        await strangers.do(add_members, segment_id=key, customers=[])
    assert await strangers.read(list_segments, limit=10) == ([], 0)
