"""A campaign and its people as rows, and what became of their deliveries."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlmodel import col

from app.core import clock
from app.core.access import system
from app.core.ids import new_id
from app.core.tx import UnitsOfWork
from models import (
    Campaign,
    CampaignRun,
    Content,
    Customer,
    Delivery,
    FeedEntry,
    HourlyCount,
    Identity,
)

BODY = """<html><body><h1>Hello {{ customer.name | capitalize }}</h1>
{% for item in customer.items %}<p>{{ item }}</p>{% endfor %}
<p><a href="https://shop.example/a">a</a> <a href="https://shop.example/{{ customer.name }}">b</a>
<a href="https://shop.example/c">c</a> <a href="https://shop.example/d">d</a> <a href="https://shop.example/e">e</a></p>
<p><a href="{% unsubscribe_url %}">Unsubscribe</a></p></body></html>"""
CAMPAIGN = {
    "name": "News",
    "kind": "one_off",
    "status": "sending",
    "channels": ["email"],
    "schedule": {},
    "tags": [],
    "version": 1,
}
CONTENT = {
    "channel": "email",
    "subject": "Hello {{ customer.name }}",
    "body": BODY,
    "from_address": "News <news@acme.example>",
    "headers": [],
    "fields": {},
}
WAITING = ("draft", "queued", "claimed", "sending")


@dataclass
class Mailing:
    """One tenant's campaign, written as rows."""

    units: UnitsOfWork
    tenant_id: UUID
    campaign_id: UUID = field(default_factory=new_id)
    run_id: UUID = field(default_factory=new_id)
    content_id: UUID = field(default_factory=new_id)
    people: list[UUID] = field(default_factory=list)

    async def begin(self, content: dict[str, Any] | None = None, **campaign: Any) -> "Mailing":
        """Writes the campaign, its one content and its run."""
        now = clock.now()
        stamps = {"created_at": now, "updated_at": now}
        async with self.units.write(system(self.tenant_id)) as tx:
            highest = (await tx.session.execute(select(func.max(col(Campaign.number))))).scalar_one() or 0
            row = {**CAMPAIGN, "id": self.campaign_id, "number": highest + 1, **stamps, **campaign}
            await tx.insert(Campaign, [row])
            run = {
                "id": self.run_id,
                "campaign_id": self.campaign_id,
                "number": 1,
                "version": 1,
                "occurrence": "launch",
                "state": "sending",
                "data": {},
                "problems": [],
                "due_at": now,
                "created_at": now,
            }
            await tx.insert(CampaignRun, [run])
            text = {**CONTENT, "id": self.content_id, "number": highest + 1, "campaign_id": self.campaign_id, **stamps}
            await tx.insert(Content, [{**text, **(content or {})}])
        return self

    async def invite(self, count: int, kind: str = "email", **delivery: Any) -> list[UUID]:
        """New people with an address each, and a queued delivery for each of them. Returns the deliveries."""
        return await self.queue(await self.people_with_addresses(count, kind), **delivery)

    async def people_with_addresses(self, count: int, kind: str = "email") -> list[UUID]:
        """New people with an address each."""
        now = clock.now()
        address = {"email": f"p%d-{self.campaign_id.hex[-6:]}@example.com", "phone": "+1415555%04d"}[kind]
        people = [new_id() for _ in range(count)]
        first = len(self.people)
        self.people += people
        async with self.units.write(system(self.tenant_id)) as tx:
            customers = [
                {
                    "id": id,
                    "status": "active",
                    "attributes": {"name": f"anna{place}", "items": ["tea", "milk"]},
                    "created_at": now,
                    "updated_at": now,
                }
                for place, id in enumerate(people, first)
            ]
            await tx.insert(Customer, customers)
            names = [
                {
                    "id": new_id(),
                    "customer_id": id,
                    "kind": kind,
                    "value": address % place,
                    "is_primary": True,
                    "source": "test",
                    "created_at": now,
                }
                for place, id in enumerate(people, first)
            ]
            await tx.insert(Identity, names)
        return people

    async def queue(self, people: Sequence[UUID], **delivery: Any) -> list[UUID]:
        """A queued delivery for each of these people."""
        now = clock.now()
        rows = [
            {
                "id": new_id(),
                "customer_id": customer_id,
                "campaign_id": self.campaign_id,
                "run_id": self.run_id,
                "occurrence_id": self.run_id,
                "content_id": self.content_id,
                "channel": "email",
                "lane": 1,
                "priority": 5,
                "state": "queued",
                "due_at": now,
                "created_at": now,
                "data": None,
                **delivery,
            }
            for customer_id in people
        ]
        async with self.units.write(system(self.tenant_id)) as tx:
            await tx.insert(Delivery, rows)
            prepared = update(CampaignRun).where(col(CampaignRun.id) == self.run_id)  # before, it cannot end
            await tx.session.execute(prepared.values(prepared_at=now))
            tx.dispatch()
        return [row["id"] for row in rows]

    async def change(self, table: Any, where: Any, **values: Any) -> None:
        """Changes rows of a table."""
        async with self.units.write(system(self.tenant_id)) as tx:
            statement = update(table).where(where).values(**values)
            await tx.session.execute(statement, execution_options={"synchronize_session": False})

    async def deliveries(self) -> list[Delivery]:
        """All of the campaign, by id."""
        statement = select(Delivery).where(col(Delivery.campaign_id) == self.campaign_id).order_by(col(Delivery.id))
        return await self.rows(statement)

    async def rows(self, statement: Any) -> list[Any]:
        """What a select over one table finds."""
        async with self.units.read(system(self.tenant_id)) as reading:
            return list((await reading.session.execute(statement)).scalars())

    async def states(self) -> Counter[str]:
        """How many deliveries are in which state."""
        async with self.units.read(system(self.tenant_id)) as reading:
            statement = (
                select(col(Delivery.state), func.count())
                .where(col(Delivery.campaign_id) == self.campaign_id)
                .group_by(col(Delivery.state))
            )
            return Counter(dict((await reading.session.execute(statement)).tuples().all()))

    async def counts(self, subject_id: UUID) -> dict[str, int]:
        """What was counted of a tenant, campaign or content, over all hours."""
        async with self.units.read(system(self.tenant_id)) as reading:
            statement = (
                select(col(HourlyCount.metric), func.sum(col(HourlyCount.count)))
                .where(col(HourlyCount.subject_id) == subject_id)
                .group_by(col(HourlyCount.metric))
            )
            return {metric: int(count) for metric, count in await reading.session.execute(statement)}

    async def told(self, topic: str = "deliveries") -> Counter[str]:
        """What the feed has told, by kind."""
        return Counter(entry.kind for entry in await self.rows(select(FeedEntry).where(col(FeedEntry.topic) == topic)))

    async def settled(self, within_s: float = 20.0) -> Counter[str]:
        """The states, once nothing waits any more."""
        return await self.until(lambda states: not any(states[state] for state in WAITING), within_s)

    async def until(self, holds: Any, within_s: float = 20.0) -> Counter[str]:
        """The states, once ``holds`` is true of them."""
        async with asyncio.timeout(within_s):
            while not holds(states := await self.states()):
                await asyncio.sleep(0.02)
        return states

    async def status(self) -> tuple[str, str]:
        """That of the campaign and its run."""
        [run] = await self.rows(select(CampaignRun).where(col(CampaignRun.id) == self.run_id))
        [campaign] = await self.rows(select(Campaign).where(col(Campaign.id) == self.campaign_id))
        return campaign.status, run.state

    async def ended(self, within_s: float = 5.0) -> None:
        """Returns once the campaign is completed."""
        async with asyncio.timeout(within_s):
            wanted = select(Campaign).where(col(Campaign.id) == self.campaign_id, col(Campaign.status) == "completed")
            while not await self.rows(wanted):
                await asyncio.sleep(0.05)

    async def completed(self, within_s: float = 5.0) -> tuple[str, str]:
        """The same, once the run is over."""
        async with asyncio.timeout(within_s):
            while (status := await self.status())[1] != "completed":
                await asyncio.sleep(0.02)
        return status


def at(moment: datetime | None) -> bool:
    """Whether a moment is set and not in the future."""
    return moment is not None and moment <= clock.now()
