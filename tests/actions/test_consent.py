"""Consent: topics, what people say about them, what a link lets a recipient say, and suppressed addresses."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.actions.consent import (
    BadAddress,
    create_topic,
    delete_topic,
    find_recipient,
    find_suppression,
    list_suppressions,
    list_topics,
    note_accepted,
    note_soft_bounces,
    save_preferences,
    set_topic_consent,
    subscription_preferences,
    suppress_address,
    suppress_all,
    unsubscribe,
    unsuppress_address,
    update_topic,
)
from app.actions.metrics import metric_totals
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.feed import DELIVERIES_TOPIC
from app.core.ids import new_id
from models import AuditEntry, Consent, Delivery, FeedEntry, SendingPolicy, SoftBounces, Suppression, TopicConsent
from tests.actions.people import People, by_id, ext
from tests.actions.posting import Posting, moments


@pytest.fixture
def posting(people: People) -> Posting:
    return Posting(people)


async def topic(people: People, name: str, **values: Any) -> UUID:
    return UUID(str((await people.do(create_topic, name=name, **values)).id))


async def subscribed(people: People, customer_id: UUID) -> dict[str, bool]:
    found = await people.read(subscription_preferences, customer=by_id(customer_id))
    return {one.topic.name: one.is_subscribed for one in found}


async def told(people: People) -> list[tuple[str, dict[str, Any]]]:
    """What followers of deliveries have heard, without moments."""
    rows = [row for row in await people.rows(FeedEntry) if row["topic"] == DELIVERIES_TOPIC]
    return [(row["kind"], {k: v for k, v in row["data"].items() if k != "at"}) for row in rows]


async def counts(people: People, *subjects: UUID) -> dict[UUID, dict[str, int]]:
    """What was counted of the tenant and of others."""
    tenant = people.principal.tenant_id
    assert tenant is not None
    found = await people.read(metric_totals, subject_ids=[tenant, *subjects])
    return {key: {name: total.count for name, total in totals.items()} for key, totals in found.items()}


async def test_topics_are_numbered_kept_in_order_and_go_when_nothing_needs_them(
    people: People, strangers: People, posting: Posting
) -> None:
    news = await topic(people, " News ", description="What is new")
    offers = await topic(people, "Offers", subscribed_by_default=False)
    assert (await topic(strangers, "Theirs"),) != (news,)
    await people.do(update_topic, topic_id=offers, name="Bargains", position=0)
    await people.do(update_topic, topic_id=news, position=1)
    shown = await people.read(list_topics)
    assert [(one.number, one.name, one.subscribed_by_default) for one in shown] == [
        (2, "Bargains", False),
        (1, "News", True),
    ]
    campaign = await posting.campaign(topic_id=offers)
    with pytest.raises(Conflict):
        await people.do(delete_topic, topic_id=offers)
    await people.do(delete_topic, topic_id=news)
    with pytest.raises(NotFound):
        await people.do(update_topic, topic_id=news, name="Again")
    with pytest.raises(NotFound):
        await strangers.do(update_topic, topic_id=offers, name="Mine")
    with pytest.raises(Invalid):
        await people.do(create_topic, name=" ")
    assert [one.id for one in await people.read(list_topics)] == [offers]
    assert campaign
    assert (await topic(people, "Third")) != news
    assert [one.number for one in await people.read(list_topics)] == [2, 3]


async def test_silence_is_what_the_topic_says_and_an_answer_counts_over_it(people: People, strangers: People) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    news, offers = await topic(people, "News"), await topic(people, "Offers", subscribed_by_default=False)
    assert await subscribed(people, ann) == {"News": True, "Offers": False}
    await people.do(set_topic_consent, customer=ext("ann"), topic_id=news, status="unsubscribed")
    await people.do(set_topic_consent, customer=ext("ann"), topic_id=offers, status="subscribed")
    await people.do(set_topic_consent, customer=ext("ann"), topic_id=offers, status="subscribed")
    assert await subscribed(people, ann) == {"News": False, "Offers": True}
    assert await told(people) == [
        ("customer.preferences_changed", {"customer": ann.hex, "delivery": None, "topics": {one.hex: status}})
        for one, status in ((news, "unsubscribed"), (offers, "subscribed"))
    ]
    assert (await people.changes(ann))[1:] == ["consent", "consent"]
    with pytest.raises(Invalid):
        await people.do(set_topic_consent, customer=ext("ann"), topic_id=news, status="maybe")
    with pytest.raises(NotFound):
        await strangers.do(set_topic_consent, customer=ext("ann"), topic_id=news, status="subscribed")
    with pytest.raises(Forbidden):
        async with people.units.write(replace(people.principal, scopes=frozenset())) as tx:
            await set_topic_consent(tx, customer=ext("ann"), topic_id=news, status="subscribed")
    assert len(await people.rows(TopicConsent)) == 2


async def test_who_becomes_one_has_unsubscribed_from_what_either_did(people: People) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    bob = (await people.identify(external_id="bob")).customer_id
    names = ("both", "loser", "winner", "clash")
    topics = {name: await topic(people, name, subscribed_by_default=False) for name in names}
    says = [(ann, "both", "subscribed"), (bob, "both", "subscribed"), (bob, "loser", "subscribed")]
    says += [(ann, "winner", "subscribed"), (ann, "clash", "subscribed"), (bob, "clash", "unsubscribed")]
    for who, name, status in says:
        await people.do(set_topic_consent, customer=by_id(who), topic_id=topics[name], status=status)
    await people.merge(by_id(ann), by_id(bob))
    assert await subscribed(people, ann) == {"both": True, "loser": True, "winner": True, "clash": False}


async def test_a_link_unsubscribes_from_the_topic_of_its_message_once(people: People, posting: Posting) -> None:
    ann = (await people.identify(external_id="ann", email="ann@example.com", locale="de")).customer_id
    news = await topic(people, "News")
    campaign = await posting.campaign(topic_id=news)
    delivery = await posting.delivery(ann, campaign)
    found = await people.read(find_recipient, delivery_id=delivery)
    assert (found.customer_id, found.address, found.locale, found.company) == (ann, "ann@example.com", "de", "Acme")
    assert found.is_reachable and found.topic is not None and found.topic.topic.name == "News"
    for _ in range(2):
        assert await people.do(unsubscribe, delivery_id=delivery) == ann
    assert await subscribed(people, ann) == {"News": False}
    assert await people.rows(Consent) == []
    assert list(moments(await posting.of(delivery))) == ["unsubscribed_at"]
    assert [kind for kind, _ in await told(people)] == ["customer.preferences_changed", "delivery.unsubscribed"]
    once = {"unsubscribed": 1, "topic_unsubscribed": 1}
    assert await counts(people, campaign) == {people.principal.tenant_id: once, campaign: once}


async def test_a_link_ends_the_channel_where_the_topic_of_its_message_is_gone(people: People, posting: Posting) -> None:
    """The gates ask about the channel alone then, so a word on the topic would change nothing."""
    ann = (await people.identify(external_id="ann", email="ann@example.com")).customer_id
    news = await topic(people, "News")
    delivery = await posting.delivery(ann, await posting.campaign(topic_id=news, status="completed"))
    await people.do(delete_topic, topic_id=news)
    await people.do(unsubscribe, delivery_id=delivery)
    assert not (await people.read(find_recipient, delivery_id=delivery)).is_reachable


async def test_without_a_topic_the_channel_ends_also_for_who_was_merged_since(people: People, posting: Posting) -> None:
    ann = (await people.identify(external_id="ann", email="ann@example.com")).customer_id
    bob = (await people.identify(external_id="bob")).customer_id
    delivery = await posting.delivery(ann)
    await people.merge(by_id(bob), by_id(ann))
    assert await people.do(unsubscribe, delivery_id=delivery) == bob
    (said,) = await people.rows(Consent)
    assert (said["customer_id"], said["channel"], said["status"]) == (bob, "email", "unsubscribed")
    assert ("customer.unsubscribed", {"customer": bob.hex, "channel": "email"}) in await told(people)
    assert not (await people.read(find_recipient, delivery_id=delivery)).is_reachable


async def test_preferences_take_over_what_was_chosen_and_nothing_else(people: People, posting: Posting) -> None:
    ann = (await people.identify(external_id="ann")).customer_id
    news, offers = await topic(people, "News"), await topic(people, "Offers", subscribed_by_default=False)
    campaign = await posting.campaign(topic_id=news)
    delivery = await posting.delivery(ann, campaign)
    chosen = {news: True, offers: True, new_id(): True}
    await people.do(save_preferences, delivery_id=delivery, topics=chosen, is_reachable=True)
    assert [(row["topic_id"], row["status"]) for row in await people.rows(TopicConsent)] == [(offers, "subscribed")]
    assert await people.rows(Consent) == [] and moments(await posting.of(delivery)) == {}
    await people.do(save_preferences, delivery_id=delivery, topics={news: False}, is_reachable=True)
    assert await subscribed(people, ann) == {"News": False, "Offers": True}
    assert list(moments(await posting.of(delivery))) == ["unsubscribed_at"]
    assert (await counts(people, campaign))[campaign] == {"unsubscribed": 1, "topic_unsubscribed": 1}
    await people.do(save_preferences, delivery_id=delivery, topics={news: False, offers: False}, is_reachable=True)
    assert (await counts(people, campaign))[campaign] == {"unsubscribed": 1, "topic_unsubscribed": 2}
    tried = await posting.delivery(ann, campaign, is_test=True)
    await people.do(save_preferences, delivery_id=tried, topics={offers: True}, is_reachable=True)
    await people.do(save_preferences, delivery_id=tried, topics={offers: False}, is_reachable=True)
    assert (await counts(people, campaign))[campaign] == {"unsubscribed": 1, "topic_unsubscribed": 2}
    await people.do(save_preferences, delivery_id=delivery, topics={}, is_reachable=False)
    await people.do(save_preferences, delivery_id=delivery, topics={}, is_reachable=True)
    assert [row["status"] for row in await people.rows(Consent)] == ["subscribed"]
    with pytest.raises(NotFound):
        await people.do(unsubscribe, delivery_id=new_id())


async def test_a_suppressed_address_is_kept_once_and_can_be_allowed_again(people: People, strangers: People) -> None:
    row = await people.do(suppress_address, channel="email", address=" Ann@Example.com ", detail="asked on the phone")
    again = await people.do(suppress_address, channel="email", address="ann@example.com")
    assert again.id == row.id and (row.address, row.reason) == ("ann@example.com", "manual")
    assert (await people.read(find_suppression, channel="email", address="ANN@example.com")).id == row.id
    await people.do(suppress_address, channel="sms", address="+1 415 555 2671")
    page = await people.read(list_suppressions, limit=1)
    assert (page.total, [one.address for one in page.items]) == (2, ["+14155552671"])
    assert (await people.read(list_suppressions, channel="email")).total == 1
    assert (await strangers.read(list_suppressions)).total == 0
    with pytest.raises(NotFound):
        await strangers.do(unsuppress_address, suppression_id=row.id)
    for channel, address in (("email", "nobody"), ("push", "1"), ("sms", "12")):
        with pytest.raises(Invalid):
            await people.do(suppress_address, channel=channel, address=address)
    await people.do(unsuppress_address, suppression_id=row.id)
    assert [one["channel"] for one in await people.rows(Suppression)] == ["sms"]
    assert [one["action"] for one in await people.rows(AuditEntry)] == ["suppression.add"] * 2 + ["suppression.remove"]


async def test_soft_bounces_in_a_row_suppress_an_address_at_the_tenants_limit(people: People) -> None:
    async with people.units.write(people.principal) as tx:
        tx.session.add(SendingPolicy(tenant_id=tx.tenant_id, soft_bounce_limit=3, updated_at=tx.now))
    ann, bob = (BadAddress("email", f"{name}@example.com", "452 full") for name in ("ann", "bob"))
    assert [await people.do(note_soft_bounces, [ann, bob]) for _ in range(2)] == [0, 0]
    async with people.units.write(people.principal) as tx:
        await note_accepted(tx, [bob])
    assert await people.do(note_soft_bounces, [ann, bob]) == 1
    (row,) = await people.rows(Suppression)
    assert (row["address"], row["reason"], row["detail"]) == ("ann@example.com", "soft_bounces", "452 full")
    assert [(one["address"], one["count"]) for one in await people.rows(SoftBounces)] == [
        ("ann@example.com", 3),
        ("bob@example.com", 1),
    ]
    assert await people.do(suppress_all, [ann, bob, bob], "hard_bounce") == 1
    cy = BadAddress("email", "cy@example.com", "452 full")
    assert await people.do(note_soft_bounces, [cy, cy, replace(cy, address="Cy@Example.com")]) == 1
    assert await people.rows(Delivery) == []


async def test_who_tries_a_message_out_says_nothing_for_the_person_it_is_made_for(
    people: People, posting: Posting
) -> None:
    news = await topic(people, "News")
    campaign = await posting.campaign(topic_id=news)
    ann = (await people.identify(external_id="ann", email="ann@example.com")).customer_id
    tried = await posting.delivery(ann, campaign, is_test=True, recipient="editor@acme.example")
    await people.do(unsubscribe, delivery_id=tried)
    await people.do(save_preferences, delivery_id=tried, topics={news: False}, is_reachable=False)
    assert await subscribed(people, ann) == {"News": True}
    assert await people.rows(Consent) == [] and await told(people) == []
    assert (await posting.of(tried))["unsubscribed_at"] is None
    own = await posting.delivery(ann, campaign, is_test=True, recipient="Ann <ANN@example.com>")
    await people.do(unsubscribe, delivery_id=own)
    assert await subscribed(people, ann) == {"News": False}
