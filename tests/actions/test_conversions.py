"""Conversions: the first event of a goal, soon enough after a message, counts once for the last message before it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from app.actions.tracking import Seen, record_engagements
from app.core import clock
from app.core.feed import DELIVERIES_TOPIC
from models import FeedEntry, HourlyCount
from tests.actions.people import People, anon, ext
from tests.actions.posting import Posting

HOUR = timedelta(hours=1)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def posting(people: People) -> Posting:
    return Posting(people)


async def converted(people: People, campaign: UUID) -> tuple[int, Decimal]:
    rows = [row for row in await people.rows(HourlyCount) if row["subject_id"] == campaign]
    rows = [row for row in rows if row["metric"] == "converted"]
    return sum(row["count"] for row in rows), sum((row["amount"] for row in rows), Decimal(0))


def goal(**values: Any) -> dict[str, Any]:
    return {"event": "purchase", "within_s": 86_400, "after": "sent", "revenue_property": "total", **values}


async def test_an_event_converts_the_last_message_before_it_and_is_worth_something(
    people: People, posting: Posting
) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    campaign = await posting.campaign(goal=goal())
    other = await posting.campaign(goal=goal(event="visit"))
    now = clock.now()
    ages = (50, 10, 5)
    old, first, last = [await posting.delivery(ann, campaign, sent_at=now - age * HOUR) for age in ages]
    await posting.delivery(ann, other)
    await people.track(ext("ann"), "look")
    assert await converted(people, campaign) == (0, 0)
    await people.track(ext("ann"), "purchase", properties={"total": 19.99}, occurred_at=now - 2 * HOUR)
    await people.track(ext("ann"), "purchase", properties={"total": 5}, occurred_at=now - HOUR)
    await people.track(ext("ann"), "purchase", properties={"total": "7.5"}, occurred_at=now - 8 * HOUR)
    await people.track(ext("ann"), "purchase", properties={"total": 1}, occurred_at=now - 25 * HOUR)
    moments = {key: (await posting.of(key))["converted_at"] for key in (old, first, last)}
    assert moments == {old: None, first: now - 8 * HOUR, last: now - 2 * HOUR}
    assert await converted(people, campaign) == (2, Decimal("27.49"))
    assert await converted(people, other) == (0, 0)
    feed = [row for row in await people.rows(FeedEntry) if row["topic"] == DELIVERIES_TOPIC]
    assert [(row["kind"], row["data"]["amount"]) for row in feed] == [
        ("delivery.converted", "19.9900"),
        ("delivery.converted", "7.5000"),
    ]


async def test_a_message_that_was_only_tried_out_takes_no_conversion_from_the_real_one(
    people: People, posting: Posting
) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    campaign = await posting.campaign(goal=goal())
    now = clock.now()
    real = await posting.delivery(ann, campaign, sent_at=now - 5 * HOUR)
    test = await posting.delivery(ann, campaign, sent_at=now - 2 * HOUR, is_test=True)
    await people.track(ext("ann"), "purchase", properties={"total": -3.5}, occurred_at=now - HOUR)
    assert [(await posting.of(one))["converted_at"] for one in (real, test)] == [now - HOUR, None]
    assert await converted(people, campaign) == (1, Decimal("-3.5"))


async def test_a_goal_after_a_click_needs_a_persons_click_whichever_is_told_first(
    people: People, posting: Posting
) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    campaign = await posting.campaign(goal=goal(after="clicked"))
    delivery = await posting.delivery(ann, campaign)
    now = clock.now()
    await people.track(ext("ann"), "purchase", occurred_at=now - timedelta(minutes=40))
    scanned = Seen(delivery, "click", now - timedelta(minutes=55), url="a", user_agent="curl/8")
    await people.do(record_engagements, [scanned])
    assert (await posting.of(delivery))["converted_at"] is None
    await people.do(record_engagements, [Seen(delivery, "click", now - timedelta(minutes=50), user_agent=BROWSER)])
    assert (await posting.of(delivery))["converted_at"] == now - timedelta(minutes=40)
    assert await converted(people, campaign) == (1, 0)


async def test_what_a_browser_did_counts_when_it_is_known_whose_it_is(people: People, posting: Posting) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    campaign = await posting.campaign(goal=goal())
    delivery = await posting.delivery(ann, campaign)
    bought = clock.now() - timedelta(minutes=5)
    await people.track(anon("b1"), "purchase", properties={"total": True}, occurred_at=bought)
    assert (await posting.of(delivery))["converted_at"] is None
    await people.identify(external_id="ann", anonymous_id="b1")
    assert (await posting.of(delivery))["converted_at"] == bought
    assert await converted(people, campaign) == (1, 0)


async def test_a_message_to_who_has_become_somebody_else_is_converted_by_what_they_do_now(
    people: People, posting: Posting
) -> None:
    campaign = await posting.campaign(goal=goal())
    bob = (await people.identify(external_id="bob")).customer_id
    delivery = await posting.delivery(bob, campaign)
    await people.identify(external_id="ann")
    await people.identify(external_id="cy")
    await people.merge(ext("ann"), ext("bob"))
    await people.merge(ext("cy"), ext("ann"))
    await people.track(ext("cy"), "purchase")
    assert (await posting.of(delivery))["converted_at"] is not None
    assert await converted(people, campaign) == (1, 0)


async def test_without_goals_an_event_asks_nothing_more(people: People, posting: Posting) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    await posting.delivery(ann, await posting.campaign())
    statements: list[str] = []
    engine = people.units._database.writer.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    await people.track(ext("ann"), "purchase")
    assert [text for text in statements if "deliveries" in text] == []
    assert len([text for text in statements if "campaigns" in text]) == 1
