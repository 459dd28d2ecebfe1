"""SiloCDP ``/analytics``: what came of what was sent. Openings and clicks are those of people, not of machines."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, RootModel

from app.actions import content, metrics, segments
from app.actions.campaigns import EVERYBODY
from app.actions.metrics import Total
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.ids import parse_id, public_id
from app.rest.door import Call, Endpoint
from app.rest.door.moments import Moment
from app.rest.silocdp.notifications import notification_at
from app.rest.silocdp.wire import Wire, moment
from app.segments import read_rule

TAG = "Analytics"
COUNTED = {
    "sent": "sent",
    "delivered": "delivered",
    "opened": "human_opened",
    "clicked": "human_clicked",
    "converted": "converted",
    "bounced": "bounced",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
    "failed": "failed",
}
"""What is counted for each of our fields."""
LATEST = timedelta(days=30)
FIRST = datetime.min.replace(tzinfo=UTC)
FIELDS = {
    "start": "from",
    "end": "to",
    "step": "interval",
    "campaign_id": "id",
    "subjects": "notificationId",
}


class Counts(Wire):
    """Each message counts once in each of them."""

    sent: int = Field(description="Taken by the provider.")
    delivered: int = Field(description="As far as the provider tells.")
    opened: int
    clicked: int
    converted: int
    bounced: int
    complained: int
    unsubscribed: int
    failed: int


class Rates(Counts):
    open_rate: float = Field(description="Opened of sent, 0 to 1; 0 where nothing was sent.")
    click_rate: float = Field(description="Clicked of sent.")
    conversion_rate: float = Field(description="Converted of sent.")
    revenue: float = Field(description="Of the conversions.")


class Dashboard(Rates):
    subscribers: int
    messages: int = Field(description="As `sent`.")


class ContentMetrics(Counts):
    content_id: str
    channel: str
    language: str
    test_group: int


class NotificationMetrics(Rates):
    id: str
    status: str
    contents: list[ContentMetrics] = Field(description="By language and variant.")


class Point(Counts):
    date: str = Field(description="When the step begins.")


class Trends(RootModel[list[Point]]):
    """A point for each step, also where nothing happened."""


class Span(Wire):
    since: Moment | None = Field(None, alias="from", description="Whole hours. Default: from the beginning.")
    until: Moment | None = Field(None, alias="to", description="Default: now.")


class TrendQuery(Wire):
    since: Moment | None = Field(None, alias="from", description="Default: 30 days before `to`.")
    until: Moment | None = Field(None, alias="to", description="Default: now.")
    interval: Literal["hour", "day", "week", "month"] = "day"
    timezone: str = Field("UTC", description="IANA name: whose days, weeks and months.")
    notification_id: str | None = Field(None, description="Of this notification or campaign alone (`cmp_…`).")


async def get_dashboard(call: Call[None, Span]) -> Dashboard:
    query = call.query
    async with call.read() as reading:
        subscribers = await segments.count_customers(reading, rule=read_rule(dict(EVERYBODY)))
        tenant = reading.tenant_id
        found = await metrics.metric_totals(reading, subject_ids=[tenant], start=query.since, end=query.until)
    counts = found[tenant]
    return Dashboard(subscribers=subscribers, messages=_count(counts, "sent"), **_rates(counts))


async def get_notification_metrics(call: Call[None, None]) -> NotificationMetrics:
    async with call.read() as reading:
        campaign = await notification_at(reading, call.path)
        said = await content.list_contents(reading, campaign_id=campaign.id)
        found = await metrics.metric_totals(reading, subject_ids=[campaign.id, *(one.id for one in said)])
    contents = [
        ContentMetrics(
            content_id=public_id("content", one.id),
            channel=one.channel,
            language=one.language,
            test_group=one.test_group,
            **_counts(found[one.id]),
        )
        for one in said
    ]
    return NotificationMetrics(
        id=public_id("campaign", campaign.id),
        status=campaign.status,
        contents=contents,
        **_rates(found[campaign.id]),
    )


async def get_trends(call: Call[None, TrendQuery]) -> Trends:
    query = call.query
    if query.until is not None and query.until.tzinfo is None:
        raise Invalid.at("end", "must have a time zone")
    async with call.read() as reading:
        until = query.until or reading.now
        only = query.notification_id
        found = await metrics.metric_series(
            reading,
            metrics=list(COUNTED.values()),
            start=query.since or until - min(LATEST, until - FIRST),
            end=until,
            step=query.interval,
            timezone=query.timezone,
            subjects=None if only is None else [parse_id("campaign", only, "notificationId")],
        )
    by_metric = {series.metric: series.points for series in found}
    return Trends(
        [
            Point(
                date=moment(point.at) or "",
                **{name: by_metric[metric][place].count for name, metric in COUNTED.items()},
            )
            for place, point in enumerate(found[0].points)
        ]
    )


def _count(counts: Mapping[str, Total], metric: str) -> int:
    return counts[metric].count if metric in counts else 0


def _counts(counts: Mapping[str, Total]) -> dict[str, int]:
    return {name: _count(counts, metric) for name, metric in COUNTED.items()}


def _rates(counts: Mapping[str, Total]) -> dict[str, Any]:
    counted = _counts(counts)
    sent = counted["sent"]
    revenue = counts["converted"].amount if "converted" in counts else Decimal(0)
    return {
        **counted,
        "open_rate": counted["opened"] / sent if sent else 0.0,
        "click_rate": counted["clicked"] / sent if sent else 0.0,
        "conversion_rate": counted["converted"] / sent if sent else 0.0,
        "revenue": float(revenue),
    }


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/analytics/dashboard",
        handler=get_dashboard,
        tag=TAG,
        summary="Get how many subscribers there are and what came of all messages",
        scope=Scope.METRICS_READ,
        query=Span,
        response=Dashboard,
        fields=FIELDS,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/analytics/notifications/{id}",
        handler=get_notification_metrics,
        tag=TAG,
        summary="Get what came of a notification",
        scope=Scope.METRICS_READ,
        response=NotificationMetrics,
        fields=FIELDS,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/analytics/trends",
        handler=get_trends,
        tag=TAG,
        summary="Get what happened over time",
        scope=Scope.METRICS_READ,
        query=TrendQuery,
        response=Trends,
        fields=FIELDS,
    ),
)
