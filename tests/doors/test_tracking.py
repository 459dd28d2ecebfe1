"""Links in messages, over HTTP: pixels, clicks, one-click unsubscribing, and the preference page."""

import asyncio
import re
from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest
from standardwebhooks import Webhook

from app.actions.consent import create_topic, set_topic_consent
from app.actions.integrations import create_integration
from app.core import clock
from app.core.ids import public_id
from app.core.link_tokens import LinkAddresses
from app.runtime import Runtime
from models import ArchivedMessage, Consent, Delivery, Engagement, FeedEntry, HourlyCount, Suppression, TopicConsent
from tests.actions.people import People, ext
from tests.actions.posting import Posting
from tests.tenants import TenantAccount

Client = httpx2.AsyncClient
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
def people(runtime: Runtime, tenant: TenantAccount) -> People:
    return People(runtime.units, tenant.principal)


@pytest.fixture
def posting(people: People) -> Posting:
    return Posting(people)


@pytest.fixture
def links(runtime: Runtime) -> LinkAddresses:
    return LinkAddresses.of(runtime.settings)


async def sent(people: People, posting: Posting, **values: Any) -> tuple[UUID, UUID]:
    """A customer's and a message's id."""
    ann = (await people.identify(external_id="ann", email="ann@example.com")).customer_id
    return ann, await posting.delivery(ann, **values)


def path(address: str) -> str:
    return "/" + address.split("/", 3)[3]


async def test_pixels_and_links_are_noted_and_answered(
    client: Client, runtime: Runtime, people: People, posting: Posting, links: LinkAddresses
) -> None:
    campaign = await posting.campaign()
    link = await posting.link(campaign, "https://shop.example/?a=1&b=ü")
    ann, delivery = await sent(people, posting, campaign_id=campaign)
    tenant_id = people.principal.tenant_id
    assert tenant_id is not None and ann
    pixel = await client.get(path(links.pixel(tenant_id, delivery)), headers=BROWSER)
    assert (pixel.status_code, pixel.headers["content-type"], len(pixel.content)) == (200, "image/gif", 42)
    assert "no-store" in pixel.headers["cache-control"]
    for url, leads in (
        (None, "https://shop.example/?a=1&b=%C3%BC"),
        ("https://müller.example:8443/ü", "https://xn--mller-kva.example:8443/%C3%BC"),
        ("https://x.example/ann", "https://x.example/ann"),
    ):
        followed = await client.get(path(links.click(tenant_id, delivery, link.number, url)), headers=BROWSER)
        assert (followed.status_code, followed.headers["location"]) == (302, leads)
    looked = await client.head(path(links.click(tenant_id, delivery, link.number)), headers=BROWSER)
    trapped = await client.get(path(links.click(tenant_id, delivery, 0)), headers=BROWSER)
    assert (looked.status_code, trapped.status_code) == (302, 204)
    await runtime.engagements.drain()
    kept = [(row["kind"], row["address"], row["url"]) for row in await people.rows(Engagement)]
    assert len(kept) == 6 and kept[0] == ("open", "127.0.0.1", None)
    assert kept[2] == ("click", "127.0.0.1", "https://müller.example:8443/ü")
    assert kept[3] == ("click", "127.0.0.1", "https://x.example/ann")
    metrics = {row["metric"]: row["count"] for row in await people.rows(HourlyCount) if row["subject_id"] == campaign}
    assert metrics["opened"] == metrics["clicked"] == 1


async def test_what_is_not_ours_is_refused_and_counts_nothing(
    client: Client, runtime: Runtime, people: People, posting: Posting, links: LinkAddresses
) -> None:
    _, delivery = await sent(people, posting)
    tenant_id = people.principal.tenant_id
    assert tenant_id is not None
    pixel, click = (
        path(links.pixel(tenant_id, delivery)),
        path(links.click(tenant_id, delivery, 9, "https://a.example")),
    )
    preferences = path(links.preferences(tenant_id, delivery))
    wrong = [pixel.replace("/o/", "/c/"), click.replace("/c/", "/u/"), click[:-1] + ("A" if click[-1] != "A" else "B")]
    wrong += [preferences.replace("/p/", "/c/"), "/t/c/x", "/t/p/%00", "/t/o/x.gif", "/t/x/y"]
    for one in wrong:
        assert (await client.get(one)).status_code == 404, one
    assert (await client.get(path(links.click(tenant_id, delivery, 77)))).status_code == 404
    assert (await client.post(click)).status_code == 405
    await runtime.engagements.drain()
    assert await people.rows(Engagement) == []


