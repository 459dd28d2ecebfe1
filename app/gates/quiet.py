"""Quiet hours: reading them, and when they end."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from app.gates.facts import QuietHours


def read_quiet_hours(document: Mapping[str, Any] | None) -> QuietHours | None:
    """What a tenant's policy says: ``from``, ``to`` and perhaps ``channels``. Equal ends mean none."""
    if not document:
        return None
    start, end = time.fromisoformat(document["from"]), time.fromisoformat(document["to"])
    channels = document.get("channels")
    return None if start == end else QuietHours(start, end, frozenset(channels) if channels else None)


def quiet_until(quiet: QuietHours, at: datetime, timezone: Any) -> datetime | None:
    """When the quiet hours end in which ``at`` falls; None when it does not fall in any.

    Local clocks decide, so that a night in which they are changed is an hour longer or shorter.
    """
    local = at.astimezone(timezone)
    wall = local.time()
    spans_midnight = quiet.start > quiet.end
    is_quiet = (wall >= quiet.start or wall < quiet.end) if spans_midnight else (quiet.start <= wall < quiet.end)
    if not is_quiet:
        return None
    day = local.date() + timedelta(days=1) if spans_midnight and wall >= quiet.start else local.date()
    ends = datetime.combine(day, quiet.end, timezone).astimezone(UTC)
    # Where the clocks go back, the same wall time comes twice: what has passed once may still lie ahead.
    return ends if ends > at else datetime.combine(day, quiet.end, timezone).replace(fold=1).astimezone(UTC)
