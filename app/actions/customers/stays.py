"""Stays in segments: the one place where memberships begin and end, and where that is told."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Update, bindparam, select, update
from sqlmodel import col

from app.core.batches import among
from app.core.feed import customer_topic, segment_topic
from app.core.ids import new_id
from app.core.tx import Tx
from models import Segment, SegmentMembership

ENTERED, LEFT = "segment.entered", "segment.left"
ERASED = "erased"
"""The cause of which the customer's own topic hears nothing, because it is gone as well."""


class Stay(NamedTuple):
    """Who enters or leaves which segment, and why."""

    segment_id: UUID
    customer_id: UUID
    cause: str


class Stays:
    """Memberships of one unit of work. Whoever calls it holds a lock on the customers, so that they stay as they are.

    What is written is told to the segment's and the customer's topic, counted in the segment's members, and noted as a
    change of the customer, for segments that depend on this one.
    """

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._session = tx.session

    async def enter(self, stays: Sequence[Stay]) -> list[Stay]:
        """Begins those stays that there are not already, and returns them."""
        known = await self.standing({stay.customer_id for stay in stays})
        return await self.begin([stay for stay in stays if stay[:2] not in known])

    async def leave(self, stays: Sequence[Stay]) -> list[Stay]:
        """Ends those stays that last, and returns them."""
        known = await self.standing({stay.customer_id for stay in stays})
        return await self.end([stay for stay in stays if stay[:2] in known])

    async def leave_all(self, customers: Collection[UUID], cause: str) -> list[Stay]:
        """Ends every stay of these customers. Returns those that ended."""
        known = await self.standing(customers)
        return await self.end([Stay(segment_id, customer_id, cause) for segment_id, customer_id in sorted(known)])

    async def merge(self, merge_id: UUID, winner_id: UUID, loser_id: UUID) -> None:
        """The loser leaves every segment; static ones the winner enters in their place, unless they are in it."""
        ended = await self.leave_all([loser_id], _merged(merge_id))
        static = await self._static([stay.segment_id for stay in ended])
        await self.enter([Stay(segment_id, winner_id, _merged(merge_id)) for segment_id in static])

    async def unmerge(self, merge_id: UUID, root_id: UUID, loser_id: UUID) -> None:
        """Takes back what :meth:`merge` did to static segments, as far as it still stands."""
        stay = SegmentMembership
        left = select(col(stay.segment_id)).where(
            col(stay.customer_id) == loser_id, col(stay.leave_cause) == _merged(merge_id)
        )
        back = await self._static((await self._session.execute(left)).scalars().all())
        brought = select(col(stay.segment_id)).where(
            col(stay.customer_id) == root_id, col(stay.enter_cause) == _merged(merge_id), col(stay.left_at).is_(None)
        )
        gone = await self._static((await self._session.execute(brought)).scalars().all())
        await self.end([Stay(segment_id, root_id, "unmerged") for segment_id in gone])
        await self.enter([Stay(segment_id, loser_id, "unmerged") for segment_id in back])

    async def _static(self, segments: Collection[UUID]) -> list[UUID]:
        """Those of the segments that are static and not deleted."""
        if not segments:
            return []
        statement = select(col(Segment.id)).where(
            among(self._session, Segment.id, segments), col(Segment.kind) == "static", col(Segment.deleted_at).is_(None)
        )
        return sorted((await self._session.execute(statement)).scalars())

    async def standing(self, customers: Collection[UUID]) -> set[tuple[UUID, UUID]]:
        """The stays of these customers that last, as segment and customer."""
        statement = select(col(SegmentMembership.segment_id), col(SegmentMembership.customer_id)).where(
            among(self._session, SegmentMembership.customer_id, customers), col(SegmentMembership.left_at).is_(None)
        )
        return {(row[0], row[1]) for row in (await self._session.execute(statement)).all()}

    async def begin(self, stays: list[Stay]) -> list[Stay]:
        """Begins stays that are known not to be there."""
        rows = [
            {
                "id": new_id(),
                "segment_id": stay.segment_id,
                "customer_id": stay.customer_id,
                "entered_at": self._tx.now,
                "enter_cause": stay.cause,
            }
            for stay in stays
        ]
        await self._tx.insert(SegmentMembership, rows)
        return self._told(ENTERED, stays)

    async def end(self, stays: list[Stay]) -> list[Stay]:
        """Ends stays that are known to last."""
        if stays:
            rows = [{"segment": stay.segment_id, "customer": stay.customer_id, "cause": stay.cause} for stay in stays]
            connection = await self._session.connection()
            given = {"tenant": self._tx.tenant_id, "now": self._tx.now}
            await connection.execute(_end_of_stay(), [{**given, **row} for row in rows])
        return self._told(LEFT, stays)

    def _told(self, kind: str, stays: list[Stay]) -> list[Stay]:
        by = 1 if kind == ENTERED else -1
        for segment_id, customer_id, cause in stays:
            self._tx.emit(segment_topic(segment_id), kind, customer_id, {"customer": customer_id.hex, "cause": cause})
            if cause != ERASED:
                told = {"segment": segment_id.hex, "cause": cause}
                self._tx.emit(customer_topic(customer_id), kind, segment_id, told)
                self._tx.touch(customer_id, ("segment", segment_id.hex))
            self._tx.member_counts[segment_id] += by
        return stays


def _merged(merge_id: UUID) -> str:
    return f"merged:{merge_id.hex}"


@cache
def _end_of_stay() -> Update:
    stay = SegmentMembership
    return (
        update(stay)
        .where(
            col(stay.tenant_id) == bindparam("tenant"),
            col(stay.segment_id) == bindparam("segment"),
            col(stay.customer_id) == bindparam("customer"),
            col(stay.left_at).is_(None),
        )
        .values(left_at=bindparam("now"), leave_cause=bindparam("cause"))
    )
