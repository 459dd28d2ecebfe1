"""Metric series: hours, days, weeks and months of a calendar, that add up to what was counted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from app.actions.metrics import Count, add_counts, metric_series, metric_totals
from app.core import clock
from app.core.errors import Invalid, NotFound
from app.core.ids import new_id
from models import Campaign, Content
from tests.actions.people import People

CAMPAIGN, CONTENT, OTHER = new_id(), new_id(), new_id()
SPRING = datetime(2026, 3, 29, tzinfo=UTC)
"""The night in which Berlin's clocks go from 2 to 3."""


async def count(people: People) -> None:
    """One opening at every hour of four days, and some revenue."""
    now = clock.now()
    stamps: dict[str, Any] = {"tenant_id": people.principal.tenant_id, "created_at": now, "updated_at": now}
    campaign = Campaign(id=CAMPAIGN, number=1, name="Spring", kind="one_off", channels=["email"], **stamps)
    content = Content(id=CONTENT, number=1, campaign_id=CAMPAIGN, channel="email", **stamps)
    async with people.units.write(people.principal) as tx:
        tx.session.add(campaign)
        await tx.session.flush()
        tx.session.add(content)
        hours = [SPRING - timedelta(days=2) + timedelta(hours=hour) for hour in range(96)]
        await add_counts(tx, [Count(CAMPAIGN, "opened", hour) for hour in hours])
        await add_counts(tx, [Count(CONTENT, "opened", hours[0], 5), Count(tx.tenant_id, "opened", hours[0], 7)])
        await add_counts(tx, [Count(CAMPAIGN, "converted", SPRING, 2, Decimal("19.99"))])


async def series(people: People, **values: Any) -> list[tuple[str, int]]:
    given: dict[str, Any] = {"metrics": ["opened"], "subjects": [CAMPAIGN], "timezone": "Europe/Berlin", **values}
    (found,) = await people.read(metric_series, **given)
    return [(f"{point.at:%m-%d %H}", point.count) for point in found.points]


async def test_steps_are_those_of_the_timezones_calendar(people: People, strangers: People) -> None:
    await count(people)
    start, end = SPRING - timedelta(days=2), SPRING + timedelta(days=2)
    days = [("03-26 23", 23), ("03-27 23", 24), ("03-28 23", 23), ("03-29 22", 24), ("03-30 22", 2)]
    assert await series(people, step="day", start=start, end=end) == days
    assert await series(people, step="week", start=start, end=end) == [("03-22 23", 70), ("03-29 22", 26)]
    assert await series(people, step="month", start=start, end=end) == [("02-28 23", 96)]
    hours = await series(people, step="hour", start=start + timedelta(minutes=59), end=start + timedelta(hours=2))
    assert hours == [("03-27 00", 1), ("03-27 01", 1)]
    months = await series(people, step="month", start=start, end=end + timedelta(days=40), timezone="UTC")
    assert months == [("03-01 00", 96), ("04-01 00", 0), ("05-01 00", 0)]
    assert await series(people, step="month", start=start, end=end, subjects=[CAMPAIGN, CONTENT]) == [("02-28 23", 101)]
    assert await series(people, step="month", start=start, end=end, subjects=None) == [("02-28 23", 7)]
    assert await series(people, step="month", start=start, end=end, subjects=[]) == [("02-28 23", 0)]


async def test_what_there_is_not_has_no_series_but_what_was_deleted_has(people: People, strangers: People) -> None:
    await count(people)
    given: dict[str, Any] = {"step": "month", "start": SPRING, "end": SPRING + timedelta(days=1)}
    for who, subjects in ((strangers, [CAMPAIGN]), (people, [OTHER]), (people, [CAMPAIGN, OTHER])):
        with pytest.raises(NotFound) as refused:
            await series(who, **given, subjects=subjects)
        assert refused.value.field == "subjects"
    async with people.units.write(people.principal) as tx:
        await tx.session.execute(update(Campaign).values(deleted_at=tx.now))
    assert await series(people, **given, subjects=[CAMPAIGN, CAMPAIGN]) == [("02-28 23", 72)]


async def test_hours_of_timezones_that_are_half_an_hour_off_and_days_that_begin_at_one(people: People) -> None:
    """An hour counts to the day in which it begins; in Cairo there is no midnight when the clocks go forward."""
    await count(people)
    start, end = SPRING - timedelta(days=2), SPRING
    days = [("03-26 18", 19), ("03-27 18", 24), ("03-28 18", 5)]
    assert await series(people, step="day", start=start, end=end, timezone="Asia/Kolkata") == days
    night = datetime(2026, 4, 23, 22, tzinfo=UTC)
    async with people.units.write(people.principal) as tx:
        hours = [night + timedelta(hours=hour) for hour in range(-24, 25)]
        await add_counts(tx, [Count(CONTENT, "opened", hour) for hour in hours])
    cairo: dict[str, Any] = {"timezone": "Africa/Cairo", "subjects": [CONTENT]}
    days = [("04-22 22", 24), ("04-23 22", 23), ("04-24 21", 2)]
    found = await series(people, step="day", start=hours[0], end=hours[-1] + timedelta(hours=1), **cairo)
    assert found == days
    later = datetime(2099, 1, 1, tzinfo=UTC)
    assert await series(people, step="hour", start=later, end=later + timedelta(hours=2)) == [
        ("01-01 00", 0),
        ("01-01 01", 0),
    ]


async def test_totals_and_revenue(people: People) -> None:
    await count(people)
    found = await people.read(metric_totals, subject_ids=[CAMPAIGN, OTHER])
    campaign = {name: (total.count, total.amount) for name, total in found[CAMPAIGN].items()}
    assert campaign == {"opened": (96, 0), "converted": (2, Decimal("19.99"))}
    assert found[OTHER] == {}
    some = await people.read(metric_totals, subject_ids=[CAMPAIGN], start=SPRING, end=SPRING + timedelta(hours=3))
    assert some[CAMPAIGN]["opened"].count == 3


async def test_what_is_no_series_is_refused(people: People) -> None:
    good: dict[str, Any] = {"metrics": ["sent"], "start": SPRING, "end": SPRING + timedelta(days=1), "step": "day"}
    wrong: list[tuple[str, Any]] = [
        ("metrics", []),
        ("metrics", ["laughed"]),
        ("step", "year"),
        ("end", SPRING),
        ("start", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("start", datetime(1, 1, 1, tzinfo=UTC)),
        ("end", datetime(9999, 12, 31, tzinfo=UTC)),
        ("timezone", "Mars/Base"),
        ("subjects", [new_id() for _ in range(201)]),
    ]
    for name, value in wrong:
        with pytest.raises(Invalid) as refused:
            await people.read(metric_series, **{**good, name: value})
        assert refused.value.field == name
    with pytest.raises(Invalid, match="1000 points"):
        await people.read(metric_series, **{**good, "step": "hour", "end": SPRING + timedelta(days=50)})
