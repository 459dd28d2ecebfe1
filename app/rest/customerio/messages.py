"""Customer.io ``/v1/messages`` and the messages of a newsletter: deliveries, each with what became of it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from dateutil.relativedelta import relativedelta
from pydantic import AliasChoices, Field

from app.actions import campaigns, content
from app.actions.customers import CustomerView, get_customers
from app.actions.deliveries import DeliveryFilter, archived_message, get_delivery, list_deliveries
from app.core.access import Plan, Principal, Scope
from app.core.errors import Invalid, NotFound
from app.core.ids import parse_id, public_id
from app.core.tx import Reading
from app.rest.customerio.app_wire import PersonIdentifiers, app_endpoint, read_start
from app.rest.customerio.contents import CHANNELS, RECIPIENTS, TYPES
from app.rest.customerio.newsletters import ONE, addressed, newsletter_endpoint
from app.rest.customerio.wire import UnixSeconds, Wire
from app.rest.door import Call
from models import Campaign, Delivery

TAG = "Messages (App API)"
ARCHIVED = Plan("archived message", 100 / 1440, 100)
"""100 a day for each key (``customerio.md``, limits)."""
HALF_YEAR, YEAR = relativedelta(months=6), relativedelta(months=12)
Metric = Literal[
    "created", "attempted", "sent", "delivered", "opened", "clicked", "converted", "bounced", "spammed",
    "unsubscribed", "dropped", "failed", "undeliverable",
]  # fmt: skip
Type = Literal["email", "webhook", "twilio", "sms", "push", "in_app", "whatsapp", "urban_airship", "slack"]
REACHED = {"spammed": "complained"} | {
    name: name
    for name in ("attempted", "sent", "delivered", "opened", "clicked", "converted", "bounced", "unsubscribed")
}
ACTIVE = ("queued", "claimed", "sending", "sent", "delivered", "bounced", "failed", "skipped", "in_doubt", "cancelled")
MOMENTS = {
    "attempted": "attempted_at",
    "sent": "sent_at",
    "delivered": "delivered_at",
    "opened": "opened_at",
    "human_opened": "human_opened_at",
    "clicked": "clicked_at",
    "human_clicked": "human_clicked_at",
    "converted": "converted_at",
    "bounced": "bounced_at",
    "spammed": "complained_at",
    "unsubscribed": "unsubscribed_at",
    "failed": "failed_at",
}


class WindowQuery(Wire):
    start: str = Field("", description="The `next` of the page before.")
    limit: int = Field(50, ge=1, le=1000)
    metric: Metric | None = Field(None, description="Only messages to which this has happened.")
    start_ts: UnixSeconds | None = None
    end_ts: UnixSeconds | None = None


class MessagesQuery(WindowQuery):
    type: Type | None = None
    drafts: bool = Field(False, description="Drafts instead of what was sent.")
    campaign_id: int | None = None
    newsletter_id: int | None = None
    action_id: int | None = Field(None, description="The number of a content.")


class Message(Wire):
    id: str
    deduplicate_id: str
    msg_template_id: int | None = Field(description="The number of its content.")
    message_template_id: int | None = Field(description="The same.")
    customer_id: str | None
    customer_identifiers: PersonIdentifiers
    recipient: str
    subject: str | None
    metrics: dict[str, int] = Field(description="When each thing happened first, in unix seconds.")
    created: int
    failure_message: str | None
    campaign_id: int | None
    action_id: int | None
    parent_action_id: int | None
    newsletter_id: int | None
    content_id: int | None
    broadcast_id: int | None
    trigger_event_id: str | None
    transactional_message_id: int | None
    type: str
    forgotten: bool


class MessageShown(Wire):
    message: Message


class MessagesShown(Wire):
    messages: list[Message]
    next: str


class Archived(Wire):
    id: str
    body: str
    from_: str = Field(validation_alias=AliasChoices("from", "from_"), serialization_alias="from")
    reply_to: str
    recipient: str
    subject: str
    bcc: str
    cc: str
    fake_bcc: bool
    preheader_text: str
    url: str
    request_method: str
    headers: list[dict[str, str]]
    forgotten: bool


class ArchivedShown(Wire):
    archived_message: Archived


def archived_plan(_: Principal) -> Plan:
    """Everybody's."""
    return ARCHIVED


