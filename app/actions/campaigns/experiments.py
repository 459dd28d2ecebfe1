"""Experiments: groups of a campaign's audience that get different contents, and which of them wins."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlmodel import col

from app.actions.accounts.rules import checked_name
from app.actions.campaigns.experimenting import DECIDED, NEW, RUNNING, set_running
from app.actions.campaigns.preparing import take_up
from app.actions.campaigns.statistics import Tally, Verdict, compare_groups
from app.actions.campaigns.store import CampaignStore
from app.actions.campaigns.words import CALLED, DRAFT, FAILED, ONE_OFF, SENDING, UNFINISHED
from app.actions.deliveries.telling import tell_campaign
from app.actions.paging import Page, check_window
from app.core.access import Scope
from app.core.clock import iso
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id, public_id
from app.core.numbers import next_number
from app.core.tx import Reading, Tx
from models import Campaign, Content, Experiment, HourlyCount, TestGroup

MOST_GROUPS = 10
METRICS = {"opened": "human_opened", "clicked": "human_clicked", "converted": "converted"}
"""Which rate may decide, and what is counted for it: people, not machines."""
STANDING = ("paused", "cancelled", "archived")
"""What a campaign is of which nothing is found out."""
LONGEST_S = 30 * 86_400


@dataclass(frozen=True, slots=True)
class GroupShare:
    """A group to be: ``share`` is per mille of the sample."""

    name: str
    share: int


class ExperimentSettings(TypedDict, total=False):
    """What may be said of an experiment: see :class:`models.Experiment`."""

    name: str
    sample_share: int
    metric: str
    confidence: int
    automatic: bool
    decides_after_s: int


async def create_experiment(
    tx: Tx, *, campaign_id: UUID, groups: Sequence[GroupShare], **settings: Unpack[ExperimentSettings]
) -> UUID:
    """An experiment of a campaign that is a draft (or failed, or sends when it is called). Its groups have positions
    from 0 in the order given; contents name theirs by it.

    Raises :class:`NotFound`, :class:`Invalid`, and :class:`Conflict` for another status or a second experiment.
    """
    tx.require(Scope.CAMPAIGNS_WRITE)
    store = CampaignStore(tx)
    campaign = await store.get(campaign_id, locked=True)
    clean = _checked(campaign, dict(settings))
    shares = _checked_groups(groups)
    _check_open(campaign)
    if await store.experiment(campaign_id) is not None:
        raise Conflict("The campaign has an experiment already.", "campaign_id")
    key = new_id()
    number = await next_number(tx, Experiment)
    stamps: dict[str, Any] = {"created_at": tx.now, "updated_at": tx.now}
    experiment = Experiment(tenant_id=tx.tenant_id, id=key, number=number, campaign_id=campaign_id, **clean, **stamps)
    if campaign.status == SENDING:
        set_running(tx, experiment, tx.now)
    tx.session.add(experiment)
    await tx.session.flush()
    await _save_groups(tx, key, shares)
    tx.audit("experiment.create", public_id("experiment", key), {"campaign": public_id("campaign", campaign_id)})
    return key


async def update_experiment(
    tx: Tx,
    *,
    experiment_id: UUID,
    groups: Sequence[GroupShare] | None = None,
    **changes: Unpack[ExperimentSettings],
) -> None:
    """Changes what is named. Groups and the sample's share only before the experiment runs, the rest until it is
    decided, the name always. Raises as creating does."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    experiment, campaign = await _locked(tx, experiment_id)
    clean = _checked(campaign, dict(changes))
    shaping = groups is not None or clean.get("sample_share", experiment.sample_share) != experiment.sample_share
    if experiment.state != NEW and shaping:
        raise Conflict(f"The experiment is {experiment.state}: its groups can no longer be changed.", "groups")
    if experiment.state == DECIDED and set(clean) - {"name"}:
        raise Conflict("The experiment is decided.", "state")
    if groups is not None:
        await _save_groups(tx, experiment_id, _checked_groups(groups))
    if experiment.state == RUNNING and experiment.decides_at is not None and "decides_after_s" in clean:
        experiment.decides_at += timedelta(seconds=clean["decides_after_s"] - experiment.decides_after_s)
    for key, value in clean.items():
        setattr(experiment, key, value)
    experiment.updated_at = tx.now
    if experiment.state == RUNNING and experiment.automatic and experiment.decides_at is not None:
        tx.enqueue("campaigns.decide", {"experiment": experiment_id.hex}, run_at=max(experiment.decides_at, tx.now))
    await tx.session.flush()
    tx.audit("experiment.update", public_id("experiment", experiment_id), {"changed": sorted(clean)})


