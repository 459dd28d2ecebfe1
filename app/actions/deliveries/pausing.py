"""Messages of campaigns that are paused or over: parked until they go on, or cancelled.

Parking moves the moment at which a message is due to :data:`PARKED_AT`, so that whoever looks for due ones does not
come upon them again and again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import and_, select, update
from sqlmodel import col

from app.actions.deliveries.claiming import UNSYNCHRONISED, Claim
from app.actions.deliveries.known import CampaignFacts
from app.core.access import Scope
from app.core.batches import among
from app.core.tx import Reading, Tx
from models import Campaign, Delivery
from models.deliveries import QUEUED

PARKED_AT = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)
SENDS = frozenset({"sending", "completed", "scheduled"})
"""What a campaign is that may send: a completed one sends what is tried again by hand."""
PORTION = 2000
"""Messages that are released in one unit of work."""


def may_send(campaign: CampaignFacts | None, claim: Claim) -> bool:
    """Whether the message may go as far as its campaign goes."""
    return campaign is None or claim.is_test or (campaign.status in SENDS and not campaign.is_deleted)


async def put_aside(tx: Tx, *, claims: Sequence[Claim]) -> None:
    """Parks what we have claimed of campaigns that are paused, cancels it of those that are over, and queues again what
    has gone on meanwhile. Whoever resumes a campaign comes before or after this unit, so that nothing stays parked."""
    tx.require(Scope.CAMPAIGNS_SEND)
    ids = {claim.campaign_id for claim in claims if claim.campaign_id}
    statement = (
        select(col(Campaign.id), col(Campaign.status), col(Campaign.deleted_at))
        .where(among(tx.session, Campaign.id, ids))
        .order_by(col(Campaign.id))
        .with_for_update(read=True)
    )
    status = {id: "cancelled" if deleted else state for id, state, deleted in await tx.session.execute(statement)}
    rows = []
    for claim in claims:
        now = status.get(claim.campaign_id, "sending") if claim.campaign_id else "sending"
        is_over = now not in SENDS and now != "paused"
        rows.append(
            {
                "id": claim.id,
                "lease_token": claim.token,
                "state": "cancelled" if is_over else "queued",
                "reason": "cancelled" if is_over else None,
                "due_at": PARKED_AT if now == "paused" else claim.due_at,
                "lease_until": None,
            }
        )
    await tx.update(Delivery, rows, ("id", "lease_token"))


async def release_deliveries(tx: Tx, *, campaign_id: UUID) -> None:
    """Lets the parked messages of a campaign go on: to be called in the unit that resumes it."""
    tx.require(Scope.CAMPAIGNS_SEND)
    tx.enqueue("deliveries.release", {"campaign": campaign_id.hex})
    tx.dispatch()


async def release_portion(tx: Tx, *, campaign_id: UUID) -> int:
    """Releases up to :data:`PORTION` parked messages, if the campaign is not paused again. Returns how many."""
    tx.require(Scope.CAMPAIGNS_SEND)
    status = (
        await tx.session.execute(
            select(col(Campaign.status)).where(col(Campaign.id) == campaign_id).with_for_update(read=True)
        )
    ).scalar_one_or_none()
    if status is None or status == "paused":
        return 0
    parked = and_(col(Delivery.campaign_id) == campaign_id, QUEUED, col(Delivery.due_at) == PARKED_AT)
    some = select(col(Delivery.id)).where(parked).limit(PORTION).with_for_update(skip_locked=True)
    ids = (await tx.session.execute(some)).scalars().all()
    if ids:
        statement = update(Delivery).where(among(tx.session, Delivery.id, ids)).values(due_at=tx.now)
        await tx.session.execute(statement.execution_options(**UNSYNCHRONISED))
        tx.dispatch()
    return len(ids)


async def parked_campaigns(reading: Reading) -> list[tuple[UUID, UUID]]:
    """Campaigns, with their tenants, that are sending while messages of theirs are parked: a release was lost."""
    reading.require(Scope.CAMPAIGNS_SEND)
    statement = (
        select(col(Delivery.tenant_id), col(Delivery.campaign_id))
        .join(
            Campaign,
            and_(
                col(Campaign.tenant_id) == col(Delivery.tenant_id),
                col(Campaign.id) == col(Delivery.campaign_id),
                col(Campaign.status) == "sending",
            ),
        )
        .where(col(Delivery.state) == "queued", col(Delivery.due_at) == PARKED_AT)
        .distinct()
    )
    return [(tenant_id, id) for tenant_id, id in await reading.session.execute(statement) if id is not None]
