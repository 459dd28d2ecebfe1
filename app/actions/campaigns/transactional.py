"""Transactional messages: one message to one person, because something happened to them just now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import getaddresses
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlmodel import col

from app.actions.campaigns.assigning import assign_group
from app.actions.campaigns.calling import OPTION_KEYS, CallOfDelivery, check_content, check_data
from app.actions.campaigns.store import CampaignStore
from app.actions.campaigns.words import CHANNELS, SENDING, TRANSACTIONAL
from app.actions.content import pick_content
from app.actions.customers.facts import CustomerFacts, CustomerRef, normalise_ref
from app.actions.customers.identifying import Identifying
from app.actions.customers.store import CustomerStore
from app.actions.deliveries.pausing import SENDS
from app.actions.deliveries.telling import DeliveryEvent, tell_deliveries
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import Conflict, Invalid, NotFound, RapportError
from app.core.ids import new_id
from app.core.locks import lock_names
from app.core.tx import Reading, Tx
from models import Campaign, Content, Customer, Delivery

LONGEST_WAIT = timedelta(days=90)
MAX_DEVICE = 10_000
LONGEST_TRIGGER_NAME = 1000
LONGEST_LANGUAGE = 100
ADDRESSED = {"email": "email", "sms": "phone", "whatsapp": "phone"}
"""Channels whose recipient is the name of a person, and the kind of that name."""


@dataclass(frozen=True, slots=True)
class TransactionalSend:
    """One message. Its content is that of a transactional campaign (by id, number or trigger name), or of one
    content of any campaign (``content_id``), with what ``content`` says otherwise; or ``content`` is all of it.

    ``customer`` is found, or made of the name that is given; left out, it is whoever ``to`` names. ``to`` is the
    address if it is not the customer's own (of a push ``all``, ``last_used`` or a device's token). ``device`` is one of
    a push that is not stored: its token, platform and attributes. ``data`` and ``event`` are what Liquid sees as
    ``trigger`` and ``event``. With ``idempotency_key`` the same message is sent once, however often it is asked for:
    the first one stands, whatever is said later. ``options`` as in
    :data:`app.actions.campaigns.calling.OPTION_KEYS`. ``is_draft``: it is kept and not sent.
    """

    channel: str
    customer: CustomerRef | None = None
    to: str = ""
    device: Mapping[str, Any] | None = None
    campaign_id: UUID | None = None
    campaign_number: int | None = None
    trigger_name: str | None = None
    content_id: UUID | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)
    language: str | None = None
    options: Mapping[str, bool] = field(default_factory=dict)
    send_at: datetime | None = None
    idempotency_key: str | None = None
    is_draft: bool = False


async def send_transactional(tx: Tx, *, send: TransactionalSend) -> UUID:
    """Queues one message before all campaigns and returns the delivery's id; it is due at ``send_at`` or now.

    Raises :class:`Invalid` at what is wrong, :class:`NotFound` at ``campaign_id``, ``trigger_name``, ``content_id`` or
    (for an id of ours) ``customer``, and :class:`Conflict` at ``campaign_id`` while the campaign is not launched, or at
    ``content_id`` while the campaign of the content sends nothing; as a test any content goes.
    """
    tx.require(Scope.CAMPAIGNS_SEND)
    campaign, contents = await _source(tx, send)
    occurrence_id = await _occurrence(tx, send, campaign)
    known = await _known(tx, occurrence_id, send.channel) if send.idempotency_key is not None else None
    if known is not None:
        return known  # whatever has become of the campaign since, and whatever is said otherwise this time
    call, due_at = _checked(send, tx.now)
    _check_source(send, campaign, contents)
    customer_id, locale = await _recipient(tx, send)
    split = None if campaign is None or send.content_id else await CampaignStore(tx).split(campaign.id)
    group = None if split is None else assign_group(split, customer_id)
    content = pick_content(contents, send.channel, group, send.language or locale)
    if send.content_id is not None:
        content = contents[0]
    row = {
        "id": new_id(),
        "customer_id": customer_id,
        "campaign_id": None if campaign is None else campaign.id,
        "run_id": None,
        "occurrence_id": occurrence_id,
        "content_id": None if content is None else content.id,
        "channel": send.channel,
        "test_group": group,
        "lane": 0,
        "is_test": bool(send.options.get("is_test")),
        "priority": 5 if campaign is None else campaign.priority,
        "state": "draft" if send.is_draft else "queued",
        "recipient": "" if send.channel == "push" else send.to,
        "data": call.document(),
        "due_at": due_at,
        "created_at": tx.now,
    }
    await tx.insert(Delivery, [row])
    tx.dispatch()
    await _tell(tx, row, counts=not send.options.get("is_test"))
    return row["id"]  # type: ignore[return-value]


async def queued_at(reading: Reading, *, delivery_id: UUID) -> datetime:
    """When a message was queued: of one that was asked for again, the first time. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_SEND)
    wanted = select(col(Delivery.created_at)).where(col(Delivery.id) == delivery_id)
    found = (await reading.session.execute(wanted)).scalar_one_or_none()
    if found is None:
        raise NotFound("delivery", "delivery_id")
    return found


