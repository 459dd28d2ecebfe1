"""SiloCDP ``/campaigns``: campaigns of every kind, over one channel or several."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.actions import campaigns, content
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.core.tx import Tx
from app.rest.door import Call, Endpoint
from app.rest.door.places import Places
from app.rest.silocdp import drafts
from app.rest.silocdp.contents import Content, KeptContent, kept_content, note_contents, save_content
from app.rest.silocdp.drafts import Draft, Drafted, DraftedFor, DraftSaved
from app.rest.silocdp.notifications import Channel, Status
from app.rest.silocdp.wire import Paged, PageQuery, Required, Wire, paged
from models import Campaign as CampaignRow

TAG = "Campaigns"
PER_MILLE = 1000
Kind = Literal["one_off", "recurring", "triggered", "transactional"]
FIELDS = drafts.FIELDS | {
    "kind": "type",
    "contents": "contents",
    "trigger_name": "triggerName",
    "throttle_per_s": "messagesPerSecond",
    "control_share": "controlShare",
}
SETTINGS = {"trigger_name": "trigger_name", "messages_per_second": "throttle_per_s"}


class PlacedContent(Content):
    """What is said over one channel, in one language, to one test group."""

    channel: Channel
    language: str = Field("", description="A language tag, such as `de`; empty: for everybody who has no better one.")
    test_group: int = Field(0, ge=0, le=19, description="The place of a variant in the campaign's A/B test.")


class Goal(Wire):
    """What counts as a conversion."""

    event: Required
    within_seconds: int | None = Field(None, description="Default: 7 days.")
    after: Literal["sent", "opened", "clicked"] | None = Field(None, description="Default: `sent`.")
    revenue_property: str | None = Field(None, description="The event's property with the revenue.")


class CampaignChanges(Draft):
    channels: list[Channel] | None = Field(None, min_length=1)
    contents: list[PlacedContent] = Field(
        default_factory=list,
        description="Those that are new or different. Refusals name them by their place among all that are kept.",
    )
    recurrence: str | None = Field(None, description="Of a recurring one: an iCalendar RRULE, as `FREQ=WEEKLY`.")
    trigger_name: str | None = Field(None, description="By which name it is called; of triggered and transactional.")
    goal: Goal | None = None
    messages_per_second: int | None = Field(None, description="At most so many. Default: as fast as it goes.")
    control_share: float | None = Field(None, ge=0, lt=1, description="The share of the audience who get nothing.")
    status: Literal["active", "paused", "cancelled"] | None = Field(
        None,
        description="`active` launches a draft (at its `scheduledAt`, or now) and lets a paused one go on.",
    )


class NewCampaign(CampaignChanges):
    """A draft, or with the status `active` one that is launched at once."""

    name: Required
    channels: list[Channel] = Field(min_length=1)
    type: Kind = Field("one_off", description="A triggered or transactional one sends when it is called.")


class CampaignQuery(PageQuery):
    status: Status | None = None
    type: Kind | None = None
    channel: Channel | None = Field(None, description="Whose first channel it is.")


class CampaignRowShown(Drafted):
    type: str
    channels: list[str]


class Campaign(DraftedFor):
    type: str
    channels: list[str]
    contents: list[KeptContent]
    recurrence: str | None
    trigger_name: str | None
    goal: Goal | None
    messages_per_second: int | None
    control_share: float
    experiment_id: str | None = Field(description="Its A/B test.")


async def list_campaigns(call: Call[None, CampaignQuery]) -> Paged[CampaignRowShown]:
    query = call.query
    async with call.read() as reading:
        page = await campaigns.list_campaigns(
            reading,
            kind=query.type,
            status=query.status,
            channel=query.channel,
            limit=query.page_size,
            offset=query.offset,
        )
    rows = [CampaignRowShown(**drafts.shown_draft(one), **_kind(one)) for one in page.items]
    return paged(rows, page.total, query)


async def get_campaign(call: Call[None, None]) -> Campaign:
    async with call.read() as reading:
        campaign = await campaigns.get_campaign(reading, campaign_id=parse_id("campaign", call.path["id"]))
        contents = await content.list_contents(reading, campaign_id=campaign.id)
        experiment = await campaigns.experiment_of(reading, campaign_id=campaign.id)
    goal = campaign.goal
    return Campaign(
        **drafts.shown_in_full(campaign),
        **_kind(campaign),
        contents=[kept_content(one) for one in contents],
        recurrence=campaign.schedule.get("rrule"),
        trigger_name=campaign.trigger_name,
        goal=Goal(**{"within_seconds" if key == "within_s" else key: one for key, one in goal.items()})
        if goal
        else None,
        messages_per_second=campaign.throttle_per_s,
        control_share=campaign.control_share / PER_MILLE,
        experiment_id=public_id("experiment", experiment.id) if experiment else None,
    )


async def create_campaign(call: Call[NewCampaign, None]) -> DraftSaved:
    body = call.body
    settings, places = drafts.settings_of(body, {})
    settings |= _more(body, places)
    async with call.write() as tx:
        with places.telling():
            made = await campaigns.create_campaign(tx, channels=body.channels, kind=body.type, **settings)
        await _say(tx, made, body)
        await _move(tx, made, body.status)
    return DraftSaved(id=public_id("campaign", made))


async def update_campaign(call: Call[CampaignChanges, None]) -> DraftSaved:
    body = call.body
    campaign_id = parse_id("campaign", call.path["id"])
    async with call.write() as tx:
        campaign = await campaigns.get_campaign(tx, campaign_id=campaign_id)
        settings, places = drafts.settings_of(body, campaign.schedule)
        settings |= _more(body, places)
        if body.channels is not None:
            settings["channels"] = list(body.channels)
        with places.telling():
            await campaigns.update_campaign(tx, campaign_id=campaign_id, **settings)
        await _say(tx, campaign_id, body)
        await _move(tx, campaign_id, body.status)
    return DraftSaved(id=public_id("campaign", campaign_id))


async def delete_campaign(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await campaigns.delete_campaign(tx, campaign_id=parse_id("campaign", call.path["id"]))


def _kind(campaign: CampaignRow) -> dict[str, Any]:
    return {"type": campaign.kind, "channels": campaign.channels}


def _more(body: CampaignChanges, places: Places) -> dict[str, Any]:
    """What campaigns have besides what notifications have too; ``places`` learns where it was said."""
    places.note("goal.within_s", "goal.withinSeconds")
    places.note("goal.revenue_property", "goal.revenueProperty")
    given = body.model_fields_set
    settings = {key: getattr(body, name) for name, key in SETTINGS.items() if name in given}
    if body.control_share is not None:
        settings["control_share"] = round(body.control_share * PER_MILLE)
    if "goal" in given:
        goal = body.goal
        settings["goal"] = goal and {
            "event": goal.event,
            "within_s": goal.within_seconds,
            "after": goal.after,
            "revenue_property": goal.revenue_property,
        }
    return {key: ({k: v for k, v in one.items() if v is not None} if key == "goal" and one else one)
            for key, one in settings.items()}  # fmt: skip


async def _say(tx: Tx, campaign_id: UUID, body: CampaignChanges) -> None:
    for place, said in enumerate(body.contents):
        at = f"contents.{place}"
        await save_content(tx, campaign_id, said.channel, said, at, group=said.test_group, language=said.language)


async def _move(tx: Tx, campaign_id: UUID, status: str | None) -> None:
    """What a new status asks for."""
    if status == "paused":
        await campaigns.pause_campaign(tx, campaign_id=campaign_id)
    elif status == "cancelled":
        await campaigns.cancel_campaign(tx, campaign_id=campaign_id)
    elif status == "active":
        campaign = await campaigns.get_campaign(tx, campaign_id=campaign_id)
        move = campaigns.resume_campaign if campaign.status == "paused" else campaigns.launch_campaign
        places = Places()
        said = await content.list_contents(tx, campaign_id=campaign_id)
        note_contents(places, {f"contents.{place}": one for place, one in enumerate(said)})
        with places.telling():
            await move(tx, campaign_id=campaign_id)


ONE = "/api/v1/campaigns/{id}"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/campaigns",
        handler=list_campaigns,
        tag=TAG,
        summary="List campaigns, the newest first",
        scope=Scope.CAMPAIGNS_READ,
        query=CampaignQuery,
        response=Paged[CampaignRowShown],
    ),
    Endpoint(
        method="GET",
        path=ONE,
        handler=get_campaign,
        tag=TAG,
        summary="Get a campaign",
        scope=Scope.CAMPAIGNS_READ,
        response=Campaign,
        fields=FIELDS,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/campaigns",
        handler=create_campaign,
        tag=TAG,
        summary="Create a campaign",
        scope=Scope.CAMPAIGNS_WRITE,
        body=NewCampaign,
        response=DraftSaved,
        fields=FIELDS,
    ),
    Endpoint(
        method="PUT",
        path=ONE,
        handler=update_campaign,
        tag=TAG,
        summary="Update, launch, pause, resume or cancel a campaign",
        scope=Scope.CAMPAIGNS_WRITE,
        body=CampaignChanges,
        response=DraftSaved,
        fields=FIELDS,
    ),
    Endpoint(
        method="DELETE",
        path=ONE,
        handler=delete_campaign,
        tag=TAG,
        summary="Delete a campaign that is not being sent",
        scope=Scope.CAMPAIGNS_WRITE,
        fields=FIELDS,
    ),
)
