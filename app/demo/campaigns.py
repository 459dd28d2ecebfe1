"""The demo's campaigns: one that was sent last week and what came of it, and some elsewhere in their lives."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.campaigns import (
    GroupShare,
    create_campaign,
    create_experiment,
    finish_run,
    launch_campaign,
    update_campaign,
)
from app.actions.campaigns.preparing import finish_preparation, plan_preparation, prepare_portion
from app.actions.consent import create_topic
from app.actions.content import create_layout, create_sender, set_content, set_snippet
from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.core.tx import Tx
from models import CampaignRun, Customer, Delivery, Identity

SEED = 20_260_102
SENT_AGO = timedelta(days=6, hours=3)
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
AFTER = {
    "delivered": (1.0, 40),
    "opened": (0.75, 9_000),
    "human_opened": (0.7, 9_000),
    "clicked": (0.45, 9_300),
    "human_clicked": (0.85, 9_300),
}
"""Of those who came so far, how many go on, and after how many seconds on average."""
STEPS = {"delivered": None, "opened": "delivered", "human_opened": "opened", "clicked": "human_opened"}
STEPS |= {"human_clicked": "clicked"}
"""After which other thing each can happen."""


async def populate_campaigns(tx: Tx) -> None:
    """Makes what the roastery says. The unit is the owner's."""
    with _earlier(tx, SENT_AGO + timedelta(hours=2)):
        news = await create_topic(tx, name="Roastery news", description="What we roast, about once a week.")
        await create_topic(tx, name="Offers", description="Now and then.", subscribed_by_default=False)
        sender = await create_sender(tx, address="hello@roastery.example", name="The Roastery")
        await set_snippet(tx, name="footer", value=FOOTER)
        layout = await create_layout(tx, name="Roastery", body=LAYOUT)
        frame = {"sender_id": sender.id, "layout_id": layout.id}
        newsletter = await _newsletter(tx, news.id, frame)
    await _send_last_week(tx, newsletter)
    await _weekly(tx, news.id, frame)
    await _called(tx, frame)


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


async def _send_last_week(tx: Tx, campaign_id: UUID) -> None:
    """Launches the newsletter in the past, and tells what came of each of its messages."""
    with _earlier(tx, SENT_AGO):
        await launch_campaign(tx, campaign_id=campaign_id)
        wanted = select(col(CampaignRun.id)).where(col(CampaignRun.campaign_id) == campaign_id)
        run_id = (await tx.session.execute(wanted)).scalar_one()
        plan = await plan_preparation(tx, run_id=run_id)
        if plan is None or not plan.recipients:
            return
        await prepare_portion(tx, plan=plan, after=None, made=0, recipients=plan.recipients)
        await finish_preparation(tx, run_id=run_id, after=plan.recipients[-1].customer_id)
    await _tell_what_came(tx, run_id)
    with _earlier(tx, SENT_AGO - timedelta(hours=1)):
        await finish_run(tx, run_id=run_id)


async def _tell_what_came(tx: Tx, run_id: UUID) -> None:
    chance = random.Random(SEED)  # noqa: S311 - a story, not a secret
    wanted = (
        select(Delivery, col(Identity.value), col(Customer.suppressed_at))
        .join(Customer, col(Customer.id) == col(Delivery.customer_id))
        .join(
            Identity,
            (col(Identity.customer_id) == col(Delivery.customer_id))
            & (col(Identity.kind) == "email")
            & col(Identity.is_primary),
        )
        .where(col(Delivery.run_id) == run_id, col(Delivery.state) == "queued")
        .order_by(col(Delivery.id))
    )
    rows, events = [], []
    for delivery, address, suppressed_at in (await tx.session.execute(wanted)).all():
        came = {"skipped": delivery.due_at} if suppressed_at else dict(_course(chance, delivery.due_at))
        rows.append(_outcome(delivery, address, came))
        events += [_event(delivery, metric, at) for metric, at in came.items()]
    await tx.update(Delivery, rows)
    await tell_deliveries(tx, events)


def _course(chance: random.Random, begins: datetime) -> Iterator[tuple[str, datetime]]:
    """What became of one message, and when."""
    moments = {"sent": begins + timedelta(seconds=chance.randint(1, 20))}
    yield "sent", moments["sent"]
    if chance.random() < 0.04:
        yield "bounced", moments["sent"] + timedelta(seconds=5)
        return
    for metric, (share, seconds) in AFTER.items():
        before = moments.get(STEPS[metric] or "sent")
        if before is not None and chance.random() < share:
            same = metric.startswith("human_")
            moments[metric] = before if same else before + timedelta(seconds=chance.randint(5, 2 * seconds))
            yield metric, moments[metric]


def _outcome(delivery: Delivery, address: str, came: dict[str, datetime]) -> dict[str, Any]:
    state = next((one for one in ("skipped", "bounced", "delivered") if one in came), "sent")
    names = ("sent", "delivered", "opened", "human_opened", "clicked", "human_clicked", "bounced")
    return {
        "id": delivery.id,
        "state": state,
        "reason": "suppression" if state == "skipped" else None,
        "recipient": address,
        "attempted_at": came.get("sent"),
        **{f"{name}_at": came.get(name) for name in names},
    }


def _event(delivery: Delivery, metric: str, at: datetime) -> DeliveryEvent:
    return DeliveryEvent(
        delivery.id, delivery.customer_id, delivery.campaign_id, delivery.content_id, delivery.run_id,
        delivery.channel, metric, at,
    )  # fmt: skip


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


async def _called(tx: Tx, frame: dict[str, Any]) -> None:
    """Two that are sent when they are called."""
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


@contextmanager
def _earlier(tx: Tx, ago: timedelta) -> Iterator[None]:
    """The unit's moment, for once not now."""
    now = tx.now
    tx.now = now - ago
    try:
        yield
    finally:
        tx.now = now
