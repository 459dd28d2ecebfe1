"""What people decide about deliveries: trying again what failed, settling doubts, cancelling what waits."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlmodel import col

from app.actions.deliveries.claiming import UNSYNCHRONISED
from app.actions.deliveries.finishing import reopen_runs
from app.actions.deliveries.pausing import SENDS
from app.actions.deliveries.store import DeliveryStore
from app.actions.deliveries.telling import tell_deliveries
from app.core.access import Scope
from app.core.batches import among
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import public_id
from app.core.tx import Tx
from models import Campaign, Delivery

VERDICTS = ("sent", "resend", "failed")
GOES_ON = SENDS | {"paused"}
"""What a campaign is of which a message may still go some time."""
AT_ONCE = 5000
"""Deliveries that one call changes; call again for more."""


async def retry_failed(tx: Tx, *, campaign_id: UUID) -> int:
    """Queues again the deliveries of a campaign that failed; bounced, skipped and sent ones stay what they are, and
    every gate is asked anew. At most 5,000 in one call; returns how many. Raises :class:`NotFound`, and
    :class:`Conflict` for a campaign that is not sending or completed."""
    tx.require(Scope.CAMPAIGNS_SEND)
    await _check_campaign(tx, campaign_id, SENDS)
    which = [col(Delivery.campaign_id) == campaign_id, col(Delivery.state) == "failed"]
    again = await _queue_again(tx, which)
    tx.audit("campaign.retry_failed", public_id("campaign", campaign_id), {"deliveries": len(again)})
    return len(again)


async def settle_doubts(
    tx: Tx, *, verdict: str, delivery_ids: Collection[UUID] | None = None, campaign_id: UUID | None = None
) -> int:
    """Says what became of deliveries in doubt: they were ``sent``, have ``failed``, or are to be sent again
    (``resend``: whoever did get the message gets it twice). Of these deliveries, or of a whole campaign.

    At most 5,000 in one call; returns how many were in doubt. What belongs to a campaign that is over is not sent
    again: of single deliveries it stays in doubt. Raises :class:`Invalid`, :class:`NotFound`, and :class:`Conflict` for
    sending again a campaign that is over.
    """
    tx.require(Scope.CAMPAIGNS_SEND)
    if verdict not in VERDICTS:
        raise Invalid.at("verdict", f"must be one of {', '.join(VERDICTS)}")
    if (delivery_ids is None) == (campaign_id is None):
        raise Invalid.at("delivery_ids", "must be given, or else campaign_id")
    if delivery_ids is not None and len(delivery_ids) > AT_ONCE:
        raise Invalid.at("delivery_ids", f"must be at most {AT_ONCE:,}")
    which = [col(Delivery.state) == "in_doubt"]
    if campaign_id is not None:
        await _check_campaign(tx, campaign_id, GOES_ON if verdict == "resend" else None)
        which.append(col(Delivery.campaign_id) == campaign_id)
    else:
        which.append(among(tx.session, Delivery.id, delivery_ids or ()))
    if verdict == "resend":
        settled = await _queue_again(tx, which)
    else:
        values = {"sent": {"state": "sent", "sent_at": tx.now, "reason": None}}.get(
            verdict, {"state": "failed", "failed_at": tx.now, "reason": "settled"}
        )
        settled = await _change(tx, which, lease_token=None, **values)
        await tell_deliveries(tx, await DeliveryStore(tx).events(settled, verdict, settled=True))
    about = public_id("campaign", campaign_id) if campaign_id else "deliveries"
    tx.audit("deliveries.settle", about, {"verdict": verdict, "deliveries": len(settled)})
    return len(settled)


async def cancel_delivery(tx: Tx, *, delivery_id: UUID) -> None:
    """Cancels one delivery that waits. Raises :class:`NotFound`, and :class:`Conflict` once it is in hand or sent."""
    tx.require(Scope.CAMPAIGNS_SEND)
    which = [col(Delivery.id) == delivery_id, col(Delivery.state).in_(("draft", "queued"))]
    if not await _change(tx, which, state="cancelled", reason="cancelled"):
        await _refuse(tx, delivery_id, "cancelled")
    await tell_deliveries(tx, await DeliveryStore(tx).events([delivery_id], "cancelled", by="hand"))
    tx.audit("delivery.cancel", public_id("delivery", delivery_id))


async def send_draft(tx: Tx, *, delivery_id: UUID) -> None:
    """Queues a draft. Raises :class:`NotFound`, and :class:`Conflict` for what is no draft."""
    tx.require(Scope.CAMPAIGNS_SEND)
    which = [col(Delivery.id) == delivery_id, col(Delivery.state) == "draft"]
    if not await _change(tx, which, state="queued", due_at=tx.now):
        await _refuse(tx, delivery_id, "sent from a draft")
    tx.dispatch()
    tx.audit("delivery.send_draft", public_id("delivery", delivery_id))


async def _queue_again(tx: Tx, which: Sequence[Any]) -> list[UUID]:
    """Queues them, and opens their runs; not those of campaigns that are over. Their campaigns are locked first, as
    everybody does: whoever ends a run meanwhile comes before, and it is opened again, or after, and sees that it has
    something to send."""
    living = select(col(Campaign.id)).where(
        col(Campaign.tenant_id) == tx.tenant_id,
        col(Campaign.status).in_(sorted(GOES_ON)),
        col(Campaign.deleted_at).is_(None),
    )
    goes_on = col(Delivery.campaign_id).in_(living)
    which = [*which, or_(col(Delivery.campaign_id).is_(None), col(Delivery.is_test), goes_on)]
    some = select(col(Delivery.campaign_id)).where(*which).order_by(col(Delivery.id)).limit(AT_ONCE)
    ids = {id for id in (await tx.session.execute(some)).scalars() if id is not None}
    campaigns = select(col(Campaign.id)).where(among(tx.session, Campaign.id, ids)).order_by(col(Campaign.id))
    await tx.session.execute(campaigns.with_for_update())
    settled = await _change(
        tx, which, state="queued", reason=None, error=None, attempts=0, due_at=tx.now, lease_token=None, failed_at=None
    )
    runs = select(col(Delivery.run_id)).where(among(tx.session, Delivery.id, settled)).distinct()
    ended = {run for run in (await tx.session.execute(runs)).scalars() if run is not None}
    if ended:
        await reopen_runs(tx, run_ids=ended)
    if settled:
        tx.dispatch()
    return settled


async def _change(tx: Tx, which: Sequence[Any], **values: Any) -> list[UUID]:
    some = select(col(Delivery.id)).where(*which).order_by(col(Delivery.id)).limit(AT_ONCE).with_for_update()
    ids = (await tx.session.execute(some)).scalars().all()
    if not ids:
        return []
    statement = update(Delivery).where(among(tx.session, Delivery.id, ids)).values(**values)
    await tx.session.execute(statement.execution_options(**UNSYNCHRONISED))
    return list(ids)


async def _check_campaign(tx: Tx, campaign_id: UUID, statuses: Collection[str] | None) -> None:
    """Raises unless there is such a campaign, with one of these statuses."""
    statement = select(col(Campaign.status)).where(col(Campaign.id) == campaign_id, col(Campaign.deleted_at).is_(None))
    status = (await tx.session.execute(statement)).scalar_one_or_none()
    if status is None:
        raise NotFound("campaign", "campaign_id")
    if statuses is not None and status not in statuses:
        raise Conflict(f"The campaign is {status}: it sends nothing.", "campaign_id")


async def _refuse(tx: Tx, delivery_id: UUID, what: str) -> None:
    statement = select(col(Delivery.state)).where(col(Delivery.id) == delivery_id)
    state = (await tx.session.execute(statement)).scalar_one_or_none()
    if state is None:
        raise NotFound("delivery", "delivery_id")
    raise Conflict(f"A delivery that is {state} cannot be {what}.", "delivery_id")
