"""Parcelvoy ``/campaigns``: a list of them, and triggering one for one user."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import ConfigDict, Field

from app.actions import campaigns, customers, metrics
from app.actions.campaigns import CalledPerson, TransactionalSend, TriggerCall
from app.actions.customers import CustomerFacts, CustomerRef
from app.actions.events import NewEvent, track
from app.core.access import Scope
from app.core.clock import iso
from app.core.tx import Reading, Tx
from app.rest.door import Call, Endpoint
from app.rest.parcelvoy.people import Text
from app.rest.parcelvoy.wire import Paged, PageQuery, Wire
from models import Campaign as CampaignRow

TAG = "Campaigns"
EVENT = "campaign_trigger"
PORTION = 1000
KINDS = {"one_off": "blast", "recurring": "blast", "triggered": "trigger", "transactional": "trigger"}
CHANNELS = {"sms": "text"}
STATES = {
    "draft": "draft",
    "scheduled": "scheduled",
    "sending": "running",
    "paused": "scheduled",
    "completed": "finished",
    "archived": "finished",
    "cancelled": "aborted",
    "failed": "aborted",
}
OWN = frozenset({"external_id", "email", "phone", "device_token", "timezone", "locale"})
PLACES = {name: f"user.{name}" for name in OWN} | {
    "attributes": "user",
    "token": "user.device_token",
    "customer": "user.external_id",
    "properties": "event",
    "data": "event",
    "number": "campaignId",
    "campaign_id": "campaignId",
    "channel": "campaignId",
}
"""Where the actions' inputs were said."""
ORDERS: dict[str, Callable[[CampaignRow], Any]] = {
    "id": lambda campaign: campaign.number,
    "name": lambda campaign: (campaign.name, campaign.number),
    "created_at": lambda campaign: (campaign.created_at, campaign.number),
    "updated_at": lambda campaign: (campaign.updated_at, campaign.number),
}


class CampaignQuery(PageQuery):
    sort: Literal["id", "name", "created_at", "updated_at"] = "id"
    id: int | None = Field(None, description="Only this campaign.")


class Sent(Wire):
    """Openings and clicks are those of people, not of machines."""

    sent: int
    total: int = Field(description="Of all messages that were made, sent or not.")
    opens: int
    clicks: int


class Campaign(Wire):
    id: int
    name: str
    type: str = Field(description="`trigger` where it sends when it is called, otherwise `blast`.")
    channel: str = Field(description="Its first one: `email`, `text`, `push`, `in_app`, `whatsapp` or `webhook`.")
    state: str = Field(description="`draft`, `scheduled` (also while it is paused), `running`, `finished`, `aborted`.")
    delivery: Sent
    send_at: str | None
    send_in_user_timezone: bool
    tags: list[str]
    created_at: str
    updated_at: str


class TriggeredUser(Wire):
    """Who gets the message. Any other field is an attribute."""

    model_config = ConfigDict(extra="allow")

    external_id: Text = Field(description="Your own id of this person.")
    email: str | None = None
    phone: str | None = Field(None, description="E.164, such as `+12345678900`.")
    device_token: str | None = Field(None, description="A device to be registered for them.")
    timezone: str | None = Field(None, description="IANA name, such as `America/Chicago`.")
    locale: str | None = Field(None, description="Language tag, such as `en`.")


class Trigger(Wire):
    """Other fields are refused."""

    model_config = ConfigDict(extra="forbid")

    user: TriggeredUser
    event: dict[str, Any] = Field(
        default_factory=dict, description="`{{event.…}}` of a transactional campaign, `{{trigger.…}}` of every one."
    )


async def list_campaigns(call: Call[None, CampaignQuery]) -> Paged[Campaign]:
    query = call.query
    async with call.read() as reading:
        wanted = [campaign for campaign in await _all(reading) if _is_wanted(campaign, query)]
        wanted.sort(key=ORDERS[query.sort], reverse=query.direction == "desc")
        page = wanted[query.offset : query.offset + query.most]
        counts = await metrics.metric_totals(reading, subject_ids=[campaign.id for campaign in page])
    return query.paged([_shown(campaign, counts[campaign.id]) for campaign in page], len(wanted))


async def trigger_campaign(call: Call[Trigger, None]) -> None:
    user, event = call.body.user, call.body.event
    async with call.write() as tx:
        campaign = await campaigns.campaign_with_number(tx, number=_number(call.path["campaignId"]))
        saved = await customers.identify(tx, _facts(user))
        person = CustomerRef("id", saved.customer_id.hex)
        if user.device_token is not None:
            await customers.save_device(tx, customer=person, token=user.device_token, platform=None)
        named = {"id": campaign.number, "name": campaign.name}
        await track(tx, NewEvent(person, EVENT, {**event, "campaign": named}))
        await _send(tx, campaign, person, event)


async def _send(tx: Tx, campaign: CampaignRow, person: CustomerRef, event: dict[str, Any]) -> None:
    """To one person, over the campaign's first channel."""
    if campaign.kind == "transactional":
        send = TransactionalSend(
            campaign.channels[0], customer=person, campaign_id=campaign.id, data=event, event=event
        )
        await campaigns.send_transactional(tx, send=send)
    else:
        called = TriggerCall(data=event, people=[CalledPerson(person)])
        await campaigns.trigger_campaign(tx, campaign_id=campaign.id, call=called)


def _facts(user: TriggeredUser) -> CustomerFacts:
    return CustomerFacts(
        external_id=user.external_id,
        email=user.email,
        phone=user.phone,
        timezone=user.timezone,
        locale=user.locale,
        attributes=user.model_extra or {},
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _is_wanted(campaign: CampaignRow, query: CampaignQuery) -> bool:
    if (query.tag and query.tag not in campaign.tags) or (query.id is not None and campaign.number != query.id):
        return False
    return query.q.casefold() in campaign.name.casefold()


async def _all(reading: Reading) -> Sequence[CampaignRow]:
    every: list[CampaignRow] = []
    while True:
        page = await campaigns.list_campaigns(reading, newest_first=False, limit=PORTION, offset=len(every))
        every += page.items
        if not page.items or len(every) >= page.total:
            return every


def _shown(campaign: CampaignRow, counts: dict[str, metrics.Total]) -> Campaign:
    def count(metric: str) -> int:
        return counts[metric].count if metric in counts else 0

    channel = campaign.channels[0]
    return Campaign(
        id=campaign.number,
        name=campaign.name,
        type=KINDS[campaign.kind],
        channel=CHANNELS.get(channel, channel),
        state=STATES[campaign.status],
        delivery=Sent(
            sent=count("sent"), total=count("created"), opens=count("human_opened"), clicks=count("human_clicked")
        ),
        send_at=campaign.schedule.get("at"),
        send_in_user_timezone=bool(campaign.schedule.get("in_recipients_timezone")),
        tags=campaign.tags,
        created_at=iso(campaign.created_at),
        updated_at=iso(campaign.updated_at),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/client/campaigns",
        handler=list_campaigns,
        tag=TAG,
        summary="List campaigns",
        scope=Scope.CAMPAIGNS_READ,
        query=CampaignQuery,
        response=Paged[Campaign],
    ),
    Endpoint(
        method="POST",
        path="/api/client/campaigns/{campaignId}/trigger",
        handler=trigger_campaign,
        tag=TAG,
        summary="Send a campaign's e-mail, text or push to one user",
        scope=Scope.CAMPAIGNS_SEND,
        body=Trigger,
        status=204,
        fields=PLACES,
    ),
)
