"""How the number of a segment's members went."""

import calendar
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.actions.segments.store import SegmentStore
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.tx import Reading
from models import SegmentMembership

STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
MONTH = "month"
MAX_POINTS = 1000


async def member_count_series(
    reading: Reading, *, segment_id: UUID, start: datetime, end: datetime, step: str
) -> list[tuple[datetime, int]]:
    """How many members there were at ``start`` and after each step (``hour``, ``day``, ``week`` or ``month``) up to
    ``end``; at most 1,000 points. A month that is too short for the day has its last. Raises :class:`NotFound` and
    :class:`Invalid`."""
    reading.require(Scope.SEGMENTS_READ)
    await SegmentStore(reading).get(segment_id)
    moments = _checked_moments(start, end, step)
    stay = SegmentMembership
    changes: list[tuple[datetime, int]] = []
    for column, by in ((stay.entered_at, 1), (stay.left_at, -1)):
        changes += [(moment, by * count) for moment, count in await _counted(reading, segment_id, column, moments[-1])]
    changes.sort()
    totals = [0, *accumulate(by for _, by in changes)]
    series, passed = [], 0
    for moment in moments:
        while passed < len(changes) and changes[passed][0] <= moment:
            passed += 1
        series.append((moment, totals[passed]))
    return series


async def _counted(reading: Reading, segment_id: UUID, column: Any, end: datetime) -> Any:
    """How often the column has which moment. One batch of a build has one moment, so there are few of them."""
    statement = select(col(column), func.count()).where(
        col(SegmentMembership.tenant_id) == reading.tenant_id,
        col(SegmentMembership.segment_id) == segment_id,
        col(column) <= end,
    )
    return (await reading.session.execute(statement.group_by(col(column)))).all()


def _checked_moments(start: datetime, end: datetime, step: str) -> list[datetime]:
    for moment, path in ((start, "start"), (end, "end")):
        if moment.tzinfo is None:
            raise Invalid.at(path, "must have a time zone")
    if end < start:
        raise Invalid.at("end", "must not be before the start")
    if step != MONTH and step not in STEPS:
        raise Invalid.at("step", f"must be one of {', '.join([*STEPS, MONTH])}")
    moments = []
    for moment in _stepping(start, step):
        if moment > end:
            break
        moments.append(moment)
        if len(moments) > MAX_POINTS:
            raise Invalid.at("step", f"makes more than {MAX_POINTS} points")
    return moments


def _stepping(start: datetime, step: str) -> Iterator[datetime]:
    for number in range(MAX_POINTS + 2):
        yield start + number * STEPS[step] if step in STEPS else _months_later(start, number)


def _months_later(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    return moment.replace(year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1]))
