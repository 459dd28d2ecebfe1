"""Making the calls that are owed: who is next, and what became of them.

Of one customer or conversation the earliest call that is due goes out alone; the others wait for it, also while it
waits to be tried again. A call in somebody's hands is leased; one whose holder is lost goes out again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.actions.reporting.owing import Lane
from app.core.access import Scope
from app.core.batches import among
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.ids import new_id, public_id
from app.core.sealing import Unsealable, unseal
from app.core.tx import Reading, Tx
from models import ReportingWebhook, WebhookCall

LEASE = timedelta(seconds=30)
TRIED_FOR = timedelta(days=7)
FIRST_WAIT = timedelta(seconds=30)
LISTED_WAIT = timedelta(hours=1)
LONGEST_WAIT = timedelta(hours=12)
LISTED = frozenset({400, 401, 402, 403, 404, 405, 410, 429, 500, 502, 521})
"""Answers after which the first wait is an hour (``contracts/customerio.md``); so it is when nobody answers."""
KEPT_DONE = timedelta(days=7)
KEPT_DEAD = timedelta(days=30)
MAX_ERROR = 2000
MOST_NAMED = 1000


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook's calls go, and how they are signed."""

    endpoint: str
    dialect: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClaimedCall:
    """A call in our hands until its lease ends. ``attempts`` counts this one."""

    id: UUID
    token: UUID
    event: str
    payload: dict[str, Any]
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CallResult:
    """What became of a call: ``status_code`` None when nobody answered, ``error`` None when it was taken."""

    call: ClaimedCall
    status_code: int | None
    error: str | None


async def lanes_due(reading: Reading) -> list[Lane]:
    """The enabled webhooks, of all tenants, to which a call can go out now."""
    reading.require(Scope.WEBHOOKS_READ)
    hook = ReportingWebhook
    waiting = exists().where(
        col(WebhookCall.tenant_id) == col(hook.tenant_id),
        col(WebhookCall.webhook_id) == col(hook.id),
        _is_next(reading.now),
    )
    statement = select(col(hook.tenant_id), col(hook.id)).where(col(hook.is_enabled), waiting)
    return [Lane(*row) for row in (await reading.session.execute(statement)).all()]


