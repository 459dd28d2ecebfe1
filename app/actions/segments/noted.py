"""What is noted of customers already: the segments in which they are, and when the clock may change that."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import bindparam, null, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from app.actions.segments.watching import one_of_people, people_given
from app.core.prepared import Prepared, as_driven
from models import SegmentFlip, SegmentMembership


@dataclass(frozen=True, slots=True)
class Notes:
    """What is noted of some customers: ``stays`` has the segments in which each is, but for those who are in none;
    ``flips`` when the clock may change a stay, by segment and customer."""

    stays: Mapping[UUID, Set[UUID]]
    flips: Mapping[tuple[UUID, UUID], datetime]


class Noted:
    """A look-up, prepared once for a kind of database. It runs beside the session, so it names the tenant."""

    def __init__(self, dialect: Dialect) -> None:
        stay, flip = SegmentMembership, SegmentFlip
        stays = select(col(stay.customer_id), col(stay.segment_id), null()).where(
            col(stay.tenant_id) == bindparam("tenant"),
            one_of_people(col(stay.customer_id), dialect),
            col(stay.left_at).is_(None),
        )
        flips = select(col(flip.customer_id), col(flip.segment_id), col(flip.due_at)).where(
            col(flip.tenant_id) == bindparam("tenant"), one_of_people(col(flip.customer_id), dialect)
        )
        self._both = Prepared(union_all(flips, stays), dialect)
        self._segments: dict[object, UUID] = {}

    async def of(self, connection: AsyncConnection, tenant_id: UUID, people: Sequence[UUID]) -> Notes:
        """What is noted of these customers, in one statement: every one more is a way there and back."""
        given = {"tenant": tenant_id, **people_given(people, connection.dialect)}
        known = as_driven(people, connection.dialect)
        stays: dict[UUID, set[UUID]] = {}
        flips: dict[tuple[UUID, UUID], datetime] = {}
        for customer, segment, due_at in await self._both.run(connection, given):
            if due_at is None:
                stays.setdefault(known[customer], set()).add(self._id(segment))
            else:
                flips[self._id(segment), known[customer]] = due_at
        return Notes(stays, flips)

    def _id(self, driven: object) -> UUID:
        """The id of a segment, of which there are few."""
        known = self._segments.get(driven)
        if known is None:
            if len(self._segments) > 10_000:
                self._segments.clear()
            known = self._segments[driven] = driven if isinstance(driven, UUID) else UUID(hex=str(driven))
        return known


@cache
def noted_on(dialect: str) -> Noted:
    """The look-up for ``sqlite`` or ``postgresql``."""
    return Noted(sqlite.dialect() if dialect == "sqlite" else postgresql.asyncpg.dialect())  # type: ignore[no-untyped-call]
