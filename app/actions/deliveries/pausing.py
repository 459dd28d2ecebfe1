"""Messages of campaigns that are paused or over: parked until they go on, or cancelled.

Parking moves the moment at which a message is due to :data:`PARKED_AT`, so that whoever looks for due ones does not
come upon them again and again.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlmodel import col

from app.actions.deliveries.claiming import CLAIMED, LEASE, UNSYNCHRONISED, Claim
from app.actions.deliveries.known import CampaignFacts
from app.actions.deliveries.telling import tell_deliveries
from app.core.access import Scope
from app.core.batches import among
from app.core.tx import Reading, Tx
from models import Campaign, Delivery
from models.deliveries import PARKED, QUEUED

PARKED_AT = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)
SENDS = frozenset({"sending", "completed", "scheduled"})
"""What a campaign is that may send: a completed one sends what is tried again by hand."""
DELETED = "deleted"
PORTION = 2000
"""Messages that are released in one unit of work."""


def may_send(campaign: CampaignFacts | None, claim: Claim) -> bool:
    """Whether the message may go as far as its campaign goes."""
    return campaign is None or claim.is_test or (campaign.status in SENDS and not campaign.is_deleted)


async def halted_campaigns(reading: Reading, *, campaign_ids: Collection[UUID]) -> set[UUID]:
    """Those of these campaigns of which nothing may be sent now: they are paused, over or deleted. Tests go all the
    same, which the caller knows.

    One statement by key. In a unit that writes nobody pauses or ends these campaigns before it has ended: asked before
    a group is marked, and before any of its deliveries is changed, it makes sure that nothing is marked of a campaign
    whose pause was answered.
    """
    reading.require(Scope.CAMPAIGNS_SEND)
    if not campaign_ids:
        return set()
    words = await _words(reading, campaign_ids)
    return {id for id in campaign_ids if words.get(id) not in SENDS}


async def put_aside(tx: Tx, *, claims: Sequence[Claim]) -> None:
    """Parks what we have claimed of campaigns that are paused, cancels it of those that are over, and queues again what
    has gone on meanwhile. Whoever resumes a campaign comes before or after this unit, so that nothing stays parked."""
    tx.require(Scope.CAMPAIGNS_SEND)
    words = await _words(tx, {claim.campaign_id for claim in claims if claim.campaign_id})
    waiting: list[dict[str, Any]] = []
    over: dict[UUID, dict[str, Any]] = {}
    for claim in claims:
        word = words.get(claim.campaign_id, DELETED) if claim.campaign_id else "sending"
        row = {"id": claim.id, "lease_token": claim.token, "lease_until": None}
        if word == "paused" or word in SENDS:
            due_at = PARKED_AT if word == "paused" else claim.due_at
            waiting.append({**row, "state": "queued", "due_at": due_at})
        else:
            over[claim.id] = {**row, "state": "cancelled", "reason": "cancelled", "error": f"The campaign is {word}."}
    await tx.update(Delivery, waiting, LEASE, CLAIMED)
    ended = await tx.update(Delivery, list(over.values()), LEASE, CLAIMED)
    await tell_deliveries(tx, [claim.event("cancelled", tx.now) for claim in claims if claim.id in ended])
    if any(row["due_at"] != PARKED_AT for row in waiting):
        tx.dispatch()


async def _words(reading: Reading, campaign_ids: Collection[UUID]) -> dict[UUID, str]:
    """What each campaign is; a unit that writes keeps it so until it has ended."""
    wanted = select(col(Campaign.id), col(Campaign.status), col(Campaign.deleted_at)).where(
        among(reading.session, Campaign.id, campaign_ids)
    )
    if isinstance(reading, Tx):
        wanted = wanted.order_by(col(Campaign.id)).with_for_update(read=True, key_share=True)
    rows = (await reading.session.execute(wanted)).all()
    return {id: status if deleted is None else DELETED for id, status, deleted in rows}


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
    parked = select(col(Delivery.id)).where(col(Delivery.campaign_id) == campaign_id, QUEUED, PARKED)
    some = parked.limit(PORTION).with_for_update(skip_locked=True)
    ids = (await tx.session.execute(some)).scalars().all()
    if ids:
        statement = update(Delivery).where(among(tx.session, Delivery.id, ids)).values(due_at=tx.now)
        await tx.session.execute(statement.execution_options(**UNSYNCHRONISED))
        tx.dispatch()
    return len(ids)


async def parked_campaigns(reading: Reading) -> list[tuple[UUID, UUID]]:
    """Campaigns, with their tenants, that go on while messages of theirs are parked: a release was lost. Each campaign
    is looked up in ``ix_deliveries_parked``, however much is queued or parked of others."""
    reading.require(Scope.CAMPAIGNS_SEND)
    parked = exists().where(
        col(Delivery.tenant_id) == col(Campaign.tenant_id),
        col(Delivery.campaign_id) == col(Campaign.id),
        QUEUED,
        PARKED,
    )
    going = select(col(Campaign.tenant_id), col(Campaign.id)).where(
        col(Campaign.status).in_(["scheduled", "sending"]), col(Campaign.deleted_at).is_(None), parked
    )
    return [(tenant_id, id) for tenant_id, id in await reading.session.execute(going)]
