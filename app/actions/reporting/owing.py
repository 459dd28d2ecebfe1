"""From the feed to calls: what each webhook is owed, exactly once.

What an entry says is read without holding the writer (:func:`plan_calls`); then the calls and how far the topic has
been read are written together (:func:`owe_calls`). Whoever comes second finds the cursors moved, and writes nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.actions.reporting.customerio import customerio_calls
from app.actions.reporting.events import CUSTOMERIO, SILENTCHAT, TOPICS, Owed
from app.actions.reporting.silentchat import silentchat_calls
from app.core.access import Scope
from app.core.batches import is_postgres
from app.core.errors import Conflict, NotFound
from app.core.feed import decode_cursor, read_entries, read_topic
from app.core.ids import new_id, public_id
from app.core.tx import Reading, Tx
from models import FeedEntry, FeedTopic, ReportingWebhook, WebhookCall

PORTION = 200
"""Entries that are turned into calls by one unit of work."""
MAKERS = {CUSTOMERIO: customerio_calls, SILENTCHAT: silentchat_calls}


@dataclass(frozen=True, slots=True)
class Lane:
    """One webhook of one tenant: what goes out to it goes its own pace."""

    tenant_id: UUID
    webhook_id: UUID


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What a webhook will be owed when its cursors go from ``before`` to ``after``."""

    webhook_id: UUID
    before: Mapping[str, int]
    after: Mapping[str, int]
    owed: Sequence[Owed]


@dataclass(frozen=True, slots=True)
class Behind:
    """The webhooks whose topics have grown since they were last looked at, and the tenants that have any webhook."""

    lanes: Sequence[Lane]
    tenants: frozenset[UUID]


async def lanes_behind(reading: Reading) -> Behind:
    """What is behind among the enabled webhooks of all tenants."""
    reading.require(Scope.WEBHOOKS_READ)
    hook = ReportingWebhook
    statement = select(col(hook.tenant_id), col(hook.id), col(hook.dialect), col(hook.cursors)).where(
        col(hook.is_enabled)
    )
    hooks = (await reading.session.execute(statement)).all()
    if not hooks:
        return Behind((), frozenset())
    tenants = frozenset(tenant_id for tenant_id, *_ in hooks)
    followed = {topic for topics in TOPICS.values() for topic in topics}
    stand = select(col(FeedTopic.tenant_id), col(FeedTopic.topic), col(FeedTopic.head)).where(
        col(FeedTopic.tenant_id).in_(tenants), col(FeedTopic.topic).in_(followed)
    )
    heads: dict[UUID, dict[str, int]] = defaultdict(dict)
    for tenant_id, topic, head in await reading.session.execute(stand):
        heads[tenant_id][topic] = head
    lanes = [
        Lane(tenant_id, webhook_id)
        for tenant_id, webhook_id, dialect, cursors in hooks
        if any(heads[tenant_id].get(topic, 0) > cursors.get(topic, 0) for topic in TOPICS[dialect])
    ]
    return Behind(lanes, tenants)


async def plan_calls(reading: Reading, *, webhook_id: UUID) -> CallPlan | None:
    """What the next entries of the webhook's topics make it be owed; None when there are no more, or it is gone or
    disabled. What has been trimmed from the feed meanwhile is passed over."""
    reading.require(Scope.WEBHOOKS_READ)
    found = select(ReportingWebhook).where(col(ReportingWebhook.id) == webhook_id, col(ReportingWebhook.is_enabled))
    webhook = (await reading.session.execute(found)).scalar_one_or_none()
    if webhook is None:
        return None
    after, entries = dict(webhook.cursors), list[FeedEntry]()
    for topic in TOPICS[webhook.dialect]:
        read = await read_entries(reading.session, reading.tenant_id, topic, after.get(topic, 0), PORTION)
        if read:
            after[topic] = read[-1].position
            entries += read
    if not entries:
        return None
    owed = await MAKERS[webhook.dialect](reading, webhook, entries)
    return CallPlan(webhook_id, dict(webhook.cursors), after, owed)