async def list_messages(call: Call[None, MessagesQuery]) -> MessagesShown:
    query = call.query
    async with call.read() as reading:
        begin, end = _last_half_year(query, reading.now)
        wanted = _filter(query, begin, end, drafts=query.drafts)
        if query.type is not None:
            wanted = replace(wanted, channel=CHANNELS.get(query.type, query.type))
        try:
            if query.campaign_id is not None or query.newsletter_id is not None:
                wanted = replace(wanted, campaign_id=await _campaign(reading, query))
            if query.action_id is not None:
                found = await content.content_with_number(reading, number=query.action_id)
                wanted = replace(wanted, content_id=found.id)
        except NotFound:
            return MessagesShown(messages=[], next="")
        return await _page(reading, query, wanted)


async def list_newsletter_messages(call: Call[None, WindowQuery]) -> MessagesShown:
    query = call.query
    async with call.read() as reading:
        newsletter = await addressed(reading, call)
        begin, end = _of_newsletter(query, newsletter, reading.now)
        wanted = _filter(query, begin, end)
        return await _page(reading, query, replace(wanted, campaign_id=newsletter.id))


async def get_message(call: Call[None, None]) -> MessageShown:
    async with call.read() as reading:
        delivery = await get_delivery(reading, delivery_id=_addressed(call))
        (shown,) = await _shown(reading, [delivery])
    return MessageShown(message=shown)


async def get_archived_message(call: Call[None, None]) -> ArchivedShown:
    key = _addressed(call)
    async with call.read() as reading:
        delivery = await get_delivery(reading, delivery_id=key)
        kept = await archived_message(reading, delivery_id=key)
    fields = kept.fields
    return ArchivedShown(
        archived_message=Archived(
            id=public_id("delivery", key),
            body=kept.body,
            from_=kept.from_address,
            reply_to=kept.reply_to,
            recipient=delivery.recipient,
            subject=kept.subject,
            bcc=str(fields.get("bcc") or ""),
            cc=str(fields.get("cc") or ""),
            fake_bcc=bool(fields.get("fake_bcc")),
            preheader_text=kept.preheader,
            url=str(fields.get("url") or ""),
            request_method=str(fields.get("method") or ""),
            headers=[{header["name"]: header["value"]} for header in kept.headers],
            forgotten=False,
        )
    )


def _addressed(call: Call[Any, Any]) -> UUID:
    try:
        return parse_id("delivery", call.path["message_id"])
    except Invalid:
        raise NotFound("delivery", "message_id") from None


def _last_half_year(query: WindowQuery, now: datetime) -> tuple[datetime, datetime]:
    """The window of all messages: at most six months, and without an end the last six."""
    end = query.end_ts or now
    earliest = _back(end, HALF_YEAR)
    start = query.start_ts if query.start_ts is not None and query.end_ts is not None else earliest
    return max(start, earliest), end


def _of_newsletter(query: WindowQuery, newsletter: Campaign, now: datetime) -> tuple[datetime, datetime]:
    """The window of a newsletter's messages: six months from the first one on, or at most the last twelve."""
    if query.start_ts is None and query.end_ts is None:
        begin = newsletter.started_at or newsletter.created_at
        return begin, begin + HALF_YEAR
    end = query.end_ts or now
    earliest = _back(end, YEAR)
    return max(query.start_ts or earliest, earliest), end


def _back(moment: datetime, by: relativedelta) -> datetime:
    """Before year 1 there is nothing to find."""
    try:
        return moment - by
    except (ValueError, OverflowError):
        return moment


def _filter(query: WindowQuery, begin: datetime, end: datetime, *, drafts: bool = False) -> DeliveryFilter:
    wanted = DeliveryFilter(created_from=begin, created_to=end, states=("draft",) if drafts else ACTIVE)
    if query.metric in REACHED:
        return replace(wanted, reached=REACHED[query.metric])
    if query.metric == "failed":
        return replace(wanted, states=("failed",))
    if query.metric in ("dropped", "undeliverable"):
        return replace(wanted, states=("skipped",), is_suppressed=query.metric == "dropped")
    return wanted


