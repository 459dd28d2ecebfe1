"""The deliveries of one unit of work: finding them, and what is told of them."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.deliveries.telling import DeliveryEvent
from app.core.batches import among
from app.core.tx import Reading
from models import Delivery

TOLD = (
    Delivery.id,
    Delivery.customer_id,
    Delivery.campaign_id,
    Delivery.content_id,
    Delivery.run_id,
    Delivery.channel,
    Delivery.is_test,
)


class DeliveryStore:
    """The tenant's deliveries, for actions that have asked leave."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._session = reading.session

    async def events(self, ids: Collection[UUID], metric: str, **extra: Any) -> list[DeliveryEvent]:
        """What is told when ``metric`` happens to these deliveries now."""
        if not ids:
            return []
        rows: Any = await self._session.execute(select(*map(col, TOLD)).where(among(self._session, Delivery.id, ids)))
        now = self._reading.now
        return [
            DeliveryEvent(id, customer, campaign, content, run, channel, metric, now, extra, counts=not is_test)
            for id, customer, campaign, content, run, channel, is_test in rows
        ]
