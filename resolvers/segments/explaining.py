"""Why somebody is a member, as the graph shows it: the conditions of a rule in their order, each with its path."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from app.actions.segments import Explanation
from app.core import clock
from app.core.access import Scope
from app.core.ids import public_id
from app.segments.explaining import Verdict
from resolvers.scalars import JSON, DateTime

SEEN_WITH = {
    "event": Scope.EVENTS_READ,
    "conversation": Scope.CONVERSATIONS_READ,
    "rating": Scope.CONVERSATIONS_READ,
}
"""The kinds of conditions whose evidence not everybody sees who sees the segment."""


@strawberry.type(description="What came of one condition, or of one group of conditions, of a rule.")
class RuleVerdict:
    """One node of the rule."""

    kind: str = strawberry.field(description="Its key in the rule: and, or, not, attribute, event and so on.")
    path: str = strawberry.field(
        description="Its place in the rule, such as rule.and.0.attribute; a group's place ends before its key."
    )
    depth: int = strawberry.field(description="How many groups it is in.")
    holds: bool = strawberry.field(description="Whether it is true of the customer.")
    because: JSON = strawberry.field(
        description="What made it so: the value or values that were found, or of an event what was measured and the "
        "newest events that count, of conversations those that count. Empty for groups, and for events and "
        "conversations without the scope to read these."
    )
    flips_at: DateTime | None = strawberry.field(
        description="The earliest moment at which the clock alone may change it; null if no clock does."
    )


@strawberry.type(description="Why a customer is a member of a segment, or is not.")
class MembershipExplanation:
    """Whether, since when, and every condition."""

    is_member: bool = strawberry.field(description="Whether they are a member.")
    entered_at: DateTime | None = strawberry.field(description="Since when.")
    cause: str | None = strawberry.field(description="What made them enter.")
    at: DateTime = strawberry.field(description="The moment at which the conditions were looked at.")
    verdicts: list[RuleVerdict] = strawberry.field(
        description="The whole rule: every group, then what is in it. Empty for a static segment."
    )

    @classmethod
    def of(cls, found: Explanation, *, scopes: frozenset[Scope]) -> "MembershipExplanation":
        """In the graph's words. What was found of events or conversations is left out without the scope to see it."""
        hidden = frozenset(kind for kind, scope in SEEN_WITH.items() if scope not in scopes)
        return cls(
            is_member=found.is_member,
            entered_at=None if found.entered_at is None else DateTime(found.entered_at),
            cause=found.cause,
            at=DateTime(found.at),
            verdicts=[] if found.verdict is None else list(_flat(found.verdict, 0, hidden)),
        )


def _flat(verdict: Verdict, depth: int, hidden: frozenset[str]) -> Iterator[RuleVerdict]:
    yield RuleVerdict(
        kind=verdict.kind,
        path=verdict.path,
        depth=depth,
        holds=verdict.holds,
        because=JSON({} if verdict.kind in hidden else _plain(verdict.because)),
        flips_at=None if verdict.flips_at is None else DateTime(verdict.flips_at),
    )
    for inner in verdict.below:
        yield from _flat(inner, depth + 1, hidden)


def _plain(value: Any) -> Any:
    """JSON with moments and the ids of events as the graph writes them."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return clock.iso(value)
    return public_id("event", value) if isinstance(value, UUID) else value
