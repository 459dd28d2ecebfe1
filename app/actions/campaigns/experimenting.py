"""The course of an experiment: it runs from the first message on, until it is decided."""

from datetime import datetime, timedelta
from uuid import UUID

from app.actions.campaigns.store import CampaignStore
from app.core.access import Scope
from app.core.tx import Tx
from models import Campaign, Experiment

NEW, RUNNING, DECIDED = "draft", "running", "decided"


async def reset_experiment(tx: Tx, campaign_id: UUID) -> None:
    """Before a launch: nothing is decided yet."""
    tx.require(Scope.CAMPAIGNS_SEND)
    experiment = await CampaignStore(tx).experiment(campaign_id, locked=True)
    if experiment is None:
        return
    experiment.state, experiment.winner, experiment.result = NEW, None, None
    experiment.decides_at = experiment.decided_at = None
    await tx.session.flush()


async def start_experiment(tx: Tx, campaign: Campaign, begins: datetime) -> None:
    """With the first run: from now on it is known when it is decided."""
    tx.require(Scope.CAMPAIGNS_SEND)
    experiment = await CampaignStore(tx).experiment(campaign.id, locked=True)
    if experiment is None or experiment.state != NEW:
        return
    set_running(tx, experiment, begins)
    await tx.session.flush()


async def put_off_experiment(tx: Tx, campaign_id: UUID, by: timedelta) -> None:
    """Has an experiment that runs decided so much later: its campaign stood still so long."""
    tx.require(Scope.CAMPAIGNS_SEND)
    experiment = await CampaignStore(tx).experiment(campaign_id, locked=True)
    if experiment is None or experiment.state != RUNNING or experiment.decides_at is None:
        return
    experiment.decides_at += by
    if experiment.automatic:
        tx.enqueue("campaigns.decide", {"experiment": experiment.id.hex}, run_at=max(experiment.decides_at, tx.now))
    await tx.session.flush()


def set_running(tx: Tx, experiment: Experiment, begins: datetime) -> None:
    """Notes that an experiment runs, and when it is decided; to be flushed."""
    experiment.state, experiment.updated_at = RUNNING, tx.now
    experiment.decides_at = begins + timedelta(seconds=experiment.decides_after_s)
    if experiment.automatic:
        tx.enqueue("campaigns.decide", {"experiment": experiment.id.hex}, run_at=experiment.decides_at)
