"""The links of campaigns, and how often the messages of one content led people to them."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.core.access import Scope
from app.core.batches import is_postgres
from app.core.tx import Reading
from models import Delivery, Engagement, HourlyCount, Link

COUNTED = {"human": ("human_clicked",), "scanner": ("machine_clicked",), "proxy": ("machine_clicked",)}
"""As what a click of each verdict counts besides ``clicked``."""
Hours = dict[datetime, int]
"""How often in which hour; hours in which it did not happen are not there."""


async def links_of_campaign(reading: Reading, *, campaign_id: UUID) -> list[Link]:
    """The links of a campaign's messages, by number."""
    reading.require(Scope.METRICS_READ)
    statement = select(Link).where(col(Link.campaign_id) == campaign_id).order_by(col(Link.number))
    return list((await reading.session.execute(statement)).scalars())


async def clicks_of_links(reading: Reading, *, campaign_id: UUID, start: datetime) -> dict[UUID, dict[str, Hours]]:
    """By link of a campaign and metric (``clicked``, ``clicked_once`` and so on) the clicks since ``start``."""
    reading.require(Scope.METRICS_READ)
    links = select(col(Link.id)).where(col(Link.campaign_id) == campaign_id)
    counted = select(HourlyCount).where(col(HourlyCount.subject_id).in_(links), col(HourlyCount.hour) >= start)
    found: dict[UUID, dict[str, Hours]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for row in (await reading.session.execute(counted)).scalars():
        found[row.subject_id][row.metric][row.hour] += row.count
    return found


async def clicks_of_content(reading: Reading, *, content_id: UUID, start: datetime) -> dict[UUID, dict[str, Hours]]:
    """By link and metric (``clicked``, ``human_clicked``, ``machine_clicked``) the clicks since ``start`` in messages
    of one content. Counters know a link's clicks in all messages of its campaign, so these are counted here."""
    reading.require(Scope.METRICS_READ)
    hour = _hour(reading, Engagement.occurred_at)
    statement = (
        select(col(Engagement.link_id), col(Engagement.verdict), hour, func.count())
        .join(
            Delivery,
            (col(Delivery.tenant_id) == col(Engagement.tenant_id)) & (col(Delivery.id) == col(Engagement.delivery_id)),
        )
        .where(
            col(Delivery.tenant_id) == reading.tenant_id,
            col(Delivery.content_id) == content_id,
            col(Delivery.is_test).is_(False),
            col(Engagement.kind) == "click",
            col(Engagement.link_id).is_not(None),
            col(Engagement.occurred_at) >= start,
        )
        .group_by(col(Engagement.link_id), col(Engagement.verdict), hour)
    )
    found: dict[UUID, dict[str, Hours]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for link_id, verdict, at, count in await reading.session.execute(statement):
        moment = at if isinstance(at, datetime) else datetime.strptime(at, "%Y-%m-%d %H").replace(tzinfo=UTC)
        for metric in ("clicked", *COUNTED.get(verdict, ())):
            found[link_id][metric][moment] += count
    return found


def _hour(reading: Reading, moment: Any) -> Any:
    """The hour in which a moment lies."""
    if is_postgres(reading.session):
        return func.date_trunc("hour", moment, "UTC")
    return func.strftime("%Y-%m-%d %H", moment)
