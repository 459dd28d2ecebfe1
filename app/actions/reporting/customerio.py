"""What Customer.io says of a delivery, or of a person's consent (``contracts/customerio.md``, reporting webhooks)."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.actions.reporting.events import CUSTOMER_EVENTS, METRICS, PREFERENCES, Owed, event_id, unix
from app.actions.reporting.people import PeopleNames
from app.core.access import Scope
from app.core.batches import among
from app.core.ids import public_id
from app.core.tx import Reading
from models import ArchivedMessage, Campaign, CampaignRun, Content, Delivery, FeedEntry, Link, ReportingWebhook

WITH_FAILURE = frozenset({"attempted", "failed", "bounced", "dropped", "undeliverable", "deferred"})
PREFIX = "delivery."
DEFAULT_TRANSACTIONAL = 1
"""The transactional message to which Customer.io counts what was sent without a template."""


async def customerio_calls(reading: Reading, webhook: ReportingWebhook, entries: Sequence[FeedEntry]) -> list[Owed]:
    """The calls that these entries of the deliveries' topic make, in their order."""
    reading.require(Scope.WEBHOOKS_READ)
    wanted = [(entry, name) for entry in entries if (name := _name(webhook, entry)) is not None]
    facts = await _Facts.read(reading, webhook, [entry for entry, _ in wanted])
    return [owed for entry, name in wanted if (owed := facts.owed(entry, name)) is not None]


def _name(webhook: ReportingWebhook, entry: FeedEntry) -> str | None:
    """What the entry is called in the webhook's list, if it is wanted there."""
    events = set(webhook.events)
    if entry.kind in CUSTOMER_EVENTS:
        if entry.data.get("channel") not in (None, "email"):
            return None  # What Customer.io calls unsubscribed is of e-mail; other channels it does not tell of.
        name, metric = CUSTOMER_EVENTS[entry.kind]
        if name == PREFERENCES and f"customer_{metric}" in events:
            return f"customer_{metric}"
        return name if name in events else None
    metric = METRICS.get(entry.kind.removeprefix(PREFIX), "")
    if not entry.kind.startswith(PREFIX) or not metric:
        return None
    if entry.data.get("first") is False and not webhook.full_resolution:
        return None
    name = f"{entry.data.get('channel')}_{metric}"
    return name if name in events else None


