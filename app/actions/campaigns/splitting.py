"""The experiment of a campaign as far as it decides who gets what."""

from uuid import UUID

from app.actions.campaigns.assigning import Split
from app.actions.campaigns.store import CampaignStore
from app.core.tx import Reading


async def split_of(reading: Reading, campaign_id: UUID) -> Split | None:
    """How the campaign's recipients are split, or None where nothing is tried out."""
    store = CampaignStore(reading)
    experiment = await store.experiment(campaign_id)
    if experiment is None:
        return None
    shares = tuple(group.share for group in await store.groups(experiment.id))
    decided = experiment.state == "decided"
    return Split(experiment.id, experiment.sample_share, shares, decided, experiment.winner)
