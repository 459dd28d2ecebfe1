"""Why somebody is a member of a segment, or is not."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.segments.store import SegmentStore, dialect_of
from app.core.access import Scope
from app.core.errors import NotFound
from app.core.tx import Reading
from app.segments import parse_rule
from app.segments.explaining import Verdict, explain_rule
from models import Customer, SegmentMembership


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a customer is a member now, since when and why; ``verdict`` is the tree of conditions as they stand at
    ``at``, and None for a static segment."""

    is_member: bool
    entered_at: datetime | None
    cause: str | None
    verdict: Verdict | None
    at: datetime


async def explain_membership(reading: Reading, *, segment_id: UUID, customer_id: UUID) -> Explanation:
    """Why a customer is a member or is not: each condition's verdict, what made it so, and when it flips by itself.

    Raises :class:`NotFound` for an unknown segment or for a customer who is not active.
    """
    reading.require(Scope.CUSTOMERS_READ)
    reading.require(Scope.SEGMENTS_READ)
    segment = await SegmentStore(reading).get(segment_id)
    known = select(col(Customer.id)).where(col(Customer.id) == customer_id, col(Customer.status) == "active")
    if (await reading.session.execute(known)).scalar_one_or_none() is None:
        raise NotFound("customer", "customer_id")
    stay = select(col(SegmentMembership.entered_at), col(SegmentMembership.enter_cause)).where(
        col(SegmentMembership.segment_id) == segment_id,
        col(SegmentMembership.customer_id) == customer_id,
        col(SegmentMembership.left_at).is_(None),
    )
    found = (await reading.session.execute(stay)).one_or_none()
    entered_at, cause = found if found is not None else (None, None)
    verdict = None
    if segment.rule is not None:
        explained = explain_rule(parse_rule(segment.rule), dialect_of(reading))
        parameters = explained.parameters(reading.tenant_id, reading.now)
        verdict = explained.read((await reading.session.execute(explained.select(customer_id), parameters)).one())
    return Explanation(found is not None, entered_at, cause, verdict, reading.now)
