"""Series and totals of hourly counters, for whoever may read metrics."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlmodel import col

from app.core.access import Scope
from app.core.batches import among
from app.core.contact import normalise_timezone
from app.core.errors import Invalid, NotFound
from app.core.tx import Reading
from models import Campaign, Content, HourlyCount, Link

OF_DELIVERIES = (
    "created",
    "drafted",
    "attempted",
    "sent",
    "delivered",
    "deferred",
    "opened",
    "human_opened",
    "clicked",
    "human_clicked",
    "converted",
    "bounced",
    "complained",
    "unsubscribed",
    "topic_unsubscribed",
    "suppressed",
    "skipped",
    "failed",
    "in_doubt",
    "cancelled",
    "answered_2xx",
    "answered_3xx",
    "answered_4xx",
    "answered_5xx",
)
"""What is counted of deliveries, for the tenant, the campaign and the content: once each, but for ``deferred``, the
topics in ``topic_unsubscribed``, and the answers of web servers, which count at every attempt."""
OF_LINKS = ("clicked", "clicked_once", "human_clicked", "human_clicked_once", "machine_clicked")
METRICS = tuple(dict.fromkeys((*OF_DELIVERIES, *OF_LINKS)))
HOUR, DAY, WEEK, MONTH = STEPS = ("hour", "day", "week", "month")
MAX_POINTS = 1000
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
MAX_SUBJECTS = 200


@dataclass(frozen=True, slots=True)
class Total:
    """How often something happened, and the revenue of it."""

    count: int = 0
    amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One step of a series: when it begins, and what happened in it."""

    at: datetime
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """One metric over time. Steps in which nothing happened are there with 0."""

    metric: str
    points: list[MetricPoint] = field(default_factory=list)

    @property
    def total(self) -> Total:
        """Over all steps."""
        return Total(sum(one.count for one in self.points), sum((one.amount for one in self.points), Decimal(0)))


async def metric_series(
    reading: Reading,
    *,
    metrics: Sequence[str],
    start: datetime,
    end: datetime,
    step: str = DAY,
    timezone: str = "UTC",
    subjects: Collection[UUID] | None = None,
) -> list[MetricSeries]:
    """How often each metric happened, step by step, from the step in which ``start`` lies to the one before ``end``.

    Steps are hours, or days, weeks (from Monday) and months of the calendar of ``timezone``; an hour counts to the step
    in which it begins. ``subjects`` are campaigns, contents or links, whose counts are added up (nothing has happened
    to none of them); None is the whole tenant. Raises :class:`Invalid`, also for more than 1,000 steps, and
    :class:`NotFound` at ``subjects`` where one of them is nothing of the tenant's.
    """
    reading.require(Scope.METRICS_READ)
    wanted = _checked_metrics(metrics)
    zone = ZoneInfo(normalise_timezone(timezone))
    begins = _steps(start, end, step, zone)
    counted = [reading.tenant_id] if subjects is None else await _checked_subjects(reading, subjects)
    statement = (
        select(
            col(HourlyCount.metric),
            col(HourlyCount.hour),
            func.sum(col(HourlyCount.count)),
            func.sum(col(HourlyCount.amount)),
        )
        .where(
            among(reading.session, HourlyCount.subject_id, counted),
            col(HourlyCount.metric).in_(wanted),
            col(HourlyCount.hour) >= begins[0],
            col(HourlyCount.hour) < end,
        )
        .group_by(col(HourlyCount.metric), col(HourlyCount.hour))
    )
    sums: dict[tuple[str, datetime], Total] = {}
    for metric, hour, count, amount in await reading.session.execute(statement):
        key = (metric, _begin(hour, step, zone))
        known = sums.get(key, Total())
        sums[key] = Total(known.count + int(count), known.amount + amount)
    series = []
    for metric in wanted:
        found = [(at, sums.get((metric, at), Total())) for at in begins]
        series.append(MetricSeries(metric, [MetricPoint(at, total.count, total.amount) for at, total in found]))
    return series


