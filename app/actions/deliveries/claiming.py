"""Taking messages in hand: under a lease, so that a lost worker's come back, and a token, so that it is not believed.

Between ``claimed`` and ``sending`` nothing leaves the house: what a lost worker had claimed is queued again. What it
was ``sending`` may have arrived or not, and is in doubt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select, true, update
from sqlmodel import col

from app.actions.deliveries.store import DeliveryStore
from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.core.access import Scope
from app.core.ids import new_id
from app.core.streams import Stream, find_streams
from app.core.tx import Reading, Tx
from models import Delivery, SendingPolicy
from models.deliveries import IN_HAND, QUEUED

TRANSACTIONAL, CAMPAIGNS = 0, 1
MOST_ATTEMPTS = 9
"""After so many a message is not tried again by itself."""
LOST = "The worker was lost while it was sending."
IDEMPOTENT = "idempotent"
"""The ``reason`` of a delivery that is being sent by a provider who takes it once under its key, however often sent."""
LEASE = ("id", "lease_token")
"""By what a row is still ours."""
CLAIMED = ("state", ("claimed",))
UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Released:
    """How many deliveries of lost workers are queued again, and how many are in doubt now."""

    queued: int
    in_doubt: int


@dataclass(slots=True)
class Claim:
    """A delivery in our hands, as it was when it was claimed. ``token`` is the lease's."""

    token: UUID
    id: UUID
    customer_id: UUID
    campaign_id: UUID | None
    run_id: UUID | None
    content_id: UUID | None
    channel: str
    test_group: int | None
    lane: int
    priority: int
    is_test: bool
    reason: str | None
    recipient: str
    data: dict[str, Any]
    attempts: int
    attempted_at: datetime | None
    due_at: datetime
    created_at: datetime

    def event(self, metric: str, at: datetime, **extra: Any) -> DeliveryEvent:
        """What is told when ``metric`` happens to it."""
        return DeliveryEvent(
            self.id,
            self.customer_id,
            self.campaign_id,
            self.content_id,
            self.run_id,
            self.channel,
            metric,
            at,
            extra,
            counts=not self.is_test,
        )


TAKEN = (
    Delivery.id,
    Delivery.customer_id,
    Delivery.campaign_id,
    Delivery.run_id,
    Delivery.content_id,
    Delivery.channel,
    Delivery.test_group,
    Delivery.lane,
    Delivery.priority,
    Delivery.is_test,
    Delivery.reason,
    Delivery.recipient,
    Delivery.data,
    Delivery.attempts,
    Delivery.attempted_at,
    Delivery.due_at,
    Delivery.created_at,
)


async def due_streams(reading: Reading, *, lane: int) -> list[Stream]:
    """Where messages of a lane wait, of all tenants, with the moment at which the first of each is due."""
    reading.require(Scope.CAMPAIGNS_SEND)
    return await find_streams(reading.session, lane)


async def claim_deliveries(tx: Tx, *, lane: int, stream: Stream, limit: int, lease: timedelta) -> list[Claim]:
    """Takes up to ``limit`` due deliveries of a stream, the longest due first. Nobody else gets them meanwhile."""
    tx.require(Scope.CAMPAIGNS_SEND)
    await tx.commit_lazily()  # what follows from a claim that a crash undoes is found not to be ours
    token = new_id()
    due = (
        select(col(Delivery.id))
        .where(
            col(Delivery.tenant_id) == tx.tenant_id,
            QUEUED,
            col(Delivery.lane) == lane,
            col(Delivery.channel) == stream.channel,
            col(Delivery.priority) == stream.priority,
            col(Delivery.due_at) <= tx.now,
        )
        .order_by(col(Delivery.due_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken: Any = await tx.session.execute(
        update(Delivery)
        .where(col(Delivery.tenant_id) == tx.tenant_id, col(Delivery.id).in_(select(due.c.id)))
        .values(state="claimed", lease_token=token, lease_until=tx.now + lease)
        .returning(*map(col, TAKEN))
        .execution_options(**UNSYNCHRONISED)
    )
    rows: list[tuple[Any, ...]] = taken.all()
    claims = [Claim(token, *row) for row in rows]
    for claim in claims:
        claim.data = claim.data or {}
    return sorted(claims, key=lambda claim: (claim.due_at, claim.id))


async def give_back(tx: Tx, *, claims: Sequence[Claim]) -> int:
    """Queues again what we have in hand and shall not send, because of a shutdown or a slow provider: that was no
    attempt. Returns how many were still ours."""
    tx.require(Scope.CAMPAIGNS_SEND)
    rows = [
        {
            "id": claim.id,
            "lease_token": claim.token,
            "state": "queued",
            "lease_until": None,
            "due_at": claim.due_at,
            "attempts": claim.attempts,
        }
        for claim in claims
    ]
    return len(await tx.update(Delivery, rows, match=LEASE))


async def lost_tenants(reading: Reading, *, everything: bool = False) -> list[UUID]:
    """The tenants of whom some worker was lost with deliveries in its hands. ``everything``: as in
    :func:`release_lost`."""
    reading.require(Scope.CAMPAIGNS_SEND)
    held = select(col(Delivery.tenant_id)).where(IN_HAND, *_ended(everything, reading.now)).distinct()
    return list((await reading.session.execute(held)).scalars())


async def release_lost(tx: Tx, *, everything: bool = False) -> Released:
    """Queues again what lost workers had claimed; what they were sending is in doubt, unless it may be sent again.

    It may where the provider knows by the key that it is the same message, and where the tenant's policy says
    ``resend`` for the channel, yet not for ever: it may be the message that ends its workers. ``everything``: also what
    is under a lease. Only for a process that knows it is alone, before it claims anything. A doubt keeps its token: the
    worker may only have been slow, and know what became of it.
    """
    tx.require(Scope.CAMPAIGNS_SEND)
    policy = (await tx.session.execute(select(col(SendingPolicy.in_doubt)))).scalar_one_or_none() or {}
    resent = [channel for channel, rule in policy.items() if rule == "resend"]
    resendable = (col(Delivery.reason) == IDEMPOTENT) | col(Delivery.channel).in_(resent)
    again = (col(Delivery.state) == "claimed") | and_(resendable, col(Delivery.attempts) < MOST_ATTEMPTS)
    queued = await _release(tx, everything, again, state="queued", due_at=tx.now, lease_token=None)
    doubts = await _release(tx, everything, true(), state="in_doubt", reason="in_doubt", error=LOST)
    await tell_deliveries(tx, await DeliveryStore(tx).events(doubts, "in_doubt"))
    if queued:
        tx.dispatch()
    return Released(len(queued), len(doubts))


async def _release(tx: Tx, everything: bool, which: ColumnElement[bool], **values: Any) -> list[UUID]:
    statement = (
        update(Delivery)
        .where(col(Delivery.tenant_id) == tx.tenant_id, IN_HAND, *_ended(everything, tx.now), which)
        .values(lease_until=None, **values)
        .returning(col(Delivery.id))
        .execution_options(**UNSYNCHRONISED)
    )
    return list((await tx.session.execute(statement)).scalars())


def _ended(everything: bool, now: datetime) -> list[ColumnElement[bool]]:
    return [] if everything else [col(Delivery.lease_until) <= now]
