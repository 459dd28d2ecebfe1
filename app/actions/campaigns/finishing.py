"""The end of runs and campaigns: only when nothing of them is unsent."""

from uuid import UUID

from sqlalchemy import exists, select
from sqlmodel import col

from app.actions.campaigns.store import CampaignStore
from app.actions.campaigns.words import COMPLETED, FAILED, ONE_OFF, RECURRING, SCHEDULED, SENDING, UNFINISHED
from app.actions.deliveries.telling import tell_campaign
from app.core.access import Scope
from app.core.tx import Tx
from models import Campaign, CampaignRun, Delivery

UNSENT = ("queued", "claimed", "sending")
"""States of a delivery that may still be sent. One in doubt is not: somebody settles it, or the policy does."""


async def finish_run(tx: Tx, *, run_id: UUID) -> bool:
    """Completes a run of which nothing is unsent, and its campaign if nothing more is to come. Says whether it did.

    Idempotent; to be called by whoever has recorded what may have been the last delivery. Raises :class:`NotFound`.
    """
    tx.require(Scope.CAMPAIGNS_SEND)
    store = CampaignStore(tx)
    run = await store.run(run_id)
    await store.get(run.campaign_id, locked=True)
    return await finish_if_done(tx, await store.run(run_id, locked=True))


async def finish_if_done(tx: Tx, run: CampaignRun) -> bool:
    """The same of a locked run, whose campaign is locked too."""
    tx.require(Scope.CAMPAIGNS_SEND)
    if run.state != SENDING or run.prepared_at is None or await has_unsent(tx, run.id):
        return False
    run.state, run.finished_at = COMPLETED, tx.now
    await tx.session.flush()
    tell_campaign(tx, run.campaign_id, "campaign.progress", {"run": run.id.hex, "state": COMPLETED})
    await settle_campaign(tx, await CampaignStore(tx).get(run.campaign_id, locked=True))
    return True


async def has_unsent(tx: Tx, run_id: UUID) -> bool:
    """Whether anything of a run may still be sent."""
    tx.require(Scope.CAMPAIGNS_SEND)
    unsent = exists().where(
        col(Delivery.tenant_id) == tx.tenant_id, col(Delivery.run_id) == run_id, col(Delivery.state).in_(UNSENT)
    )
    return bool((await tx.session.execute(select(unsent))).scalar_one())


async def settle_campaign(tx: Tx, campaign: Campaign) -> None:
    """After the end of a run: the campaign is completed if no run goes on and none is to come, and failed if the next
    one could not begin."""
    tx.require(Scope.CAMPAIGNS_SEND)
    if campaign.kind not in (ONE_OFF, RECURRING) or campaign.status != SENDING:
        return
    if await CampaignStore(tx).runs(campaign.id, UNFINISHED):
        return
    if campaign.failure is not None:
        campaign.status = FAILED
    elif campaign.kind == RECURRING and campaign.scheduled_at is not None:
        campaign.status = SCHEDULED
    else:
        campaign.status, campaign.completed_at = COMPLETED, tx.now
    campaign.updated_at = tx.now
    await tx.session.flush()
    tell_campaign(tx, campaign.id, "campaign.status", {"status": campaign.status})
