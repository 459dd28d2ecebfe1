"""Reporting webhooks themselves: made, changed, deleted, and read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlmodel import col

from app.actions.reporting.events import CUSTOMERIO, TOPICS, checked_events
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id, new_secret, public_id
from app.core.keep import KEEP, Keep
from app.core.numbers import next_number
from app.core.sealing import seal
from app.core.tx import Reading, Tx
from models import FeedTopic, ReportingWebhook

MAX_WEBHOOKS = 100
MAX_NAME = 200
MAX_ENDPOINT = 2000


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook and the secret by which its calls are signed, which is not shown again."""

    webhook: ReportingWebhook
    secret: str = field(repr=False)


async def create_webhook(
    tx: Tx,
    *,
    name: str,
    endpoint: str,
    events: Sequence[str],
    dialect: str = CUSTOMERIO,
    full_resolution: bool = False,
    with_content: bool = False,
    is_enabled: bool = True,
) -> NewWebhook:
    """A new webhook, which is owed every event from now on. Raises :class:`Invalid` at the field that is wrong, and
    :class:`Conflict` when there are 100 already."""
    tx.require(Scope.WEBHOOKS_WRITE)
    secret = new_secret()
    wanted: dict[str, Any] = {
        "name": check_text(name, "name", longest=MAX_NAME, shortest=1).strip(),
        "endpoint": checked_endpoint(endpoint),
        "events": checked_events(dialect, events),
    }
    number = await next_number(tx, ReportingWebhook)
    count = (await tx.session.execute(select(func.count()).select_from(ReportingWebhook))).scalar_one()
    if count >= MAX_WEBHOOKS:
        raise Conflict(f"There are {MAX_WEBHOOKS} reporting webhooks already.")
    webhook = ReportingWebhook(
        **wanted,
        tenant_id=tx.tenant_id,
        id=new_id(),
        number=number,
        dialect=dialect,
        full_resolution=full_resolution,
        with_content=with_content,
        secret=seal(tx.services.settings, secret),
        is_enabled=is_enabled,
        cursors=await _heads(tx, dialect),
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.session.add(webhook)
    await tx.session.flush()
    tx.forget(webhook.id)
    tx.audit("webhook.create", public_id("reporting_webhook", webhook.id), {"endpoint": webhook.endpoint})
    return NewWebhook(webhook, secret)


async def update_webhook(
    tx: Tx,
    *,
    webhook_id: UUID,
    name: str | Keep = KEEP,
    endpoint: str | Keep = KEEP,
    events: Sequence[str] | Keep = KEEP,
    full_resolution: bool | Keep = KEEP,
    with_content: bool | Keep = KEEP,
    is_enabled: bool | Keep = KEEP,
) -> ReportingWebhook:
    """Changes what is given. One that is enabled again is owed what happens from now on, and what it was owed before.
    Raises :class:`NotFound` and :class:`Invalid`."""
    tx.require(Scope.WEBHOOKS_WRITE)
    webhook = await _webhook(tx, webhook_id, for_update=True)
    wanted: dict[str, Any] = {
        "full_resolution": full_resolution,
        "with_content": with_content,
        "is_enabled": is_enabled,
    }
    if not isinstance(name, Keep):
        wanted["name"] = check_text(name, "name", longest=MAX_NAME, shortest=1).strip()
    if not isinstance(endpoint, Keep):
        wanted["endpoint"] = checked_endpoint(endpoint)
    if not isinstance(events, Keep):
        wanted["events"] = checked_events(webhook.dialect, events)
    changes = {
        field: value
        for field, value in wanted.items()
        if not isinstance(value, Keep) and getattr(webhook, field) != value
    }
    if changes:
        if changes.get("is_enabled"):
            webhook.cursors = await _heads(tx, webhook.dialect)
        for field_name, value in changes.items():
            setattr(webhook, field_name, value)
        webhook.updated_at = tx.now
        await tx.session.flush()
        tx.forget(webhook_id)
        tx.audit("webhook.update", public_id("reporting_webhook", webhook_id), {"changed": sorted(changes)})
    return webhook


async def rotate_webhook_secret(tx: Tx, *, webhook_id: UUID) -> NewWebhook:
    """Gives the webhook a new secret; calls are signed by it from now on. Raises :class:`NotFound`."""
    tx.require(Scope.WEBHOOKS_WRITE)
    webhook = await _webhook(tx, webhook_id, for_update=True)
    secret = new_secret()
    webhook.secret, webhook.updated_at = seal(tx.services.settings, secret), tx.now
    await tx.session.flush()
    tx.audit("webhook.rotate_secret", public_id("reporting_webhook", webhook_id))
    return NewWebhook(webhook, secret)


async def delete_webhook(tx: Tx, *, webhook_id: UUID) -> None:
    """Takes a webhook away with every call that it is owed. Raises :class:`NotFound`."""
    tx.require(Scope.WEBHOOKS_WRITE)
    webhook = await _webhook(tx, webhook_id)
    gone = delete(ReportingWebhook).where(col(ReportingWebhook.id) == webhook_id)
    await tx.session.execute(gone, execution_options={"synchronize_session": False})
    tx.audit("webhook.delete", public_id("reporting_webhook", webhook_id), {"endpoint": webhook.endpoint})


async def list_webhooks(reading: Reading) -> list[ReportingWebhook]:
    """Every webhook, by number."""
    reading.require(Scope.WEBHOOKS_READ)
    every = select(ReportingWebhook).order_by(col(ReportingWebhook.number))
    return list((await reading.session.execute(every)).scalars())


async def get_webhook(reading: Reading, *, webhook_id: UUID) -> ReportingWebhook:
    """The webhook. Raises :class:`NotFound`."""
    reading.require(Scope.WEBHOOKS_READ)
    return await _webhook(reading, webhook_id)


async def webhook_with_number(reading: Reading, *, number: int) -> ReportingWebhook:
    """The webhook with this small number. Raises :class:`NotFound`."""
    reading.require(Scope.WEBHOOKS_READ)
    found = select(ReportingWebhook).where(col(ReportingWebhook.number) == number)
    webhook: ReportingWebhook | None = (await reading.session.execute(found)).scalar_one_or_none()
    if webhook is None:
        raise NotFound("reporting webhook", "number")
    return webhook


def checked_endpoint(text: str) -> str:
    """The address, if it is one of http or https. Raises :class:`Invalid` at ``endpoint``. Whether it may be called is
    asked with each call, when its name has been looked up."""
    address = check_text(text, "endpoint", longest=MAX_ENDPOINT, shortest=1).strip()
    try:
        parts = urlsplit(address)
        sound = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound or not address.isascii() or any(letter <= " " for letter in address):
        raise Invalid.at("endpoint", "is not an http or https address")
    if parts.username is not None or parts.password is not None:
        raise Invalid.at("endpoint", "must not hold a user name or a password")
    return address


async def _webhook(reading: Reading, webhook_id: UUID, *, for_update: bool = False) -> ReportingWebhook:
    found = select(ReportingWebhook).where(col(ReportingWebhook.id) == webhook_id)
    if for_update:
        found = found.with_for_update()
    webhook: ReportingWebhook | None = (await reading.session.execute(found)).scalar_one_or_none()
    if webhook is None:
        raise NotFound("reporting webhook", "webhook_id")
    return webhook


async def _heads(tx: Tx, dialect: str) -> dict[str, int]:
    """Where the topics of a dialect stand."""
    stand = select(col(FeedTopic.topic), col(FeedTopic.head)).where(col(FeedTopic.topic).in_(TOPICS[dialect]))
    heads: dict[str, int] = dict((await tx.session.execute(stand)).tuples().all())
    return {topic: heads.get(topic, 0) for topic in TOPICS[dialect]}
