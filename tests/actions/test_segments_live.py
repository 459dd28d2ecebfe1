"""Live membership: every change of a customer changes their segments in the same commit."""

from datetime import timedelta
from uuid import UUID

from app.actions.customers import delete_customer, erase_customer, remove_device, save_device, set_consent
from app.actions.segments import add_members, create_segment, get_segment, update_segment
from app.core import clock
from app.core.ids import public_id
from models import FeedEntry, SegmentFlip, SegmentMembership
from tests.actions.people import People, anon, by_id, ext

PRO = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}
BUYER = {"event": {"name": "purchase", "count": {"atLeast": 2}}}


async def members(people: People, segment_id: UUID) -> set[UUID]:
    rows = await people.rows(SegmentMembership)
    return {row["customer_id"] for row in rows if row["segment_id"] == segment_id and row["left_at"] is None}


async def told(people: People, segment_id: UUID) -> list[tuple[str, UUID, str]]:
    """What subscribers of a segment heard: kind, customer and cause."""
    topic = f"segment:{segment_id.hex}"
    rows = [row for row in await people.rows(FeedEntry) if row["topic"] == topic]
    assert [row["data"]["customer"] for row in rows] == [row["subject_id"].hex for row in rows]
    return [(row["kind"], row["subject_id"], row["data"]["cause"]) for row in rows]


async def test_an_attribute_decides_at_once_and_is_the_cause(people: People) -> None:
    key = await people.do(create_segment, name="Pros", rule=PRO)
    ann = (await people.identify(external_id="ann", attributes={"plan": "pro"})).customer_id
    assert await members(people, key) == {ann}
    await people.identify(external_id="ann", attributes={"plan": "free"})
    assert await members(people, key) == set()
    await people.identify(external_id="ann", attributes={"colour": "red"})
    await people.identify(external_id="ann", attributes={"plan": "pro"})
    assert await told(people, key) == [
        ("segment.entered", ann, "created"),
        ("segment.left", ann, "attribute:plan"),
        ("segment.entered", ann, "attribute:plan"),
    ]
    assert (await people.read(get_segment, segment_id=key)).member_count == 1
    assert [kind for kind, _, _ in await people.feed(ann)].count("segment.entered") == 2


async def test_events_count_as_they_come_also_late_ones(people: People) -> None:
    key = await people.do(create_segment, name="Buyers", rule=BUYER)
    ann = (await people.identify(external_id="ann")).customer_id
    await people.track(ext("ann"), "purchase")
    await people.track(ext("ann"), "visit")
    assert await members(people, key) == set()
    await people.track(ext("ann"), "purchase", occurred_at=clock.now() - timedelta(days=400))
    assert await told(people, key) == [("segment.entered", ann, "event:purchase")]


async def test_an_anonymous_history_counts_once_it_is_somebodys(people: People) -> None:
    key = await people.do(create_segment, name="Buyers", rule=BUYER)
    for _ in range(2):
        await people.track(anon("browser"), "purchase")
    assert await told(people, key) == []
    ann = (await people.identify(external_id="ann", anonymous_id="browser")).customer_id
    assert await told(people, key) == [("segment.entered", ann, "event:purchase")]


async def test_consents_devices_names_and_zones_decide(people: People) -> None:
    rules = {
        "consent": {"consent": {"channel": "email", "is": "unsubscribed"}},
        "device": {"device": {"platform": {"equals": "ios"}}},
        "identity": {"identity": {"kind": "email", "is": {"endsWith": "@example.com"}}},
        "timezone": {"timezone": {"is": {"equals": "Europe/Berlin"}}},
        "locale": {"locale": {"is": {"equals": "de"}}},
    }
    keys = {name: await people.do(create_segment, name=name, rule=rule) for name, rule in rules.items()}
    ann = (await people.identify(external_id="ann")).customer_id
    await people.do(set_consent, customer=ext("ann"), channel="email", status="unsubscribed")
    await people.do(save_device, customer=ext("ann"), token="t", platform="ios")
    await people.identify(external_id="ann", email="ann@example.com")
    await people.identify(external_id="ann", timezone="Europe/Berlin", locale="de")
    causes = {name: await told(people, key) for name, key in keys.items()}
    assert causes == {
        "consent": [("segment.entered", ann, "consent:email")],
        "device": [("segment.entered", ann, "device")],
        "identity": [("segment.entered", ann, "identity:email")],
        "timezone": [("segment.entered", ann, "timezone")],
        "locale": [("segment.entered", ann, "locale")],
    }
    bob = (await people.identify(external_id="bob")).customer_id
    await people.do(save_device, customer=ext("bob"), token="t", platform="ios")
    assert await members(people, keys["device"]) == {bob}
    await people.do(remove_device, customer=ext("bob"), token="t")
    assert await members(people, keys["device"]) == set()


