"""Business hours: open or not, and when next, against going through every minute of the clock on the wall."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.actions.widgets.hours import open_now
from app.actions.widgets.settings import DAYS, checked_settings
from app.core.errors import Invalid

MINUTE = timedelta(minutes=1)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")
CHANGES = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Berlin: 02:00 is 03:00
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # Berlin: 03:00 is 02:00
    datetime(2026, 11, 1, 6, tzinfo=UTC),  # New York: 02:00 is 01:00
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe: back by half an hour
    datetime(2026, 12, 31, 23, tzinfo=UTC),
)


def hours(timezone: str = "Europe/Berlin", week: dict[str, Any] | None = None, *holidays: dict[str, Any]) -> Any:
    return checked_settings({"hours": {"timezone": timezone, "week": week or {}, "holidays": list(holidays)}})


def berlin(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo("Europe/Berlin"), fold=fold).astimezone(UTC)  # type: ignore[arg-type, misc]


def naive(document: Any, moment: datetime) -> bool:
    """Whether the wall clock, in minutes, is inside a span of that day."""
    given = document["hours"]
    local = moment.astimezone(ZoneInfo(given["timezone"]))
    spans = given["week"].get(DAYS[local.weekday()], [])
    for yearly in (True, False):
        for holiday in given["holidays"]:
            same = holiday["date"][5:] == f"{local:%m-%d}" if yearly else holiday["date"] == f"{local:%Y-%m-%d}"
            spans = holiday["spans"] if holiday["yearly"] is yearly and same else spans
    minutes = local.hour * 60 + local.minute
    return any(_minutes(begin) <= minutes < _minutes(end) for begin, end in spans)


def _minutes(clock: str) -> int:
    hour, minute = map(int, clock.split(":"))
    return hour * 60 + minute


@st.composite
def spans(draw: st.DrawFn) -> list[list[str]]:
    bounds = draw(st.lists(st.integers(0, 48), max_size=6, unique=True).map(sorted))
    clocks = [f"{half // 2:02}:{half % 2 * 30:02}" for half in bounds]
    return [list(pair) for pair in zip(clocks[::2], clocks[1::2], strict=False)]


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Any, datetime]:
    moment = draw(st.sampled_from(CHANGES)) + timedelta(minutes=draw(st.integers(-2000, 600)))
    week = draw(st.dictionaries(st.sampled_from(DAYS), spans(), max_size=7))
    days = st.integers(-1, 3).map(lambda ahead: (moment + timedelta(days=ahead)).date().isoformat())
    holiday = st.fixed_dictionaries({"date": days, "yearly": st.booleans(), "spans": spans()})
    holidays = draw(st.lists(holiday, max_size=2, unique_by=lambda one: (one["date"], one["yearly"])))
    return hours(draw(st.sampled_from(ZONES)), week, *holidays), moment


@settings(max_examples=150, deadline=None)
@given(calendars())
@example((hours("Europe/Berlin", {"sun": [["00:00", "02:30"]]}), datetime(2026, 10, 25, 0, 45, tzinfo=UTC)))
def test_hours_are_those_of_the_clock_on_the_wall(drawn: tuple[Any, datetime]) -> None:
    document, moment = drawn
    found = open_now(document, moment)
    assert found.is_open == naive(document, moment)
    if found.is_open:
        assert found.opens_at is None
        return
    later = (moment + MINUTE * ahead for ahead in range(1, 4 * 24 * 60))
    first = next((one for one in later if naive(document, one)), None)
    if first is not None:
        assert found.opens_at == first
    else:
        assert found.opens_at is None or found.opens_at > moment + timedelta(days=3)


def test_split_shifts_holidays_and_the_end_of_a_day() -> None:
    week = {"thu": [["09:00", "12:30"], ["13:30", "24:00"]], "fri": [["00:00", "02:00"]]}
    document = hours("Europe/Berlin", week, {"date": "2026-12-24", "spans": [["09:00", "11:00"]]})
    open_at = {
        berlin(2026, 12, 17, 8, 59): False,
        berlin(2026, 12, 17, 9): True,
        berlin(2026, 12, 17, 12, 30): False,
        berlin(2026, 12, 17, 23, 59, 59): True,
        berlin(2026, 12, 18, 1, 59): True,
        berlin(2026, 12, 18, 2): False,
        berlin(2026, 12, 24, 12): False,
    }
    assert {moment: open_now(document, moment).is_open for moment in open_at} == open_at
    assert open_now(document, berlin(2026, 12, 17, 12, 45)).opens_at == berlin(2026, 12, 17, 13, 30)
    assert open_now(document, berlin(2026, 12, 18, 2)).opens_at == berlin(2026, 12, 24, 9)
    assert open_now(document, berlin(2026, 12, 24, 12)).opens_at == berlin(2026, 12, 25, 0)


def test_a_holiday_of_every_year_and_of_one() -> None:
    week = {day: [["09:00", "17:00"]] for day in DAYS}
    document = hours(
        "Europe/Berlin",
        week,
        {"date": "2020-01-01", "yearly": True, "name": "New Year"},
        {"date": "2027-01-01", "spans": [["14:00", "15:00"]]},
    )
    assert open_now(document, berlin(2026, 1, 1, 14)).opens_at == berlin(2026, 1, 2, 9)
    assert open_now(document, berlin(2027, 1, 1, 14)).is_open


def test_hours_when_the_clocks_are_changed() -> None:
    document = hours("Europe/Berlin", {"sun": [["02:15", "02:45"]]})
    assert open_now(document, berlin(2026, 3, 29, 1, 59)).opens_at == berlin(2026, 4, 5, 2, 15)  # there was no 02:15
    assert open_now(document, berlin(2026, 10, 25, 2, 50)).opens_at == berlin(2026, 10, 25, 2, 15, fold=1)
    assert open_now(hours("Europe/Berlin", {"sun": [["02:15", "04:00"]]}), berlin(2026, 3, 29, 1, 59)).opens_at == (
        datetime(2026, 3, 29, 1, tzinfo=UTC)
    )


def test_without_hours_it_is_always_open_and_without_spans_never() -> None:
    moment = datetime(2026, 11, 21, 3, tzinfo=UTC)
    assert open_now(checked_settings({}), moment).is_open
    assert (open_now(hours(), moment).is_open, open_now(hours(), moment).opens_at) == (False, None)


@pytest.mark.parametrize(
    ("given_hours", "path"),
    [
        ({"timezone": "Mars/Base"}, "timezone"),
        ({}, "timezone"),
        ({"timezone": "UTC", "week": {"day": []}}, "week.day"),
        ({"timezone": "UTC", "week": {"mon": [["9:00", "10:00"]]}}, "week.mon.0.0"),
        ({"timezone": "UTC", "week": {"mon": [["22:00", "02:00"]]}}, "week.mon.0"),
        ({"timezone": "UTC", "week": {"mon": [["09:00", "24:01"]]}}, "week.mon.0.1"),
        ({"timezone": "UTC", "week": {"mon": [["09:00", "11:00"], ["10:00", "12:00"]]}}, "week.mon"),
        ({"timezone": "UTC", "holidays": [{"date": "2026-02-30"}]}, "holidays.0.date"),
        ({"timezone": "UTC", "holiday": []}, "holiday"),
    ],
)
def test_hours_that_make_no_sense_are_refused_where(given_hours: Any, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_settings({"hours": given_hours})
    assert [issue.path for issue in refused.value.issues] == [f"settings.hours.{path}"]