async def _campaign(reading: Reading, query: MessagesQuery) -> UUID:
    """The id of the campaign or newsletter that is asked for. Raises NotFound."""
    numbers = {number for number in (query.campaign_id, query.newsletter_id) if number is not None}
    if len(numbers) > 1:
        raise NotFound("campaign")
    campaign = await campaigns.campaign_with_number(reading, number=numbers.pop())
    is_newsletter = campaign.kind == "one_off"
    if (query.newsletter_id is not None and not is_newsletter) or (query.campaign_id is not None and is_newsletter):
        raise NotFound("campaign")
    return campaign.id


async def _page(reading: Reading, query: WindowQuery, wanted: DeliveryFilter) -> MessagesShown:
    after = read_start(query.start)
    page = await list_deliveries(reading, filter=wanted, limit=query.limit, after=after)
    rows = list(page.items)
    more = len(rows) == query.limit and bool(
        (await list_deliveries(reading, filter=wanted, limit=1, after=rows[-1].id)).items
    )
    return MessagesShown(messages=await _shown(reading, rows), next=rows[-1].id.hex if more else "")


async def _shown(reading: Reading, rows: Sequence[Delivery]) -> list[Message]:
    views = await get_customers(reading, customer_ids=list({row.customer_id for row in rows}))
    people = {view.id: view for view in views}
    of, from_ = _ids(rows, "campaign_id"), _ids(rows, "content_id")
    parents = await campaigns.campaigns_with_ids(reading, campaign_ids=of) if of else {}
    said = await content.contents_with_ids(reading, content_ids=from_) if from_ else {}
    numbers = {key: one.number for key, one in said.items()}
    return [_message(row, people.get(row.customer_id), parents, numbers) for row in rows]


def _ids(rows: Sequence[Delivery], name: str) -> Collection[UUID]:
    return {key for row in rows if (key := getattr(row, name)) is not None}


def _message(
    row: Delivery, person: CustomerView | None, parents: dict[UUID, Campaign], numbers: dict[UUID, int]
) -> Message:
    key = public_id("delivery", row.id)
    happened = {name: getattr(row, column) for name, column in MOMENTS.items()}
    metrics = {name: int(moment.timestamp()) for name, moment in happened.items() if moment is not None}
    created = int(row.created_at.timestamp())
    parent = parents.get(row.campaign_id) if row.campaign_id else None
    kind, number = (parent.kind, parent.number) if parent else ("", None)
    of_content = numbers.get(row.content_id) if row.content_id else None
    return Message(
        id=key,
        deduplicate_id=f"{key}:{max([created, *metrics.values()])}",
        msg_template_id=of_content,
        message_template_id=of_content,
        customer_id=person.external_id if person else None,
        customer_identifiers=PersonIdentifiers(
            email=person.email if person else None,
            id=person.external_id if person else None,
            cio_id=row.customer_id.hex,
        ),
        recipient=row.recipient or RECIPIENTS.get(row.channel, ""),
        subject=row.subject or None,
        metrics=metrics,
        created=created,
        failure_message=row.error or (row.reason if row.state in ("skipped", "failed") else None),
        campaign_id=number if kind == "recurring" else None,
        action_id=of_content if kind in ("recurring", "triggered") else None,
        parent_action_id=None,
        newsletter_id=number if kind == "one_off" else None,
        content_id=of_content if kind == "one_off" else None,
        broadcast_id=number if kind == "triggered" else None,
        trigger_event_id=None,
        transactional_message_id=number if kind == "transactional" else None,
        type=TYPES[row.channel],
        forgotten=False,
    )


READ = Scope.DELIVERIES_READ
FIELDS = {"delivery_id": "message_id"}
ENDPOINTS = (
    app_endpoint(
        "GET", "/messages", list_messages, "List messages", TAG, READ, query=MessagesQuery, response=MessagesShown
    ),
    app_endpoint(
        "GET",
        "/messages/{message_id}",
        get_message,
        "Get a message",
        TAG,
        READ,
        response=MessageShown,
        fields=FIELDS,
    ),
    app_endpoint(
        "GET",
        "/messages/{message_id}/archived_message",
        get_archived_message,
        "Get what a message said",
        TAG,
        READ,
        response=ArchivedShown,
        fields=FIELDS,
        plan=archived_plan,
        says_when=False,
    ),
    newsletter_endpoint(
        "GET",
        f"{ONE}/messages",
        list_newsletter_messages,
        "List the messages of a newsletter",
        query=WindowQuery,
        response=MessagesShown,
        scope=READ,
    ),
)
