"""Sending in the demo's past: by the gates, templates and records of all sending, at a moment that has gone by."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from app.actions.deliveries import (
    CAMPAIGNS,
    Claim,
    Deciding,
    Gathered,
    Parcel,
    claim_deliveries,
    gather,
    load_recipes,
    number_links,
    record_kept,
    record_unsent,
)
from app.core.message import Message
from app.core.settings import Settings
from app.core.streams import Stream
from app.core.tx import Tx
from app.gates import no_content, through
from app.templates.rendering import Kitchen, Order

LEASE = timedelta(minutes=1)
USUAL_PRIORITY = 5
MOST = 500
OUTBOX = "outbox"


class Post:
    """Sends what is due by the clock of a unit of work; without a provider it goes into the outbox."""

    def __init__(self, settings: Settings) -> None:
        self._kitchen = Kitchen(settings.signing_secret)
        self._base_url = settings.base_url
        self._numbers: dict[UUID, tuple[int, ...]] = {}

    def link(self, content_id: UUID) -> int:
        """The number of the first link in what was sent of a content."""
        return self._numbers[content_id][0]

    async def send(self, tx: Tx, *, lane: int = CAMPAIGNS) -> list[Parcel]:
        """Sends the e-mails that are due. Returns those that went out."""
        await tx.session.flush()
        stream = Stream(tx.tenant_id, "email", USUAL_PRIORITY, tx.now)
        claims = await claim_deliveries(tx, lane=lane, stream=stream, limit=MOST, lease=LEASE)
        if not claims:
            return []
        known = await gather(tx, claims=claims)
        await self._compile(tx, claims)
        parcels = _decided(claims, known)
        going = [parcel for parcel in parcels if parcel.decision.verdict == "pass"]
        for parcel in going:
            self._write(parcel, known, tx.tenant_id)
        await record_unsent(tx, parcels=[parcel for parcel in parcels if parcel.message is None])
        return await record_kept(tx, parcels=[parcel for parcel in going if parcel.message is not None])

    async def _compile(self, tx: Tx, claims: Sequence[Claim]) -> None:
        campaigns = {claim.content_id: claim.campaign_id for claim in claims}
        wanted = {content_id for content_id in campaigns if content_id is not None} - self._numbers.keys()
        for content_id, recipe in (await load_recipes(tx, content_ids=wanted)).items():
            compiled = self._kitchen.compile(content_id.hex, recipe)
            campaign_id = campaigns[content_id]
            if campaign_id is not None and not compiled.problem:
                numbers = await number_links(tx, campaign_id=campaign_id, urls=compiled.links)
                self._numbers[content_id] = numbers

    def _write(self, parcel: Parcel, known: Gathered, tenant_id: UUID) -> None:
        """Renders one message, or notes that it cannot be."""
        [rendered] = self._kitchen.render([self._order(parcel, known, tenant_id)])
        if rendered.message is None:
            parcel.decision = no_content(parcel.decision, rendered.problem)
            return
        parcel.message = Message(*rendered.message)
        parcel.unsubscribe_url = rendered.unsubscribe_url
        parcel.decision = through(parcel.decision, OUTBOX)

    def _order(self, parcel: Parcel, known: Gathered, tenant_id: UUID) -> Order:
        claim, person = parcel.claim, known.people[parcel.claim.customer_id]
        names: Mapping[str, str] = person.names
        named = (names.get("external_id"), names.get("email"), names.get("phone"))
        content_id = claim.content_id or UUID(int=0)
        run = known.runs.get(claim.run_id, {}) if claim.run_id else {}
        return Order(
            key=content_id.hex,
            tenant_id=tenant_id,
            delivery_id=claim.id,
            person_id=person.id,
            attributes=person.attributes,
            person=(*named, person.timezone, person.locale, person.created_at),
            event=None,
            trigger={**run, **(claim.data.get("data") or {})},
            base_url=self._base_url,
            numbers=self._numbers.get(content_id),
            tracks_opens=True,
        )


def _decided(claims: Sequence[Claim], known: Gathered) -> list[Parcel]:
    deciding = Deciding(known)
    parcels = []
    for claim in claims:
        parcel = Parcel(claim, deciding.decide(claim), content_id=claim.content_id)
        parcel.recipient = next(iter(deciding.addresses(claim)), "")
        parcels.append(parcel)
    return parcels
