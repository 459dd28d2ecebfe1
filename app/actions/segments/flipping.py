"""What the clock alone changes: customers whose noted moment has come are decided anew."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlmodel import col

from app.actions.customers.store import CustomerStore
from app.actions.segments.watching import FLIP
from app.core.access import Scope
from app.core.batches import among
from app.core.tx import Reading, Tx
from models import SegmentFlip


class DueFlip(NamedTuple):
    """A customer whose membership in a segment may change now."""

    tenant_id: UUID
    segment_id: UUID
    customer_id: UUID


async def next_flip(reading: Reading) -> datetime | None:
    """The earliest moment at which the clock may change a membership, of any tenant for the system."""
    reading.require(Scope.SEGMENTS_READ)
    found: datetime | None = (await reading.session.execute(select(func.min(col(SegmentFlip.due_at))))).scalar_one()
    return found


async def due_flips(reading: Reading, *, limit: int) -> list[DueFlip]:
    """Up to ``limit`` flips whose moment has come, the longest due first."""
    reading.require(Scope.SEGMENTS_READ)
    statement = (
        select(col(SegmentFlip.tenant_id), col(SegmentFlip.segment_id), col(SegmentFlip.customer_id))
        .where(col(SegmentFlip.due_at) <= reading.now)
        .order_by(col(SegmentFlip.due_at))
        .limit(limit)
    )
    return [DueFlip(*row) for row in await reading.session.execute(statement)]


async def flip(tx: Tx, *, due: Sequence[DueFlip]) -> None:
    """Decides anew whether these customers of the tenant are members, and when that may change next."""
    tx.require(Scope.SEGMENTS_WRITE)
    people = {one.customer_id for one in due}
    standing = await CustomerStore(tx).standing(people)
    for one in due:
        if one.customer_id in standing:
            tx.touch(one.customer_id, (FLIP, one.segment_id.hex))
    gone = people - standing
    if gone:
        nobody = among(tx.session, SegmentFlip.customer_id, gone)
        await tx.session.execute(delete(SegmentFlip).where(nobody), execution_options={"synchronize_session": False})