async def delete_experiment(tx: Tx, *, experiment_id: UUID) -> None:
    """Takes an experiment away: from then on everybody gets the content of group 0. Raises :class:`NotFound`, and
    :class:`Conflict` while it runs in a campaign that is not called."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    experiment, campaign = await _locked(tx, experiment_id)
    if experiment.state == RUNNING and campaign.kind not in CALLED:
        raise Conflict("The experiment is running: decide it first.", "state")
    await tx.session.execute(delete(TestGroup).where(col(TestGroup.experiment_id) == experiment_id))
    await tx.session.execute(delete(Experiment).where(col(Experiment.id) == experiment_id))
    tx.audit("experiment.delete", public_id("experiment", experiment_id))


async def decide_experiment(tx: Tx, *, experiment_id: UUID, winner: int | None = None) -> Experiment:
    """Ends an experiment: everybody who still waits gets the content of ``winner``.

    With None the statistic decides. If it finds no group better with the wanted confidence there is no winner, and the
    others are split as the sample was. Raises :class:`NotFound`, :class:`Invalid` at ``winner``, and :class:`Conflict`
    for an experiment that does not run.
    """
    tx.require(Scope.CAMPAIGNS_SEND)
    experiment, campaign = await _locked(tx, experiment_id)
    if experiment.state != RUNNING:
        raise Conflict(f"The experiment is {experiment.state}, not running.", "state")
    positions = [group.position for group in await CampaignStore(tx).groups(experiment_id)]
    if winner is not None and winner not in positions:
        raise Invalid.at("winner", f"must be one of {', '.join(map(str, positions))}")
    verdict = await _verdict(tx, experiment)
    experiment.result = result_of(verdict, tx, experiment)
    experiment.winner = verdict.winner if winner is None else winner
    experiment.state, experiment.decided_at, experiment.updated_at = DECIDED, tx.now, tx.now
    await tx.session.flush()
    for run in await CampaignStore(tx).runs(campaign.id, UNFINISHED):
        if run.prepared_at is None:
            # From the beginning: who was left out so far, because they were not in the sample, gets what won.
            run.awaits_winner, run.cursor = False, None
            await tx.session.flush()
            await take_up(tx, run=run)
    tell_campaign(tx, campaign.id, "campaign.progress", {"experiment": DECIDED, "winner": experiment.winner})
    tx.audit("experiment.decide", public_id("experiment", experiment_id), {"winner": experiment.winner})
    return experiment


async def decide_if_due(tx: Tx, *, experiment_id: UUID) -> None:
    """Has the statistic decide an automatic experiment whose moment has come; not while its campaign stands still."""
    tx.require(Scope.CAMPAIGNS_SEND)
    experiment, campaign = await _locked(tx, experiment_id)
    due = experiment.automatic and experiment.decides_at is not None and experiment.decides_at <= tx.now
    if experiment.state == RUNNING and due and campaign.status not in STANDING:
        await decide_experiment(tx, experiment_id=experiment_id)


async def due_experiments(reading: Reading, *, limit: int) -> list[Experiment]:
    """Automatic experiments whose moment has come, of any tenant for the system, the longest waiting first."""
    reading.require(Scope.CAMPAIGNS_SEND)
    here = select(col(Campaign.id)).where(
        col(Campaign.tenant_id) == col(Experiment.tenant_id),
        col(Campaign.id) == col(Experiment.campaign_id),
        col(Campaign.deleted_at).is_(None),
        col(Campaign.status).not_in(STANDING),
    )
    wanted = select(Experiment).where(
        col(Experiment.state) == RUNNING,
        col(Experiment.automatic),
        col(Experiment.decides_at) <= reading.now,
        here.exists(),
    )
    return list((await reading.session.execute(wanted.order_by(col(Experiment.decides_at)).limit(limit))).scalars())


async def experiment_result(reading: Reading, *, experiment_id: UUID) -> Verdict:
    """What the statistic says of the groups now. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await _verdict(reading, await _get(reading, experiment_id))


async def get_experiment(reading: Reading, *, experiment_id: UUID) -> Experiment:
    """One experiment. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await _get(reading, experiment_id)


async def experiment_of(reading: Reading, *, campaign_id: UUID) -> Experiment | None:
    """The experiment of a campaign, if it has one."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await CampaignStore(reading).experiment(campaign_id)


