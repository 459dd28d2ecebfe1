"""Conversions: an event that a campaign has for its goal, soon enough after a message, marks that message.

It goes by what changed of customers in the unit that changed it, so an event and its conversion are one commit. Where
no campaign of a tenant has a goal, nothing of this runs.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlmodel import col

from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.actions.metrics import Count, add_counts
from app.core.batches import among
from app.core.tx import Change, Tx
from models import Campaign, Delivery, Event, Merge

ANCHORS = {"sent": "sent_at", "opened": "human_opened_at", "clicked": "human_clicked_at"}
"""From when on an event counts; what machines did begins nothing."""
LATEST = timedelta(days=30)
"""Events that are told of later than this after a goal's time was up convert nothing."""
MOST_REVENUE = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Goal:
    """What a campaign wants people to do, and how soon after what."""

    campaign_id: UUID
    event: str
    within: timedelta
    anchor: str
    revenue_property: str | None

    @classmethod
    def of(cls, campaign_id: UUID, goal: Mapping[str, Any]) -> "Goal":
        """The goal in a campaign's row."""
        within, anchor = timedelta(seconds=goal["within_s"]), ANCHORS[goal.get("after", "sent")]
        return cls(campaign_id, goal["event"], within, anchor, goal.get("revenue_property"))


@dataclass(frozen=True, slots=True)
class Reached:
    """A message that reached its goal, when, and what that was worth."""

    delivery: Any
    event: str
    at: datetime
    amount: Decimal


