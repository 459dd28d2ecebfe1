"""What is said before a message is sent is what becomes of it: whether it may go, gate by gate, and what it says."""

import random
import re
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.consent import create_topic
from app.actions.content import (
    create_layout,
    create_sender,
    preview_content,
    set_snippet,
    update_layout,
    update_sender,
)
from app.actions.content.previewing import UNSUBSCRIBE
from app.actions.customers import CustomerRef
from app.actions.deliveries import can_contact
from app.core import clock
from app.core.access import system
from app.core.ids import new_id
from app.core.tx import Tx
from app.runtime import Runtime
from models import (
    ArchivedMessage,
    Campaign,
    Consent,
    Customer,
    Delivery,
    FrequencyCap,
    Identity,
    SendingPolicy,
    Suppression,
    TopicConsent,
)
from tests.sending.mailing import Mailing

PEOPLE = 60
AWAKE = "Asia/Tokyo"


async def test_what_is_said_of_a_person_is_what_becomes_of_a_message_to_them(
    mailing: Mailing, runtime: Runtime
) -> None:
    people = await mailing.people_with_addresses(PEOPLE)
    async with runtime.units.write(system(mailing.tenant_id)) as tx:
        topic = (await create_topic(tx, name="News", subscribed_by_default=False)).id
        await _rules(tx)
        for place, id in enumerate(people):
            await _life(tx, id, topic, f"p{place}-{mailing.campaign_id.hex[-6:]}@example.com", random.Random(place))
    await mailing.change(Campaign, col(Campaign.id) == mailing.campaign_id, topic_id=topic)
    said: dict[UUID, list[Any]] = {}
    async with runtime.units.read(system(mailing.tenant_id)) as reading:
        for id in people:
            said[id] = (await can_contact(reading, customer_id=id, channel="email", topic_id=topic)).document()
    expected = Counter(last["verdict"] for *_, last in said.values())
    assert {last["gate"] for *_, last in said.values() if last["verdict"] != "pass"} == {
        "audience",
        "address",
        "suppression",
        "consent",
        "cap",
        "quiet_hours",
    }
    await mailing.queue(people)
    wanted = {"sent": expected["pass"], "skipped": expected["stop"], "queued": expected["hold"]}
    await mailing.until(lambda states: {name: states[name] for name in wanted} == wanted)
    rows = {row.customer_id: row for row in await mailing.deliveries()}
    while not all(rows[id].decision for id in people):
        rows = {row.customer_id: row for row in await mailing.deliveries()}
    for id in people:
        assert rows[id].decision[: len(said[id])] == said[id]
        assert len(rows[id].decision) == len(said[id]) + (2 if rows[id].state == "sent" else 0)


async def test_a_preview_is_what_is_sent(mailing: Mailing, runtime: Runtime) -> None:
    body = (
        "<style>p{color:red}</style><p>{{ customer.name }} {{ customer.email }} {{ customer.created_at | date: '%Y' }}"
        " {{ customer.timezone }} {{ customer.locale }} {{ customer.id }} {{ customer.rapport_id }} {{ trigger.code }}"
        " {% for item in customer.items %}{{ item }} {% endfor %}{{ customer.none }}</p>"
        "<p><a href='https://x.example/{{ customer.name }}'>x</a> <a href='{% unsubscribe_url %}'>out</a></p>"
    )
    parts = {"body": body, "preheader": "For {{ customer.name }}", "reply_to": "{{ customer.email }}"}
    parts["from_address"] = "Zoë {{ customer.name }} <news@acme.example>"
    said = await Mailing(runtime.units, mailing.tenant_id).begin(
        {**parts, "headers": [{"name": "X-Name", "value": "{{ customer.name }}"}]}, is_tracked=False
    )
    people = await said.people_with_addresses(3)
    await said.change(Customer, col(Customer.id) == people[1], timezone="Asia/Tokyo", locale="de-CH")
    data = {"code": "<7>"}
    await said.queue(people, data={"data": data})
    assert await said.settled() == {"sent": 3}
    for delivery in await said.deliveries():
        async with runtime.units.read(system(said.tenant_id)) as reading:
            customer = CustomerRef("id", delivery.customer_id.hex)
            seen = await preview_content(reading, content_id=said.content_id, customer=customer, data=data)
        [sent] = await said.rows(select(ArchivedMessage).where(col(ArchivedMessage.delivery_id) == delivery.id))
        own = re.search(r'href="([^"]*/t/u/[^"]*)"', sent.body)
        assert own is not None
        for part in ("subject", "body", "plain", "preheader", "from_address", "reply_to"):
            assert getattr(seen.message, part).replace(UNSUBSCRIBE, own[1]) == getattr(sent, part), part
        assert [(one["name"], one["value"]) for one in sent.headers] == list(seen.message.headers)
        assert "&lt;7&gt;" in sent.body and "Zoë anna" in sent.from_address


