"""What is noted of customers already: the segments in which they are, and when the clock may change that."""

from collections.abc import Container, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from app.actions.segments.watching import one_of_people, people_given
from app.core.prepared import Prepared, as_driven
from models import SegmentFlip, SegmentMembership


class Noted:
    """Two look-ups, prepared once for a kind of database. They run beside the session, so they name the tenant."""

    def __init__(self, dialect: Dialect) -> None:
        stay, flip = SegmentMembership, SegmentFlip
        mine = one_of_people(col(stay.customer_id), dialect)
        standing = select(col(stay.customer_id), col(stay.segment_id)).where(
            col(stay.tenant_id) == bindparam("tenant"), mine, col(stay.left_at).is_(None)
        )
        flips = select(col(flip.customer_id), col(flip.segment_id), col(flip.due_at)).where(
            col(flip.tenant_id) == bindparam("tenant"), one_of_people(col(flip.customer_id), dialect)
        )
        self._standing, self._flips = Prepared(standing, dialect), Prepared(flips, dialect)
        self._segments: dict[object, UUID] = {}

    async def standing(
        self, connection: AsyncConnection, tenant_id: UUID, people: Sequence[UUID], segments: Container[UUID]
    ) -> dict[UUID, frozenset[UUID]]:
        """In which of ``segments`` each of these customers is; who is in none is left out."""
        given = {"tenant": tenant_id, **people_given(people, connection.dialect)}
        known = as_driven(people, connection.dialect)
        found: dict[UUID, set[UUID]] = {}
        for customer, segment in await self._standing.run(connection, given):
            segment_id = self._id(segment)
            if segment_id in segments:
                found.setdefault(known[customer], set()).add(segment_id)
        return {customer: frozenset(mine) for customer, mine in found.items()}

    async def flips(
        self, connection: AsyncConnection, tenant_id: UUID, people: Sequence[UUID]
    ) -> dict[tuple[UUID, UUID], datetime]:
        """When the clock may change the stays of these customers, by segment and customer."""
        given = {"tenant": tenant_id, **people_given(people, connection.dialect)}
        known = as_driven(people, connection.dialect)
        rows = await self._flips.run(connection, given)
        return {(self._id(segment), known[customer]): due_at for customer, segment, due_at in rows}

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
    """The look-ups for ``sqlite`` or ``postgresql``."""
    return Noted(sqlite.dialect() if dialect == "sqlite" else postgresql.asyncpg.dialect())  # type: ignore[no-untyped-call]
