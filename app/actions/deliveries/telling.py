"""Telling everybody what became of deliveries: the feed for those who listen, and the hourly counts for charts."""

import re
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.clock import iso
from app.core.counters import Count, add_counts
from app.core.feed import DELIVERIES_TOPIC, campaign_topic
from app.core.tx import Tx

COUNTED_ONLY = frozenset({"attempted"})
"""Metrics that go with another one which the feed tells."""
STATUS = re.compile(r"([2-5])[0-9]{2}\b")
REFUSED = frozenset({"failed", "bounced", "deferred"})
"""What becomes of a webhook at whose end a server answered with another status than a 2xx, or nobody answered."""


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """Something that happened to one delivery.

    ``metric`` is one of the metrics of deliveries (``created``, ``sent``, ``opened``, …); ``extra`` goes into the
    feed's entry besides what the other fields say. ``counts`` is False for test messages and for what is told again:
    then only the feed hears of it.
    """

    delivery_id: UUID
    customer_id: UUID
    campaign_id: UUID | None
    content_id: UUID | None
    run_id: UUID | None
    channel: str
    metric: str
    at: datetime
    extra: Mapping[str, Any] = field(default_factory=dict)
    counts: bool = True


def tell_deliveries(tx: Tx, events: Iterable[DeliveryEvent]) -> Awaitable[None]:
    """Emits one entry of the deliveries' topic for each event, and counts them for tenant, campaign and content.

    To be awaited, once for a whole batch; it asks no leave, for its caller has. An entry's kind is
    ``delivery.<metric>``, its subject the delivery, and its data are ``customer``, ``campaign``, ``content``, ``run``
    (hex or null), ``channel``, ``at`` and what ``extra`` says.
    """
    return _tell(tx, list(events))


def tell_campaign(tx: Tx, campaign_id: UUID, kind: str, data: Mapping[str, Any] | None = None) -> None:
    """Emits ``campaign.progress`` or ``campaign.status`` to those who watch one campaign."""
    tx.emit(campaign_topic(campaign_id), kind, campaign_id, data)


async def _tell(tx: Tx, events: list[DeliveryEvent]) -> None:
    for event in events:
        if event.metric not in COUNTED_ONLY:
            tx.emit(DELIVERIES_TOPIC, f"delivery.{event.metric}", event.delivery_id, _entry(event))
    await add_counts(tx, _counts(tx.tenant_id, events))


def _counts(tenant_id: UUID, events: list[DeliveryEvent]) -> list[Count]:
    """Summed up here already: a batch has few subjects and moments."""
    times = Counter(
        (subject_id, metric, event.at)
        for event in events
        if event.counts
        for metric in _metrics(event)
        for subject_id in (tenant_id, event.campaign_id, event.content_id)
        if subject_id is not None
    )
    return [Count(subject_id, metric, at, n) for (subject_id, metric, at), n in times.items()]


def _metrics(event: DeliveryEvent) -> Iterator[str]:
    """As what an event counts: of a webhook also what the server answered, at every attempt."""
    yield event.metric
    if event.channel != "webhook" or "settled" in event.extra:
        return
    if event.metric == "sent":
        yield "answered_2xx"
    elif event.metric in REFUSED and (status := STATUS.match(str(event.extra.get("error") or ""))):
        yield f"answered_{status[1]}xx"


def _entry(event: DeliveryEvent) -> dict[str, Any]:
    return {
        "customer": event.customer_id.hex,
        "campaign": _hex(event.campaign_id),
        "content": _hex(event.content_id),
        "run": _hex(event.run_id),
        "channel": event.channel,
        "at": iso(event.at),
        **event.extra,
    }


def _hex(key: UUID | None) -> str | None:
    return None if key is None else key.hex