async def groups_of(reading: Reading, *, experiment_id: UUID) -> list[TestGroup]:
    """The groups of an experiment, in their order."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await CampaignStore(reading).groups(experiment_id)


async def list_experiments(reading: Reading, *, limit: int = 100, offset: int = 0) -> Page[Experiment]:
    """The experiments of campaigns that are not deleted, the newest first. Raises :class:`Invalid`."""
    reading.require(Scope.CAMPAIGNS_READ)
    check_window(offset, limit)
    here = select(col(Campaign.id)).where(col(Campaign.deleted_at).is_(None))
    wanted = select(Experiment).where(col(Experiment.campaign_id).in_(here))
    total = (await reading.session.execute(select(func.count()).select_from(wanted.subquery()))).scalar_one()
    page = wanted.order_by(col(Experiment.number).desc()).limit(limit).offset(offset)
    return Page((await reading.session.execute(page)).scalars().all(), total)


def result_of(verdict: Verdict, reading: Reading, experiment: Experiment) -> dict[str, Any]:
    """What an experiment keeps of a verdict."""
    return {
        "at": iso(reading.now),
        "metric": experiment.metric,
        "winner": verdict.winner,
        "confidence": round(1000 * verdict.confidence),
        "groups": [asdict(group) for group in verdict.groups],
    }


async def _get(reading: Reading, experiment_id: UUID, *, locked: bool = False) -> Experiment:
    wanted = select(Experiment).where(col(Experiment.id) == experiment_id)
    if locked:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    found = (await reading.session.execute(wanted)).scalar_one_or_none()
    if found is None:
        raise NotFound("experiment", "experiment_id")
    return found


async def _locked(tx: Tx, experiment_id: UUID) -> tuple[Experiment, Campaign]:
    """The experiment and its campaign, the campaign locked first as everybody does."""
    experiment = await _get(tx, experiment_id)
    campaign = await CampaignStore(tx).get(experiment.campaign_id, "experiment_id", locked=True)
    return await _get(tx, experiment_id, locked=True), campaign


async def _verdict(reading: Reading, experiment: Experiment) -> Verdict:
    groups = await CampaignStore(reading).groups(experiment.id)
    counted = METRICS[experiment.metric]
    wanted = (
        select(col(Content.test_group), col(HourlyCount.metric), func.sum(col(HourlyCount.count)))
        .join(
            HourlyCount,
            (col(HourlyCount.tenant_id) == col(Content.tenant_id)) & (col(HourlyCount.subject_id) == col(Content.id)),
        )
        .where(col(Content.campaign_id) == experiment.campaign_id, col(HourlyCount.metric).in_(["sent", counted]))
        .group_by(col(Content.test_group), col(HourlyCount.metric))
    )
    counts = {(group, metric): int(count) for group, metric, count in await reading.session.execute(wanted)}
    tallies = [
        Tally(one.position, sent := counts.get((one.position, "sent"), 0),
              min(sent, counts.get((one.position, counted), 0)))
        for one in groups
    ]  # fmt: skip
    return compare_groups(tallies, experiment.confidence / 1000)


async def _save_groups(tx: Tx, experiment_id: UUID, groups: Sequence[GroupShare]) -> None:
    await tx.session.execute(delete(TestGroup).where(col(TestGroup.experiment_id) == experiment_id))
    rows = [
        {"experiment_id": experiment_id, "position": position, "name": group.name, "share": group.share}
        for position, group in enumerate(groups)
    ]
    await tx.insert(TestGroup, rows)


def _check_open(campaign: Campaign) -> None:
    if campaign.status not in (DRAFT, FAILED) and campaign.kind not in CALLED:
        raise Conflict(f"The campaign is {campaign.status}: it can have no experiment any more.", "campaign_id")


def _checked_groups(groups: Sequence[GroupShare]) -> list[GroupShare]:
    if not 2 <= len(groups) <= MOST_GROUPS:
        raise Invalid.at("groups", f"must be 2 to {MOST_GROUPS}")
    for place, group in enumerate(groups):
        if isinstance(group.share, bool) or not isinstance(group.share, int) or group.share < 0:
            raise Invalid.at(f"groups.{place}.share", "must be a whole number, per mille")
    if sum(group.share for group in groups) != 1000:
        raise Invalid.at("groups", "must have shares that are 1000 in all (per mille)")
    return [
        GroupShare(checked_name(group.name, f"groups.{place}.name", required=True), group.share)
        for place, group in enumerate(groups)
    ]


def _checked(campaign: Campaign, given: dict[str, Any]) -> dict[str, Any]:
    limits = {"sample_share": (1, 1000), "confidence": (500, 999), "decides_after_s": (60, LONGEST_S)}
    for key, (least, most) in limits.items():
        value = given.get(key, least)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Invalid.at(key, f"must be a whole number from {least} to {most}")
    if given.get("metric", "clicked") not in METRICS:
        raise Invalid.at("metric", f"must be one of {', '.join(METRICS)}")
    if not isinstance(given.get("automatic", False), bool):
        raise Invalid.at("automatic", "must be true or false")
    if "name" in given:
        given["name"] = checked_name(given["name"])
    if given.get("sample_share", 1000) < 1000 and campaign.kind != ONE_OFF:
        raise Invalid.at("sample_share", "is of one-off campaigns alone: of others nobody can wait for the winner")
    unknown = set(given) - {*limits, "metric", "automatic", "name"}
    if unknown:
        raise Invalid.at(min(unknown), "is no setting of an experiment")
    return given