async def owe_calls(tx: Tx, *, plan: CallPlan) -> bool:
    """Writes what was planned. False, and nothing written, when somebody has moved the cursors meanwhile."""
    tx.require(Scope.WEBHOOKS_WRITE)
    found = select(ReportingWebhook).where(col(ReportingWebhook.id) == plan.webhook_id).with_for_update()
    webhook = (await tx.session.execute(found)).scalar_one_or_none()
    if webhook is None or webhook.cursors != plan.before:
        return False
    webhook.cursors = dict(plan.after)
    await tx.session.flush()
    if plan.owed:
        await _upsert(tx, plan)
        if webhook.failing_since is not None:
            await _line_up(tx, plan.webhook_id, {owed.ordering_id for owed in plan.owed})
    return True


async def replay_calls(tx: Tx, *, webhook_id: UUID, after: str) -> None:
    """Owes the webhook again everything after a cursor of its dialect's first topic: of deliveries (as
    ``deliveryEvents`` gives them), or of the inbox. A call that is still known is made again with the same body.

    Raises :class:`NotFound`, :class:`Invalid` at ``after``, and :class:`Conflict` where the feed has no longer all of
    that.
    """
    tx.require(Scope.WEBHOOKS_WRITE)
    found = select(ReportingWebhook).where(col(ReportingWebhook.id) == webhook_id).with_for_update()
    webhook = (await tx.session.execute(found)).scalar_one_or_none()
    if webhook is None:
        raise NotFound("reporting webhook", "webhook_id")
    cursor = decode_cursor(after)
    name = TOPICS[webhook.dialect][0]
    topic = await read_topic(tx.session, tx.tenant_id, name)
    if topic.misses(cursor) is not None:
        raise Conflict("The feed does not have everything after this cursor.", "after")
    webhook.cursors = {**webhook.cursors, name: min(cursor.offset, webhook.cursors.get(name, 0))}
    webhook.updated_at = tx.now
    await tx.session.flush()
    tx.audit("webhook.replay", public_id("reporting_webhook", webhook_id), {"after": after})


async def _upsert(tx: Tx, plan: CallPlan) -> None:
    """A call that is there already, as after a replay, is due again."""
    rows = [
        {
            "tenant_id": tx.tenant_id,
            "id": new_id(),
            "webhook_id": plan.webhook_id,
            "ordering_id": owed.ordering_id,
            "position": owed.entry.position,
            "event_key": owed.key,
            "event": owed.event,
            "payload": owed.payload,
            "state": "due",
            "attempts": 0,
            "run_at": tx.now,
            "created_at": tx.now,
        }
        for owed in plan.owed
    ]
    again = {"state": "due", "attempts": 0, "run_at": tx.now, "created_at": tx.now, "ended_at": None}
    insert = postgresql.insert if is_postgres(tx.session) else sqlite.insert
    statement = insert(WebhookCall).on_conflict_do_update(
        index_elements=["tenant_id", "webhook_id", "event_key"], set_=again
    )
    connection = await tx.session.connection()
    await connection.execute(statement, rows)


async def _line_up(tx: Tx, webhook_id: UUID, orderings: set[UUID]) -> None:
    """Makes calls behind one that waits wait as long, so that nobody looks at them in vain."""
    call = WebhookCall
    earlier: Any = aliased(WebhookCall)
    waits = (
        select(func.max(earlier.run_at))
        .where(
            earlier.tenant_id == col(call.tenant_id),
            earlier.webhook_id == col(call.webhook_id),
            earlier.ordering_id == col(call.ordering_id),
            earlier.state == "due",
            earlier.position < col(call.position),
            earlier.run_at > tx.now,
        )
        .correlate(call)
        .scalar_subquery()
    )
    behind = update(call).where(
        col(call.tenant_id) == tx.tenant_id,
        col(call.webhook_id) == webhook_id,
        col(call.ordering_id).in_(orderings),
        col(call.state) == "due",
        col(call.run_at) <= tx.now,
        col(call.lease_until).is_(None),
        waits.is_not(None),
    )
    await tx.session.execute(behind.values(run_at=waits), execution_options={"synchronize_session": False})
