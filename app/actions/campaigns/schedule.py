"""When a campaign goes: its schedule, the moments of a recurrence, and what the clocks of recipients show. Pure.

A schedule is a document: ``at`` (the first or only moment), ``timezone`` (an IANA name; UTC if left out),
``in_recipients_timezone`` (each recipient gets it when their own clock shows what the clock of ``timezone`` shows at
``at``) and ``rrule`` (iCalendar, RFC 5545, without its DTSTART, which is ``at``).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from app.core.clock import iso
from app.core.contact import check_text, normalise_timezone
from app.core.errors import Invalid

KEYS: Final = frozenset({"at", "timezone", "in_recipients_timezone", "rrule"})
EASTERNMOST: Final = timedelta(hours=14)
"""The clocks that are furthest ahead of UTC."""
FREQUENCIES: Final = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS: Final = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYHOUR"}
    | {"BYMINUTE", "BYSETPOS"}
)
HORIZON: Final = timedelta(days=3660)
"""A recurrence ends ten years after its beginning at the latest."""
AHEAD: Final = timedelta(days=3)
"""More than any clock of recipients differs from that of a schedule."""
LATE: Final = 9956
"""A leap year after which there are forty more years."""
LONGEST_RULE = 500
LONGEST_STEP = 1000


def checked_schedule(document: Mapping[str, Any], path: str = "schedule") -> dict[str, Any]:
    """The schedule as it is stored. Raises :class:`Invalid` at ``path`` or below it."""
    if not isinstance(document, Mapping):
        raise Invalid.at(path, "must be an object")
    given = {key: value for key, value in document.items() if value is not None}
    unknown = sorted(set(given) - KEYS)
    if unknown:
        raise Invalid.at(f"{path}.{unknown[0]}", f"is unknown here (known: {', '.join(sorted(KEYS))})")
    schedule: dict[str, Any] = {}
    if "timezone" in given:
        schedule["timezone"] = normalise_timezone(given["timezone"], f"{path}.timezone")
    if "at" in given:
        schedule["at"] = iso(read_moment(given["at"], f"{path}.at"))
    if not isinstance(given.get("in_recipients_timezone", False), bool):
        raise Invalid.at(f"{path}.in_recipients_timezone", "must be true or false")
    if given.get("in_recipients_timezone"):
        schedule["in_recipients_timezone"] = True
    if "rrule" in given:
        first = None if "at" not in schedule else moment_of(schedule)
        schedule["rrule"] = checked_rrule(
            given["rrule"], f"{path}.rrule", first and first.astimezone(zone_of(schedule))
        )
    return schedule


def read_moment(value: object, path: str) -> datetime:
    """A moment in UTC, from a datetime or from text in ISO 8601. Raises :class:`Invalid` for one without an offset."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as broken:
        raise Invalid.at(path, "must be a moment such as 2026-11-30T09:00:00Z") from broken
    if moment.tzinfo is None:
        raise Invalid.at(path, "must have a time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as broken:
        raise Invalid.at(path, "is too far away") from broken


def checked_rrule(text: object, path: str, first: datetime | None = None) -> str:
    """The rule in one spelling. Raises :class:`Invalid` at ``path``: hourly is the most often, the parts must be those
    of RFC 5545, and it must come true some time after ``first``. A day as UNTIL means its end, in UTC."""
    rule = check_text(text, path, longest=LONGEST_RULE, shortest=1).strip().upper().removeprefix("RRULE:")
    if ":" in rule or any(letter.isspace() for letter in rule):
        raise Invalid.at(path, "must be one RRULE alone: EXDATE, RDATE and DTSTART are not understood")
    parts = dict(part.partition("=")[::2] for part in rule.split(";") if part)
    unknown = sorted(set(parts) - PARTS)
    if unknown or len(parts) != len([part for part in rule.split(";") if part]):
        raise Invalid.at(path, f"has a part that is unknown or comes twice{f': {unknown[0]}' if unknown else ''}")
    if parts.get("FREQ") not in FREQUENCIES:
        raise Invalid.at(path, f"must have a FREQ of {', '.join(FREQUENCIES)}")
    for part in ("INTERVAL", "COUNT"):
        if part in parts and not (parts[part].isdigit() and 1 <= int(parts[part]) <= LONGEST_STEP):
            raise Invalid.at(path, f"must have a {part} of 1 to {LONGEST_STEP}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise Invalid.at(path, "must have COUNT or UNTIL, not both")
    if parts["FREQ"] == "HOURLY" and "BYSETPOS" in parts:
        raise Invalid.at(path, "cannot have BYSETPOS with a FREQ of HOURLY")
    if "," in parts.get("BYMINUTE", ""):
        raise Invalid.at(path, "must have one BYMINUTE: hourly is the most often")
    if len(parts.get("UNTIL", "")) == len("20261231"):
        rule = rule.replace(f"UNTIL={parts['UNTIL']}", f"UNTIL={parts['UNTIL']}T235959Z")
    _check_comes_true(rule, first or datetime(2026, 1, 1, tzinfo=UTC), path)
    return rule


def _check_comes_true(rule: str, first: datetime, path: str) -> None:
    """Raises :class:`Invalid` for a rule that never comes true, of which dateutil finds out only in the year 9999: for
    seconds nobody else would be served. So it is asked about the last forty years before that, which begin in a year
    like this one and have every kind of year."""
    lasting = ";".join(part for part in rule.split(";") if not part.startswith(("UNTIL=", "COUNT=")))
    late = first.replace(year=LATE + first.year % 4)
    try:
        rrulestr(rule, dtstart=first)
        moment = next(iter(rrulestr(lasting, dtstart=late)), None)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as broken:
        raise Invalid.at(path, f"is no recurrence: {broken}") from broken
    if moment is None:
        raise Invalid.at(path, "never comes true")


def moment_of(schedule: Mapping[str, Any]) -> datetime | None:
    """The moment ``at`` of a checked schedule."""
    return datetime.fromisoformat(schedule["at"]) if schedule.get("at") else None


def zone_of(schedule: Mapping[str, Any]) -> ZoneInfo:
    """The timezone of a checked schedule."""
    return ZoneInfo(schedule.get("timezone") or "UTC")


def start_of(schedule: Mapping[str, Any], moment: datetime) -> datetime:
    """When a sending for ``moment`` begins: before the first recipient's clock shows it."""
    if not schedule.get("in_recipients_timezone"):
        return moment
    return _on_the_wall(schedule, moment).replace(tzinfo=UTC) - EASTERNMOST


def occurrence_after(schedule: Mapping[str, Any], after: datetime | None) -> datetime | None:
    """The first moment of a recurrence that begins later than ``after`` (None: the very first). None: there is none.

    The rule goes by the clock on the wall of the schedule's timezone. An hour that a change of clocks leaves out is the
    one after it, of an hour that comes twice the first counts.
    """
    first = moment_of(schedule)
    if first is None:
        return None
    for moment in _recurrence(schedule["rrule"], first.astimezone(zone_of(schedule)), after):
        if after is None or start_of(schedule, moment.astimezone(UTC)) > after:
            return moment.astimezone(UTC)
    return None


def due_at(schedule: Mapping[str, Any], moment: datetime, timezone: str) -> datetime:
    """When somebody in ``timezone`` gets what is sent for ``moment``."""
    if not schedule.get("in_recipients_timezone"):
        return moment
    return _on_the_wall(schedule, moment).replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def _on_the_wall(schedule: Mapping[str, Any], moment: datetime) -> datetime:
    """What the clock of the schedule's timezone shows, without a timezone."""
    return moment.astimezone(zone_of(schedule)).replace(tzinfo=None)


def _recurrence(rule: str, first: datetime, after: datetime | None = None) -> Iterator[datetime]:
    """The moments of a rule; where only those later than ``after`` are wanted, not all of the earlier ones."""
    parsed = rrulestr(rule, dtstart=first)
    if not isinstance(parsed, rrule):
        raise TypeError("it must be one rule")
    until: datetime | None = getattr(parsed, "_until", None)
    end = first + HORIZON
    begin = first if after is None else _shortly_before(rule, first, after)
    # Counted here: dateutil wants either a count or an end, and without an end it would look until the year 9999.
    count: int | None = getattr(parsed, "_count", None)
    lasting = parsed.replace(dtstart=begin, count=None, until=end if until is None or until > end else until)
    return islice(lasting, count)


def _shortly_before(rule: str, first: datetime, after: datetime) -> datetime:
    """A moment at which an hourly or daily rule may begin as well, for who asks about what is later than ``after``: a
    whole number of its intervals after ``first``. Of a rule that is counted, and of rarer ones, ``first`` itself."""
    parts = dict(part.partition("=")[::2] for part in rule.split(";"))
    steps = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1)}
    if "COUNT" in parts or parts["FREQ"] not in steps:
        return first
    step = steps[parts["FREQ"]] * int(parts.get("INTERVAL", 1))
    return first + max(0, (after - AHEAD - first) // step) * step