async def test_a_get_asks_and_a_post_unsubscribes_at_once(
    client: Client, people: People, posting: Posting, links: LinkAddresses
) -> None:
    topic = await people.do(create_topic, name="News & <more>")
    campaign = await posting.campaign(topic_id=topic.id)
    _, delivery = await sent(people, posting, campaign_id=campaign)
    tenant_id = people.principal.tenant_id
    assert tenant_id is not None
    place = path(links.unsubscribe(tenant_id, delivery))
    for method in ("GET", "HEAD", "GET"):
        page = await client.request(method, place, headers={"accept-language": "fr-CH, de;q=0.5"})
        assert page.status_code == 200
    assert '<html lang="fr">' in page.text and "News &amp; &lt;more&gt;" in page.text
    assert "script" not in page.text and "default-src 'none'" in page.headers["content-security-policy"]
    assert await people.rows(TopicConsent) == []
    for _ in range(2):
        done = await client.post(place, data={"List-Unsubscribe": "One-Click"})
        assert (done.status_code, "a…@example.com" in done.text) == (200, True)
    (said,) = await people.rows(TopicConsent)
    assert (said["topic_id"], said["status"], said["source"]) == (topic.id, "unsubscribed", "recipient")
    assert (await people.rows(Delivery))[0]["unsubscribed_at"] is not None
    unsubscribed = [row for row in await people.rows(FeedEntry) if row["kind"] == "delivery.unsubscribed"]
    assert len(unsubscribed) == 1


async def test_the_preference_page_takes_over_what_was_ticked(
    client: Client, people: People, posting: Posting, links: LinkAddresses
) -> None:
    topics = [await people.do(create_topic, name=name) for name in ("News", "Offers", "Events")]
    news, offers, events = (public_id("subscription_topic", topic.id) for topic in topics)
    ann, delivery = await sent(people, posting)
    await people.do(set_topic_consent, customer=ext("ann"), topic_id=topics[1].id, status="unsubscribed")
    tenant_id = people.principal.tenant_id
    assert tenant_id is not None and ann
    place = path(links.preferences(tenant_id, delivery))
    page = (await client.get(place)).text
    ticked = re.findall(r'name="topic" value="(\w+)"( checked)?', page)
    assert ticked == [(news, " checked"), (offers, ""), (events, " checked")]
    form = {"shown": [news, offers], "topic": [offers], "reachable": "1"}
    saved = await client.post(place, data=form)
    assert saved.status_code == 200 and "Your choice is saved." in saved.text
    assert re.findall(r'name="topic" value="(\w+)"( checked)?', saved.text) == [
        (news, ""),
        (offers, " checked"),
        (events, " checked"),
    ]
    assert await people.rows(Consent) == []
    await client.post(place, data={"shown": [], "topic": []})
    assert [(row["channel"], row["status"]) for row in await people.rows(Consent)] == [("email", "unsubscribed")]
    assert (await client.post(place, data={"shown": ["nonsense"]})).status_code == 400
    assert (await client.post(place, content=b"x" * 70_000)).status_code == 400


async def test_nobody_waits_for_the_database_and_nothing_is_lost_at_the_end(
    client: Client, runtime: Runtime, people: People, posting: Posting, links: LinkAddresses
) -> None:
    _, delivery = await sent(people, posting)
    tenant_id = people.principal.tenant_id
    assert tenant_id is not None
    place = path(links.pixel(tenant_id, delivery))
    async with runtime.write(people.principal):  # on SQLite nobody else can write meanwhile
        started = clock.now()
        answers = await asyncio.gather(*(client.get(place, headers=BROWSER) for _ in range(20)))
        assert clock.now() - started < timedelta(seconds=5)
    assert [answer.status_code for answer in answers] == [200] * 20
    await runtime.engagements.drain()
    assert len(await people.rows(Engagement)) == 20


