"""Everything that gates and templates go by, for a whole batch of one tenant and channel in some ten statements."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Text, and_, func, or_, select, type_coerce
from sqlalchemy import cast as sql_cast
from sqlmodel import col

from app.actions.consent.suppressions import addresses_in
from app.actions.deliveries.claiming import Claim
from app.actions.deliveries.known import (
    ADDRESS_KINDS,
    CampaignFacts,
    CapFacts,
    ContentFacts,
    DeviceFacts,
    Gathered,
    PolicyFacts,
    Recipient,
)
from app.core.access import Scope
from app.core.batches import among, is_postgres
from app.core.tx import Reading
from app.gates import Suppressed, Topic, read_quiet_hours
from models import (
    Campaign,
    CampaignRun,
    Consent,
    Content,
    Customer,
    Device,
    Domain,
    FrequencyCap,
    Identity,
    Layout,
    Sender,
    SendingPolicy,
    Snippet,
    SubscriptionTopic,
    Suppression,
    TopicConsent,
)
from models import Delivery as Row
from models.deliveries import IN_HAND

CAMPAIGN: list[Any] = [
    *(getattr(Campaign, name) for name in CampaignFacts.__dataclass_fields__ if name != "is_deleted"),
    col(Campaign.deleted_at).is_not(None),
]
MOST_MERGES = 5
"""How often the winner of a merge is asked whether they were merged themselves."""


async def gather(reading: Reading, *, claims: Sequence[Claim]) -> Gathered:
    """The facts about ``claims``, which are all of one channel."""
    reading.require(Scope.CAMPAIGNS_SEND)
    return await _Gathering(reading, claims, None).run()


async def gather_dry(reading: Reading, *, claim: Claim, topic_id: UUID | None) -> Gathered:
    """The facts about a message that does not exist, about a topic."""
    reading.require(Scope.DELIVERIES_READ)
    return await _Gathering(reading, [claim], topic_id).run()


class _Gathering:
    """One gathering of facts: each method is a statement."""

    def __init__(self, reading: Reading, claims: Sequence[Claim], topic_id: UUID | None) -> None:
        self._session = reading.session
        self._claims = claims
        self._channel = claims[0].channel
        self._token = claims[0].token
        self._topic_id = topic_id
        self._found = Gathered(reading.now)

    async def run(self) -> Gathered:
        found = self._found
        await self._people()
        await self._names()
        await self._campaigns()
        await self._runs()
        await self._policy()
        await self._consents()
        await self._topics()
        await self._suppressions()
        if self._channel == "push":
            await self._devices()
        if any(self._asks_caps(claim) for claim in self._claims):
            await self._caps()
        await self._contents()
        return found

    def _asks_caps(self, claim: Claim) -> bool:
        if claim.lane == 0 or claim.is_test:
            return False
        campaign = self._found.campaigns.get(claim.campaign_id) if claim.campaign_id else None
        return campaign is None or not campaign.ignores_caps

    async def _people(self) -> None:
        wanted = {claim.customer_id: claim.customer_id for claim in self._claims}
        for _ in range(MOST_MERGES):
            merged = await self._load(wanted)
            if not merged:
                return
            wanted = merged

    async def _load(self, wanted: Mapping[UUID, UUID]) -> dict[UUID, UUID]:
        """Loads people under the ids by which deliveries name them. Returns into whom those were merged."""
        text = sql_cast(col(Customer.attributes), Text) if is_postgres(self._session) else None
        statement = select(
            col(Customer.id),
            col(Customer.status),
            type_coerce(col(Customer.attributes), Text) if text is None else text,
            col(Customer.timezone),
            col(Customer.locale),
            col(Customer.suppressed_at),
            col(Customer.created_at),
            col(Customer.merged_into_id),
        ).where(among(self._session, Customer.id, set(wanted.values())))
        rows: dict[UUID, Any] = {row[0]: row for row in await self._session.execute(statement)}
        merged = {}
        for named, id in wanted.items():
            if id not in rows:
                continue
            *known, into = rows[id]
            self._found.people[named] = Recipient(*known)
            if into is not None and known[1] == "merged":
                merged[named] = into
        return merged

    @property
    def _ids(self) -> Collection[UUID]:
        return {person.id for person in self._found.people.values()}

    def _by_id(self) -> dict[UUID, list[Recipient]]:
        known: dict[UUID, list[Recipient]] = {}
        for person in self._found.people.values():
            known.setdefault(person.id, []).append(person)
        return known

    async def _names(self) -> None:
        known = self._by_id()
        statement = select(col(Identity.customer_id), col(Identity.kind), col(Identity.value)).where(
            among(self._session, Identity.customer_id, known), col(Identity.is_primary)
        )
        for id, kind, value in await self._session.execute(statement):
            for person in known[id]:
                person.names[kind] = value

    async def _campaigns(self) -> None:
        ids = {claim.campaign_id for claim in self._claims if claim.campaign_id}
        if ids:
            statement = select(*CAMPAIGN).where(among(self._session, Campaign.id, ids))
            rows: Any = await self._session.execute(statement)
            self._found.campaigns = {row[0]: CampaignFacts(*row) for row in rows}

    async def _runs(self) -> None:
        ids = {claim.run_id for claim in self._claims if claim.run_id}
        if ids:
            statement = select(col(CampaignRun.id), col(CampaignRun.data)).where(
                among(self._session, CampaignRun.id, ids)
            )
            self._found.runs = {id: data or {} for id, data in await self._session.execute(statement)}

    async def _policy(self) -> None:
        is_used = and_(
            col(Domain.id) == col(SendingPolicy.tracking_domain_id),
            col(Domain.verified_at).is_not(None),  # who lost it may have lost it to somebody else
            col(Domain.tracks_links),
        )
        statement = select(SendingPolicy, col(Domain.name)).outerjoin(Domain, is_used)
        row = (await self._session.execute(statement)).one_or_none()
        if row is not None:
            policy, host = row
            quiet = read_quiet_hours(policy.quiet_hours)
            resends = frozenset(channel for channel, rule in policy.in_doubt.items() if rule == "resend")
            self._found.policy = PolicyFacts(
                quiet, policy.timezone, policy.tracks_opens, policy.tracks_clicks, host, resends
            )

    async def _consents(self) -> None:
        known = self._by_id()
        statement = select(col(Consent.customer_id), col(Consent.status)).where(
            among(self._session, Consent.customer_id, known), col(Consent.channel) == self._channel
        )
        for id, status in await self._session.execute(statement):
            for person in known[id]:
                person.consent = status

    async def _topics(self) -> None:
        ids = {campaign.topic_id for campaign in self._found.campaigns.values() if campaign.topic_id}
        if self._topic_id is not None:
            ids.add(self._topic_id)
        if not ids:
            return
        topics = select(
            col(SubscriptionTopic.id), col(SubscriptionTopic.name), col(SubscriptionTopic.subscribed_by_default)
        ).where(among(self._session, SubscriptionTopic.id, ids), col(SubscriptionTopic.deleted_at).is_(None))
        self._found.topics = {row[0]: Topic(*row, None) for row in await self._session.execute(topics)}
        known = self._by_id()
        said = select(col(TopicConsent.customer_id), col(TopicConsent.topic_id), col(TopicConsent.status)).where(
            among(self._session, TopicConsent.customer_id, known), among(self._session, TopicConsent.topic_id, ids)
        )
        for id, topic_id, status in await self._session.execute(said):
            for person in known[id]:
                person.topics[topic_id] = status

    async def _suppressions(self) -> None:
        kind = ADDRESS_KINDS.get(self._channel)
        if kind is None:
            return
        addresses = {person.names[kind] for person in self._found.people.values() if kind in person.names}
        given = {claim.recipient for claim in self._claims if claim.recipient}
        addresses |= {address for text in given for address in addresses_in(self._channel, text)}
        statement = select(col(Suppression.address), col(Suppression.reason), col(Suppression.created_at)).where(
            col(Suppression.channel) == self._channel, among(self._session, Suppression.address, addresses)
        )
        self._found.suppressed = {row[0]: Suppressed(*row) for row in await self._session.execute(statement)}

    async def _devices(self) -> None:
        known = self._by_id()
        statement = (
            select(
                col(Device.customer_id),
                col(Device.token),
                col(Device.platform),
                col(Device.attributes),
                col(Device.last_used_at),
            )
            .where(among(self._session, Device.customer_id, known))
            .order_by(col(Device.last_used_at).desc(), col(Device.id))
        )
        for id, *device in await self._session.execute(statement):
            for person in known[id]:
                person.devices.append(DeviceFacts(*device))

    async def _caps(self) -> None:
        rules = select(FrequencyCap).where(
            or_(col(FrequencyCap.channel).is_(None), col(FrequencyCap.channel) == self._channel)
        )
        for cap in (await self._session.execute(rules)).scalars().all():
            sent = await self._sent(cap)
            self._found.caps.append(CapFacts(cap.name, cap.channel, cap.messages, cap.window_s, sent))

    async def _sent(self, cap: FrequencyCap) -> dict[UUID, int]:
        """What each person got within the cap's window, and what is in other hands that were there before ours."""
        since = self._found.now - timedelta(seconds=cap.window_s)
        earlier = IN_HAND & (col(Row.lease_token) < self._token)
        statement = (
            select(col(Row.customer_id), func.count())
            .where(
                among(self._session, Row.customer_id, self._ids),
                col(Row.lane) == 1,
                col(Row.is_test).is_(False),
                or_(col(Row.sent_at) > since, earlier),
            )
            .group_by(col(Row.customer_id))
        )
        if cap.channel is not None:
            statement = statement.where(col(Row.channel) == cap.channel)
        return dict((await self._session.execute(statement)).tuples().all())

    async def _contents(self) -> None:
        campaigns = {claim.campaign_id for claim in self._claims if claim.campaign_id}
        named = {claim.content_id for claim in self._claims if claim.content_id}
        if not campaigns and not named:
            return
        statement = (
            select(
                col(Content.id),
                col(Content.campaign_id),
                col(Content.channel),
                col(Content.test_group),
                col(Content.language),
                col(Content.version),
                col(Content.layout_id),
                col(Layout.updated_at),
                col(Sender.updated_at),
            )
            .outerjoin(Layout, col(Layout.id) == col(Content.layout_id))
            .outerjoin(Sender, col(Sender.id) == col(Content.sender_id))
            .where(
                or_(among(self._session, Content.campaign_id, campaigns), among(self._session, Content.id, named)),
                col(Content.channel) == self._channel,
            )
            .order_by(col(Content.id))
        )
        rows = await self._session.execute(statement)
        self._found.contents = [ContentFacts(*row[:7], stamps=tuple(row[7:])) for row in rows]
        stamp = select(func.count(), func.max(col(Snippet.updated_at)))
        count, changed = (await self._session.execute(stamp)).one()
        self._found.snippets = (count, changed)
