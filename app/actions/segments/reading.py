"""Reading segments, their members and their history."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlmodel import col

from app.actions.paging import check_window
from app.actions.segments.store import DYNAMIC, STATIC, SegmentStore
from app.core.access import Scope
from app.core.batches import among
from app.core.errors import Invalid, NotFound
from app.core.tx import Reading
from models import Customer, Segment, SegmentMembership

STANDING = col(SegmentMembership.left_at).is_(None)


async def get_segment(reading: Reading, *, segment_id: UUID) -> Segment:
    """One segment. Raises :class:`NotFound`."""
    reading.require(Scope.SEGMENTS_READ)
    return await SegmentStore(reading).get(segment_id)


async def get_segments(reading: Reading, *, segment_ids: Collection[UUID]) -> list[Segment]:
    """Those of these segments that there are, by number."""
    reading.require(Scope.SEGMENTS_READ)
    wanted = select(Segment).where(among(reading.session, Segment.id, segment_ids), col(Segment.deleted_at).is_(None))
    return list((await reading.session.execute(wanted.order_by(col(Segment.number)))).scalars())


async def segment_with_number(reading: Reading, *, number: int) -> Segment:
    """The segment with this number of the tenant. Raises :class:`NotFound`."""
    reading.require(Scope.SEGMENTS_READ)
    statement = select(Segment).where(col(Segment.number) == number, col(Segment.deleted_at).is_(None))
    found: Segment | None = None
    if 0 < number < 2**31:
        found = (await reading.session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise NotFound("segment", "number")
    return found


async def list_segments(
    reading: Reading, *, kind: str | None = None, limit: int, offset: int = 0
) -> tuple[list[Segment], int]:
    """Some segments by number, and how many there are. ``kind``: ``dynamic`` or ``static``. Raises :class:`Invalid`."""
    reading.require(Scope.SEGMENTS_READ)
    check_window(offset, limit)
    if kind not in (None, DYNAMIC, STATIC):
        raise Invalid.at("kind", "must be dynamic or static")
    here = col(Segment.deleted_at).is_(None)
    which = here if kind is None else and_(here, col(Segment.kind) == kind)
    total = (await reading.session.execute(select(func.count(col(Segment.id))).where(which))).scalar_one()
    listed = select(Segment).where(which).order_by(col(Segment.number)).offset(offset).limit(limit)
    return list((await reading.session.execute(listed)).scalars()), total


async def list_members(
    reading: Reading,
    *,
    segment_id: UUID,
    limit: int,
    after: UUID | None = None,
    offset: int = 0,
    as_of: datetime | None = None,
) -> list[tuple[UUID, datetime]]:
    """Members by customer id, each with the moment at which they entered; those after the customer ``after``.

    ``as_of``: who was a member at that moment, whatever has become of them but for the deleted. Raises
    :class:`NotFound` and :class:`Invalid`.
    """
    reading.require(Scope.CUSTOMERS_READ)
    reading.require(Scope.SEGMENTS_READ)
    check_window(offset, limit)
    await SegmentStore(reading).get(segment_id)
    stay = SegmentMembership
    statement = select(col(stay.customer_id), col(stay.entered_at)).where(col(stay.segment_id) == segment_id)
    statement = statement.where(stood_at(as_of))
    if as_of is not None:
        same = and_(col(Customer.tenant_id) == col(stay.tenant_id), col(Customer.id) == col(stay.customer_id))
        statement = statement.join(Customer, same).where(col(Customer.status) != "deleted")
    if after is not None:
        statement = statement.where(col(stay.customer_id) > after)
    ordered = statement.order_by(col(stay.customer_id)).offset(offset).limit(limit)
    return [(customer_id, entered_at) for customer_id, entered_at in await reading.session.execute(ordered)]


async def segments_of(reading: Reading, *, customer_id: UUID, as_of: datetime | None = None) -> list[Segment]:
    """The segments that a customer is in, by number; with ``as_of``, was in at that moment. Of those that still are.

    Raises :class:`NotFound` for a customer whom the tenant has not got.
    """
    reading.require(Scope.SEGMENTS_READ)
    known = select(col(Customer.id)).where(col(Customer.id) == customer_id, col(Customer.status) != "deleted")
    if (await reading.session.execute(known)).scalar_one_or_none() is None:
        raise NotFound("customer", "customer_id")
    mine = select(col(SegmentMembership.segment_id)).where(
        col(SegmentMembership.tenant_id) == reading.tenant_id,
        col(SegmentMembership.customer_id) == customer_id,
        stood_at(as_of),
    )
    statement = select(Segment).where(col(Segment.id).in_(mine), col(Segment.deleted_at).is_(None))
    return list((await reading.session.execute(statement.order_by(col(Segment.number)))).scalars())


def stood_at(moment: datetime | None) -> ColumnElement[bool]:
    """The condition on stays that they lasted at ``moment``; None: that they last."""
    if moment is None:
        return STANDING
    if moment.tzinfo is None:
        raise Invalid.at("as_of", "must have a time zone")
    left = col(SegmentMembership.left_at)
    return and_(col(SegmentMembership.entered_at) <= moment, or_(left.is_(None), left > moment))