class _Facts:
    """What the payloads of some entries need to know, each kind of row found by one statement."""

    def __init__(self, reading: Reading, webhook: ReportingWebhook) -> None:
        self._reading = reading
        self._webhook = webhook
        self._deliveries: dict[UUID, Delivery] = {}
        self._campaigns: dict[UUID, Campaign] = {}
        self._contents: dict[UUID, Content] = {}
        self._runs: dict[UUID, CampaignRun] = {}
        self._links: dict[UUID, Link] = {}
        self._archived: dict[UUID, ArchivedMessage] = {}
        self._names = PeopleNames({})

    @classmethod
    async def read(cls, reading: Reading, webhook: ReportingWebhook, entries: Sequence[FeedEntry]) -> "_Facts":
        facts = cls(reading, webhook)
        of_deliveries = [entry for entry in entries if entry.kind.startswith(PREFIX)]
        facts._deliveries = await facts._rows(Delivery, {entry.subject_id for entry in of_deliveries})
        deliveries = facts._deliveries.values()
        facts._campaigns = await facts._rows(Campaign, {row.campaign_id for row in deliveries if row.campaign_id})
        facts._contents = await facts._rows(Content, {row.content_id for row in deliveries if row.content_id})
        facts._runs = await facts._rows(CampaignRun, {row.run_id for row in deliveries if row.run_id})
        facts._links = await facts._rows(Link, _ids(entry.data.get("link") for entry in of_deliveries))
        if webhook.with_content:
            sent = {entry.subject_id for entry in of_deliveries if entry.kind == f"{PREFIX}sent"}
            rows = await facts._found(ArchivedMessage, ArchivedMessage.delivery_id, sent)
            facts._archived = {row.delivery_id: row for row in rows}
        people = {row.customer_id for row in deliveries}
        people |= {entry.subject_id for entry in entries if entry.kind in CUSTOMER_EVENTS}
        facts._names = await PeopleNames.read(reading, people)
        return facts

    def owed(self, entry: FeedEntry, name: str) -> Owed | None:
        """The call; None when what it is about has been erased, or was only a test."""
        if entry.kind in CUSTOMER_EVENTS:
            data = self._person(entry.subject_id) | {"email_address": self._names.of(entry.subject_id).email}
            kind, metric, ordering_id = "customer", CUSTOMER_EVENTS[entry.kind][1], entry.subject_id
        else:
            delivery = self._deliveries.get(entry.subject_id)
            if delivery is None or delivery.is_test:
                return None
            kind, metric = delivery.channel, METRICS[entry.kind.removeprefix(PREFIX)]
            data = self._person(delivery.customer_id) | self._delivery(delivery, entry, metric)
            ordering_id = delivery.customer_id
        payload = {
            "event_id": event_id(entry),
            "object_type": kind,
            "metric": metric,
            "timestamp": unix(_moment(entry)),
            "data": data,
        }
        return Owed(entry, ordering_id, name, payload)

    def _person(self, customer_id: UUID) -> dict[str, Any]:
        names = self._names.of(customer_id)
        identifiers = {"id": names.external_id, "email": names.email, "cio_id": customer_id.hex}
        return {"customer_id": names.external_id, "identifiers": identifiers}

    def _delivery(self, delivery: Delivery, entry: FeedEntry, metric: str) -> dict[str, Any]:
        said: dict[str, Any] = {"delivery_id": public_id("delivery", delivery.id), **self._parents(delivery)}
        if delivery.channel == "push":
            said["recipients"] = [{"device_id": token} for token in filter(None, delivery.recipient.split(","))]
        else:
            said["recipient"] = delivery.recipient
        if delivery.channel == "email":
            said["subject"] = delivery.subject
        if metric in WITH_FAILURE and (failure := entry.data.get("detail") or delivery.error or delivery.reason):
            said["failure_message"] = failure
        archived = self._archived.get(delivery.id) if metric == "sent" else None
        if archived is not None:
            said["content"] = archived.body
            said["headers"] = archived.headers
        return said | _engaged(entry, metric, self._links)

    def _parents(self, delivery: Delivery) -> dict[str, Any]:
        """The names of what sent it: a newsletter, a broadcast, a transactional message, or a campaign."""
        campaign = self._campaigns.get(delivery.campaign_id) if delivery.campaign_id else None
        if campaign is None:
            return {"transactional_message_id": DEFAULT_TRANSACTIONAL}
        content = self._contents.get(delivery.content_id) if delivery.content_id else None
        of_content = content.number if content else None
        if campaign.kind == "transactional":
            return {"transactional_message_id": campaign.number}
        if campaign.kind == "one_off":
            return {"newsletter_id": campaign.number, "content_id": of_content}
        if campaign.kind == "triggered":
            run = self._runs.get(delivery.run_id) if delivery.run_id else None
            trigger = run.number if run else None
            return {"broadcast_id": campaign.number, "trigger_id": trigger, "action_id": of_content}
        return {"campaign_id": campaign.number, "action_id": of_content}

    async def _rows(self, table: Any, ids: Collection[UUID]) -> dict[UUID, Any]:
        return {row.id: row for row in await self._found(table, table.id, ids)}

    async def _found(self, table: Any, key: Any, ids: Collection[UUID]) -> Sequence[Any]:
        if not ids:
            return []
        statement = select(table).where(among(self._reading.session, key, ids))
        return (await self._reading.session.execute(statement)).scalars().all()


def _engaged(entry: FeedEntry, metric: str, links: dict[UUID, Link]) -> dict[str, Any]:
    """What a click or an opening says besides."""
    verdict = entry.data.get("verdict")
    if metric == "opened":
        return {"proxied": verdict == "proxy", "prefetched": verdict == "proxy", "synthetic": verdict == "scanner"}
    if metric != "clicked":
        return {}
    link = next(iter([links[key] for key in _ids([entry.data.get("link")]) if key in links]), None)
    href = entry.data.get("url") or (link.url if link else None)
    return {"href": href, "link_id": link.number if link else None, "machine": verdict == "scanner"}


def _ids(texts: Iterable[Any]) -> set[UUID]:
    return {UUID(hex=text) for text in texts if text}


def _moment(entry: FeedEntry) -> datetime:
    """When it happened; of entries that do not say, when they were written."""
    said = entry.data.get("at")
    try:
        return datetime.fromisoformat(said) if isinstance(said, str) else entry.created_at
    except ValueError:
        return entry.created_at
