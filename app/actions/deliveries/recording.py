"""Writing down what becomes of messages, group by group: one statement for a group's rows, one for what is told of it.

A row is only changed while the lease under which it was claimed is ours: whoever lost it is not believed any more.
"""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete

from app.actions.consent.suppressions import BadAddress, suppress_all
from app.actions.deliveries.claiming import CLAIMED, IDEMPOTENT, LEASE, MOST_ATTEMPTS, UNSYNCHRONISED
from app.actions.deliveries.parcels import Parcel
from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.channels import Outcome, Result
from app.core.access import Scope
from app.core.batches import among
from app.core.ids import new_id
from app.core.tx import Tx
from models import ArchivedMessage, Delivery, OutboxMessage

HANDED_OVER = ("state", ("sending",))
UNANSWERED = ("state", ("claimed", "sending", "in_doubt"))
"""What a final answer settles, even a late one. Nothing is ``sending`` that stays in the house."""
FIRST_RETRY_S, LONGEST_RETRY_S = 15.0, 6 * 3600.0
LONGEST_ERROR = 2000
LONGEST_HEAD = 300
"""Characters of a subject in the outbox."""


async def record_unsent(tx: Tx, *, parcels: Sequence[Parcel]) -> None:
    """Writes down why messages do not go now (they are queued until the gate's moment) or never (they are skipped)."""
    tx.require(Scope.CAMPAIGNS_SEND)
    rows = [_unsent(parcel) for parcel in parcels]
    ours = await tx.update(Delivery, rows, LEASE, CLAIMED)
    stopped = [parcel for parcel in parcels if parcel.decision.verdict == "stop" and parcel.claim.id in ours]
    await tell_deliveries(tx, [_stopped(parcel, tx.now) for parcel in stopped])


async def mark_sending(
    tx: Tx, *, parcels: Sequence[Parcel], lease: timedelta, is_idempotent: bool = False
) -> list[Parcel]:
    """Writes down that these messages are about to be handed over, and what is in them. Returns those still ours: only
    they may be sent, and only after this unit has committed. ``is_idempotent``: the provider takes a message once under
    its key, so that after a crash it is not in doubt but sent again."""
    tx.require(Scope.CAMPAIGNS_SEND)
    rows = [
        {
            **_known(parcel, tx.now),
            "state": "sending",
            "reason": IDEMPOTENT if is_idempotent else None,
            "lease_until": tx.now + lease,
        }
        for parcel in parcels
    ]
    ours = await tx.update(Delivery, rows, LEASE, CLAIMED)
    sent = [parcel for parcel in parcels if parcel.claim.id in ours]
    await _archive(tx, sent)
    await _count_attempts(tx, sent)
    return sent


async def record_outcomes(tx: Tx, *, outcomes: Sequence[tuple[Parcel, Outcome]], resends: bool = False) -> None:
    """Writes down what became of messages that were handed over. ``resends``: what is in doubt is sent again. To write
    the same down twice changes, tells and counts nothing more.

    What comes after its lease, when the delivery is in doubt already, settles it where it is final; where the message
    would be tried again the doubt stays, for its run may have ended with it.
    """
    tx.require(Scope.CAMPAIGNS_SEND)
    final: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    events = []
    for parcel, outcome in outcomes:
        row, event = _outcome(parcel, outcome, tx.now, resends)
        rows = again if row["state"] in ("queued", "in_doubt") else final
        rows.append({**UNCHANGED, **row, "id": parcel.claim.id, "lease_token": parcel.claim.token})
        events.append(event)
    ours = await tx.update(Delivery, final, LEASE, UNANSWERED)
    ours |= await tx.update(Delivery, again, LEASE, HANDED_OVER)
    await tell_deliveries(tx, [event for event in events if event.delivery_id in ours])
    bad = [
        BadAddress(parcel.claim.channel, parcel.recipient, outcome.detail, parcel.claim.id)
        for parcel, outcome in outcomes
        if outcome.address_is_bad and parcel.claim.channel != "push" and parcel.claim.id in ours
    ]
    await suppress_all(tx, bad, "hard_bounce")
    tokens = sorted({token for _, outcome in outcomes for token in outcome.gone_devices})
    if tokens:
        tx.enqueue("devices.forget", {"tokens": tokens})  # in a unit of its own: it locks people
    unkept = [
        parcel.claim.id
        for parcel, outcome in outcomes
        if not parcel.is_retained and outcome.result in (Result.ACCEPTED, Result.REJECTED)
    ]
    if unkept:
        gone = delete(ArchivedMessage).where(among(tx.session, ArchivedMessage.delivery_id, unkept))
        await tx.session.execute(gone, execution_options=UNSYNCHRONISED)


async def record_kept(tx: Tx, *, parcels: Sequence[Parcel]) -> list[Parcel]:
    """Sends messages into the outbox: they are written and sent at once, and never in doubt. Returns those written."""
    tx.require(Scope.CAMPAIGNS_SEND)
    written = await record_written(tx, parcels=parcels)
    await tx.insert(OutboxMessage, [_kept(parcel, tx.now) for parcel in written])
    return written


async def record_written(tx: Tx, *, parcels: Sequence[Parcel]) -> list[Parcel]:
    """Notes as sent what the caller writes in this same unit. Returns those still ours: only they may be written."""
    tx.require(Scope.CAMPAIGNS_SEND)
    rows = [
        {
            **_known(parcel, tx.now),
            "state": "sent",
            "reason": None,
            "error": None,
            "lease_until": None,
            "sent_at": tx.now,
        }
        for parcel in parcels
    ]
    ours = await tx.update(Delivery, rows, LEASE, CLAIMED)
    written = [parcel for parcel in parcels if parcel.claim.id in ours]
    await _archive(tx, [parcel for parcel in written if parcel.is_retained])
    await _count_attempts(tx, written)
    await tell_deliveries(tx, [_event(parcel, "sent", tx.now) for parcel in written])
    return written


