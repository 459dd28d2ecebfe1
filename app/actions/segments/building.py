"""Whole builds: the members of a segment become those whom its rule finds, a portion of customers at a time.

Live changes go by a rule from the commit that set it. So a build only has to look once who is in or out wrongly, and
each of them is decided anew in the transaction that writes. It may be broken off anywhere and begun again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, except_, exists, select, union, update
from sqlmodel import col

from app.actions.customers.stays import Stay, Stays
from app.actions.customers.store import CustomerStore
from app.actions.segments.store import dialect_of
from app.actions.segments.watching import BUILD
from app.core.access import Scope
from app.core.tx import Reading, Tx
from app.segments import compile_rule, members_of, parse_rule
from app.segments.compiling.binds import CUSTOMERS, tenant
from models import Segment, SegmentFlip, SegmentMembership

PLANNED = 50_000
"""Customers that one look finds at most."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is to be decided anew for a segment's ``version``. ``is_deleted``: they all leave it. ``is_whole``: there are
    no others."""

    version: int
    is_deleted: bool
    customers: list[UUID]

    @property
    def is_whole(self) -> bool:
        return len(self.customers) < PLANNED


async def plan_build(reading: Reading, *, segment_id: UUID) -> Plan | None:
    """Who is in the segment or out of it wrongly, or has no moment noted at which the clock may change that. None for a
    segment that there never was, or that is static."""
    reading.require(Scope.SEGMENTS_READ)
    segment = (await reading.session.execute(select(Segment).where(col(Segment.id) == segment_id))).scalar_one_or_none()
    if segment is None:
        return None
    standing = _standing(reading, segment_id)
    if segment.deleted_at is not None:
        rows = await reading.session.execute(standing.limit(PLANNED))
        return Plan(segment.version, True, sorted(rows.scalars()))
    if segment.rule is None:
        return None
    compiled = compile_rule(parse_rule(segment.rule), dialect_of(reading), whole=True)
    wanted = members_of(compiled)
    wrong: list[Any] = [select(except_(wanted, standing).subquery().c[0])]
    wrong.append(select(except_(standing, wanted).subquery().c[0]))
    if compiled.flip is not None:
        wrong.append(_unnoted(compiled.flip, segment_id))
    found = union(*wrong).subquery()
    chosen = select(found.c[0]).limit(PLANNED)
    rows = await reading.session.execute(chosen, compiled.parameters(reading.tenant_id, reading.now))
    return Plan(segment.version, False, sorted(rows.scalars()))


async def build_portion(tx: Tx, *, segment_id: UUID, customers: Sequence[UUID]) -> None:
    """Decides anew whether these customers are members, and when that may change."""
    tx.require(Scope.SEGMENTS_WRITE)
    for customer_id in await CustomerStore(tx).standing(customers):
        tx.touch(customer_id, (BUILD, segment_id.hex))


async def empty_portion(tx: Tx, *, segment_id: UUID, customers: Sequence[UUID]) -> None:
    """Lets these customers leave a deleted segment."""
    tx.require(Scope.SEGMENTS_WRITE)
    held = await CustomerStore(tx).held(customers)
    await Stays(tx).leave([Stay(segment_id, customer_id, "segment deleted") for customer_id in sorted(held)])


async def mark_build(tx: Tx, *, segment_id: UUID, version: int, progress: int) -> None:
    """Notes how much of a build is done, in per mille; with 1,000 the segment is ready, unless its rule has changed."""
    tx.require(Scope.SEGMENTS_WRITE)
    state = "ready" if progress >= 1000 else "building"
    await _mark(tx, segment_id, col(Segment.version) == version, state=state, progress=progress)


async def fail_build(tx: Tx, *, segment_id: UUID) -> None:
    """Notes that a build broke down."""
    tx.require(Scope.SEGMENTS_WRITE)
    await _mark(tx, segment_id, col(Segment.deleted_at).is_(None), state="failed")


async def _mark(tx: Tx, segment_id: UUID, which: ColumnElement[bool], **values: Any) -> None:
    marked = update(Segment).where(col(Segment.id) == segment_id, which).values(values)
    await tx.session.execute(marked, execution_options={"synchronize_session": False})


def _standing(reading: Reading, segment_id: UUID) -> Select[Any]:
    """The members that there are."""
    stay = SegmentMembership
    return select(col(stay.customer_id)).where(
        col(stay.tenant_id) == reading.tenant_id, col(stay.segment_id) == segment_id, col(stay.left_at).is_(None)
    )


def _unnoted(flip: Any, segment_id: UUID) -> Select[Any]:
    """Customers who can change by the clock before anybody would look."""
    noted = exists().where(
        col(SegmentFlip.tenant_id) == CUSTOMERS.c.tenant_id,
        col(SegmentFlip.segment_id) == segment_id,
        col(SegmentFlip.customer_id) == CUSTOMERS.c.id,
        col(SegmentFlip.due_at) <= flip,
    )
    active = and_(CUSTOMERS.c.tenant_id == tenant(), CUSTOMERS.c.status == "active")
    return select(CUSTOMERS.c.id).where(active, flip.is_not(None), ~noted)