async def metric_totals(
    reading: Reading,
    *,
    subject_ids: Collection[UUID],
    start: datetime | None = None,
    end: datetime | None = None,
) -> dict[UUID, dict[str, Total]]:
    """What happened to each subject in all, or from ``start`` to before ``end`` (whole hours). A metric that never
    happened is not there."""
    reading.require(Scope.METRICS_READ)
    statement = (
        select(
            col(HourlyCount.subject_id),
            col(HourlyCount.metric),
            func.sum(col(HourlyCount.count)),
            func.sum(col(HourlyCount.amount)),
        )
        .where(among(reading.session, HourlyCount.subject_id, set(subject_ids)))
        .group_by(col(HourlyCount.subject_id), col(HourlyCount.metric))
    )
    if start is not None:
        statement = statement.where(col(HourlyCount.hour) >= start)
    if end is not None:
        statement = statement.where(col(HourlyCount.hour) < end)
    found: dict[UUID, dict[str, Total]] = {subject_id: {} for subject_id in subject_ids}
    for subject_id, metric, count, amount in await reading.session.execute(statement):
        found[subject_id][metric] = Total(int(count), amount)
    return found


def _checked_metrics(metrics: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(metrics))
    if not wanted:
        raise Invalid.at("metrics", "must name at least one metric")
    for metric in wanted:
        if metric not in METRICS:
            raise Invalid.at("metrics", f"must be among {', '.join(METRICS)}")
    return wanted


async def _checked_subjects(reading: Reading, subjects: Collection[UUID]) -> list[UUID]:
    """Each once. What was deleted is still there to be counted."""
    wanted = list(dict.fromkeys(subjects))
    if len(wanted) > MAX_SUBJECTS:
        raise Invalid.at("subjects", f"must be at most {MAX_SUBJECTS}")
    known = 0
    for table in (Campaign, Content, Link):
        if known < len(wanted):
            there = select(func.count()).select_from(table).where(among(reading.session, table.id, wanted))
            known += (await reading.session.execute(there)).scalar_one()
    if known < len(wanted):
        raise NotFound("campaign, content or link", "subjects")
    return wanted


def _steps(start: datetime, end: datetime, step: str, zone: ZoneInfo) -> list[datetime]:
    """When each step begins, in UTC."""
    for moment, path in ((start, "start"), (end, "end")):
        if moment.tzinfo is None:
            raise Invalid.at(path, "must have a time zone")
        if not EARLIEST <= moment <= LATEST:
            raise Invalid.at(path, f"must be between {EARLIEST:%Y} and {LATEST:%Y}")
    if step not in STEPS:
        raise Invalid.at("step", f"must be one of {', '.join(STEPS)}")
    if end <= start:
        raise Invalid.at("end", "must be after the start")
    begins = [_begin(start, step, zone)]
    while (following := _next(begins[-1], step, zone)) < end:
        begins.append(following)
        if len(begins) > MAX_POINTS:
            raise Invalid.at("step", f"makes more than {MAX_POINTS} points")
    return begins


def _begin(moment: datetime, step: str, zone: ZoneInfo) -> datetime:
    """When the step began in which ``moment`` lies, in UTC."""
    if step == HOUR:
        return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    day = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if step == WEEK:
        day -= timedelta(days=day.weekday())
    elif step == MONTH:
        day = day.replace(day=1)
    return day.astimezone(UTC)


def _next(begin: datetime, step: str, zone: ZoneInfo) -> datetime:
    """When the step after one that begins at ``begin`` begins. Days may have 23 or 25 hours."""
    if step == HOUR:
        return begin + timedelta(hours=1)
    local = begin.astimezone(zone)
    days = {DAY: 1, WEEK: 7, MONTH: 32}[step]
    return _begin((local + timedelta(days=days)).replace(hour=12), step, zone)
