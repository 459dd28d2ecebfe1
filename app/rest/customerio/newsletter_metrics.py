"""Customer.io's metrics of newsletters, of their variants, and of the links in them.

Days begin at midnight EST (five hours behind UTC, summer and winter), weeks on Sundays (``contracts/customerio.md``).
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from app.actions import content
from app.actions.metrics import Hours, clicks_of_content, clicks_of_links, links_of_campaign, metric_series
from app.core.access import Scope
from app.core.tx import Reading
from app.rest.customerio.contents import CHANNELS, TYPES
from app.rest.customerio.newsletters import ONE, addressed, addressed_content, newsletter_endpoint
from app.rest.customerio.wire import Wire
from app.rest.door import Call
from models import Campaign, Link

ZONE = "EST"
MOST = {"hours": 24, "days": 45, "weeks": 12, "months": 121}
USUAL = MOST | {"months": 12}
FEWEST = 2
SERIES = {
    "created": "created",
    "drafted": "drafted",
    "attempted": "attempted",
    "sent": "sent",
    "delivered": "delivered",
    "deferred": "deferred",
    "opened": "opened",
    "human_opened": "human_opened",
    "clicked": "clicked",
    "human_clicked": "human_clicked",
    "converted": "converted",
    "bounced": "bounced",
    "spammed": "complained",
    "unsubscribed": "unsubscribed",
    "topic_unsubscribed": "topic_unsubscribed",
    "dropped": "suppressed",
    "suppressed": "suppressed",
    "failed": "failed",
    "undeliverable": "skipped",
    "2xx": "answered_2xx",
    "3xx": "answered_3xx",
    "4xx": "answered_4xx",
    "5xx": "answered_5xx",
}
"""What Customer.io calls what we count."""
OF_LINKS = {"clicked": "clicked", "human_clicked": "human_clicked", "machine_clicked": "machine_clicked"}
ONCE = {"clicked": "clicked_once", "human_clicked": "human_clicked_once"}
Type = Literal["email", "webhook", "twilio", "sms", "push", "in_app", "whatsapp", "urban_airship", "slack"]


class PeriodQuery(Wire):
    period: Literal["hours", "days", "weeks", "months"] = "days"
    steps: int = Field(
        0, ge=0, le=10_000, description="2 to 24 hours, 45 days, 12 weeks or 121 months; 0 for the most, or 12 months."
    )


class MetricsQuery(PeriodQuery):
    type: Type | None = Field(None, description="Only messages of this type.")


class LinksQuery(PeriodQuery):
    unique: bool = Field(False, description="Each message once for each link.")


class Series(Wire):
    series: dict[str, list[int]] = Field(description="The oldest step first; all are of the same length.")


class TypedSeries(Series):
    type: str


class MetricShown(Wire):
    metric: TypedSeries


class LinkNamed(Wire):
    id: int
    href: str


class LinkMetric(Wire):
    link: LinkNamed
    metric: Series


class LinksShown(Wire):
    links: list[LinkMetric]


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a report: when the first begins, the last ends, and what of our steps makes one of these."""

    start: datetime
    end: datetime
    step: str
    together: int = 1

    @classmethod
    def of(cls, query: PeriodQuery, now: datetime) -> "Steps":
        count = max(FEWEST, min(query.steps or USUAL[query.period], MOST[query.period]))
        end = now + timedelta(microseconds=1)
        if query.period == "hours":
            return cls(now - timedelta(hours=count - 1), end, "hour")
        today = now.astimezone(ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)
        if query.period == "days":
            return cls(today - timedelta(days=count - 1), end, "day")
        if query.period == "weeks":
            sunday = today - timedelta(days=today.isoweekday() % 7)
            return cls(sunday - timedelta(weeks=count - 1), end, "day", together=7)
        months = today.year * 12 + today.month - count
        return cls(today.replace(year=months // 12, month=months % 12 + 1, day=1), end, "month")

    async def series(
        self, reading: Reading, subjects: Collection[UUID], names: Mapping[str, str]
    ) -> tuple[list[datetime], dict[str, list[int]]]:
        """When each step begins, and how often each metric happened in it to all of ``subjects``."""
        found = await metric_series(
            reading,
            metrics=list(dict.fromkeys(names.values())),
            start=self.start,
            end=self.end,
            step=self.step,
            timezone=ZONE,
            subjects=subjects,
        )
        counts = {one.metric: [point.count for point in one.points] for one in found}
        begins = [point.at for point in found[0].points][:: self.together]
        return begins, {name: self._folded(counts[ours]) for name, ours in names.items()}

    async def begins(self, reading: Reading) -> list[datetime]:
        """When each step begins."""
        begins, _ = await self.series(reading, [], {"clicked": "clicked"})
        return begins

    def _folded(self, counts: list[int]) -> list[int]:
        return [sum(counts[at : at + self.together]) for at in range(0, len(counts), self.together)]


async def get_newsletter_metrics(call: Call[None, MetricsQuery]) -> MetricShown:
    async with call.read() as reading:
        newsletter = await addressed(reading, call)
        subjects = [newsletter.id]
        if call.query.type is not None:
            channel = CHANNELS.get(call.query.type)
            rows = await content.list_contents(reading, campaign_id=newsletter.id)
            subjects = [row.id for row in rows if row.channel == channel]
        return await _metrics(reading, call.query, subjects, newsletter)


async def get_content_metrics(call: Call[None, MetricsQuery]) -> MetricShown:
    async with call.read() as reading:
        newsletter = await addressed(reading, call)
        row = await addressed_content(reading, call, newsletter)
        is_meant = call.query.type is None or CHANNELS.get(call.query.type) == row.channel
        return await _metrics(reading, call.query, [row.id] if is_meant else [], newsletter)


async def get_newsletter_links(call: Call[None, LinksQuery]) -> LinksShown:
    names = ONCE if call.query.unique else OF_LINKS
    async with call.read() as reading:
        newsletter = await addressed(reading, call)
        begins = await Steps.of(call.query, reading.now).begins(reading)
        clicks = await clicks_of_links(reading, campaign_id=newsletter.id, start=begins[0])
        links = await links_of_campaign(reading, campaign_id=newsletter.id)
    return LinksShown(links=[_link(link, _in_steps(clicks.get(link.id, {}), names, begins)) for link in links])


async def get_content_links(call: Call[None, MetricsQuery]) -> LinksShown:
    async with call.read() as reading:
        newsletter = await addressed(reading, call)
        row = await addressed_content(reading, call, newsletter)
        begins = await Steps.of(call.query, reading.now).begins(reading)
        clicks = await clicks_of_content(reading, content_id=row.id, start=begins[0])
        links = await links_of_campaign(reading, campaign_id=newsletter.id)
    is_meant = call.query.type is None or CHANNELS.get(call.query.type) == row.channel
    shown = [link for link in links if link.id in clicks and is_meant]
    return LinksShown(links=[_link(link, _in_steps(clicks[link.id], OF_LINKS, begins)) for link in shown])


def _in_steps(
    clicks: Mapping[str, Hours], names: Mapping[str, str], begins: Sequence[datetime]
) -> dict[str, list[int]]:
    """How often a link was followed in each of the steps that begin at ``begins``."""
    series = {name: [0] * len(begins) for name in names}
    for name, ours in names.items():
        for hour, count in clicks.get(ours, {}).items():
            series[name][max(0, bisect_right(begins, hour) - 1)] += count
    return series


async def _metrics(
    reading: Reading, query: MetricsQuery, subjects: Collection[UUID], newsletter: Campaign
) -> MetricShown:
    _, series = await Steps.of(query, reading.now).series(reading, subjects, SERIES)
    return MetricShown(metric=TypedSeries(series=series, type=query.type or TYPES[newsletter.channels[0]]))


def _link(link: Link, series: dict[str, list[int]]) -> LinkMetric:
    return LinkMetric(link=LinkNamed(id=link.number, href=link.url), metric=Series(series=series))


METRICS: dict[str, Any] = {"scope": Scope.METRICS_READ}
VARIANT = f"{ONE}/contents/{{content_id}}"
FORMERLY = f"/v1/newsletters{ONE}/content/{{content_id}}"
"""As the document of 2022 spells it."""
ENDPOINTS = (
    newsletter_endpoint(
        "GET",
        f"{ONE}/metrics",
        get_newsletter_metrics,
        "Get the metrics of a newsletter",
        query=MetricsQuery,
        response=MetricShown,
        **METRICS,
    ),
    newsletter_endpoint(
        "GET",
        f"{ONE}/metrics/links",
        get_newsletter_links,
        "Get the metrics of a newsletter's links",
        query=LinksQuery,
        response=LinksShown,
        **METRICS,
    ),
    newsletter_endpoint(
        "GET",
        f"{VARIANT}/metrics",
        get_content_metrics,
        "Get the metrics of a variant",
        query=MetricsQuery,
        response=MetricShown,
        formerly=f"{FORMERLY}/metrics",
        **METRICS,
    ),
    newsletter_endpoint(
        "GET",
        f"{VARIANT}/metrics/links",
        get_content_links,
        "Get the metrics of a variant's links",
        query=MetricsQuery,
        response=LinksShown,
        formerly=f"{FORMERLY}/metrics/links",
        **METRICS,
    ),
)
