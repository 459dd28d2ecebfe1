"""The pace of throttled runs, which of them have nothing left to be sent, and opening them again.

What becomes of a run and its campaign at their end is :func:`app.actions.campaigns.finish_run`'s affair.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, exists, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.actions.deliveries.claiming import UNSYNCHRONISED
from app.actions.deliveries.telling import tell_campaign
from app.core.access import Scope
from app.core.batches import among
from app.core.tx import Reading, Tx
from models import Campaign, CampaignRun, Delivery

UNSENT = ("queued", "claimed", "sending")


async def take_slots(tx: Tx, *, run_id: UUID, messages: int, per_second: int) -> datetime:
    """Gives out the moments at which the next ``messages`` of a throttled run may go, one after the other. Returns the
    first of them; nobody else gets one before the last."""
    tx.require(Scope.CAMPAIGNS_SEND)
    statement = select(col(CampaignRun.slots_until)).where(col(CampaignRun.id) == run_id).with_for_update()
    until: datetime | None = (await tx.session.execute(statement)).scalar_one_or_none()
    first = max(tx.now, until) if until is not None else tx.now
    last = first + timedelta(seconds=messages / per_second)
    await tx.session.execute(
        update(CampaignRun).where(col(CampaignRun.id) == run_id).values(slots_until=last),
        execution_options=UNSYNCHRONISED,
    )
    return first


async def ended_runs(reading: Reading, *, run_ids: Collection[UUID] | None = None) -> list[tuple[UUID, UUID]]:
    """Runs (with their tenants) that are sending and have nothing left to be sent; of ``run_ids``, or of all."""
    reading.require(Scope.CAMPAIGNS_SEND)
    statement = select(col(CampaignRun.tenant_id), col(CampaignRun.id)).where(_has_ended())
    if run_ids is not None:
        statement = statement.where(among(reading.session, CampaignRun.id, run_ids))
    return [(tenant_id, id) for tenant_id, id in await reading.session.execute(statement)]


async def reopen_runs(tx: Tx, *, run_ids: Collection[UUID]) -> None:
    """Makes completed runs send again, because some of their messages are to be tried once more; those of a campaign
    that is paused once it is resumed. Their campaigns are locked."""
    tx.require(Scope.CAMPAIGNS_SEND)
    paused = exists().where(
        col(Campaign.tenant_id) == tx.tenant_id,
        col(Campaign.id) == col(CampaignRun.campaign_id),
        col(Campaign.status) == "paused",
    )
    statement = (
        update(CampaignRun)
        .where(
            col(CampaignRun.tenant_id) == tx.tenant_id,
            among(tx.session, CampaignRun.id, run_ids),
            col(CampaignRun.state) == "completed",
        )
        .values(state=case((paused, "paused"), else_="sending"), finished_at=None)
        .returning(col(CampaignRun.campaign_id))
    )
    found = set((await tx.session.execute(statement.execution_options(**UNSYNCHRONISED))).scalars())
    if not found:
        return
    again = update(Campaign).where(
        col(Campaign.tenant_id) == tx.tenant_id,
        among(tx.session, Campaign.id, found),
        col(Campaign.status).in_(["completed", "scheduled"]),
    )
    reopened = again.values(status="sending", completed_at=None, updated_at=tx.now).returning(col(Campaign.id))
    for id in (await tx.session.execute(reopened.execution_options(**UNSYNCHRONISED))).scalars():
        tell_campaign(tx, id, "campaign.status", {"status": "sending"})


def _has_ended() -> Any:
    unsent = aliased(Delivery)
    left = [
        ~exists().where(
            col(unsent.tenant_id) == col(CampaignRun.tenant_id),
            col(unsent.run_id) == col(CampaignRun.id),
            col(unsent.state) == state,
        )
        for state in UNSENT
    ]
    return and_(col(CampaignRun.state) == "sending", col(CampaignRun.prepared_at).is_not(None), *left)
