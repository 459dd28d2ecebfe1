"""Making the deliveries of a run: exactly one for each person and channel, a portion of people at a time.

A portion is one unit of work that also moves the run's cursor, so preparing may be broken off anywhere and begun again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlmodel import col

from app.actions.campaigns.assigning import Split, assign_group, is_control
from app.actions.campaigns.audience import Recipient, awaits_segments, next_recipients
from app.actions.campaigns.finishing import finish_if_done
from app.actions.campaigns.schedule import due_at
from app.actions.campaigns.store import CampaignStore
from app.actions.campaigns.words import PREPARING, SENDING
from app.actions.content import pick_content
from app.actions.deliveries.telling import DeliveryEvent, tell_campaign, tell_deliveries
from app.core.access import Scope
from app.core.batches import among
from app.core.errors import Conflict
from app.core.ids import new_id
from app.core.tx import Reading, Tx
from models import Campaign, CampaignRun, Content, Customer, Delivery, Job, RunPortion

PLANNED = 20_000
"""People that one look finds at most."""
CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Plan:
    """Whose deliveries are to be made next, and by what. ``is_whole``: there is nobody after them; otherwise there are
    some of them, unless it ``waits``: the members of a segment are still being found."""

    campaign: Campaign
    run: CampaignRun
    split: Split | None
    contents: Sequence[Content]
    recipients: Sequence[Recipient]
    is_whole: bool
    waits: bool = False


async def plan_preparation(reading: Reading, *, run_id: UUID) -> Plan | None:
    """Whom to make deliveries for next. None when there is nothing to do: the run is paused, over, or waits."""
    reading.require(Scope.CAMPAIGNS_SEND)
    store = CampaignStore(reading)
    run = await store.run(run_id)
    if run.state != PREPARING or run.awaits_winner or "url" in (run.recipients or {}):
        return None
    campaign = await store.get(run.campaign_id)
    if await awaits_segments(reading, campaign, run):
        return Plan(campaign, run, None, (), (), is_whole=False, waits=True)
    found = await next_recipients(reading, campaign, run, after=run.cursor, limit=PLANNED)
    split = await store.split(campaign.id)
    return Plan(campaign, run, split, await store.contents(campaign.id), found.recipients, found.is_whole)


async def prepare_portion(tx: Tx, *, plan: Plan, after: UUID | None, made: int, recipients: Sequence[Recipient]) -> int:
    """Makes the deliveries of these recipients, who follow the customer ``after`` in the plan; the run has ``made``
    before. Returns how many these are.

    Raises :class:`Conflict` when the run has moved on otherwise (it was paused, or somebody else prepares it).
    """
    tx.require(Scope.CAMPAIGNS_SEND)
    # The campaign before its run, as everybody does: each delivery refers to it, and who pauses it holds it meanwhile.
    held = select(col(Campaign.id)).where(col(Campaign.id) == plan.campaign.id)
    await tx.session.execute(held.with_for_update(read=True, key_share=True))
    waiting = await _waiting(tx, plan.run.id, recipients)
    making = _Making(plan, tx.now, made)
    rows = [row for one in recipients if one.customer_id in waiting for row in making.rows(one)]
    controls = {row["customer_id"] for row in rows if row["reason"] == CONTROL}
    moved = (
        update(CampaignRun)
        .where(
            col(CampaignRun.id) == plan.run.id,
            col(CampaignRun.state) == PREPARING,
            col(CampaignRun.awaits_winner).is_(False),
            col(CampaignRun.cursor).is_not_distinct_from(after),
        )
        .values(
            cursor=recipients[-1].customer_id,
            targeted=col(CampaignRun.targeted) + len({row["customer_id"] for row in rows}),
            prepared=made + len(rows),
            control=col(CampaignRun.control) + len(controls),
        )
        .returning(col(CampaignRun.id))
    )
    if (await tx.session.execute(moved, execution_options={"synchronize_session": False})).scalar_one_or_none() is None:
        raise Conflict("The run has moved on.")
    if await CampaignStore(tx).split(plan.campaign.id) != plan.split:
        raise Conflict("The experiment was decided meanwhile.")  # by whoever begins this run anew
    await tx.insert(Delivery, rows)
    if "portions" in (plan.run.recipients or {}):
        await forget_portions(tx, run_id=plan.run.id, until=recipients[-1].customer_id)
    tx.dispatch()
    await tell_deliveries(tx, _events(rows, tx.now))
    tell_campaign(tx, plan.campaign.id, "campaign.progress", {"run": plan.run.id.hex, "prepared": made + len(rows)})
    return len(rows)


async def finish_preparation(tx: Tx, *, run_id: UUID, after: UUID | None) -> None:
    """Notes that everybody up to ``after``, the last one, has their deliveries; those who are not in the sample of an
    experiment still wait. Does nothing when the run has moved on otherwise."""
    tx.require(Scope.CAMPAIGNS_SEND)
    store = CampaignStore(tx)
    campaign = await store.get((await store.run(run_id)).campaign_id, locked=True)
    run = await store.run(run_id, locked=True)
    if run.state != PREPARING or run.awaits_winner or run.cursor != after:
        return
    split = await store.split(campaign.id)
    if split is not None and not split.is_decided and split.sample_share < 1000:
        run.awaits_winner = True
    else:
        run.state, run.prepared_at = SENDING, tx.now
        if "portions" in (run.recipients or {}):
            await forget_portions(tx, run_id=run_id)
    await tx.session.flush()
    if not run.awaits_winner:
        await finish_if_done(tx, run)


async def forget_portions(tx: Tx, *, run_id: UUID, until: UUID | None = None) -> None:
    """Drops what is kept of a run's data file; only those of whom everybody has had their turn up to ``until``."""
    tx.require(Scope.CAMPAIGNS_SEND)
    done = delete(RunPortion).where(col(RunPortion.run_id) == run_id)
    if until is not None:
        done = done.where(col(RunPortion.last_id) <= until)
    await tx.session.execute(done, execution_options={"synchronize_session": False})