def _checked(send: TransactionalSend, now: datetime) -> tuple[CallOfDelivery, datetime]:
    if send.channel not in CHANNELS:
        raise Invalid.at("channel", f"must be one of {', '.join(CHANNELS)}")
    check_text(send.to, "to", longest=1000)
    if "\n" in send.to or "\r" in send.to:
        raise Invalid.at("to", "must be one line")
    unknown = sorted(set(send.options) - OPTION_KEYS)
    if unknown:
        raise Invalid.at(f"options.{unknown[0]}", f"is unknown here (known: {', '.join(sorted(OPTION_KEYS))})")
    language = None if send.language is None else check_text(send.language, "language", longest=LONGEST_LANGUAGE)
    due_at = send.send_at or now
    if due_at.tzinfo is None:
        raise Invalid.at("send_at", "must have a time zone")
    if due_at > now + LONGEST_WAIT:
        raise Invalid.at("send_at", f"must be within {LONGEST_WAIT.days} days")
    content = check_content(send.content)
    data, event = check_data(send.data), check_data(send.event, "event")
    devices = send.to if send.channel == "push" else ""
    device = None if send.device is None else check_data(send.device, "device", most=MAX_DEVICE)
    said = CallOfDelivery(data, content, language, dict(send.options), devices, device, event)
    return said, max(due_at, now)


async def _source(tx: Tx, send: TransactionalSend) -> tuple[Campaign | None, list[Content]]:
    """The campaign that is called, and what it says. Raises NotFound."""
    ways = (send.campaign_id, send.campaign_number, send.trigger_name, send.content_id)
    if sum(one is not None for one in ways) > 1:
        raise Invalid.at("campaign_id", "must be the only one of campaign_id, trigger_name and content_id")
    store = CampaignStore(tx)
    if send.content_id is not None:
        wanted = select(Content).where(col(Content.id) == send.content_id)
        content = (await tx.session.execute(wanted)).scalar_one_or_none()
        if content is None:
            raise NotFound("content", "content_id")
        return await store.get(content.campaign_id, "content_id"), [content]
    if send.campaign_id is not None:
        campaign = await store.get(send.campaign_id)
    elif send.trigger_name is not None:
        name = check_text(send.trigger_name, "trigger_name", longest=LONGEST_TRIGGER_NAME)
        campaign = await store.called(trigger_name=name, path="trigger_name")
    elif send.campaign_number is not None:
        campaign = await store.called(number=send.campaign_number, path="campaign_id")
        if campaign.kind != TRANSACTIONAL:
            raise NotFound("campaign", "campaign_id")
    else:
        return None, []
    return campaign, await store.contents(campaign.id)


