"""What the tests of reporting share: deliveries that things happen to, and a reporter that tells of them."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import orjson

from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.actions.reporting import NewWebhook, create_webhook
from app.core import clock
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.tx import Tx
from app.runtime.reporting import Reporter
from models import Campaign, CampaignRun, Content, Delivery, WebhookCall
from tests.actions.people import People
from tests.receiver import Received, Receiver

EVENTS = ["email_sent", "email_clicked", "email_dropped", "email_bounced", "push_sent", "customer_unsubscribed"]


class Reports:
    """A tenant whose campaigns send, and whose webhook hears of it."""

    def __init__(self, people: People, settings: Settings) -> None:
        settings.allowed_private_hosts = ["127.0.0.1"]
        self.people = people
        self.settings = settings

    @asynccontextmanager
    async def reporter(self) -> AsyncIterator[Reporter]:
        """A process's reporter, running."""
        reporter = Reporter(self.people.units, self.settings)
        await reporter.start()
        try:
            yield reporter
        finally:
            await reporter.stop()

    async def webhook(self, endpoint: str, events: list[str] | None = None, **more: Any) -> NewWebhook:
        made: NewWebhook = await self.people.do(
            create_webhook, name="hook", endpoint=endpoint, events=events or EVENTS, **more
        )
        return made

    async def customer(self, name: str) -> UUID:
        done = await self.people.identify(external_id=name, email=f"{name}@example.com")
        return done.customer_id

    async def campaign(self, kind: str, number: int) -> dict[str, UUID]:
        """The keys of a campaign with one content (number + 100) and one run (7)."""
        keys = {"campaign_id": new_id(), "content_id": new_id(), "run_id": new_id()}
        now = clock.now()
        stamps = {"created_at": now, "updated_at": now}
        campaign = {"id": keys["campaign_id"], "number": number, "name": kind, "kind": kind, "status": "sending"}
        content = {"id": keys["content_id"], "number": number + 100, "campaign_id": keys["campaign_id"]}
        run = {"id": keys["run_id"], "campaign_id": keys["campaign_id"], "number": 7, "version": 1, "occurrence": "x"}
        tenant = {"tenant_id": self.people.principal.tenant_id}
        async with self.people.units.write(self.people.principal) as tx:
            tx.session.add(Campaign(**tenant, **campaign, **stamps, channels=["email"]))
            await tx.session.flush()
            tx.session.add(Content(**tenant, **content, **stamps, channel="email"))
            tx.session.add(CampaignRun(**tenant, **run, due_at=now, created_at=now))
        return keys

    async def delivery(self, customer_id: UUID, keys: dict[str, UUID] | None = None, **more: Any) -> Delivery:
        now = clock.now()
        row = {
            "id": new_id(),
            "customer_id": customer_id,
            "occurrence_id": new_id(),
            "channel": "email",
            "state": "sent",
            "recipient": "a@example.com",
            "subject": "News",
            "due_at": now,
            "created_at": now,
            **(keys or {}),
            **more,
        }
        async with self.people.units.write(self.people.principal) as tx:
            await tx.insert(Delivery, [row])
        return Delivery(tenant_id=self.people.principal.tenant_id, **row)

    async def happens(self, delivery: Delivery, metric: str, **extra: Any) -> None:
        await self.people.do(tell, delivery, metric, extra)

    async def calls(self) -> list[dict[str, Any]]:
        """Every call of the tenant, by what it is about and its place."""
        rows = await self.people.rows(WebhookCall)
        return sorted(rows, key=lambda row: (row["position"], str(row["id"])))

    async def settled(self, state: str, count: int) -> list[dict[str, Any]]:
        """The calls, once so many are in this state and none is in anybody's hands. ``waiting`` is due, after an
        attempt that failed."""
        async with asyncio.timeout(15):
            while True:
                rows = await self.calls()
                idle = all(row["lease_until"] is None for row in rows)
                if idle and [_state(row) for row in rows].count(state) == count:
                    return rows
                await asyncio.sleep(0.02)


def _state(row: dict[str, Any]) -> str:
    return "waiting" if row["state"] == "due" and row["attempts"] else str(row["state"])


async def tell(tx: Tx, delivery: Delivery, metric: str, extra: dict[str, Any]) -> None:
    event = DeliveryEvent(
        delivery.id,
        delivery.customer_id,
        delivery.campaign_id,
        delivery.content_id,
        delivery.run_id,
        delivery.channel,
        metric,
        tx.now,
        extra,
    )
    await tell_deliveries(tx, [event])


async def heard(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    """The bodies of the first requests, once there are so many."""
    async with asyncio.timeout(15):
        while len(receiver.requests) < count:
            await asyncio.sleep(0.02)
    return [orjson.loads(request.body) for request in receiver.requests]


def is_signed(request: Received, secret: str) -> bool:
    """Whether the request has Customer.io's signature of its body."""
    timestamp = request.headers["x-cio-timestamp"]
    signed = b"v0:" + timestamp.encode() + b":" + request.body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() == request.headers["x-cio-signature"]


__all__ = ["EVENTS", "Reports", "heard", "is_signed", "tell"]
