"""Pausing campaigns, letting them go on, and breaking them off."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlmodel import col

from app.actions.campaigns.experimenting import put_off_experiment
from app.actions.campaigns.finishing import finish_if_done, settle_campaign
from app.actions.campaigns.launching import schedule_next, start_occurrence, wait_for
from app.actions.campaigns.preparing import forget_portions, take_up
from app.actions.campaigns.store import CampaignStore
from app.actions.campaigns.words import (
    CANCELLED,
    ONE_OFF,
    PAUSED,
    PREPARING,
    RECURRING,
    SCHEDULED,
    SENDING,
    UNFINISHED,
    check_move,
)
from app.actions.deliveries.pausing import release_deliveries
from app.actions.deliveries.store import DeliveryStore
from app.actions.deliveries.telling import tell_campaign, tell_deliveries
from app.core.access import Scope
from app.core.ids import public_id
from app.core.tx import Tx
from models import Campaign, CampaignRun, Delivery


async def pause_campaign(tx: Tx, *, campaign_id: UUID) -> Campaign:
    """Stops sending until it is resumed: what is in a provider's hands goes, everything else waits. A triggered or
    transactional campaign refuses calls meanwhile. Raises :class:`NotFound`, and :class:`Conflict` for a campaign that
    is neither scheduled nor sending."""
    tx.require(Scope.CAMPAIGNS_SEND)
    store = CampaignStore(tx)
    campaign = await store.get(campaign_id, locked=True)
    check_move(campaign, "paused")
    for run in await store.runs(campaign_id, frozenset({PREPARING, SENDING})):
        run.state = PAUSED
    await _set_status(tx, campaign, PAUSED, "campaign.pause")
    return campaign


async def resume_campaign(tx: Tx, *, campaign_id: UUID) -> Campaign:
    """Goes on where it was paused. What became due meanwhile goes now; of a recurrence, what was missed is left out,
    and one that has nothing more to come is over; an experiment is decided as much later as it was paused. Raises
    :class:`NotFound`, and :class:`Conflict` for a campaign that is not paused."""
    tx.require(Scope.CAMPAIGNS_SEND)
    store = CampaignStore(tx)
    campaign = await store.get(campaign_id, locked=True)
    check_move(campaign, "resumed")
    await put_off_experiment(tx, campaign_id, by=tx.now - campaign.updated_at)  # when it was paused, or changed since
    runs = await store.runs(campaign_id, frozenset({PAUSED}))
    for run in runs:
        run.state = PREPARING if run.prepared_at is None else SENDING
        await take_up(tx, run=run)
    await release_deliveries(tx, campaign_id=campaign_id)
    if campaign.kind == RECURRING and campaign.failure is None:
        await schedule_next(tx, campaign, tx.now)
    waits = campaign.kind == ONE_OFF and not runs
    if waits:
        wait_for(tx, campaign, campaign.scheduled_at or tx.now)
    await _set_status(tx, campaign, SCHEDULED if waits else SENDING, "campaign.resume")
    for run in runs:
        await finish_if_done(tx, run)
    if waits:
        await start_occurrence(tx, campaign_id=campaign_id, version=campaign.version)  # if its moment has passed
    await settle_campaign(tx, campaign)
    return campaign


async def cancel_campaign(tx: Tx, *, campaign_id: UUID) -> Campaign:
    """Ends a campaign before its time: what is in a provider's hands goes, everything else is cancelled (in the
    background). Raises :class:`NotFound`, and :class:`Conflict` for one that is not scheduled, sending or paused."""
    tx.require(Scope.CAMPAIGNS_SEND)
    store = CampaignStore(tx)
    campaign = await store.get(campaign_id, locked=True)
    check_move(campaign, "cancelled")
    for run in await store.runs(campaign_id, UNFINISHED):
        run.state, run.finished_at = CANCELLED, tx.now
        await forget_portions(tx, run_id=run.id)
    campaign.scheduled_at = None
    campaign.completed_at = tx.now
    await _set_status(tx, campaign, CANCELLED, "campaign.cancel")
    tx.enqueue("campaigns.cancel", {"campaign": campaign_id.hex})
    return campaign


async def cancel_portion(tx: Tx, *, campaign_id: UUID, limit: int) -> int:
    """Cancels up to ``limit`` queued deliveries of a cancelled campaign: those of its cancelled runs, and the
    transactional ones, which have none. Returns how many."""
    tx.require(Scope.CAMPAIGNS_SEND)
    cancelled = select(col(CampaignRun.id)).where(
        col(CampaignRun.tenant_id) == tx.tenant_id,
        col(CampaignRun.campaign_id) == campaign_id,
        col(CampaignRun.state) == CANCELLED,
    )
    # By the run and the state, not by the campaign, all of whose messages SQLite would look through.
    theirs = func.coalesce(col(Delivery.campaign_id), col(Delivery.campaign_id)) == campaign_id
    alone = [col(Delivery.run_id).is_(None), theirs, col(Delivery.is_test).is_(False)]
    ended: list[UUID] = []
    for which in ([col(Delivery.run_id).in_(cancelled)], alone):
        queued = (
            select(col(Delivery.id))
            .where(*which, col(Delivery.state) == "queued")
            .limit(limit - len(ended))
            .with_for_update(skip_locked=True)
        )
        over = (
            update(Delivery)
            .where(col(Delivery.id).in_(queued), col(Delivery.state) == "queued")
            .values(state=CANCELLED, reason=CANCELLED, error="The campaign is cancelled.")
            .returning(col(Delivery.id))
        )
        ended += (await tx.session.execute(over, execution_options={"synchronize_session": False})).scalars()
    await tell_deliveries(tx, await DeliveryStore(tx).events(ended, CANCELLED))
    return len(ended)


async def _set_status(tx: Tx, campaign: Campaign, status: str, action: str) -> None:
    campaign.status, campaign.updated_at = status, tx.now
    await tx.session.flush()
    tell_campaign(tx, campaign.id, "campaign.status", {"status": status})
    tx.audit(action, public_id("campaign", campaign.id))
