"""Launching campaigns and beginning their runs."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.campaigns.experimenting import reset_experiment, start_experiment
from app.actions.campaigns.preparing import take_up
from app.actions.campaigns.reviewing import review_campaign
from app.actions.campaigns.schedule import (
    checked_schedule,
    moment_of,
    occurrence_after,
    read_moment,
    start_of,
)
from app.actions.campaigns.store import CampaignStore
from app.actions.campaigns.words import (
    CALLED,
    FAILED,
    ONE_OFF,
    PREPARING,
    RECURRING,
    SCHEDULED,
    SENDING,
    UNFINISHED,
    check_move,
)
from app.actions.deliveries.telling import tell_campaign
from app.core.access import Scope
from app.core.clock import iso
from app.core.errors import Invalid
from app.core.ids import new_id, public_id
from app.core.tx import Reading, Tx
from models import Campaign, CampaignRun

LAUNCH = "launch"
"""The occurrence of a one-off campaign."""


async def launch_campaign(tx: Tx, *, campaign_id: UUID, at: datetime | None = None) -> Campaign:
    """Sets a draft (or one that failed, or that is scheduled, anew) going.

    A one-off campaign sends at ``at``, or at its schedule's moment, or now if neither is later; a recurring one is
    scheduled for its first occurrence after now; a triggered or transactional one sends from now on when it is called.

    Raises :class:`NotFound`; :class:`Conflict` for another status; :class:`Invalid` with every template that does not
    render, every channel without content, or for a missing audience or schedule. Then nothing is changed.
    """
    tx.require(Scope.CAMPAIGNS_SEND)
    await tx.session.flush()
    campaign = await CampaignStore(tx).get(campaign_id, locked=True)
    check_move(campaign, "launched")
    if at is not None:
        if campaign.kind in CALLED:
            raise Invalid.at("at", "is of one-off and recurring campaigns alone")
        campaign.schedule = checked_schedule({**campaign.schedule, "at": read_moment(at, "at")})
    issues = await review_campaign(tx, campaign)
    if issues:
        raise Invalid(*issues)
    campaign.version += 1
    campaign.failure = campaign.completed_at = None
    await reset_experiment(tx, campaign_id)
    await _set_going(tx, campaign)
    await tx.session.flush()
    tell_campaign(tx, campaign_id, "campaign.status", {"status": campaign.status})
    tx.audit("campaign.launch", public_id("campaign", campaign_id), {"version": campaign.version})
    return campaign


async def start_occurrence(tx: Tx, *, campaign_id: UUID, version: int) -> UUID | None:
    """Begins the run that is due of a scheduled campaign; None when there is none (any more).

    Templates are looked at again: one that was broken since the launch fails the campaign before the run's first
    message (:func:`fail_campaign`).
    """
    tx.require(Scope.CAMPAIGNS_SEND)
    campaign = await CampaignStore(tx).get(campaign_id, locked=True)
    ready = campaign.status == SCHEDULED or (campaign.status == SENDING and campaign.kind == RECURRING)
    begins = campaign.scheduled_at
    if not ready or campaign.version != version or begins is None or begins > tx.now:
        return None
    issues = await review_campaign(tx, campaign)
    if issues:
        await fail_campaign(tx, campaign, str(Invalid(*issues)))
        return None
    if campaign.kind == ONE_OFF:
        run_id = await begin_run(tx, campaign, LAUNCH, _due(campaign, moment_of(campaign.schedule), tx.now))
        campaign.scheduled_at = None
    else:
        run_id = await _begin_recurrence(tx, campaign, begins)
    await tx.session.flush()
    return run_id


async def begin_run(tx: Tx, campaign: Campaign, occurrence: str, due_at: datetime, **given: Any) -> UUID:
    """Makes a run whose deliveries are prepared in the background. The campaign is locked."""
    tx.require(Scope.CAMPAIGNS_SEND)
    run_id = new_id()
    row = {
        "id": run_id,
        "campaign_id": campaign.id,
        "number": await CampaignStore(tx).next_run_number(campaign.id),
        "version": campaign.version,
        "occurrence": occurrence,
        "state": PREPARING,
        "due_at": due_at,
        "started_at": tx.now,
        "created_at": tx.now,
        **given,
    }
    run = CampaignRun(tenant_id=tx.tenant_id, **row)
    tx.session.add(run)
    if campaign.kind not in CALLED and campaign.status != SENDING:
        campaign.status = SENDING
        tell_campaign(tx, campaign.id, "campaign.status", {"status": SENDING})
    campaign.started_at = campaign.started_at or tx.now
    campaign.updated_at = tx.now
    await tx.session.flush()
    await start_experiment(tx, campaign, due_at)
    await take_up(tx, run=run)
    return run_id


async def schedule_next(tx: Tx, campaign: Campaign, after: datetime | None) -> None:
    """Notes when a recurring campaign begins next after a moment; null when it never does."""
    tx.require(Scope.CAMPAIGNS_SEND)
    moment = occurrence_after(campaign.schedule, after)
    wait_for(tx, campaign, None if moment is None else start_of(campaign.schedule, moment))


def wait_for(tx: Tx, campaign: Campaign, moment: datetime | None) -> None:
    """Notes when the campaign begins next, and has it woken then."""
    campaign.scheduled_at = moment
    if moment is not None:
        tx.enqueue("campaigns.start", {"campaign": campaign.id.hex, "version": campaign.version}, run_at=moment)


async def fail_campaign(tx: Tx, campaign: Campaign, reason: str) -> None:
    """Ends a campaign of which the next run cannot begin. It is locked.

    Only what was to begin fails. Earlier runs that are still being made or sent go on to their own end, for nothing is
    wrong with them that their messages would not say themselves: until then the campaign is ``sending`` with its
    ``failure``, and nothing more of it begins; with the last of them it is ``failed``. So no run of a failed campaign
    is unfinished, and a run is ``completed`` only when all of it was dealt with.
    """
    tx.require(Scope.CAMPAIGNS_SEND)
    campaign.failure, campaign.scheduled_at, campaign.updated_at = reason[:2000], None, tx.now
    if not await CampaignStore(tx).runs(campaign.id, UNFINISHED):
        campaign.status = FAILED
    await tx.session.flush()
    tell_campaign(tx, campaign.id, "campaign.status", {"status": campaign.status})
    tx.audit("campaign.fail", public_id("campaign", campaign.id), {"reason": reason[:500]})


async def _set_going(tx: Tx, campaign: Campaign) -> None:
    campaign.updated_at = tx.now
    if campaign.kind in CALLED:
        campaign.status, campaign.started_at = SENDING, tx.now
        await start_experiment(tx, campaign, tx.now)
        return
    if campaign.kind == RECURRING:
        await schedule_next(tx, campaign, tx.now)
        if campaign.scheduled_at is None:
            raise Invalid.at("schedule.rrule", "has no moment that is still to come")
        campaign.status = SCHEDULED
        return
    moment = moment_of(campaign.schedule)
    begins = None if moment is None else start_of(campaign.schedule, moment)
    if moment is not None and begins is not None and begins > tx.now:
        campaign.status = SCHEDULED
        wait_for(tx, campaign, begins)
    else:
        campaign.scheduled_at = None
        await begin_run(tx, campaign, LAUNCH, _due(campaign, moment, tx.now))


def _due(campaign: Campaign, moment: datetime | None, now: datetime) -> datetime:
    """The moment that a run is for: what is late goes now, but on recipients' clocks it stays what it was."""
    if moment is None or (moment < now and not campaign.schedule.get("in_recipients_timezone")):
        return now
    return moment


async def _begin_recurrence(tx: Tx, campaign: Campaign, begins: datetime) -> UUID:
    """The run of the occurrence that begins at ``begins``; those that were missed meanwhile are left out."""
    moment = occurrence_after(campaign.schedule, begins - timedelta(microseconds=1)) or begins
    run_id = await begin_run(tx, campaign, iso(moment), moment)
    await schedule_next(tx, campaign, tx.now)
    return run_id


async def overdue_campaigns(reading: Reading, *, limit: int) -> list[Campaign]:
    """Scheduled campaigns whose moment has passed, of any tenant for the system, the longest waiting first."""
    reading.require(Scope.CAMPAIGNS_SEND)
    wanted = select(Campaign).where(
        col(Campaign.status).in_([SCHEDULED, SENDING]),
        col(Campaign.scheduled_at) <= reading.now,
        col(Campaign.deleted_at).is_(None),
    )
    return list((await reading.session.execute(wanted.order_by(col(Campaign.scheduled_at)).limit(limit))).scalars())