async def test_segments_follow_the_segments_they_depend_on(people: People) -> None:
    friends = await people.do(create_segment, name="Friends")
    pros = await people.do(create_segment, name="Pros", rule=PRO)
    inside = [{"segment": {"id": public_id("segment", key)}} for key in (friends, pros)]
    both = await people.do(create_segment, name="Both", rule={"and": inside})
    outside = await people.do(
        create_segment, name="Neither", rule={"not": {"segment": {"id": public_id("segment", both)}}}
    )
    ann = (await people.identify(external_id="ann", attributes={"plan": "pro"})).customer_id
    assert (await members(people, both), await members(people, outside)) == (set(), {ann})
    await people.do(add_members, segment_id=friends, customers=[ext("ann")])
    assert (await members(people, both), await members(people, outside)) == ({ann}, set())
    await people.identify(external_id="ann", attributes={"plan": "free"})
    assert (await members(people, both), await members(people, outside)) == (set(), {ann})
    assert await told(people, both) == [
        ("segment.entered", ann, f"segment:{friends.hex}"),
        ("segment.left", ann, f"segment:{pros.hex}"),
    ]


async def test_the_deleted_and_erased_leave(people: People) -> None:
    pros = await people.do(create_segment, name="Pros", rule=PRO)
    friends = await people.do(create_segment, name="Friends")
    ids = [(await people.identify(external_id=name, attributes={"plan": "pro"})).customer_id for name in ("ann", "bob")]
    await people.do(add_members, segment_id=friends, customers=[ext("ann"), ext("bob")])
    await people.do(delete_customer, customer=ext("ann"))
    await people.do(erase_customer, customer=ext("bob"))
    for key in (pros, friends):
        assert await members(people, key) == set()
        assert (await people.read(get_segment, segment_id=key)).member_count == 0
        left = [entry for entry in await told(people, key) if entry[0] == "segment.left"]
        assert left == [("segment.left", ids[0], "deleted"), ("segment.left", ids[1], "erased")]


async def test_a_merge_brings_the_winner_what_the_loser_had_and_unmerging_returns_it(people: People) -> None:
    buyers = await people.do(create_segment, name="Buyers", rule=BUYER)
    friends = await people.do(create_segment, name="Friends")
    ann = (await people.identify(external_id="ann")).customer_id
    bob = (await people.identify(external_id="bob")).customer_id
    for name in ("ann", "bob"):
        await people.track(ext(name), "purchase")
    await people.do(add_members, segment_id=friends, customers=[ext("bob")])
    merge_id = await people.merge(by_id(ann), by_id(bob))
    assert (await members(people, buyers), await members(people, friends)) == ({ann}, {ann})
    await people.unmerge(merge_id)
    assert (await members(people, buyers), await members(people, friends)) == (set(), {bob})
    assert (await people.read(get_segment, segment_id=friends)).member_count == 1


async def test_moments_at_which_the_clock_decides_are_noted(people: People) -> None:
    lately = {"event": {"name": "visit", "within": {"last": {"days": 30}}}}
    key = await people.do(create_segment, name="Lately", rule=lately)
    ann = (await people.identify(external_id="ann")).customer_id
    then = clock.now() - timedelta(days=1)
    await people.track(ext("ann"), "visit", occurred_at=then)
    assert await people.rows(SegmentFlip) == [
        {
            "tenant_id": people.principal.tenant_id,
            "segment_id": key,
            "customer_id": ann,
            "due_at": then + timedelta(days=30),
        }
    ]


async def test_another_rule_is_gone_by_at_once(people: People) -> None:
    key = await people.do(create_segment, name="Pros", rule=PRO)
    await people.do(update_segment, segment_id=key, rule=BUYER)
    ann = (await people.identify(external_id="ann", attributes={"plan": "pro"})).customer_id
    assert await members(people, key) == set()
    for _ in range(2):
        await people.track(ext("ann"), "purchase")
    assert await members(people, key) == {ann}
