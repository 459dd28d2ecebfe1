"""From what is known of a message to what the gates go by, and what they say."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.actions.consent.suppressions import addresses_in
from app.actions.deliveries.claiming import TRANSACTIONAL, Claim
from app.actions.deliveries.known import ADDRESS_KINDS, CampaignFacts, DeviceFacts, Gathered, Recipient, timezone_of
from app.gates import Cap, Decision, Facts, Person, Suppressed, Topic, decide

NEEDS_NO_ADDRESS = frozenset({"webhook", "in_app"})
NEEDS_NO_CONSENT = frozenset({"webhook"})
OVERDUE = timedelta(seconds=2)
"""A message of a throttled campaign that is not later than this goes at its own moment; a later one needs another."""
EARLY = timedelta(seconds=0.5)
"""By how much a message may go before its turn, so that a batch is not taken in hand for each of them."""
GONE = Recipient(UUID(int=0), "deleted", "{}", None, None, None, datetime.min.replace(tzinfo=UTC))


def option(claim: Claim, campaign: CampaignFacts | None, name: str, default: bool) -> bool:
    """One of ``options`` of :attr:`models.Delivery.data`, or what the campaign says, or ``default``."""
    given = claim.data.get("options", {}).get(name)
    if given is not None:
        return bool(given)
    return default if campaign is None else bool(getattr(campaign, name))


def devices_of(claim: Claim, person: Recipient) -> Sequence[DeviceFacts]:
    """The devices to which a push goes: all of the person's, the one they last used, one that is named, or one that
    came with the message."""
    given, named = claim.data.get("device"), claim.data.get("devices", "all")
    if given:
        return [DeviceFacts(given["token"], given["platform"], given.get("attributes") or {}, None)]
    if named == "all":
        return person.devices
    if named == "last_used":
        return person.devices[:1]
    return [device for device in person.devices if device.token == named]


def overdue(claims: Sequence[Claim], known: Gathered) -> dict[UUID, list[Claim]]:
    """By run, the messages of throttled campaigns that need another moment at which to go."""
    late: dict[UUID, list[Claim]] = {}
    for claim in claims:
        campaign = known.campaigns.get(claim.campaign_id) if claim.campaign_id else None
        if claim.run_id and campaign and campaign.throttle_per_s and known.now - claim.due_at > OVERDUE:
            late.setdefault(claim.run_id, []).append(claim)
    return late


class Deciding:
    """Decides a batch, message after message: what goes to a person counts for the caps of their next one.

    ``slots``: the moments at which messages that are too late may go.
    """

    def __init__(self, known: Gathered, slots: Mapping[UUID, datetime] | None = None) -> None:
        self._known = known
        self._slots = slots or {}
        self._given: Counter[UUID] = Counter()

    def decide(self, claim: Claim, topic_id: UUID | None = None) -> Decision:
        """What the gates say of one message. ``topic_id`` is that of one without a campaign."""
        decision = decide(self.facts(claim, topic_id), self._known.now)
        if decision.verdict == "pass" and claim.lane != TRANSACTIONAL:
            self._given[claim.customer_id] += 1
        return decision

    def facts(self, claim: Claim, topic_id: UUID | None = None) -> Facts:
        """What the gates go by."""
        known = self._known
        person = known.people.get(claim.customer_id, GONE)
        campaign = known.campaigns.get(claim.campaign_id) if claim.campaign_id else None
        addresses = self.addresses(claim)
        is_direct = claim.lane == TRANSACTIONAL or claim.is_test
        quiet = None if campaign is not None and campaign.ignores_quiet_hours else known.policy.quiet_hours
        slot = self._slots.get(claim.id)
        return Facts(
            claim.channel,
            Person(person.status, person.suppressed_at, timezone_of(person.timezone or known.policy.timezone)),
            addresses,
            needs_address=claim.channel not in NEEDS_NO_ADDRESS,
            suppressed=self._suppressed(addresses),
            consent=person.consent,
            topic=self._topic(person, campaign.topic_id if campaign else topic_id),
            asks_consent=self._asks_consent(claim, campaign),
            caps=() if is_direct else list(self._caps(claim, campaign)),
            quiet_hours=None if is_direct else quiet,
            slot=slot if slot is not None and slot > known.now + EARLY else None,
            per_second=campaign.throttle_per_s if campaign and not is_direct else None,
            control_share=campaign.control_share if campaign and not is_direct else 0,
        )

    def addresses(self, claim: Claim) -> tuple[str, ...]:
        """Where the message can go: its recipient's address, or the tokens of their devices."""
        person = self._known.people.get(claim.customer_id, GONE)
        if claim.channel == "push":
            return tuple(device.token for device in devices_of(claim, person))
        if claim.recipient:
            return addresses_in(claim.channel, claim.recipient)
        address = person.names.get(ADDRESS_KINDS.get(claim.channel, ""))
        return (address,) if address else ()

    def _suppressed(self, addresses: Sequence[str]) -> Suppressed | None:
        listed = (self._known.suppressed.get(address) for address in addresses)
        return next((one for one in listed if one is not None), None)

    def _topic(self, person: Recipient, topic_id: UUID | None) -> Topic | None:
        topic = self._known.topics.get(topic_id) if topic_id else None
        return None if topic is None else replace(topic, status=person.topics.get(topic.id))

    def _asks_consent(self, claim: Claim, campaign: CampaignFacts | None) -> bool:
        if claim.is_test or claim.channel in NEEDS_NO_CONSENT:
            return False
        return not option(claim, campaign, "sends_to_unsubscribed", claim.lane == TRANSACTIONAL)

    def _caps(self, claim: Claim, campaign: CampaignFacts | None) -> Iterator[Cap]:
        if campaign is not None and campaign.ignores_caps:
            return
        person: Any = self._known.people.get(claim.customer_id, GONE)
        for cap in self._known.caps:
            yield cap.of(person.id, self._given[claim.customer_id])