async def _waiting(tx: Tx, run_id: UUID, recipients: Sequence[Recipient]) -> set[UUID]:
    """Those who are active (and stay so until this transaction ends) and have no delivery of the run; after an
    experiment its sample has."""
    served = exists().where(
        col(Delivery.tenant_id) == tx.tenant_id,
        col(Delivery.occurrence_id) == run_id,
        col(Delivery.customer_id) == col(Customer.id),
    )
    people = [one.customer_id for one in recipients]
    wanted = (
        select(col(Customer.id))
        .where(among(tx.session, Customer.id, people), col(Customer.status) == "active", ~served)
        .order_by(col(Customer.id))
        .with_for_update(read=True, key_share=True, of=Customer)
    )
    return set((await tx.session.execute(wanted)).scalars())


async def idle_runs(reading: Reading, *, limit: int) -> list[CampaignRun]:
    """Runs that are to be prepared and that no job is there for, of any tenant for the system, the oldest first."""
    reading.require(Scope.CAMPAIGNS_SEND)
    jobs = select(col(Job.payload)).where(
        col(Job.kind).in_(["campaigns.prepare", "campaigns.fetch"]), col(Job.state).in_(["due", "running"])
    )
    busy = {payload["run"] for payload in (await reading.session.execute(jobs)).scalars()}
    wanted = select(CampaignRun).where(col(CampaignRun.state) == PREPARING, col(CampaignRun.awaits_winner).is_(False))
    rows = (await reading.session.execute(wanted.order_by(col(CampaignRun.id)).limit(limit + len(busy)))).scalars()
    return [run for run in rows if run.id.hex not in busy][:limit]


async def take_up(tx: Tx, *, run: CampaignRun) -> None:
    """Has a run prepared; before that, its data file fetched if it has one."""
    tx.require(Scope.CAMPAIGNS_SEND)
    if "url" in (run.recipients or {}):
        tx.enqueue("campaigns.fetch", {"run": run.id.hex})
    else:
        tx.enqueue("campaigns.prepare", {"run": run.id.hex})


class _Making:
    """The rows of one portion."""

    def __init__(self, plan: Plan, now: datetime, made: int) -> None:
        self._plan = plan
        self._now = now
        self._made = made
        self._due: dict[str, datetime] = {}

    def rows(self, one: Recipient) -> list[dict[str, Any]]:
        """One delivery for each channel; for the control group it says why nothing was sent."""
        campaign, split = self._plan.campaign, self._plan.split
        group = None if split is None else assign_group(split, one.customer_id)
        if split is not None and group is None:
            return []
        kept_out = is_control(campaign.id, campaign.control_share, one.customer_id)
        rows = [self._row(one, channel, group, kept_out) for channel in campaign.channels]
        self._made += len(rows)
        return rows

    def _row(self, one: Recipient, channel: str, group: int | None, kept_out: bool) -> dict[str, Any]:
        campaign, run = self._plan.campaign, self._plan.run
        content = pick_content(self._plan.contents, channel, group, one.locale)
        return {
            "id": new_id(),
            "customer_id": one.customer_id,
            "campaign_id": campaign.id,
            "run_id": run.id,
            "occurrence_id": run.id,
            "content_id": None if content is None else content.id,
            "channel": channel,
            "test_group": group,
            "lane": 1,
            "priority": campaign.priority,
            "state": "skipped" if kept_out else "queued",
            "reason": CONTROL if kept_out else None,
            "data": None if one.data is None else {"data": one.data},
            "decision": _kept_out(campaign.control_share) if kept_out else None,
            "due_at": self._due_at(one),
            "created_at": self._now,
        }

    def _due_at(self, one: Recipient) -> datetime:
        campaign, run = self._plan.campaign, self._plan.run
        if campaign.schedule.get("in_recipients_timezone"):
            if one.timezone not in self._due:
                self._due[one.timezone] = due_at(campaign.schedule, run.due_at, one.timezone)
            moment = self._due[one.timezone]
        else:
            moment = run.due_at
        return moment + timedelta(seconds=self._made / campaign.throttle_per_s) if campaign.throttle_per_s else moment


def _kept_out(share: int) -> list[dict[str, Any]]:
    """The decision on somebody of the control group."""
    return [
        {"gate": "audience", "verdict": "pass", "value": {}, "detail": ""},
        {
            "gate": CONTROL,
            "verdict": "stop",
            "value": {"share": share},
            "detail": "Belongs to the control group, who get nothing.",
        },
    ]


def _events(rows: Sequence[dict[str, Any]], now: datetime) -> list[DeliveryEvent]:
    return [
        DeliveryEvent(
            row["id"],
            row["customer_id"],
            row["campaign_id"],
            row["content_id"],
            row["run_id"],
            row["channel"],
            metric,
            now,
            {} if metric == "created" else {"reason": row["reason"]},
        )
        for row in rows
        for metric in (("created", "skipped") if row["reason"] == CONTROL else ("created",))
    ]