def _check_source(send: TransactionalSend, campaign: Campaign | None, contents: Sequence[Content]) -> None:
    """Refuses what sends nothing, or nothing of this kind."""
    if campaign is None:
        _check_whole(send.channel, send.content)
    elif send.content_id is not None:
        if contents[0].channel != send.channel:
            raise Invalid.at("channel", f"must be that of the content ({contents[0].channel})")
        if campaign.status not in SENDS and not send.options.get("is_test"):
            raise Conflict(f"The campaign of the content is {campaign.status}: it sends nothing.", "content_id")
    elif campaign.kind != TRANSACTIONAL:
        raise Invalid.at("campaign_id", f"is a {campaign.kind} campaign, not a transactional one")
    elif campaign.status != SENDING:
        raise Conflict(f"The campaign is {campaign.status}: it sends nothing.", "campaign_id")
    elif send.channel not in campaign.channels:
        raise Invalid.at("channel", f"must be one of the campaign's channels ({', '.join(campaign.channels)})")


def _check_whole(channel: str, content: Mapping[str, Any]) -> None:
    """Without a campaign the call must bring everything."""
    needed = {"email": ("body", "subject", "from_address"), "webhook": ("fields",)}.get(channel, ("body",))
    for key in needed:
        if not content.get(key):
            raise Invalid.at(f"content.{key}", "is needed without a campaign")


async def _occurrence(tx: Tx, send: TransactionalSend, campaign: Campaign | None) -> UUID:
    if send.idempotency_key is None:
        return new_id()
    key = check_text(send.idempotency_key, "idempotency_key", longest=255, shortest=1)
    await lock_names(tx.session, tx.tenant_id, [key], kind="transactional")
    return uuid5(tx.tenant_id if campaign is None else campaign.id, f"transactional:{key}")


async def _known(tx: Tx, occurrence_id: UUID, channel: str) -> UUID | None:
    wanted = select(col(Delivery.id)).where(
        col(Delivery.occurrence_id) == occurrence_id, col(Delivery.channel) == channel
    )
    return (await tx.session.execute(wanted)).scalars().first()


async def _recipient(tx: Tx, send: TransactionalSend) -> tuple[UUID, str | None]:
    """The customer, found or made, and their locale."""
    ref = normalise_ref(send.customer or _named_by(send))
    if ref.kind == "id":
        customer_id = await CustomerStore(tx).resolve(ref)
    else:
        name = (ref.kind, ref.value)
        found = (await CustomerStore(tx).standing_holders([name])).get(name)
        customer_id = found or await _made(tx, ref)
    locale = select(col(Customer.locale)).where(col(Customer.id) == customer_id)
    return customer_id, (await tx.session.execute(locale)).scalar_one_or_none()


async def _made(tx: Tx, ref: CustomerRef) -> UUID:
    named: dict[str, Any] = {ref.kind: ref.value}
    (made,) = await Identifying(tx).all([CustomerFacts(**named)])
    if isinstance(made, RapportError):
        raise made
    return made.customer_id


def _named_by(send: TransactionalSend) -> CustomerRef:
    """The person whose address ``to`` is; of several the first."""
    kind = ADDRESSED.get(send.channel)
    if kind is None or not send.to:
        raise Invalid.at("customer", "is needed: to whom?")
    address = send.to
    if kind == "email":
        address = next((one for _, one in getaddresses([send.to]) if one), send.to)
    return CustomerRef(kind, address)


async def _tell(tx: Tx, row: Mapping[str, Any], *, counts: bool) -> None:
    metric = "drafted" if row["state"] == "draft" else "created"
    names = ("customer_id", "campaign_id", "content_id", "run_id", "channel")
    said: dict[str, Any] = {name: row[name] for name in names}
    await tell_deliveries(tx, [DeliveryEvent(delivery_id=row["id"], metric=metric, at=tx.now, counts=counts, **said)])
