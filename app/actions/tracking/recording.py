"""Writing down openings and clicks: judged, counted once where once counts, and told to who listens."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlmodel import col

from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.actions.metrics import Count, add_counts
from app.actions.tracking.converting import Conversions
from app.core.access import Scope
from app.core.batches import among
from app.core.ids import new_id
from app.core.tx import Tx
from app.engagement import Judgement, Sighting, Tally, Touch, judge, many_at_once, tally
from models import Delivery, Engagement, Link

MOST = 500
"""Openings and clicks that are kept of one message. A link that was passed on to thousands is counted so far."""
LONGEST_URL = 4000
LONGEST_AGENT = 500
MOMENTS = ("opened_at", "human_opened_at", "clicked_at", "human_clicked_at")
PAST = {"open": "opened", "click": "clicked"}
MANY = Judgement("scanner", ("many_links_at_once",))


@dataclass(frozen=True, slots=True)
class Seen:
    """An opening (``open``) or a ``click`` of a message, as a request or an app told of it.

    Of a click ``link_number`` is the :class:`models.Link`'s, 0 for one that no person can see; ``url`` is where it led.
    ``is_ahead``: the request says that it is made ahead of time. ``is_reported``: an app of the tenant's told of it.
    """

    delivery_id: UUID
    kind: str
    at: datetime
    link_number: int | None = None
    url: str | None = None
    method: str = "GET"
    user_agent: str = ""
    address: str = ""
    is_ahead: bool = False
    is_reported: bool = False


async def record_engagements(tx: Tx, seen: Sequence[Seen]) -> int:
    """Writes down openings and clicks of the tenant's messages. Returns how many; those of messages that are no more,
    and what is too much of one message, are passed over."""
    tx.require(Scope.DELIVERIES_READ)
    return await _Recording(tx).record(seen)


async def record_open(tx: Tx, *, delivery_id: UUID) -> bool:
    """An app of the tenant's says that somebody opened a message. Returns whether there is such a message."""
    tx.require(Scope.EVENTS_WRITE)
    return bool(await _Recording(tx).record([Seen(delivery_id, "open", tx.now, is_reported=True)]))


async def record_click(tx: Tx, *, delivery_id: UUID, url: str | None = None) -> bool:
    """An app of the tenant's says that somebody followed a message. Returns whether there is such a message."""
    tx.require(Scope.EVENTS_WRITE)
    return bool(await _Recording(tx).record([Seen(delivery_id, "click", tx.now, url=url, is_reported=True)]))


@dataclass(frozen=True, slots=True)
class _New:
    """An engagement that is not stored yet."""

    touch: Touch
    seen: Seen
    reasons: tuple[str, ...]