async def claim_calls(tx: Tx, *, webhook_id: UUID, limit: int) -> tuple[Target, list[ClaimedCall]] | None:
    """Takes up to ``limit`` calls that may go out now, each of somebody else; None when there are none, or the webhook
    is gone or disabled."""
    tx.require(Scope.WEBHOOKS_WRITE)
    found = select(ReportingWebhook).where(col(ReportingWebhook.id) == webhook_id, col(ReportingWebhook.is_enabled))
    webhook = (await tx.session.execute(found)).scalar_one_or_none()
    if webhook is None:
        return None
    try:
        target = Target(webhook.endpoint, webhook.dialect, unseal(tx.services.settings, webhook.secret))
    except Unsealable as lost:
        said = f"The webhook's secret {lost}; make another one."[:MAX_ERROR]
        if webhook.last_error != said:
            webhook.last_error, webhook.failing_since = said, webhook.failing_since or tx.now
        return None
    call, token = WebhookCall, new_id()
    due = (
        select(col(call.id))
        .where(col(call.tenant_id) == tx.tenant_id, col(call.webhook_id) == webhook_id, _is_next(tx.now))
        .order_by(col(call.run_at), col(call.position))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = await tx.session.execute(
        update(call)
        .where(col(call.tenant_id) == tx.tenant_id, col(call.id).in_(due))
        .values(attempts=col(call.attempts) + 1, lease_token=token, lease_until=tx.now + LEASE)
        .returning(col(call.id), col(call.event), col(call.payload), col(call.attempts), col(call.created_at)),
        execution_options={"synchronize_session": False},
    )
    calls = [ClaimedCall(row[0], token, *row[1:]) for row in taken]
    return (target, calls) if calls else None


async def record_calls(tx: Tx, *, webhook_id: UUID, results: Sequence[CallResult]) -> None:
    """Writes down what became of calls. One that was refused is tried again with growing waits; after seven days it is
    dead, and whoever waited for it goes on. A call that is no longer ours is left alone."""
    tx.require(Scope.WEBHOOKS_WRITE)
    for result in results:
        said = {"status_code": result.status_code, "error": result.error and result.error[:MAX_ERROR]}
        values = {**said, "lease_token": None, "lease_until": None, **_outcome(result, tx.now)}
        ordering = await _set(tx, result.call, values)
        if ordering is not None and values["state"] == "due":
            await _wait_behind(tx, webhook_id, ordering, values["run_at"])
    failures = [result for result in results if result.error is not None]
    hook = update(ReportingWebhook).where(col(ReportingWebhook.id) == webhook_id)
    if len(failures) < len(results):
        hook = hook.where(col(ReportingWebhook.failing_since).is_not(None)).values(failing_since=None, last_error=None)
    elif failures:
        since = func.coalesce(col(ReportingWebhook.failing_since), tx.now)
        hook = hook.values(failing_since=since, last_error=(failures[-1].error or "")[:MAX_ERROR])
    await tx.session.execute(hook, execution_options={"synchronize_session": False})


async def retry_calls(tx: Tx, *, webhook_id: UUID, call_ids: Sequence[UUID] | None = None) -> int:
    """Makes dead calls, and those that wait to be tried again, due now with seven days before them: all of the
    webhook's, or those named. Returns how many. Raises :class:`NotFound` for an unknown webhook, and :class:`Invalid`
    for too many names."""
    tx.require(Scope.WEBHOOKS_WRITE)
    if call_ids is not None and len(call_ids) > MOST_NAMED:
        raise Invalid.at("call_ids", f"must be at most {MOST_NAMED}")
    known = select(col(ReportingWebhook.id)).where(col(ReportingWebhook.id) == webhook_id)
    if (await tx.session.execute(known)).scalar_one_or_none() is None:
        raise NotFound("reporting webhook", "webhook_id")
    call = WebhookCall
    waiting = and_(col(call.state) == "due", col(call.run_at) > tx.now)
    again = update(call).where(col(call.webhook_id) == webhook_id, or_(col(call.state) == "dead", waiting))
    if call_ids is not None:
        again = again.where(among(tx.session, call.id, call_ids))
    values = {"state": "due", "attempts": 0, "run_at": tx.now, "created_at": tx.now, "ended_at": None}
    done = await tx.session.execute(again.values(values), execution_options={"synchronize_session": False})
    count = done.rowcount if isinstance(done, CursorResult) else 0
    tx.audit("webhook.retry", public_id("reporting_webhook", webhook_id), {"calls": count})
    return count


async def purge_calls(tx: Tx, *, limit: int) -> int:
    """Removes, of all tenants, calls that ended long ago: done ones after a week, dead ones after a month."""
    tx.require(Scope.WEBHOOKS_WRITE)
    if tx.principal.kind != "system" or tx.principal.tenant_id is not None:
        raise Forbidden("Only the system itself does this.")
    call = WebhookCall
    old = or_(
        and_(col(call.state) == "done", col(call.ended_at) < tx.now - KEPT_DONE),
        and_(col(call.state) == "dead", col(call.ended_at) < tx.now - KEPT_DEAD),
    )
    some = select(col(call.id)).where(col(call.ended_at) < tx.now - KEPT_DONE, old).limit(limit)
    gone = delete(call).where(col(call.id).in_(some))
    result = await tx.session.execute(gone, execution_options={"synchronize_session": False})
    return result.rowcount if isinstance(result, CursorResult) else 0


def _is_next(now: datetime) -> ColumnElement[bool]:
    """Whether a call may go out: due, in nobody's hands, and the earliest that is due of whom it is about."""
    call = WebhookCall
    earlier: Any = aliased(WebhookCall)
    is_behind = exists().where(
        earlier.tenant_id == col(call.tenant_id),
        earlier.webhook_id == col(call.webhook_id),
        earlier.ordering_id == col(call.ordering_id),
        earlier.position < col(call.position),
        earlier.state == "due",
    )
    free = or_(col(call.lease_until).is_(None), col(call.lease_until) <= now)
    return and_(col(call.state) == "due", col(call.run_at) <= now, free, ~is_behind)


def _outcome(result: CallResult, now: datetime) -> dict[str, Any]:
    if result.error is None:
        return {"state": "done", "ended_at": now}
    last = result.call.created_at + TRIED_FOR
    if now >= last:
        return {"state": "dead", "ended_at": now}
    return {"state": "due", "run_at": min(now + pause(result.call.attempts, result.status_code), last)}


def pause(attempts: int, status_code: int | None) -> timedelta:
    """How long to wait after the ``attempts``-th failure: doubling from 30 seconds, or from an hour, to 12 hours."""
    first = LISTED_WAIT if status_code is None or status_code in LISTED else FIRST_WAIT
    doubled: timedelta = first * 2 ** min(attempts - 1, 20)
    return min(doubled, LONGEST_WAIT)


async def _set(tx: Tx, call: ClaimedCall, values: dict[str, Any]) -> UUID | None:
    """Whose call it was; None when it is no longer ours."""
    row = WebhookCall
    statement = (
        update(row)
        .where(col(row.tenant_id) == tx.tenant_id, col(row.id) == call.id, col(row.lease_token) == call.token)
        .values(values)
        .returning(col(row.ordering_id))
    )
    ended = await tx.session.execute(statement, execution_options={"synchronize_session": False})
    return ended.scalar_one_or_none()


async def _wait_behind(tx: Tx, webhook_id: UUID, ordering_id: UUID, until: datetime) -> None:
    row = WebhookCall
    behind = update(row).where(
        col(row.tenant_id) == tx.tenant_id,
        col(row.webhook_id) == webhook_id,
        col(row.ordering_id) == ordering_id,
        col(row.state) == "due",
        col(row.run_at) < until,
    )
    await tx.session.execute(behind.values(run_at=until), execution_options={"synchronize_session": False})
