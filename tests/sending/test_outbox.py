"""Messages into the outbox: what is kept, counted and told of them, and how a campaign ends."""

from sqlalchemy import select

from app.actions.consent import suppress_address
from app.core.access import system
from app.core.ids import new_id
from models import ArchivedMessage, Link, OutboxMessage
from tests.sending.mailing import Mailing, at


async def test_a_campaign_is_sent_counted_told_and_completed(mailing: Mailing) -> None:
    await mailing.invite(130)
    assert await mailing.settled() == {"sent": 130}
    assert await mailing.completed() == ("completed", "completed")
    for subject in (mailing.tenant_id, mailing.campaign_id, mailing.content_id):
        assert await mailing.counts(subject) == {"attempted": 130, "sent": 130}
    assert await mailing.told() == {"delivery.sent": 130}
    first = (await mailing.deliveries())[0]
    assert (first.recipient, first.subject) == (f"p0-{mailing.campaign_id.hex[-6:]}@example.com", "Hello anna0")
    assert at(first.sent_at)
    assert [entry["verdict"] for entry in first.decision or []] == ["pass"] * 10
    [archived] = await mailing.rows(select(ArchivedMessage).where(ArchivedMessage.delivery_id == first.id))
    assert "<h1>Hello Anna0</h1>" in archived.body
    assert archived.from_address == "News <news@acme.example>"
    assert archived.body.count("/t/c/") == 5
    assert archived.body.count("/t/u/") == 1
    assert archived.body.count("/t/o/") == 1
    [kept] = await mailing.rows(select(OutboxMessage).where(OutboxMessage.delivery_id == first.id))
    assert (kept.purpose, kept.subject, kept.body) == ("delivery", "Hello anna0", "")
    links = await mailing.rows(select(Link))
    assert sorted(link.number for link in links) == [1, 2, 3, 4, 5]
    assert {link.url for link in links} >= {"https://shop.example/a", "https://shop.example/{{ customer.name }}"}


async def test_a_suppressed_address_is_recognised_however_it_is_written(mailing: Mailing) -> None:
    async with mailing.units.write(system(mailing.tenant_id)) as tx:
        await suppress_address(tx, channel="email", address="ada@example.com")
    [person] = await mailing.people_with_addresses(1)
    for place, to in enumerate(("Ada <ADA@Example.com>", "bob@example.com, ada@example.com", "bob@example.com")):
        await mailing.queue([person], lane=0, recipient=to, run_id=None, occurrence_id=new_id())
        assert (await mailing.settled())["skipped"] == min(place + 1, 2)
    assert {one.recipient: one.reason for one in await mailing.deliveries()} == {
        "Ada <ADA@Example.com>": "suppression",
        "bob@example.com, ada@example.com": "suppression",
        "bob@example.com": None,
    }