class _Recording:
    """One batch of openings and clicks on its way into the database."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._links: dict[int, UUID] = {}
        self._events: list[DeliveryEvent] = []
        self._counts: list[Count] = []
        self._rows: list[dict[str, Any]] = []
        self._moments: list[dict[str, Any]] = []
        self._taken_back: list[UUID] = []

    async def record(self, seen: Sequence[Seen]) -> int:
        by_delivery: dict[UUID, list[Seen]] = defaultdict(list)
        for one in seen:
            by_delivery[one.delivery_id].append(one)
        deliveries = await self._deliveries(by_delivery)
        known = await self._known(deliveries)
        await self._find_links(one.link_number for one in seen)
        for delivery in deliveries.values():
            self._decide(delivery, by_delivery[delivery.id], known.get(delivery.id, []))
        await self._write()
        await self._catch_up(deliveries)
        return len(self._rows)

    async def _deliveries(self, ids: Iterable[UUID]) -> dict[UUID, Any]:
        """The messages, held so that what they add up to is added up once."""
        statement = (
            select(
                col(Delivery.id),
                col(Delivery.customer_id),
                col(Delivery.campaign_id),
                col(Delivery.content_id),
                col(Delivery.run_id),
                col(Delivery.channel),
                col(Delivery.is_test),
                col(Delivery.sent_at),
                col(Delivery.state),
                col(Delivery.attempted_at),
                *(getattr(Delivery, name) for name in MOMENTS),
            )
            .where(among(self._tx.session, Delivery.id, set(ids)))
            .order_by(col(Delivery.id))
            .with_for_update(key_share=True)
        )
        return {row.id: row for row in await self._tx.session.execute(statement)}

    async def _known(self, ids: Iterable[UUID]) -> dict[UUID, list[Touch]]:
        """What was seen of the messages before."""
        statement = select(
            col(Engagement.delivery_id),
            col(Engagement.id),
            col(Engagement.kind),
            col(Engagement.occurred_at),
            col(Engagement.verdict),
            col(Engagement.link_id),
            col(Engagement.url),
        ).where(among(self._tx.session, Engagement.delivery_id, set(ids)))
        found: dict[UUID, list[Touch]] = defaultdict(list)
        for row in await self._tx.session.execute(statement):
            touch = Touch(row.id, row.kind, row.occurred_at, row.verdict, row.link_id, row.url)
            found[row.delivery_id].append(touch)
        return found

    async def _find_links(self, numbers: Iterable[int | None]) -> None:
        wanted = {number for number in numbers if number}
        if wanted:
            statement = select(col(Link.number), col(Link.id)).where(col(Link.number).in_(sorted(wanted)))
            self._links = dict((await self._tx.session.execute(statement)).tuples().all())

    def _decide(self, delivery: Any, seen: Sequence[Seen], known: list[Touch]) -> None:
        """Judges what is new about one message, takes back what it shows to be wrong, and counts the difference."""
        room = max(0, MOST - len(known))
        new = [self._judged(delivery, one) for one in sorted(seen, key=lambda one: one.at)[:room]]
        if not new:
            return
        before = tally(known)
        clicks = [one for one in (*known, *(each.touch for each in new)) if one.kind == "click"]
        machines = many_at_once([one for one in clicks if one.verdict != "scanner"])
        apps = {each.touch.id for each in new if each.seen.is_reported}
        machines -= apps
        new = [_taken_back(each) if each.touch.id in machines else each for each in new]
        self._taken_back += [one.id for one in known if one.id in machines]
        standing = [replace(one, verdict=MANY.verdict) if one.id in machines else one for one in known]
        after = tally([*standing, *(each.touch for each in new)])
        if not delivery.is_test:
            self._count(delivery, before, after)
        self._note(delivery, before, after)
        seen_before = set(before.first)
        for each in new:
            self._rows.append(_row(delivery.id, each))
            self._events.append(_event(delivery, each, first=PAST[each.touch.kind] not in seen_before))
            seen_before.add(PAST[each.touch.kind])
            human = f"human_{PAST[each.touch.kind]}"
            if each.touch.is_human and human not in seen_before:
                seen_before.add(human)
                self._events.append(_event(delivery, each, first=True, metric=human))

    def _judged(self, delivery: Any, seen: Seen) -> _New:
        # One in doubt has arrived after all, if somebody opens it.
        handed = delivery.sent_at or (delivery.attempted_at if delivery.state == "in_doubt" else None)
        since = None if handed is None else (seen.at - handed).total_seconds()
        sighting = Sighting(
            seen.kind,
            seen.user_agent,
            seen.address,
            seen.method,
            since_sent_s=since,
            is_ahead=seen.is_ahead,
            is_trap=seen.link_number == 0,
            is_reported=seen.is_reported,
        )
        judgement = judge(sighting)
        link_id = self._links.get(seen.link_number or 0)
        url = seen.url and seen.url.replace("\x00", "")[:LONGEST_URL]
        return _New(Touch(new_id(), seen.kind, seen.at, judgement.verdict, link_id, url), seen, judgement.reasons)

    def _count(self, delivery: Any, before: Tally, after: Tally) -> None:
        subjects = [self._tx.tenant_id, delivery.campaign_id, delivery.content_id]
        for metric in sorted({*before.first, *after.first}):
            old, new = before.first.get(metric), after.first.get(metric)
            if old != new:
                for moment, by in ((old, -1), (new, 1)):
                    self._counts += [Count(one, metric, moment, by) for one in subjects if one and moment]
        links: Counter[tuple[UUID, str, datetime]] = Counter(after.links)
        links.subtract(before.links)
        self._counts += [Count(link, metric, at, by) for (link, metric, at), by in links.items() if by]

    def _note(self, delivery: Any, before: Tally, after: Tally) -> None:
        if before.first != after.first:
            moments = {f"new_{name}": after.first.get(name.removesuffix("_at")) for name in MOMENTS}
            self._moments.append({"delivery": delivery.id, **moments})

    async def _catch_up(self, deliveries: Mapping[UUID, Any]) -> None:
        """What happened since may have reached a goal that begins with an opening or a click."""
        begun = [deliveries[row["delivery"]] for row in self._moments]
        campaigns = {delivery.campaign_id for delivery in begun if delivery.campaign_id is not None}
        await Conversions(self._tx).catch_up(campaigns, {delivery.customer_id for delivery in begun})

    async def _write(self) -> None:
        connection = await self._tx.session.connection()
        await self._tx.insert(Engagement, self._rows)
        if self._moments:
            values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in MOMENTS}
            noted = update(Delivery).where(
                col(Delivery.tenant_id) == self._tx.tenant_id, col(Delivery.id) == bindparam("delivery")
            )
            await connection.execute(noted.values(values), self._moments)
        if self._taken_back:
            wrong = update(Engagement).where(among(self._tx.session, Engagement.id, self._taken_back))
            await self._tx.session.execute(
                wrong.values(verdict=MANY.verdict, reasons=list(MANY.reasons)),
                execution_options={"synchronize_session": False},
            )
        await add_counts(self._tx, self._counts)
        await tell_deliveries(self._tx, self._events)


def _taken_back(each: _New) -> _New:
    reasons = MANY.reasons if each.touch.is_human else (*each.reasons, *MANY.reasons)
    return replace(each, touch=replace(each.touch, verdict=MANY.verdict), reasons=reasons)


def _row(delivery_id: UUID, each: _New) -> dict[str, Any]:
    return {
        "id": each.touch.id,
        "delivery_id": delivery_id,
        "kind": each.touch.kind,
        "link_id": each.touch.link_id,
        "url": each.touch.url,
        "verdict": each.touch.verdict,
        "reasons": list(each.reasons),
        "user_agent": each.seen.user_agent[:LONGEST_AGENT],
        "address": each.seen.address[:45],
        "occurred_at": each.touch.at,
    }


def _event(delivery: Any, each: _New, *, first: bool, metric: str | None = None) -> DeliveryEvent:
    """What the feed hears. The counts are the difference of two tallies, so nothing is counted here."""
    extra: dict[str, Any] = {"verdict": each.touch.verdict, "reasons": list(each.reasons), "first": first}
    if each.touch.kind == "click":
        number = each.seen.link_number
        link = each.touch.link_id.hex if each.touch.link_id else None
        extra |= {"url": each.touch.url, "link": link, "link_number": number}
    return DeliveryEvent(
        delivery.id,
        delivery.customer_id,
        delivery.campaign_id,
        delivery.content_id,
        delivery.run_id,
        delivery.channel,
        metric or PAST[each.touch.kind],
        each.touch.at,
        extra,
        counts=False,
    )