class Conversions:
    """The conversions of one unit of work."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def follow(self, touched: Mapping[UUID, Mapping[Change, None]]) -> None:
        """Marks what the events convert that this unit has given to customers."""
        people: dict[str, set[UUID]] = defaultdict(set)
        for customer_id, changes in touched.items():
            for kind, name in changes:
                if kind == "event":
                    people[name].add(customer_id)
        if people:
            await self._convert((goal, people[goal.event]) for goal in await self._goals() if goal.event in people)

    async def catch_up(self, campaign_ids: Collection[UUID], customer_ids: Collection[UUID]) -> None:
        """Marks what earlier events convert, now that somebody's opening or click is known."""
        if campaign_ids:
            goals = [goal for goal in await self._goals(campaign_ids) if goal.anchor != ANCHORS["sent"]]
            await self._convert((goal, customer_ids) for goal in goals)

    async def _goals(self, campaign_ids: Collection[UUID] | None = None) -> list[Goal]:
        statement = select(col(Campaign.id), col(Campaign.goal)).where(
            col(Campaign.goal).is_not(None), col(Campaign.deleted_at).is_(None)
        )
        if campaign_ids is not None:
            statement = statement.where(among(self._tx.session, Campaign.id, set(campaign_ids)))
        found = (await self._tx.session.execute(statement.order_by(col(Campaign.id)))).all()
        return [Goal.of(campaign_id, goal) for campaign_id, goal in found if goal]

    async def _convert(self, wanted: Iterable[tuple[Goal, Collection[UUID]]]) -> None:
        reached: list[Reached] = []
        for goal, people in wanted:
            deliveries = await self._deliveries(goal, await self._everybody(people))
            if any(one.converted_at is None for mine in deliveries.values() for one in mine):
                events = await self._events(goal, deliveries)
                reached += [one for key, mine in deliveries.items() for one in _reached(goal, mine, events[key])]
        if reached:
            await self._write(reached)

    async def _everybody(self, people: Collection[UUID]) -> dict[UUID, UUID]:
        """These people and whoever has become part of them, whose messages stay where they are: each with who they are
        today."""
        today = {customer_id: customer_id for customer_id in people}
        latest = today
        while latest:
            statement = select(col(Merge.loser_id), col(Merge.winner_id)).where(
                col(Merge.unmerged_at).is_(None), among(self._tx.session, Merge.winner_id, set(latest))
            )
            found = (await self._tx.session.execute(statement)).all()
            latest = {loser: today[winner] for loser, winner in found if loser not in today}
            today |= latest
        return today

    async def _deliveries(self, goal: Goal, today: Mapping[UUID, UUID]) -> dict[UUID, list[Any]]:
        """The campaign's messages from which an event may count, by customer, the latest first; held until the end."""
        anchor = getattr(Delivery, goal.anchor)
        statement = (
            select(
                col(Delivery.id),
                col(Delivery.customer_id),
                col(Delivery.campaign_id),
                col(Delivery.content_id),
                col(Delivery.run_id),
                col(Delivery.channel),
                col(Delivery.converted_at),
                anchor.label("anchor"),
            )
            .where(
                among(self._tx.session, Delivery.customer_id, set(today)),
                col(Delivery.campaign_id) == goal.campaign_id,
                col(Delivery.is_test).is_(False),
                anchor >= self._tx.now - goal.within - LATEST,
            )
            .order_by(col(Delivery.id))
            .with_for_update(key_share=True)
        )
        found: dict[UUID, list[Any]] = defaultdict(list)
        for row in await self._tx.session.execute(statement):
            found[today[row.customer_id]].append(row)
        return {key: sorted(mine, key=lambda one: one.anchor, reverse=True) for key, mine in found.items()}

    async def _events(self, goal: Goal, deliveries: Mapping[UUID, Sequence[Any]]) -> Mapping[UUID, Sequence[Any]]:
        """The customers' events of the goal's name that may count, the earliest first."""
        earliest = min(mine[-1].anchor for mine in deliveries.values())
        statement = (
            select(col(Event.customer_id), col(Event.occurred_at), col(Event.properties))
            .where(
                among(self._tx.session, Event.customer_id, set(deliveries)),
                col(Event.name) == goal.event,
                col(Event.occurred_at) >= earliest,
            )
            .order_by(col(Event.occurred_at), col(Event.id))
        )
        found: dict[UUID, list[Any]] = defaultdict(list)
        for row in await self._tx.session.execute(statement):
            if row.customer_id is not None:
                found[row.customer_id].append(row)
        return found

    async def _write(self, reached: Sequence[Reached]) -> None:
        which = (col(Delivery.tenant_id) == self._tx.tenant_id, col(Delivery.id) == bindparam("delivery"))
        noted = update(Delivery).where(*which).values(converted_at=bindparam("reached"))
        rows = [{"delivery": one.delivery.id, "reached": one.at} for one in reached]
        await (await self._tx.session.connection()).execute(noted, rows)
        counts = [
            Count(subject, "converted", one.at, 1, one.amount)
            for one in reached
            for subject in (self._tx.tenant_id, one.delivery.campaign_id, one.delivery.content_id)
            if subject is not None
        ]
        await add_counts(self._tx, counts)
        await tell_deliveries(self._tx, [_told(one) for one in reached])


def _reached(goal: Goal, deliveries: Sequence[Any], events: Sequence[Any]) -> list[Reached]:
    """Each event counts for the last message before it, and each message once, by its first event."""
    done = {one.id for one in deliveries if one.converted_at is not None}
    found = []
    for event in events:
        last = next((one for one in deliveries if one.anchor <= event.occurred_at), None)
        if last is None or last.id in done or event.occurred_at > last.anchor + goal.within:
            continue
        done.add(last.id)
        found.append(Reached(last, goal.event, event.occurred_at, _revenue(event.properties, goal.revenue_property)))
    return found


def _revenue(properties: Mapping[str, Any], name: str | None) -> Decimal:
    """The number that a property is; 0 where it is none."""
    value = properties.get(name) if name else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return Decimal(0)
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    if not amount.is_finite() or abs(amount) > MOST_REVENUE:
        return Decimal(0)
    return amount.quantize(Decimal("0.0001"))


def _told(one: Reached) -> DeliveryEvent:
    delivery = one.delivery
    return DeliveryEvent(
        delivery.id,
        delivery.customer_id,
        delivery.campaign_id,
        delivery.content_id,
        delivery.run_id,
        delivery.channel,
        "converted",
        one.at,
        {"event": one.event, "amount": str(one.amount)},
        counts=False,
    )
