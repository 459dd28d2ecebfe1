"""Openings, clicks and what providers tell: each counted once where once counts, and taken back where it was wrong."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.actions.consent import unsuppress_address
from app.actions.tracking import Seen, Told, record_click, record_engagements, record_feedback, record_open
from app.core import clock
from app.core.errors import Forbidden
from app.core.feed import DELIVERIES_TOPIC
from app.core.ids import new_id
from models import ArchivedMessage, Engagement, FeedEntry, HourlyCount, SoftBounces, Suppression
from tests.actions.people import People
from tests.actions.posting import Posting, moments

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def posting(people: People) -> Posting:
    return Posting(people)


async def counts(people: People) -> dict[UUID, dict[str, int]]:
    """Everything that was counted, over all hours; what was taken back again is not there."""
    found: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in await people.rows(HourlyCount):
        found[row["subject_id"]][row["metric"]] += row["count"]
    return {key: {name: n for name, n in metrics.items() if n} for key, metrics in found.items()}


async def told(people: People) -> list[tuple[str, Any]]:
    rows = [row for row in await people.rows(FeedEntry) if row["topic"] == DELIVERIES_TOPIC]
    return [(row["kind"], row["data"].get("first")) for row in rows]


async def test_openings_and_clicks_are_kept_and_counted_once_per_message(people: People, posting: Posting) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    campaign = await posting.campaign()
    content = await posting.content(campaign)
    shop, blog = await posting.link(campaign, "https://shop.example"), await posting.link(campaign, "https://b.example")
    delivery = await posting.delivery(ann, campaign, content_id=content)
    at = clock.now() - timedelta(minutes=30)

    def seen(kind: str, after_s: float, number: int | None = None, agent: str = BROWSER) -> Seen:
        return Seen(delivery, kind, at + timedelta(seconds=after_s), number, user_agent=agent, address="203.0.113.9")

    first = [seen("open", 0, agent="Mozilla/5.0"), seen("open", 60), seen("click", 70, shop.number), seen("open", 65)]
    assert await people.do(record_engagements, first) == 4
    later = [seen("click", 90, shop.number), seen("click", 120, blog.number), seen("click", 150, 0)]
    assert await people.do(record_engagements, [*later, Seen(new_id(), "open", at)]) == 3
    assert {name: (moment - at).total_seconds() for name, moment in moments(await posting.of(delivery)).items()} == {
        "opened_at": 0,
        "human_opened_at": 60,
        "clicked_at": 70,
        "human_clicked_at": 70,
    }
    once = {"opened": 1, "human_opened": 1, "clicked": 1, "human_clicked": 1}
    twice = {"clicked": 2, "clicked_once": 1, "human_clicked": 2, "human_clicked_once": 1}
    assert await counts(people) == {
        people.principal.tenant_id: once,
        campaign: once,
        content: once,
        shop.id: twice,
        blog.id: dict.fromkeys(twice, 1),
    }
    kept = [(row["kind"], row["verdict"], row["reasons"], row["link_id"]) for row in await people.rows(Engagement)]
    assert kept == [
        ("open", "proxy", ["apple_privacy_proxy"], None),
        ("open", "human", ["browser"], None),
        ("open", "human", ["browser"], None),
        ("click", "human", ["browser"], shop.id),
        ("click", "human", ["browser"], shop.id),
        ("click", "human", ["browser"], blog.id),
        ("click", "scanner", ["invisible_link"], None),
    ]
    assert await told(people) == [
        ("delivery.opened", True),
        ("delivery.opened", False),
        ("delivery.human_opened", True),
        ("delivery.opened", False),
        ("delivery.clicked", True),
        ("delivery.human_clicked", True),
        ("delivery.clicked", False),
        ("delivery.clicked", False),
        ("delivery.clicked", False),
    ]


async def test_a_verdict_that_later_clicks_show_to_be_wrong_is_taken_back_in_every_count(
    people: People, posting: Posting
) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    campaign = await posting.campaign()
    links = [await posting.link(campaign, f"https://{name}.example") for name in "abc"]
    delivery = await posting.delivery(ann, campaign)
    at = clock.now() - timedelta(minutes=30)
    for place, link in enumerate(links[:2]):
        seen = Seen(delivery, "click", at + timedelta(seconds=4 * place), link.number, user_agent=BROWSER)
        await people.do(record_engagements, [seen])
    assert (await counts(people))[campaign] == {"clicked": 1, "human_clicked": 1}
    third = Seen(delivery, "click", at + timedelta(seconds=8), links[2].number, user_agent=BROWSER)
    await people.do(record_engagements, [third])
    assert (await counts(people))[campaign] == {"clicked": 1}
    assert (await posting.of(delivery))["human_clicked_at"] is None
    assert {row["verdict"] for row in await people.rows(Engagement)} == {"scanner"}
    machine = {"clicked": 1, "clicked_once": 1, "machine_clicked": 1}
    assert [(await counts(people))[link.id] for link in links] == [machine] * 3
    human = Seen(delivery, "click", at + timedelta(minutes=9), links[0].number, user_agent=BROWSER)
    await people.do(record_engagements, [human])
    assert (await counts(people))[campaign] == {"clicked": 1, "human_clicked": 1}
    assert (await posting.of(delivery))["human_clicked_at"] == human.at


async def test_what_apps_tell_counts_as_a_persons_and_test_messages_count_nowhere(
    people: People, strangers: People, posting: Posting
) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    delivery, test = await posting.delivery(ann, channel="push"), await posting.delivery(ann, is_test=True)
    assert await people.do(record_open, delivery_id=delivery)
    assert await people.do(record_click, delivery_id=delivery, url="app://cart")
    assert await people.do(record_open, delivery_id=test)
    assert not await strangers.do(record_open, delivery_id=delivery)
    assert await strangers.do(record_engagements, [Seen(delivery, "open", clock.now())]) == 0
    once = {"opened": 1, "human_opened": 1, "clicked": 1, "human_clicked": 1}
    assert await counts(people) == {people.principal.tenant_id: once}
    assert list(moments(await posting.of(test))) == ["opened_at", "human_opened_at"]


async def test_a_providers_word_is_taken_once_and_a_hard_bounce_suppresses_the_address(
    people: People, strangers: People, posting: Posting
) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    one = await posting.delivery(ann, recipient="Ann@example.com", provider_message_id="m1")
    two = await posting.delivery(ann, provider_message_id="m2")
    three = await posting.delivery(ann, recipient="bob@example.com", state="in_doubt", sent_at=None)
    told_twice = [Told("hard", provider_message_id="m1", detail="550 no such user")] * 2
    assert await strangers.do(record_feedback, told_twice) == 0
    assert await people.do(record_feedback, told_twice) == 1
    assert await people.do(record_feedback, told_twice) == 0
    delivered = [Told("delivered", delivery_id=two), Told("delivered", delivery_id=three)]
    assert await people.do(record_feedback, [*delivered, Told("complained", provider_message_id="m2")]) == 3
    states = {key: (await posting.of(key))["state"] for key in (one, two, three)}
    assert states == {one: "bounced", two: "delivered", three: "delivered"}
    assert (await posting.of(one))["error"] == "550 no such user"
    assert list(moments(await posting.of(two))) == ["delivered_at", "complained_at"]
    assert [(row["address"], row["reason"]) for row in await people.rows(Suppression)] == [
        ("ann@example.com", "hard_bounce")
    ]
    kinds = [kind for kind, _ in await told(people)]
    assert sorted(kinds) == sorted(
        ["delivery.bounced", "delivery.complained", "delivery.sent", "delivery.delivered", "delivery.delivered"]
    )


async def test_a_bounce_for_now_that_becomes_one_for_good_counts_once_and_suppresses(
    people: People, posting: Posting
) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    delivery = await posting.delivery(ann)
    soft, hard = (Told(kind, delivery_id=delivery, detail=said) for kind, said in (("soft", "452"), ("hard", "550")))
    assert await people.do(record_feedback, [soft]) == 1
    assert await people.do(record_feedback, [hard, hard]) == 0
    row = await posting.of(delivery)
    assert (row["state"], row["error"]) == ("bounced", "550")
    assert (await counts(people))[people.principal.tenant_id] == {"bounced": 1}
    (listed,) = await people.rows(Suppression)
    assert listed["reason"] == "hard_bounce"
    await people.do(unsuppress_address, suppression_id=listed["id"])
    await people.do(record_feedback, [hard])  # told once more, late
    assert await people.rows(Suppression) == []


async def test_what_is_in_doubt_can_be_read_by_people(people: People, posting: Posting) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    now = clock.now()
    for state, verdict in (("in_doubt", "human"), ("sending", "scanner")):
        delivery = await posting.delivery(ann, state=state, sent_at=None, attempted_at=now - timedelta(hours=2))
        await people.do(record_engagements, [Seen(delivery, "open", now, user_agent=BROWSER)])
        assert [row["verdict"] for row in await people.rows(Engagement) if row["delivery_id"] == delivery] == [verdict]


async def test_soft_bounces_are_counted_until_a_message_is_taken(people: People, posting: Posting) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    for state in ("soft", "soft", "delivered", "soft"):
        delivery = await posting.delivery(ann)
        await people.do(record_feedback, [Told(state, delivery_id=delivery, detail="452 full")])
    assert [row["count"] for row in await people.rows(SoftBounces)] == [1]
    for _ in range(4):
        await people.do(record_feedback, [Told("soft", delivery_id=await posting.delivery(ann))])
    assert [row["reason"] for row in await people.rows(Suppression)] == ["soft_bounces"]


async def copied(people: People, posting: Posting, *, is_archived: bool = True, **values: Any) -> UUID:
    """A message to Ann of which Bob and Cleo got copies."""
    ann = (await people.identify(external_id="ann")).customer_id
    campaign = await posting.campaign()
    content = await posting.content(campaign, fields={"cc": "{{ boss }}"})
    delivery = await posting.delivery(ann, campaign, content_id=content, **values)
    if is_archived:
        fields = {"cc": "Bob <Bob@example.com>", "bcc": ["cleo@example.com"]}
        async with people.units.write(people.principal) as tx:
            row = {"delivery_id": delivery, "headers": [], "fields": fields, "created_at": tx.now}
            await tx.insert(ArchivedMessage, [row])
    return delivery


async def test_a_bounced_copy_blames_whom_it_was_sent_to_and_nobody_else(people: People, posting: Posting) -> None:
    delivery = await copied(people, posting)
    said = [
        Told("hard", delivery_id=delivery, detail="550 5.1.1", recipient="bob@example.com"),
        Told("complained", delivery_id=delivery, recipient="<Cleo@Example.com>"),
        Told("soft", delivery_id=delivery, recipient="bob@example.com"),
        Told("delivered", delivery_id=delivery, recipient="cleo@example.com"),
    ]
    for _ in range(2):
        assert await people.do(record_feedback, said) == 0
    row = await posting.of(delivery)
    assert (row["state"], row["error"], moments(row)) == ("sent", None, {})
    assert [(one["address"], one["reason"], one["delivery_id"]) for one in await people.rows(Suppression)] == [
        ("bob@example.com", "hard_bounce", delivery),
        ("cleo@example.com", "complaint", delivery),
    ]
    assert (await people.rows(SoftBounces), await told(people), await counts(people)) == ([], [], {})
    assert await people.do(record_feedback, [Told("hard", delivery_id=delivery, recipient="ANN@example.com")]) == 1
    assert (await posting.of(delivery))["state"] == "bounced"
    assert [one["address"] for one in await people.rows(Suppression)][2:] == ["ann@example.com"]


async def test_a_bounce_from_where_mail_was_forwarded_to_blames_the_recipient(people: People, posting: Posting) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    forwarded = await posting.delivery(ann, recipient="ann@old.example")
    with_copies = await copied(people, posting, recipient="ann@older.example")
    for delivery in (forwarded, with_copies):
        assert await people.do(record_feedback, [Told("hard", delivery_id=delivery, recipient="a@new.example")]) == 1
        assert (await posting.of(delivery))["state"] == "bounced"
    assert [one["address"] for one in await people.rows(Suppression)] == ["ann@old.example", "ann@older.example"]


async def test_where_nobody_knows_any_more_who_got_copies_the_address_that_is_named_is_blamed(
    people: People, posting: Posting
) -> None:
    delivery = await copied(people, posting, is_archived=False, state="in_doubt", sent_at=None)
    assert await people.do(record_feedback, [Told("hard", delivery_id=delivery, recipient="dan@example.com")]) == 0
    row = await posting.of(delivery)
    assert (row["state"], row["sent_at"] is not None, moments(row)) == ("sent", True, {})
    assert [one["address"] for one in await people.rows(Suppression)] == ["dan@example.com"]


async def test_who_may_not_see_deliveries_records_nothing(people: People) -> None:
    blind = People(people.units, replace(people.principal, scopes=frozenset()))
    for action, given in ((record_engagements, []), (record_feedback, [])):
        with pytest.raises(Forbidden):
            await blind.do(action, given)
