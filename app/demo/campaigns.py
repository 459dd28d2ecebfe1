"""The demo's campaigns: one that was sent last week and what came of it, and some elsewhere in their lives."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.campaigns import (
    CalledPerson,
    GroupShare,
    TransactionalSend,
    TriggerCall,
    create_campaign,
    create_experiment,
    finish_run,
    launch_campaign,
    send_transactional,
    trigger_campaign,
    update_campaign,
)
from app.actions.campaigns.preparing import finish_preparation, plan_preparation, prepare_portion
from app.actions.consent import create_topic
from app.actions.content import create_layout, create_sender, set_content, set_snippet
from app.actions.customers import CustomerRef
from app.actions.deliveries import TRANSACTIONAL, Parcel
from app.actions.events import NewEvent, track_many
from app.actions.tracking import Seen, Told, record_engagements, record_feedback
from app.core.errors import Invalid
from app.core.ids import public_id
from app.core.settings import Settings
from app.core.tx import Tx
from app.demo.posting import Post
from models import CampaignRun, Event

SEED = 20_260_102
SENT_AGO = timedelta(days=6, hours=3)
CALLED_AGO = timedelta(days=2, hours=4)
FIRST_ORDER, ORDERS = 2041, 6
WILLING = {"consent": {"channel": "email", "is": "subscribed"}}
SUBSCRIBERS = {"attribute": {"name": "subscription", "is": {"in": ["monthly", "fortnightly"]}}}
LAYOUT = """<html><body style="margin:0"><style>.page{font-family:Georgia,serif;color:#3b2a20}a{color:#8a4b2d}</style>
<div class="page">{{ content }}<hr>{{ snippets.footer }}</div></body></html>"""
FOOTER = """Roastery, Rua do Café 1, Porto ·
<a href="{% manage_subscription_preferences_url %}">What we may tell you</a> ·
<a href="{% unsubscribe_url %}">Unsubscribe</a>"""
BODIES = {
    (0, ""): (
        "What we roast this week",
        """<h1>Hello {{ customer.first_name | default: "there" }}</h1>
<p>Fresh from the drum: {{ customer.favourite }}.</p>
<p><a href="https://roastery.example/coffees?for={{ customer.id }}">See what is new</a></p>""",
    ),
    (1, ""): (
        "{{ customer.first_name }}, your {{ customer.favourite }} is fresh",
        """<h1>{{ customer.favourite }}, roasted yesterday</h1>
<p>Hello {{ customer.first_name }}, it is at its best now.</p>
<p><a href="https://roastery.example/coffees?for={{ customer.id }}">Order a bag</a></p>""",
    ),
    (0, "de"): (
        "Was wir diese Woche rösten",
        """<h1>Hallo {{ customer.first_name }}</h1><p>Frisch aus der Trommel: {{ customer.favourite }}.</p>
<p><a href="https://roastery.example/de/kaffee?for={{ customer.id }}">Was es Neues gibt</a></p>""",
    ),
}
READERS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Thunderbird/140.1.0",
    "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
)
MACHINE = ("Mozilla/5.0", "17.58.97.12")
"""Apple's protection of privacy, which opens messages ahead of their readers."""
FULL = "552 5.2.2 The mailbox is full"


async def populate_campaigns(tx: Tx, settings: Settings) -> None:
    """Makes what the roastery says, and sends what it has sent so far. The unit is the owner's."""
    post = Post(settings)
    with _earlier(tx, SENT_AGO + timedelta(hours=2)):
        news = await create_topic(tx, name="Roastery news", description="What we roast, about once a week.")
        await create_topic(tx, name="Offers", description="Now and then.", subscribed_by_default=False)
        sender = await create_sender(tx, address="hello@roastery.example", name="The Roastery")
        await set_snippet(tx, name="footer", value=FOOTER)
        layout = await create_layout(tx, name="Roastery", body=LAYOUT)
        frame = {"sender_id": sender.id, "layout_id": layout.id}
        newsletter = await _newsletter(tx, news.id, frame)
    await _send_last_week(tx, post, newsletter)
    await _weekly(tx, news.id, frame)
    with _earlier(tx, SENT_AGO - timedelta(hours=2)):
        receipt, alert = await _called(tx, frame)
    await _confirm_orders(tx, post, receipt)
    await _call(tx, post, alert)


async def _newsletter(tx: Tx, topic_id: UUID, frame: dict[str, Any]) -> UUID:
    key = await create_campaign(
        tx, name="What we roast this week", channels=["email"], audience=WILLING, topic_id=topic_id,
        goal={"event": "purchase", "within_s": 3 * 86_400, "after": "clicked", "revenue_property": "amount"},
        tags=["newsletter"], control_share=50,
    )  # fmt: skip
    groups = [GroupShare("Plain subject", 500), GroupShare("With their coffee", 500)]
    await create_experiment(tx, campaign_id=key, name="Which subject?", groups=groups, metric="opened")
    for (group, language), (subject, body) in BODIES.items():
        values = {"subject": subject, "body": body, **frame}
        await set_content(tx, campaign_id=key, channel="email", test_group=group, language=language, values=values)
    return key


async def _send_last_week(tx: Tx, post: Post, campaign_id: UUID) -> None:
    """Launches the newsletter in the past, and tells what came of each of its messages."""
    with _earlier(tx, SENT_AGO):
        await launch_campaign(tx, campaign_id=campaign_id)
        sent = await _send_run(tx, post, campaign_id)
    await _tell_what_came(tx, post, sent)


async def _send_run(tx: Tx, post: Post, campaign_id: UUID) -> list[Parcel]:
    """Makes the deliveries of a campaign's last run, sends them and ends the run."""
    await tx.session.flush()
    wanted = select(col(CampaignRun.id)).where(col(CampaignRun.campaign_id) == campaign_id)
    run_id = (await tx.session.execute(wanted.order_by(col(CampaignRun.number).desc()).limit(1))).scalar_one()
    plan = await plan_preparation(tx, run_id=run_id)
    if plan is None or not plan.recipients:
        return []
    await prepare_portion(tx, plan=plan, after=None, made=0, recipients=plan.recipients)
    await finish_preparation(tx, run_id=run_id, after=plan.recipients[-1].customer_id)
    with _earlier(tx, timedelta(seconds=-3)):
        sent = await post.send(tx)
        await finish_run(tx, run_id=run_id)
    return sent


async def _tell_what_came(tx: Tx, post: Post, sent: Sequence[Parcel]) -> None:
    """What the mailboxes said, and who opened and followed the messages; judged as if it came now."""
    chance = random.Random(SEED)  # noqa: S311 - a story, not a secret
    full, *arrived = sorted(sent, key=lambda parcel: parcel.recipient)
    with _earlier(tx, SENT_AGO - timedelta(seconds=20)):
        told = [Told("delivered", parcel.claim.id) for parcel in arrived]
        await record_feedback(tx, [*told, Told("soft", full.claim.id, detail=FULL)])
    begun = tx.now - SENT_AGO
    seen = [one for parcel in arrived for one in _readings(chance, post, parcel, begun)]
    bought = [one for one in seen if one.kind == "click" and chance.random() < 0.4]
    people = {parcel.claim.id: parcel.claim.customer_id for parcel in arrived}
    await track_many(tx, [_purchase(chance, people[one.delivery_id], one.at) for one in bought])
    await record_engagements(tx, seen)


def _readings(chance: random.Random, post: Post, parcel: Parcel, begun: datetime) -> Iterator[Seen]:
    """What was seen of one message: a machine's glance, perhaps a reader's, and perhaps they follow it."""
    key, agent = parcel.claim.id, chance.choice(READERS)
    if chance.random() < 0.2:
        machine, address = MACHINE
        yield Seen(key, "open", begun + timedelta(seconds=chance.randint(25, 60)), user_agent=machine, address=address)
    if chance.random() < 0.6:
        at = begun + timedelta(seconds=chance.randint(300, 18_000))
        yield Seen(key, "open", at, user_agent=agent, address="203.0.113.24")
        if chance.random() < 0.5 and parcel.content_id is not None:
            at += timedelta(seconds=chance.randint(5, 90))
            url = f"https://roastery.example/coffees?for={public_id('customer', parcel.claim.customer_id)}"
            yield Seen(key, "click", at, post.link(parcel.content_id), url, user_agent=agent, address="203.0.113.24")


def _purchase(chance: random.Random, customer_id: UUID, clicked_at: datetime) -> NewEvent:
    """What somebody buys whom the message has led to it."""
    bags = chance.randint(1, 3)
    properties = {"items": bags, "amount": round(bags * 12.5, 2), "currency": "EUR"}
    at = clicked_at + timedelta(minutes=chance.randint(4, 50))
    return NewEvent(CustomerRef("id", customer_id.hex), "purchase", properties, at)


async def _confirm_orders(tx: Tx, post: Post, campaign_id: UUID) -> None:
    """The last purchases are confirmed to whoever made them, when they did."""
    since = tx.now - SENT_AGO + timedelta(hours=2)
    wanted = (
        select(col(Event.customer_id), col(Event.occurred_at), col(Event.properties))
        .where(col(Event.name) == "purchase", col(Event.occurred_at) > since)
        .order_by(col(Event.occurred_at))
        .limit(ORDERS)
    )
    for place, (customer_id, at, properties) in enumerate((await tx.session.execute(wanted)).all(), FIRST_ORDER):
        with _earlier(tx, tx.now - at):
            customer = CustomerRef("id", customer_id.hex)
            data = {"order": f"R-{place}", "items": properties["items"]}
            send = TransactionalSend("email", customer, campaign_id=campaign_id, data=data)
            await send_transactional(tx, send=send)
            await post.send(tx, lane=TRANSACTIONAL)


async def _call(tx: Tx, post: Post, campaign_id: UUID) -> None:
    """A coffee is back: once for everybody who is told of such things, once for somebody whom nobody knows."""
    with _earlier(tx, CALLED_AGO):
        await trigger_campaign(tx, campaign_id=campaign_id, call=TriggerCall({"coffee": "Yirgacheffe"}))
        await _send_run(tx, post, campaign_id)
    with _earlier(tx, CALLED_AGO - timedelta(hours=5)), suppress(Invalid):
        unknown = [CalledPerson(CustomerRef("email", "somebody.else@example.com"))]
        await trigger_campaign(tx, campaign_id=campaign_id, call=TriggerCall({"coffee": "Huila"}, unknown))


async def _weekly(tx: Tx, topic_id: UUID, frame: dict[str, Any]) -> None:
    """One that recurs, and a draft for the winter."""
    monday = (tx.now + timedelta(days=7 - tx.now.weekday())).replace(hour=8, minute=0, second=0, microsecond=0)
    schedule = {"at": monday, "timezone": "Europe/Lisbon", "in_recipients_timezone": True}
    weekly = await create_campaign(
        tx, name="Time for a new bag?", kind="recurring", channels=["email"], audience=SUBSCRIBERS,
        topic_id=topic_id, schedule={**schedule, "rrule": "FREQ=WEEKLY;BYDAY=MO"}, tags=["subscription"],
    )  # fmt: skip
    subject, body = BODIES[0, ""]
    await set_content(tx, campaign_id=weekly, channel="email", values={"subject": subject, "body": body, **frame})
    await launch_campaign(tx, campaign_id=weekly)
    draft = await create_campaign(tx, name="Winter blend", channels=["email", "push"], throttle_per_s=50)
    await update_campaign(tx, campaign_id=draft, audience=WILLING, exclusions=SUBSCRIBERS)
    await set_content(
        tx, campaign_id=draft, channel="email", values={"subject": "The winter blend", "body": "<p>Soon.</p>", **frame}
    )


async def _called(tx: Tx, frame: dict[str, Any]) -> tuple[UUID, UUID]:
    """Two that are sent when they are called: to whom ordered, and to whom waits for a coffee."""
    receipt = await create_campaign(
        tx, name="Order received", kind="transactional", channels=["email"], trigger_name="order_received"
    )
    body = "<p>Thank you, {{ customer.first_name }}. We pack order {{ trigger.order }}: {{ trigger.items }} bags.</p>"
    values = {"subject": "We have your order {{ trigger.order }}", "body": body, **frame}
    await set_content(tx, campaign_id=receipt, channel="email", values=values)
    alert = await create_campaign(
        tx, name="Back on the shelf", kind="triggered", channels=["email"], audience=WILLING, trigger_name="back"
    )
    values = {"subject": "{{ trigger.coffee }} is back", "body": "<p>{{ trigger.coffee }} is back.</p>", **frame}
    await set_content(tx, campaign_id=alert, channel="email", values=values)
    for key in (receipt, alert):
        await launch_campaign(tx, campaign_id=key)
    return receipt, alert


@contextmanager
def _earlier(tx: Tx, ago: timedelta) -> Iterator[None]:
    """The unit's moment, for once not now."""
    now = tx.now
    tx.now = now - ago
    try:
        yield
    finally:
        tx.now = now
