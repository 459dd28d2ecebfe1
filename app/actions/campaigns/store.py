"""Finding campaigns, their runs and experiments, and taking the lock under which they change."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.actions.campaigns.assigning import Split
from app.core.errors import NotFound
from app.core.tx import Reading
from models import Campaign, CampaignRun, Content, Experiment, TestGroup

MAX_NUMBER = 2**31


class CampaignStore:
    """The campaigns of one unit of work. A deleted one is not found."""

    def __init__(self, reading: Reading) -> None:
        self._session = reading.session

    async def get(self, campaign_id: UUID, path: str = "campaign_id", *, locked: bool = False) -> Campaign:
        """One campaign; ``locked``: nobody else changes it until this transaction ends. Raises :class:`NotFound`."""
        wanted = select(Campaign).where(col(Campaign.id) == campaign_id, col(Campaign.deleted_at).is_(None))
        found: Campaign | None = await self._one(wanted, locked=locked)
        if found is None:
            raise NotFound("campaign", path)
        return found

    async def called(self, *, number: int | None = None, trigger_name: str | None = None, path: str) -> Campaign:
        """The one campaign with this number of the tenant, or this trigger name. Raises :class:`NotFound`."""
        if number is not None and not 0 < number < MAX_NUMBER:
            raise NotFound("campaign", path)
        which = col(Campaign.trigger_name) == trigger_name if number is None else col(Campaign.number) == number
        found: Campaign | None = await self._one(select(Campaign).where(which, col(Campaign.deleted_at).is_(None)))
        if found is None:
            raise NotFound("campaign", path)
        return found

    async def run(self, run_id: UUID, *, locked: bool = False) -> CampaignRun:
        """One run. Raises :class:`NotFound`."""
        found: CampaignRun | None = await self._one(
            select(CampaignRun).where(col(CampaignRun.id) == run_id), locked=locked
        )
        if found is None:
            raise NotFound("campaign run", "run_id")
        return found

    async def runs(self, campaign_id: UUID, states: frozenset[str]) -> list[CampaignRun]:
        """The campaign's runs in these states, locked, oldest first."""
        wanted = select(CampaignRun).where(
            col(CampaignRun.campaign_id) == campaign_id, col(CampaignRun.state).in_(sorted(states))
        )
        ordered = wanted.order_by(col(CampaignRun.id)).with_for_update()
        return list((await self._session.execute(ordered)).scalars())

    async def next_run_number(self, campaign_id: UUID) -> int:
        """The number of the campaign's next run; the campaign must be locked."""
        highest = select(func.max(col(CampaignRun.number))).where(col(CampaignRun.campaign_id) == campaign_id)
        return ((await self._session.execute(highest)).scalar_one() or 0) + 1

    async def experiment(self, campaign_id: UUID, *, locked: bool = False) -> Experiment | None:
        """The campaign's experiment, if it has one."""
        found: Experiment | None = await self._one(
            select(Experiment).where(col(Experiment.campaign_id) == campaign_id), locked=locked
        )
        return found

    async def groups(self, experiment_id: UUID) -> list[TestGroup]:
        """The groups of an experiment, in their order."""
        wanted = select(TestGroup).where(col(TestGroup.experiment_id) == experiment_id)
        return list((await self._session.execute(wanted.order_by(col(TestGroup.position)))).scalars())

    async def split(self, campaign_id: UUID) -> Split | None:
        """How the campaign's recipients are split, or None where nothing is tried out."""
        experiment = await self.experiment(campaign_id)
        if experiment is None:
            return None
        shares = tuple(group.share for group in await self.groups(experiment.id))
        decided = experiment.state == "decided"
        return Split(experiment.id, experiment.sample_share, shares, decided, experiment.winner)

    async def contents(self, campaign_id: UUID) -> list[Content]:
        """What the campaign says."""
        wanted = select(Content).where(col(Content.campaign_id) == campaign_id).order_by(col(Content.number))
        return list((await self._session.execute(wanted)).scalars())

    async def _one(self, wanted: Any, *, locked: bool = False) -> Any:
        if locked:
            wanted = wanted.with_for_update().execution_options(populate_existing=True)
        return (await self._session.execute(wanted)).scalar_one_or_none()
