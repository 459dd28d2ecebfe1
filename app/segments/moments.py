"""Dates and moments as text: the one reading of them that both databases and this code share."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from app.core.clock import iso
from app.segments.rules import Moment

DAY = timedelta(days=1)
MOMENT = re.compile(
    r"(?P<date>[1-8]\d{3}-\d\d-\d\d)"
    r"(?:[T ](?P<time>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(?P<fraction>\d{1,9}))?"
    r"(?P<zone>Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?",
    re.ASCII,
)


def read_moment(text: str) -> Moment | None:
    """The day of ``2026-03-01``, the moment of ``2026-03-01T10:00:00.5+02:00``; None for any other text.

    A time without a zone is in UTC, digits beyond microseconds are dropped, years run from 1000 to 8999.
    """
    found = MOMENT.fullmatch(text)
    if found is None:
        return None
    try:
        day = date.fromisoformat(found["date"])
    except ValueError:
        return None
    if found["time"] is None:
        return day
    hour, minute, second = map(int, found["time"].split(":"))
    micro = int(((found["fraction"] or "") + "000000")[:6])
    local = datetime(day.year, day.month, day.day, hour, minute, second, micro, _zone(found["zone"]))
    return local.astimezone(UTC)


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def write_moment(moment: Moment) -> str:
    """The text that :func:`read_moment` reads as ``moment``."""
    return iso(moment) if isinstance(moment, datetime) else moment.isoformat()


def start_of(moment: Moment) -> datetime:
    """The moment itself, or the beginning of the day."""
    return moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def end_of(moment: Moment) -> datetime:
    """The moment itself, or the beginning of the next day."""
    return moment if isinstance(moment, datetime) else start_of(moment) + DAY