async def test_providers_are_heard_if_they_sign(
    client: Client, runtime: Runtime, people: People, posting: Posting
) -> None:
    _, delivery = await sent(people, posting)
    secret = f"whsec_{b64encode(b'0' * 24).decode()}"
    made = await people.do(
        create_integration,
        name="Relay",
        kind="smtp",
        channel="email",
        settings={"host": "relay.example", "port": 25, "security": "none"},
        credentials={"callback_secret": secret},
    )
    place = f"/callbacks/{made.callback_key}"
    event = {"type": "bounced", "bounce": "hard", "message_id": f"{delivery.hex}@a.example", "reason": "550 5.1.1"}
    body = orjson.dumps({"events": [event]})
    now = clock.now()
    signed = {
        "webhook-id": "1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("1", now, body.decode()),
    }
    answer = await client.post(place, content=body)
    assert answer.status_code == 401, answer.text
    assert (await client.post(place, content=body + b" ", headers=signed)).status_code == 401
    assert (await client.post("/callbacks/nobody", content=body, headers=signed)).status_code == 404
    shown = {"authorization": f"Bearer {secret}"}
    assert (await client.post(place, content=b"[]", headers=shown)).status_code == 400
    assert (await client.get(place)).status_code == 405
    assert await people.rows(Suppression) == []
    for _ in range(2):
        assert (await client.post(place, content=body, headers=signed)).status_code == 200
    row = await posting.of(delivery)
    assert (row["state"], row["error"]) == ("bounced", "550 5.1.1")
    assert [(one["address"], one["reason"]) for one in await people.rows(Suppression)] == [
        ("ann@example.com", "hard_bounce")
    ]


async def test_a_report_with_anything_in_it_is_taken_over_and_a_copy_that_bounced_is_told_apart(
    client: Client, runtime: Runtime, people: People, posting: Posting
) -> None:
    _, delivery = await sent(people, posting)
    async with runtime.write(people.principal) as tx:
        row = {"delivery_id": delivery, "headers": [], "fields": {"cc": "bob@example.com"}, "created_at": tx.now}
        await tx.insert(ArchivedMessage, [row])
    secret = f"whsec_{b64encode(b'0' * 24).decode()}"
    relay = {"host": "relay.example", "port": 25, "security": "none"}
    made = await people.do(
        create_integration, name="Relay", kind="smtp", settings=relay, credentials={"callback_secret": secret}
    )
    place, shown = f"/callbacks/{made.callback_key}", {"authorization": f"Bearer {secret}"}
    event = {"type": "bounced", "bounce": "hard", "message_id": f"{delivery.hex}@a.example", "reason": "no\x00body"}
    odd = [event | {"recipient": "bob@example.com"}, event | {"message_id": "their\x00own"}]
    answer = await client.post(place, content=orjson.dumps({"events": odd}), headers=shown)
    assert answer.status_code == 200, answer.text
    assert (await posting.of(delivery))["state"] == "sent"
    assert [(one["address"], one["detail"]) for one in await people.rows(Suppression)] == [
        ("bob@example.com", "nobody")
    ]
    runtime.settings.__dict__.pop("signing_secret", None)
    runtime.settings.secret = "another secret, which opens none of what there is"
    assert (await client.post(place, content=orjson.dumps({"events": odd}), headers=shown)).status_code == 503


async def test_the_page_speaks_of_every_channel_in_the_language_that_is_liked_best(
    client: Client, people: People, posting: Posting, links: LinkAddresses
) -> None:
    ann = (await people.identify(external_id="ann", email="ann@example.com")).customer_id
    tenant_id = people.principal.tenant_id
    assert tenant_id is not None
    recipients = {
        "email": "Ann <ann@example.com>, bob@example.com",
        "whatsapp": "+14155550123",
        "push": "t0ken",
        "in_app": "",
    }
    asked = {"email": "les e-mails", "whatsapp": "les messages WhatsApp", "push": "les notifications"}
    asked["in_app"] = "les messages dans l’application"
    for channel, recipient in recipients.items():
        delivery = await posting.delivery(ann, channel=channel, recipient=recipient)
        place = path(links.unsubscribe(tenant_id, delivery))
        page = await client.get(place, headers={"accept-language": "it, de;q=0.4, fr;q=0.9, en;q=0"})
        assert f"<h1>Ne plus recevoir {asked[channel]} ?</h1>" in page.text
        if channel == "email":
            chosen = await client.get(path(links.preferences(tenant_id, delivery)))
            assert "may send to a…@example.com, b…@example.com." in chosen.text
