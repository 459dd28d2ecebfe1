"""How large a file may be and of which kind, by the tenant's plan."""

from dataclasses import dataclass

from app.actions.files.kinds import EXTENSIONS
from app.core.access import Plan

MEGABYTE = 1 << 20
MOST_PIXELS = 100_000_000
"""A picture of a few kilobytes can take a gigabyte to show."""
MOST_FILES = 10
"""Files of one message."""

VISITOR_UPLOADS = Plan("visitor uploads", 20, 10)
VISITOR_UNSENT = 20
"""Files of one visitor that no message carries yet."""
VISITOR_DAY = 20
"""What one visitor may upload in a day, in files of the largest size."""

HEAVY = ("audio/", "video/", "application/zip", "application/gzip")
EVERY_KIND = frozenset(EXTENSIONS)
LIGHT_KINDS = frozenset(kind for kind in EXTENSIONS if not kind.startswith(HEAVY))


@dataclass(frozen=True, slots=True)
class FileLimits:
    """The largest file in bytes, and the MIME types that are taken."""

    largest: int
    kinds: frozenset[str]


BY_PLAN = {
    "free": FileLimits(5 * MEGABYTE, LIGHT_KINDS),
    "starter": FileLimits(10 * MEGABYTE, EVERY_KIND),
    "professional": FileLimits(25 * MEGABYTE, EVERY_KIND),
    "enterprise": FileLimits(100 * MEGABYTE, EVERY_KIND),
}


def limits_of(plan: str) -> FileLimits:
    """The limits of a tenant on ``plan``; an unknown plan has those of the smallest."""
    return BY_PLAN.get(plan, BY_PLAN["free"])
