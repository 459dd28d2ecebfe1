"""What the tests of customers and events share: saying things in few words, and reading back everything stored."""

from typing import Any
from uuid import UUID

from sqlalchemy import inspect, select

from app.actions.customers import CustomerFacts, CustomerRef, Identified, identify, merge, unmerge
from app.actions.events import NewEvent, Tracked, track
from app.core.access import Principal
from app.core.tx import UnitsOfWork
from models import AuditEntry, Consent, Customer, Device, Event, FeedEntry, FeedTopic, Identity, Merge, MergeMove

TABLES = (Customer, Identity, Consent, Device, Event, Merge, MergeMove, FeedTopic, FeedEntry, AuditEntry)


def ext(value: str) -> CustomerRef:
    return CustomerRef("external_id", value)


def anon(value: str) -> CustomerRef:
    return CustomerRef("anonymous_id", value)


def by_id(customer_id: UUID) -> CustomerRef:
    return CustomerRef("id", customer_id.hex)


class People:
    """One caller who does each thing in a unit of work of its own."""

    def __init__(self, units: UnitsOfWork, principal: Principal) -> None:
        self.units = units
        self.principal = principal

    async def do(self, action: Any, *arguments: Any, **named: Any) -> Any:
        async with self.units.write(self.principal) as tx:
            return await action(tx, *arguments, **named)

    async def read(self, query: Any, *arguments: Any, **named: Any) -> Any:
        async with self.units.read(self.principal) as reading:
            return await query(reading, *arguments, **named)

    async def identify(self, **facts: Any) -> Identified:
        return await self.do(identify, CustomerFacts(**facts))

    async def track(self, customer: CustomerRef, name: str = "visit", **event: Any) -> Tracked:
        return await self.do(track, NewEvent(customer, name, **event))

    async def merge(self, winner: CustomerRef, loser: CustomerRef) -> UUID:
        return await self.do(merge, winner=winner, loser=loser)

    async def unmerge(self, merge_id: UUID) -> Any:
        return await self.do(unmerge, merge_id=merge_id)

    async def rows(self, table: Any) -> list[dict[str, Any]]:
        """Every row of the tenant in a table, by primary key."""
        keys = inspect(table).primary_key
        columns = inspect(table).columns
        async with self.units.read(self.principal) as reading:
            found = (await reading.session.execute(select(table).order_by(*keys))).scalars().all()
            return [{column.name: getattr(row, column.name) for column in columns} for row in found]

    async def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Every row that customers and events leave behind."""
        return {table.__tablename__: await self.rows(table) for table in TABLES}

    async def names(self) -> dict[tuple[str, str], UUID]:
        """Whom each name names."""
        return {(row["kind"], row["value"]): row["customer_id"] for row in await self.rows(Identity)}

    async def feed(self, customer_id: UUID) -> list[tuple[str, UUID, dict[str, Any]]]:
        """What subscribers of a customer heard: kind, subject and data, in order."""
        topic = f"customer:{customer_id.hex}"
        return [
            (row["kind"], row["subject_id"], row["data"]) for row in await self.rows(FeedEntry) if row["topic"] == topic
        ]

    async def changes(self, customer_id: UUID) -> list[str]:
        """What subscribers of a customer heard, in one word each."""
        return [data.get("change") or data["name"] for _, _, data in await self.feed(customer_id)]
