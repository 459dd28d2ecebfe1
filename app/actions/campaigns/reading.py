"""Reading campaigns and their runs."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import String, cast, func, or_, select
from sqlmodel import col

from app.actions.campaigns.store import MAX_NUMBER, CampaignStore
from app.actions.campaigns.words import KINDS, STATUSES
from app.actions.paging import Page, check_window
from app.core.access import Scope
from app.core.batches import among
from app.core.errors import Invalid, NotFound
from app.core.ids import public_id
from app.core.tx import Reading
from models import Campaign, CampaignRun


async def get_campaign(reading: Reading, *, campaign_id: UUID) -> Campaign:
    """One campaign. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await CampaignStore(reading).get(campaign_id)


async def campaign_with_number(reading: Reading, *, number: int) -> Campaign:
    """The campaign with this number of the tenant. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await CampaignStore(reading).called(number=number, path="number")


async def campaigns_with_ids(reading: Reading, *, campaign_ids: Collection[UUID]) -> dict[UUID, Campaign]:
    """These campaigns, as far as there are such; also those that are deleted, of which messages were sent."""
    reading.require(Scope.CAMPAIGNS_READ)
    wanted = select(Campaign).where(among(reading.session, Campaign.id, campaign_ids))
    return {campaign.id: campaign for campaign in (await reading.session.execute(wanted)).scalars()}


async def list_campaigns(
    reading: Reading,
    *,
    kind: str | Collection[str] | None = None,
    status: str | Collection[str] | None = None,
    channel: str | None = None,
    newest_first: bool = True,
    limit: int = 100,
    offset: int = 0,
) -> Page[Campaign]:
    """Campaigns by number, of one kind and status or of several. ``channel``: only those whose first channel it is.
    Raises :class:`Invalid`."""
    reading.require(Scope.CAMPAIGNS_READ)
    check_window(offset, limit)
    wanted = select(Campaign).where(col(Campaign.deleted_at).is_(None))
    for path, value, known, column in (
        ("kind", kind, KINDS, col(Campaign.kind)),
        ("status", status, STATUSES, col(Campaign.status)),
    ):
        if value is not None:
            asked = [value] if isinstance(value, str) else list(value)
            if not set(asked) <= set(known):
                raise Invalid.at(path, f"must be one of {', '.join(known)}")
            wanted = wanted.where(column.in_(asked))
    if channel is not None:
        wanted = wanted.where(col(Campaign.channels)[0].as_string() == channel)
    total = (await reading.session.execute(select(func.count()).select_from(wanted.subquery()))).scalar_one()
    order = col(Campaign.number).desc() if newest_first else col(Campaign.number)
    page = wanted.order_by(order).limit(limit).offset(offset)
    return Page((await reading.session.execute(page)).scalars().all(), total)


async def campaigns_using(reading: Reading, *, segment_id: UUID) -> list[Campaign]:
    """The campaigns whose audience or exclusions ask for members of a segment, by number."""
    reading.require(Scope.CAMPAIGNS_READ)
    name = public_id("segment", segment_id)
    mentions = (cast(col(rule), String).contains(name) for rule in (Campaign.audience, Campaign.exclusions))
    wanted = select(Campaign).where(col(Campaign.deleted_at).is_(None), or_(*mentions)).order_by(col(Campaign.number))
    return list((await reading.session.execute(wanted)).scalars())


async def get_run(reading: Reading, *, campaign_id: UUID, number: int) -> CampaignRun:
    """The run of a campaign with this number. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    wanted = select(CampaignRun).where(col(CampaignRun.campaign_id) == campaign_id, col(CampaignRun.number) == number)
    found = (await reading.session.execute(wanted)).scalar_one_or_none() if 0 < number < MAX_NUMBER else None
    if found is None:
        raise NotFound("campaign run", "number")
    return found


async def run_with_id(reading: Reading, *, run_id: UUID) -> CampaignRun:
    """One run. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await CampaignStore(reading).run(run_id)


async def list_runs(reading: Reading, *, campaign_id: UUID, limit: int = 100, offset: int = 0) -> Page[CampaignRun]:
    """The runs of a campaign, the newest first. Raises :class:`NotFound` and :class:`Invalid`."""
    reading.require(Scope.CAMPAIGNS_READ)
    check_window(offset, limit)
    await CampaignStore(reading).get(campaign_id)
    wanted = select(CampaignRun).where(col(CampaignRun.campaign_id) == campaign_id)
    total = (await reading.session.execute(select(func.count()).select_from(wanted.subquery()))).scalar_one()
    page = wanted.order_by(col(CampaignRun.number).desc()).limit(limit).offset(offset)
    return Page((await reading.session.execute(page)).scalars().all(), total)


async def targets_of(reading: Reading, *, campaign_ids: Collection[UUID]) -> dict[UUID, int]:
    """For how many people the runs of each campaign were, in all. Campaigns without a run are not in it."""
    reading.require(Scope.CAMPAIGNS_READ)
    summed = (
        select(col(CampaignRun.campaign_id), func.sum(col(CampaignRun.targeted)))
        .where(among(reading.session, CampaignRun.campaign_id, campaign_ids))
        .group_by(col(CampaignRun.campaign_id))
    )
    return {campaign_id: int(targeted) for campaign_id, targeted in await reading.session.execute(summed)}
