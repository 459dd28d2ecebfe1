"""How many a campaign would reach, and which gate would stop how many of the others, before anything is made."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.actions.campaigns.assigning import is_control
from app.actions.campaigns.audience import audience_rule
from app.actions.campaigns.store import CampaignStore
from app.actions.segments.audiences import Audience
from app.actions.segments.store import SegmentStore
from app.core.access import Scope
from app.core.tx import Reading
from app.segments import parse_rule, to_json
from models import (
    Campaign,
    Consent,
    Customer,
    Delivery,
    Device,
    FrequencyCap,
    Identity,
    SubscriptionTopic,
    Suppression,
    TopicConsent,
)

ADDRESSES: Final = {"email": "email", "sms": "phone", "whatsapp": "phone"}
"""Channels whose address is a name of the customer, and its kind."""
NO_ADDRESS, SUPPRESSED, NOT_CONSENTING, CAPPED, REACHABLE = (
    "no_address", "suppressed", "not_consenting", "capped", "reachable",
)  # fmt: skip
SLICE: Final = 5000


@dataclass(frozen=True, slots=True)
class ChannelEstimate:
    """Of those who are targeted and not in the control group: how many each gate stops, in the order of the gates (who
    is stopped by one is not counted by the next), and how many are left. A person who is to be left alone altogether
    is ``suppressed`` with or without an address. Each channel by itself: what a campaign says over one of its channels
    does not count for the caps of another."""

    channel: str
    no_address: int
    suppressed: int
    not_consenting: int
    capped: int
    reachable: int


@dataclass(frozen=True, slots=True)
class AudienceEstimate:
    """``targeted`` are in the audience and not excluded; ``excluded`` are in both; ``control``: of the targeted."""

    targeted: int
    excluded: int
    control: int
    channels: tuple[ChannelEstimate, ...]


async def estimate_audience(
    reading: Reading, *, campaign_id: UUID, recipients: Mapping[str, Any] | None = None
) -> AudienceEstimate:
    """Whom a campaign would reach if it were sent now: to its audience, or to those of the rule ``recipients``.

    Raises :class:`NotFound`, and :class:`Invalid` below ``recipients``.
    """
    reading.require(Scope.CAMPAIGNS_READ)
    reading.require(Scope.CUSTOMERS_READ)
    campaign = await CampaignStore(reading).get(campaign_id)
    given = None if recipients is None else to_json(await SegmentStore(reading).readable(recipients, "recipients"))
    rule = audience_rule(campaign, given)
    if rule is None:
        return AudienceEstimate(0, 0, 0, tuple(ChannelEstimate(one, 0, 0, 0, 0, 0) for one in campaign.channels))
    audience = Audience(reading, rule)
    everybody = await _count(reading, Audience(reading, parse_rule(given or campaign.audience)))
    counts = [await _counted(reading, campaign, audience, channel) for channel in campaign.channels]
    targeted, control = sum(counts[0].values()), counts[0].pop("control", 0)
    channels = tuple(
        ChannelEstimate(channel, *(found[gate] for gate in (NO_ADDRESS, SUPPRESSED, NOT_CONSENTING, CAPPED, REACHABLE)))
        for channel, found in zip(campaign.channels, counts, strict=True)
    )
    return AudienceEstimate(targeted, everybody - targeted, control, channels)


async def _count(reading: Reading, audience: Audience) -> int:
    counted = select(func.count()).select_from(audience.members.subquery())
    found: int = (await reading.session.execute(counted, audience.parameters)).scalar_one()
    return found


async def _counted(reading: Reading, campaign: Campaign, audience: Audience, channel: str) -> Counter[str]:
    """How many end at which gate, and how many are in the control group."""
    gates = _Gates(reading, campaign, channel)
    verdict: Any = await gates.verdict()
    inside = col(Customer.id).in_(audience.members)
    if not campaign.control_share:
        counted = select(verdict, func.count()).select_from(Customer).where(inside).group_by(verdict)
        return Counter(dict((await reading.session.execute(counted, audience.parameters)).tuples().all()))
    found: Counter[str] = Counter()
    rows = await reading.session.stream(select(col(Customer.id), verdict).where(inside), audience.parameters)
    async for some in rows.partitions(SLICE):
        for customer_id, gate in some:
            found["control" if is_control(campaign.id, campaign.control_share, customer_id) else gate] += 1
        await asyncio.sleep(0)
    return found


class _Gates:
    """The gates of one channel that depend on the customer alone, as SQL over customers."""

    def __init__(self, reading: Reading, campaign: Campaign, channel: str) -> None:
        self._reading = reading
        self._campaign = campaign
        self._channel = channel

    async def verdict(self) -> ColumnElement[str]:
        """The first gate that stops a customer, or that nothing does."""
        whens: list[tuple[ColumnElement[bool], str]] = [(col(Customer.suppressed_at).is_not(None), SUPPRESSED)]
        if self._channel in ADDRESSES or self._channel == "push":
            whens.append((~self._has_address(), NO_ADDRESS))
        if self._channel in ADDRESSES:
            whens.append((self._is_suppressed(), SUPPRESSED))
        if not self._campaign.sends_to_unsubscribed and self._channel != "webhook":
            whens.append((await self._is_unwilling(), NOT_CONSENTING))
        if not self._campaign.ignores_caps:
            whens += [(capped, CAPPED) for capped in await self._caps()]
        return case(*((when, literal(gate)) for when, gate in whens), else_=literal(REACHABLE))

    def _mine(self, table: Any) -> ColumnElement[bool]:
        return and_(table.tenant_id == self._reading.tenant_id, table.customer_id == col(Customer.id))

    def _has_address(self) -> ColumnElement[bool]:
        if self._channel == "push":
            return exists().where(self._mine(Device))
        kind = ADDRESSES[self._channel]
        return exists().where(self._mine(Identity), col(Identity.kind) == kind, col(Identity.is_primary))

    def _is_suppressed(self) -> ColumnElement[bool]:
        return exists().where(
            self._mine(Identity),
            col(Identity.kind) == ADDRESSES[self._channel],
            col(Identity.is_primary),
            col(Suppression.tenant_id) == self._reading.tenant_id,
            col(Suppression.channel) == self._channel,
            col(Suppression.address) == col(Identity.value),
        )

    async def _is_unwilling(self) -> ColumnElement[bool]:
        """Said no to the channel or to the topic; or said nothing of a topic whose silence is no consent."""
        said_no = exists().where(
            self._mine(Consent), col(Consent.channel) == self._channel, col(Consent.status) == "unsubscribed"
        )
        topic_id = self._campaign.topic_id
        if topic_id is None:
            return said_no
        default = select(col(SubscriptionTopic.subscribed_by_default)).where(
            col(SubscriptionTopic.id) == topic_id, col(SubscriptionTopic.deleted_at).is_(None)
        )
        by_default = (await self._reading.session.execute(default)).scalar_one_or_none()
        if by_default is None:
            return said_no
        said = exists().where(
            self._mine(TopicConsent),
            col(TopicConsent.topic_id) == topic_id,
            col(TopicConsent.status) == ("unsubscribed" if by_default else "subscribed"),
        )
        return or_(said_no, said if by_default else ~said)

    async def _caps(self) -> list[ColumnElement[bool]]:
        """Has had as many messages as some cap allows."""
        wanted = select(FrequencyCap).where(
            or_(col(FrequencyCap.channel).is_(None), col(FrequencyCap.channel) == self._channel)
        )
        capped = []
        for cap in (await self._reading.session.execute(wanted)).scalars():
            sent: Any = aliased(Delivery)
            had = select(func.count()).where(
                self._mine(sent),
                sent.lane == 1,
                sent.is_test.is_(False),
                sent.sent_at > self._reading.now - timedelta(seconds=cap.window_s),
            )
            if cap.channel is not None:
                had = had.where(sent.channel == cap.channel)
            capped.append(had.correlate(Customer).scalar_subquery() >= cap.messages)
        return capped