async def test_what_changes_meanwhile_is_in_every_message_that_is_sent_from_then_on(
    mailing: Mailing, runtime: Runtime
) -> None:
    def run(action: Any, **values: Any) -> Any:
        return _done(runtime, mailing.tenant_id, action, values)

    sender = await run(create_sender, address="news@acme.example", name="News")
    layout = await run(create_layout, name="Frame", body="<p>one</p>{{ content }}")
    await run(set_snippet, name="end", value="<p>one</p>")
    body = {"body": "<p>Hi</p>{{ snippets.end }}", "from_address": "", "sender_id": sender.id, "layout_id": layout.id}
    said = await Mailing(runtime.units, mailing.tenant_id).begin(body)
    changes: list[tuple[Any, dict[str, Any]]] = [
        (update_sender, {"sender_id": sender.id, "name": "Neues"}),
        (update_layout, {"layout_id": layout.id, "body": "<p>two</p>{{ content }}"}),
        (set_snippet, {"name": "end", "value": "<p>two</p>"}),
    ]
    found = []
    for action, values in [*changes, (None, {})]:
        await said.invite(1)
        await said.settled()
        latest = select(ArchivedMessage).order_by(col(ArchivedMessage.delivery_id).desc()).limit(1)
        [sent] = await said.rows(latest)
        found.append((sent.from_address.partition(" ")[0], sent.plain.split()))
        if action is not None:
            await run(action, **values)
    assert found == [
        ("News", ["one", "Hi", "one"]),
        ("Neues", ["one", "Hi", "one"]),
        ("Neues", ["two", "Hi", "one"]),
        ("Neues", ["two", "Hi", "two"]),
    ]


async def _done(runtime: Runtime, tenant_id: UUID, action: Any, values: dict[str, Any]) -> Any:
    async with runtime.units.write(system(tenant_id)) as tx:
        return await action(tx, **values)


async def _rules(tx: Tx) -> None:
    """One message a day, and nothing in this hour but to who lives elsewhere."""
    hour = timedelta(hours=1)
    quiet = {"from": f"{tx.now - hour:%H:%M}", "to": f"{tx.now + hour:%H:%M}"}
    await tx.insert(SendingPolicy, [{"quiet_hours": quiet, "in_doubt": {}, "updated_at": tx.now}])
    cap = {"id": new_id(), "name": "a day", "messages": 1, "window_s": 86_400, "created_at": tx.now}
    await tx.insert(FrequencyCap, [cap])


async def _life(tx: Tx, id: UUID, topic: UUID, address: str, chance: random.Random) -> None:
    """What may stand against writing to somebody, each now and then."""

    def happens(share: float) -> bool:
        return chance.random() < share

    now = clock.now()
    zone = "UTC" if happens(0.2) else AWAKE
    customer = await tx.session.get(Customer, (tx.tenant_id, id))
    assert customer is not None
    customer.timezone = zone
    customer.suppressed_at = now if happens(0.1) else None
    if happens(0.15):
        await tx.session.delete(await _name(tx, id))
    if happens(0.15):
        listed = {"channel": "email", "address": address, "reason": "complaint", "created_at": now}
        await tx.insert(Suppression, [{"id": new_id(), **listed}])
    if happens(0.3):
        status = chance.choice(["subscribed", "unsubscribed"])
        row = {"customer_id": id, "channel": "email", "status": status, "source": "test", "changed_at": now}
        await tx.insert(Consent, [row])
    if happens(0.85):
        status = chance.choice(["subscribed", "subscribed", "subscribed", "unsubscribed"])
        await tx.insert(
            TopicConsent,
            [{"customer_id": id, "topic_id": topic, "status": status, "source": "test", "changed_at": now}],
        )
    if happens(0.2):
        before = now - timedelta(hours=chance.choice([1, 25]))
        sent = {"id": new_id(), "customer_id": id, "occurrence_id": new_id(), "channel": "email", "state": "sent"}
        await tx.insert(Delivery, [{**sent, "due_at": before, "created_at": before, "sent_at": before}])


async def _name(tx: Tx, id: UUID) -> Identity:
    return (await tx.session.execute(select(Identity).where(col(Identity.customer_id) == id))).scalar_one()
