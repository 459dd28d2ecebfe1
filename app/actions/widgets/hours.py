"""Business hours: whether somebody answers at a moment, and when somebody does again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.actions.widgets.settings import DAYS

HORIZON_DAYS = 400
"""How far ahead the next opening is looked for."""
HOUR = timedelta(hours=1)

Spans = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Opening:
    """``opens_at`` is the next moment at which somebody answers; None when it is open now, or for over a year not."""

    is_open: bool
    opens_at: datetime | None = None


def open_now(settings: Mapping[str, Any], moment: datetime) -> Opening:
    """What the hours of a widget's checked settings say of a moment.

    Spans are what clocks on the wall show: an hour that a change of clocks repeats counts twice, one that it leaves out
    never was.
    """
    hours = settings.get("hours")
    if hours is None:
        return Opening(is_open=True)
    calendar = _Calendar(hours)
    if calendar.is_open(moment):
        return Opening(is_open=True)
    return Opening(is_open=False, opens_at=calendar.next_opening(moment))


class _Calendar:
    """The hours of one widget."""

    def __init__(self, hours: Mapping[str, Any]) -> None:
        self._zone = ZoneInfo(hours["timezone"])
        self._week: Mapping[str, Spans] = hours["week"]
        self._once: dict[date, Spans] = {}
        self._yearly: dict[tuple[int, int], Spans] = {}
        for holiday in hours["holidays"]:
            day = date.fromisoformat(holiday["date"])
            if holiday["yearly"]:
                self._yearly[day.month, day.day] = holiday["spans"]
            else:
                self._once[day] = holiday["spans"]

    def is_open(self, moment: datetime) -> bool:
        local = moment.astimezone(self._zone)
        clock = local.strftime("%H:%M")
        return any(begin <= clock < end for begin, end in self._spans(local.date()))

    def next_opening(self, moment: datetime) -> datetime | None:
        if not any(self._week.values()) and not any(self._once.values()) and not any(self._yearly.values()):
            return None
        today = moment.astimezone(self._zone).date()
        for ahead in range(HORIZON_DAYS):
            candidates = sorted(self._beginnings(today + timedelta(days=ahead)))
            found = next((one for one in candidates if one > moment and self.is_open(one)), None)
            if found is not None:
                return found
        return None

    def _spans(self, day: date) -> Spans:
        """A holiday of that very date counts before one that comes back every year, and both before the weekday."""
        if day in self._once:
            return self._once[day]
        if (day.month, day.day) in self._yearly:
            return self._yearly[day.month, day.day]
        return self._week.get(DAYS[day.weekday()], ())

    def _beginnings(self, day: date) -> Iterator[datetime]:
        """Every moment of a day at which it may open: where spans begin, and where clocks are changed."""
        midnight = datetime.combine(day, time(), self._zone)
        spans = self._spans(day)
        for begin, _ in spans:
            for fold in (0, 1):
                yield datetime.combine(day, time.fromisoformat(begin), self._zone).replace(fold=fold).astimezone(UTC)
        if spans:
            yield from self._changes(midnight.astimezone(UTC) - HOUR, midnight.astimezone(UTC) + 26 * HOUR)

    def _changes(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """The moments from ``first`` to ``last`` at which the clocks are put forward or back."""
        if self._offset(first) == self._offset(last):
            return
        while last - first > timedelta(seconds=1):
            middle = first + (last - first) // 2
            if self._offset(middle) == self._offset(first):
                first = middle
            else:
                last = middle
        yield last.replace(microsecond=0)

    def _offset(self, moment: datetime) -> timedelta | None:
        return moment.astimezone(self._zone).utcoffset()
