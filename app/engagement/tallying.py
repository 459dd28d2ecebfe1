"""What a message's openings and clicks add up to. Counters are the difference between two tallies, so that a verdict
that is taken back is taken back in every count."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.engagement.judging import HUMAN, MANY_LINKS_WITHIN_S, UNKNOWN

MANY_LINKS = 3
AT_ONCE_S = 1.0
"""Within so many seconds nobody follows even two links."""
PAST = {"open": "opened", "click": "clicked"}


@dataclass(frozen=True, slots=True)
class Touch:
    """One opening or click of a message, judged."""

    id: UUID
    kind: str
    at: datetime
    verdict: str
    link_id: UUID | None = None
    url: str | None = None

    @property
    def leads_to(self) -> object:
        """What tells links of one message apart."""
        return self.link_id or self.url

    @property
    def is_human(self) -> bool:
        return self.verdict == HUMAN


@dataclass(frozen=True, slots=True)
class Tally:
    """When each thing first happened to a message, and how often what happened to links: by link, metric and moment."""

    first: dict[str, datetime] = field(default_factory=dict)
    links: Counter[tuple[UUID, str, datetime]] = field(default_factory=Counter)


def tally(touches: Iterable[Touch]) -> Tally:
    """What these openings and clicks of one message add up to."""
    found = Tally()
    once: set[tuple[str, UUID]] = set()
    for one in sorted(touches, key=lambda touch: (touch.at, touch.id)):
        metric = PAST[one.kind]
        names = [metric, f"human_{metric}"] if one.is_human else [metric]
        for name in names:
            found.first.setdefault(name, one.at)
        if one.link_id is None:
            continue
        if not one.is_human and one.verdict != UNKNOWN:
            found.links[one.link_id, f"machine_{metric}", one.at] += 1
        for name in names:
            found.links[one.link_id, name, one.at] += 1
            if (name, one.link_id) not in once:
                once.add((name, one.link_id))
                found.links[one.link_id, f"{name}_once", one.at] += 1
    return found


def many_at_once(clicks: Sequence[Touch]) -> set[UUID]:
    """The clicks, of one message, that nobody can have made: two links within a second, or three within ten."""
    ordered = sorted(clicks, key=lambda touch: (touch.at, touch.id))
    found: set[UUID] = set()
    for place, first in enumerate(ordered):
        near: list[Touch] = []
        leads: set[object] = set()
        for one in ordered[place:]:
            apart_s = (one.at - first.at).total_seconds()
            if apart_s > MANY_LINKS_WITHIN_S:
                break
            near.append(one)
            leads.add(one.leads_to)
            if len(leads) >= (2 if apart_s <= AT_ONCE_S else MANY_LINKS):
                found.update(other.id for other in near)
    return found
