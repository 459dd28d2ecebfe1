"""Which agent of a team a conversation goes to, and why: rules that know no database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.core.clock import iso
from app.core.ids import public_id

MANUAL, ROUND_ROBIN, LEAST_BUSY = "manual", "round_robin", "least_busy"
METHODS = (MANUAL, ROUND_ROBIN, LEAST_BUSY)
ONLINE, AWAY, OFFLINE = "online", "away", "offline"
AVAILABILITIES = (ONLINE, AWAY, OFFLINE)
CHOSEN, FREE, FULL, ABSENT, DECLINED = "chosen", "free", "full", "absent", "declined"
"""Besides ``away`` and ``offline``, what is said of an agent who was considered."""
MOST_CONSIDERED = 50
"""Agents that an explanation lists."""
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent as routing sees them. ``load`` counts their open and pending conversations; ``last_assigned_at`` is when
    the team last gave them one."""

    user_id: UUID
    name: str
    load: int
    capacity: int
    availability: str
    is_present: bool
    last_assigned_at: datetime | None = None

    @property
    def is_there(self) -> bool:
        """Whether they are present and want conversations."""
        return self.is_present and self.availability == ONLINE

    @property
    def room(self) -> int:
        """How many more conversations they can be given."""
        return max(0, self.capacity - self.load) if self.is_there else 0

    @property
    def verdict(self) -> str:
        """``free``, or what stands in the way: ``absent``, ``away``, ``offline`` or ``full``."""
        if self.availability != ONLINE:
            return self.availability
        if not self.is_present:
            return ABSENT
        return FREE if self.room else FULL


def choose(method: str, candidates: Sequence[Candidate], not_to: Collection[UUID] = ()) -> Candidate | None:
    """Whose conversation it is: the one whose turn it is, or the least busy; among equals whoever has waited longest.

    None when nobody is free, and always for ``manual``.
    """
    free = [one for one in candidates if one.room and one.user_id not in not_to]
    if not free or method == MANUAL:
        return None

    def turn(one: Candidate) -> tuple[datetime, UUID]:
        return one.last_assigned_at or NEVER, one.user_id

    if method == ROUND_ROBIN:
        return min(free, key=turn)
    return min(free, key=lambda one: (one.load, *turn(one)))


def explain(
    method: str,
    chosen: Candidate | None,
    candidates: Sequence[Candidate],
    now: datetime,
    *,
    not_to: Collection[UUID] = (),
    because: str = "",
) -> dict[str, Any]:
    """What is kept as a conversation's ``routing``: why this agent, or why none, and who was considered.

    ``because`` says what went before, as a sentence. Users are named by public ids; whom it must not go to, as they
    gave it back, is under ``declined``.
    """
    document: dict[str, Any] = {
        "method": method,
        "chosen": chosen and public_id("user", chosen.user_id),
        "reason": " ".join(filter(None, (because, _reason(method, chosen, candidates, not_to)))),
        "at": iso(now),
        "considered": [_considered(one, chosen, not_to) for one in _chosen_first(candidates, chosen)],
    }
    if not_to and chosen is None:
        document["declined"] = sorted(public_id("user", one) for one in not_to)
    return document


def decided(reason: str, user_id: UUID | None, now: datetime) -> dict[str, Any]:
    """The ``routing`` of a conversation about which a person decided."""
    chosen = user_id and public_id("user", user_id)
    return {"method": MANUAL, "chosen": chosen, "reason": reason, "at": iso(now), "considered": []}


def _reason(method: str, chosen: Candidate | None, candidates: Sequence[Candidate], not_to: Collection[UUID]) -> str:
    if method == MANUAL:
        return "Waits in the queue until somebody takes it."
    if chosen is None:
        verdicts = [_verdict(one, None, not_to) for one in candidates]
        if FREE in verdicts:
            return "Waits in the queue: others have waited longer."
        if FULL in verdicts:
            return "Waits in the queue: everybody who is there has as many conversations as they take."
        return "Waits in the queue: nobody of the team is there."
    others = "the only one of the team who is free"
    if sum(1 for one in candidates if one.room and one.user_id not in not_to) > 1:
        busy = f"the least busy of the team ({chosen.load} of {chosen.capacity})"
        others = busy if method == LEAST_BUSY else "whose turn it is: the longest without a new conversation"
    return f"{chosen.name or 'This agent'} is {others}."


def _considered(one: Candidate, chosen: Candidate | None, not_to: Collection[UUID]) -> dict[str, Any]:
    return {
        "user": public_id("user", one.user_id),
        "load": one.load,
        "capacity": one.capacity,
        "present": one.is_present,
        "verdict": _verdict(one, chosen, not_to),
    }


def _verdict(one: Candidate, chosen: Candidate | None, not_to: Collection[UUID]) -> str:
    if chosen is not None and one.user_id == chosen.user_id:
        return CHOSEN
    return DECLINED if one.user_id in not_to else one.verdict


def _chosen_first(candidates: Sequence[Candidate], chosen: Candidate | None) -> list[Candidate]:
    first = [one for one in candidates if chosen is not None and one.user_id == chosen.user_id]
    return [*first, *(one for one in candidates if one not in first)][:MOST_CONSIDERED]
