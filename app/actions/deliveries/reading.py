"""Reading deliveries: which there are, and what was said in one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlmodel import col

from app.actions.paging import Page, check_window
from app.core.access import Scope
from app.core.errors import Invalid, NotFound
from app.core.tx import Reading
from models import ArchivedMessage, Delivery

STATES = (
    "draft",
    "queued",
    "claimed",
    "sending",
    "sent",
    "delivered",
    "bounced",
    "failed",
    "skipped",
    "in_doubt",
    "cancelled",
)


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries. Everything given must hold; ``states``: any of them. ``reached``: those of which this has
    happened, by the name of the moment (``sent``, ``opened``, ``human_clicked``, …). ``is_test`` None: both.
    ``is_suppressed``: whether it was the suppression of an address that stopped them."""

    campaign_id: UUID | None = None
    run_id: UUID | None = None
    content_id: UUID | None = None
    customer_id: UUID | None = None
    channel: str | None = None
    lane: int | None = None
    states: Collection[str] = ()
    reached: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    is_test: bool | None = False
    is_suppressed: bool | None = None

    def conditions(self) -> list[Any]:
        """The conditions on :class:`models.Delivery`. Raises :class:`Invalid`."""
        exact = {
            Delivery.campaign_id: self.campaign_id,
            Delivery.run_id: self.run_id,
            Delivery.content_id: self.content_id,
            Delivery.customer_id: self.customer_id,
            Delivery.channel: self.channel,
            Delivery.lane: self.lane,
            Delivery.is_test: self.is_test,
        }
        wanted = [col(column) == value for column, value in exact.items() if value is not None]
        if unknown := sorted(set(self.states) - set(STATES)):
            raise Invalid.at("states", f"{unknown[0]!r} is not one of {', '.join(STATES)}")
        if self.states:
            wanted.append(col(Delivery.state).in_(list(self.states)))
        if self.reached is not None:
            if self.reached not in MOMENTS:
                raise Invalid.at("reached", f"must be one of {', '.join(MOMENTS)}")
            wanted.append(col(getattr(Delivery, f"{self.reached}_at")).is_not(None))
        if self.is_suppressed is not None:
            suppressed = col(Delivery.reason) == "suppression"
            wanted.append(suppressed if self.is_suppressed else ~suppressed)
        if self.created_from is not None:
            wanted.append(col(Delivery.created_at) >= self.created_from)
        if self.created_to is not None:
            wanted.append(col(Delivery.created_at) < self.created_to)
        return wanted


MOMENTS = tuple(name.removesuffix("_at") for name in Delivery.model_fields if name.endswith("_at") and name != "due_at")


async def get_delivery(reading: Reading, *, delivery_id: UUID) -> Delivery:
    """One delivery. Raises :class:`NotFound`."""
    reading.require(Scope.DELIVERIES_READ)
    found = (
        await reading.session.execute(select(Delivery).where(col(Delivery.id) == delivery_id))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("delivery", "delivery_id")
    return found


async def list_deliveries(
    reading: Reading, *, filter: DeliveryFilter, limit: int, offset: int = 0, after: UUID | None = None
) -> Page[Delivery]:
    """Deliveries, those made last first. ``after`` is the last one of the page before, which costs the same however
    far it is; ``offset`` counts. The total is that of the whole list. Raises :class:`Invalid`."""
    reading.require(Scope.DELIVERIES_READ)
    check_window(offset, limit)
    wanted = filter.conditions()
    counted = select(func.count()).select_from(Delivery).where(*wanted)
    total = (await reading.session.execute(counted)).scalar_one()
    page = select(Delivery).where(*wanted)
    if after is not None:
        page = page.where(col(Delivery.id) < after)
    page = page.order_by(col(Delivery.id).desc()).limit(limit).offset(offset)
    return Page((await reading.session.execute(page)).scalars().all(), total)


async def archived_message(reading: Reading, *, delivery_id: UUID) -> ArchivedMessage:
    """What was handed to the provider. Raises :class:`NotFound`, also for what is not kept or not sent yet."""
    reading.require(Scope.DELIVERIES_READ)
    statement = select(ArchivedMessage).where(col(ArchivedMessage.delivery_id) == delivery_id)
    found = (await reading.session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise NotFound("archived message", "delivery_id")
    return found


async def count_states(
    reading: Reading, *, campaign_id: UUID | None = None, run_id: UUID | None = None
) -> dict[str, int]:
    """How many deliveries of a campaign or a run are in which state; those there are none of are left out."""
    reading.require(Scope.DELIVERIES_READ)
    statement = select(col(Delivery.state), func.count()).where(col(Delivery.is_test).is_(False))
    if campaign_id is not None:
        statement = statement.where(col(Delivery.campaign_id) == campaign_id)
    if run_id is not None:
        statement = statement.where(col(Delivery.run_id) == run_id)
    rows = await reading.session.execute(statement.group_by(col(Delivery.state)))
    return dict(rows.tuples().all())


async def find_sent(
    reading: Reading, *, provider_message_id: str | None = None, delivery_id: UUID | None = None
) -> Delivery | None:
    """The delivery that a provider speaks of, by its own name for it or by ours."""
    reading.require(Scope.DELIVERIES_READ)
    named = [col(Delivery.provider_message_id) == provider_message_id] if provider_message_id else []
    named += [col(Delivery.id) == delivery_id] if delivery_id else []
    if not named:
        return None
    found = await reading.session.execute(select(Delivery).where(or_(*named)).limit(1))
    return found.scalar_one_or_none()