UNCHANGED: dict[str, Any] = {
    "reason": None,
    "error": None,
    "provider_message_id": None,
    "lease_until": None,
    "sent_at": None,
    "bounced_at": None,
    "failed_at": None,
}


def retry_pause(attempts: int, asked_s: float | None = None) -> timedelta:
    """How long to wait after the ``attempts``-th time a provider would not take a message: three times as long each
    time, from a quarter of a minute to six hours, give or take a fifth; and not less than it asked for."""
    seconds = min(FIRST_RETRY_S * 3 ** (attempts - 1), LONGEST_RETRY_S)
    return timedelta(seconds=max(seconds * random.uniform(0.8, 1.2), asked_s or 0.0))  # noqa: S311


def _known(parcel: Parcel, now: datetime) -> dict[str, Any]:
    claim = parcel.claim
    return {
        "id": claim.id,
        "lease_token": claim.token,
        "recipient": parcel.recipient[:1000],
        "subject": parcel.subject,
        "content_id": parcel.content_id,
        "decision": parcel.decision.document(),
        "integration_id": parcel.integration_id,
        "attempts": claim.attempts + 1,
        "attempted_at": claim.attempted_at or now,
    }


def _unsent(parcel: Parcel) -> dict[str, Any]:
    claim, decision = parcel.claim, parcel.decision
    is_held = decision.verdict == "hold"
    return {
        "id": claim.id,
        "lease_token": claim.token,
        "state": "queued" if is_held else "skipped",
        "reason": decision.reason,
        "error": None if is_held else decision.detail[:LONGEST_ERROR],
        "recipient": claim.recipient if is_held else parcel.recipient[:1000],
        "content_id": parcel.content_id or claim.content_id,
        "decision": decision.document(),
        "due_at": decision.until or claim.due_at,
        "lease_until": None,
    }


def _stopped(parcel: Parcel, now: datetime) -> DeliveryEvent:
    reason = parcel.decision.reason
    return _event(parcel, "suppressed" if reason == "suppression" else "skipped", now, reason=reason)


def _outcome(parcel: Parcel, outcome: Outcome, now: datetime, resends: bool) -> tuple[dict[str, Any], DeliveryEvent]:
    """What the row says now, and what is told."""
    said = " ".join(filter(None, (outcome.code, outcome.detail)))[:LONGEST_ERROR] or None
    attempts = parcel.claim.attempts + 1
    due_at = parcel.claim.due_at
    match outcome.result:
        case Result.ACCEPTED:
            row = {"state": "sent", "sent_at": now, "provider_message_id": outcome.message_id, "error": None}
            return {**row, "due_at": due_at}, _event(parcel, "sent", now)
        case Result.REJECTED if outcome.address_is_bad:
            row = {"state": "bounced", "bounced_at": now, "reason": "hard_bounce", "error": said}
            return {**row, "due_at": due_at}, _event(parcel, "bounced", now, kind="hard", error=said)
        case Result.UNKNOWN if not resends:
            row = {"state": "in_doubt", "reason": "in_doubt", "error": said}
            return {**row, "due_at": due_at}, _event(parcel, "in_doubt", now, error=said)
        case Result.DEFERRED | Result.UNKNOWN if attempts < MOST_ATTEMPTS:
            reason = IDEMPOTENT if outcome.result is Result.UNKNOWN else "deferred"
            row = {"state": "queued", "reason": reason, "error": said}
            row["due_at"] = now + retry_pause(attempts, outcome.retry_after_s)
            return row, _event(parcel, "deferred", now, error=said)
        case _:
            reason = "rejected" if outcome.result is Result.REJECTED else "gave_up"
            row = {"state": "failed", "failed_at": now, "reason": reason, "error": said}
            return {**row, "due_at": due_at}, _event(parcel, "failed", now, error=said)


def _event(parcel: Parcel, metric: str, at: datetime, **extra: Any) -> DeliveryEvent:
    event = parcel.claim.event(metric, at, **extra)
    return event if event.content_id == parcel.content_id else _of_content(event, parcel.content_id)


def _of_content(event: DeliveryEvent, content_id: UUID | None) -> DeliveryEvent:
    """Which content it was is often only known once the language is."""
    return DeliveryEvent(
        event.delivery_id,
        event.customer_id,
        event.campaign_id,
        content_id,
        event.run_id,
        event.channel,
        event.metric,
        event.at,
        event.extra,
        event.counts,
    )


async def _count_attempts(tx: Tx, parcels: Iterable[Parcel]) -> None:
    first = [parcel for parcel in parcels if parcel.claim.attempted_at is None]
    await tell_deliveries(tx, [_event(parcel, "attempted", tx.now) for parcel in first])


async def _archive(tx: Tx, parcels: Sequence[Parcel]) -> None:
    """Keeps the messages. One that was tried before is kept as it goes out now."""
    again = [parcel.claim.id for parcel in parcels if parcel.claim.attempted_at is not None]
    if again:
        old = delete(ArchivedMessage).where(among(tx.session, ArchivedMessage.delivery_id, again))
        await tx.session.execute(old, execution_options=UNSYNCHRONISED)
    await tx.insert(ArchivedMessage, [{**parcel.archived(), "created_at": tx.now} for parcel in parcels])


def _kept(parcel: Parcel, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "channel": parcel.claim.channel,
        "purpose": "delivery",
        "recipient": parcel.recipient[:1000],
        "subject": parcel.subject[:LONGEST_HEAD],
        "body": "",
        "delivery_id": parcel.claim.id,
        "created_at": now,
    }
