"""Messages that were sent, made by inserting rows: what the tests of tracking and consent begin with."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from app.core import clock
from app.core.ids import new_id
from models import Campaign, Content, Delivery, Link
from tests.actions.people import People

_numbers = count(1)


@dataclass(frozen=True)
class Posting:
    """What one tenant has sent."""

    people: People

    async def campaign(self, **values: Any) -> UUID:
        """A campaign that is sending e-mails."""
        now = clock.now()
        row: dict[str, Any] = {"id": new_id(), "number": next(_numbers), "name": "Spring", "kind": "one_off"}
        row |= {"status": "sending", "channels": ["email"], "created_at": now, "updated_at": now, **values}
        await self._insert(Campaign, row)
        return UUID(str(row["id"]))

    async def content(self, campaign_id: UUID, **values: Any) -> UUID:
        """A content of a campaign."""
        now = clock.now()
        row: dict[str, Any] = {"id": new_id(), "number": next(_numbers), "campaign_id": campaign_id, **values}
        row |= {"channel": "email", "created_at": now, "updated_at": now}
        await self._insert(Content, row)
        return UUID(str(row["id"]))

    async def link(self, campaign_id: UUID, url: str) -> Link:
        """A link in the messages of a campaign."""
        row = {"id": new_id(), "number": next(_numbers), "campaign_id": campaign_id, "url": url}
        row |= {"digest": url[:64], "created_at": clock.now()}
        await self._insert(Link, row)
        return Link(tenant_id=self.people.principal.tenant_id, **row)

    async def delivery(self, customer_id: UUID, campaign_id: UUID | None = None, **values: Any) -> UUID:
        """A message that was sent an hour ago."""
        sent_at = clock.now() - timedelta(hours=1)
        row: dict[str, Any] = {"id": new_id(), "customer_id": customer_id, "campaign_id": campaign_id}
        row |= {"occurrence_id": new_id(), "channel": "email", "state": "sent", "recipient": "ann@example.com"}
        row |= {"due_at": sent_at, "created_at": sent_at, "sent_at": sent_at, **values}
        await self._insert(Delivery, row)
        return UUID(str(row["id"]))

    async def of(self, delivery_id: UUID) -> dict[str, Any]:
        """A delivery as it is now."""
        return next(row for row in await self.people.rows(Delivery) if row["id"] == delivery_id)

    async def _insert(self, table: Any, row: dict[str, Any]) -> None:
        async with self.people.units.write(self.people.principal) as tx:
            tx.session.add(table(tenant_id=tx.tenant_id, **row))


def moments(row: dict[str, Any]) -> dict[str, datetime]:
    """What has happened to a delivery, by the names of the columns."""
    told = ("delivered", "opened", "human_opened", "clicked", "human_clicked", "converted", "bounced", "complained")
    names = [f"{name}_at" for name in (*told, "unsubscribed")]
    return {name: row[name] for name in names if row[name] is not None}
