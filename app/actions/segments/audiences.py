"""Asking whom a rule finds, without a segment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from app.actions.paging import check_window
from app.actions.segments.store import SegmentStore, dialect_of
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.tx import Reading
from app.segments import Rule, compile_rule, members_of

MAX_SAMPLE = 100


@dataclass(frozen=True, slots=True)
class Preview:
    """How many customers a rule finds, and some of them by id, the newest first."""

    count: int
    sample: list[UUID]


class Audience:
    """The tenant's customers of whom a rule is true now, as a select of their ids and its parameters."""

    def __init__(self, reading: Reading, rule: Rule) -> None:
        compiled = compile_rule(rule, dialect_of(reading), whole=True)
        self.members: Select[Any] = members_of(compiled)
        self.parameters = compiled.parameters(reading.tenant_id, reading.now)


async def preview_segment(reading: Reading, *, rule: Mapping[str, Any], sample: int = 10) -> Preview:
    """Whom a segment with this rule would have now. Raises :class:`Invalid` as creating it would."""
    reading.require(Scope.CUSTOMERS_READ)
    reading.require(Scope.SEGMENTS_READ)
    if not 0 <= sample <= MAX_SAMPLE:
        raise Invalid.at("sample", f"must be 0 to {MAX_SAMPLE}")
    parsed = await SegmentStore(reading).readable(rule)
    audience = Audience(reading, parsed)
    found = audience.members.cte("found")
    counted = select(func.count()).select_from(found).scalar_subquery()
    newest = select(found.c.id, counted).order_by(found.c.id.desc()).limit(max(sample, 1))
    rows = (await reading.session.execute(newest, audience.parameters)).all()
    return Preview(rows[0][1] if rows else 0, [row[0] for row in rows[:sample]])


async def find_customers(
    reading: Reading, *, rule: Rule, limit: int, after: UUID | None = None, offset: int = 0
) -> list[UUID]:
    """Customers of whom a rule is true now, by id; those after ``after``. Raises :class:`Invalid` for the window."""
    reading.require(Scope.CUSTOMERS_READ)
    check_window(offset, limit)
    audience = Audience(reading, rule)
    column = audience.members.selected_columns[0]
    statement = audience.members if after is None else audience.members.where(column > after)
    ordered = statement.order_by(column).offset(offset).limit(limit)
    return list((await reading.session.execute(ordered, audience.parameters)).scalars())


async def count_customers(reading: Reading, *, rule: Rule) -> int:
    """Of how many customers a rule is true now."""
    reading.require(Scope.CUSTOMERS_READ)
    audience = Audience(reading, rule)
    counted = select(func.count()).select_from(audience.members.subquery())
    found: int = (await reading.session.execute(counted, audience.parameters)).scalar_one()
    return found
