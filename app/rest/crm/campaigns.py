"""CRM ``/campaigns``: messages to a segment, by e-mail and text, and what came of them."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.actions import campaigns, content
from app.core.access import Scope
from app.core.errors import Conflict, Invalid
from app.core.ids import parse_id, public_id
from app.core.tx import Reading, Tx
from app.rest.crm.campaign_views import KINDS, STATUSES, Campaign, CampaignShown, Known, Stats, count
from app.rest.crm.wire import Listed, One, Required, Tenanted, Window, Wire, executes, moment, writes
from app.rest.door import Call, Endpoint
from app.rest.door.moments import Moment
from app.rest.door.places import Places

TAG = "Campaigns"
Channel = Literal["EMAIL", "SMS", "PUSH", "IN_APP", "WHATSAPP", "WEBHOOK"]
Type = Literal["ONE_TIME", "RECURRING", "TRIGGERED", "JOURNEY"]
Status = Literal["DRAFT", "SCHEDULED", "ACTIVE", "PAUSED", "COMPLETED", "CANCELLED"]
TEMPLATES = {"email_template_id": "email", "sms_template_id": "sms"}
WORDS = (
    *("name", "sender_id", "from_address", "reply_to", "layout_id"),
    *("subject", "preheader", "body", "plain", "headers", "fields"),
)
"""What is taken over from a template."""
FIELDS = {
    "campaign_id": "id",
    "kind": "type",
    "at": "scheduledAt",
    "audience": "segmentId",
    "segment_id": "segmentId",
}
TEMPLATE = (
    "A content of any campaign (`cnt_…`) over this channel. Its words are taken over: the campaign has a content of "
    "its own from then on, whose id is shown here."
)


class CampaignQuery(Tenanted, Window):
    club_id: str | None = Field(None, description="Nothing belongs to a club here: any value finds none.")
    status: Status | None = None
    type: Type | None = Field(None, description="No campaign is a `JOURNEY` here.")


class CampaignChanges(Wire):
    """What is left out stays as it is. Only a DRAFT may change its segment, templates, channels and schedule."""

    name: Required | None = None
    description: str | None = None
    segment_id: str | None = Field(None, description="The segment (`seg_…`) for whose members it is.")
    channels: list[Channel] | None = Field(None, min_length=1)
    email_template_id: str | None = Field(None, description=TEMPLATE)
    sms_template_id: str | None = Field(None, description=TEMPLATE)
    timezone: str | None = Field(None, description="IANA name, such as `Africa/Johannesburg`.")
    recurrence_rule: str | None = Field(None, description="Of a RECURRING one: an iCalendar RRULE.")


class NewCampaign(Tenanted, CampaignChanges):
    name: Required
    type: Literal["ONE_TIME", "RECURRING", "TRIGGERED"]
    channels: list[Channel] = Field(min_length=1)


class Schedule(Wire):
    scheduled_at: Moment | None = Field(None, description="Default: at once. Not for a TRIGGERED one.")


async def list_campaigns(call: Call[None, CampaignQuery]) -> Listed[CampaignShown]:
    query = call.query
    query.check_tenant(call.principal)
    async with call.read() as reading:
        if query.club_id is not None or query.type == "JOURNEY":
            return query.listed([], 0)
        page = await campaigns.list_campaigns(
            reading,
            kind=KINDS[query.type] if query.type else None,
            status=STATUSES[query.status] if query.status else None,
            limit=query.take,
            offset=query.skip,
        )
        known = await Known.of(reading, page.items)
        return query.listed([CampaignShown(**known.row(one)) for one in page.items], page.total)


async def get_campaign(call: Call[None, None]) -> One[Campaign]:
    async with call.read() as reading:
        return await _one(reading, _addressed(call))


async def create_campaign(call: Call[NewCampaign, None]) -> One[Campaign]:
    body = call.body
    body.check_tenant(call.principal)
    settings, places = _settings(body, {})
    async with call.write() as tx:
        with places.telling():
            made = await campaigns.create_campaign(tx, kind=KINDS[body.type][0], **settings)
        await _take_over(tx, made, body)
        return await _one(tx, made)


async def update_campaign(call: Call[CampaignChanges, None]) -> One[Campaign]:
    body, campaign_id = call.body, _addressed(call)
    async with call.write() as tx:
        campaign = await campaigns.get_campaign(tx, campaign_id=campaign_id)
        settings, places = _settings(body, campaign.schedule)
        with places.telling():
            await campaigns.update_campaign(tx, campaign_id=campaign_id, **settings)
        shaping = [name for name in ("segment_id", *TEMPLATES) if name in body.model_fields_set]
        if shaping and campaign.status != "draft":
            raise Conflict("Only a DRAFT may change its segment and templates.", _wire(shaping[0]))
        await _take_over(tx, campaign_id, body)
        return await _one(tx, campaign_id)


async def delete_campaign(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await campaigns.delete_campaign(tx, campaign_id=_addressed(call))


async def schedule_campaign(call: Call[Schedule, None]) -> One[Campaign]:
    places = Places()
    places.note("schedule", "scheduledAt")
    places.note("schedule.rrule", "recurrenceRule")
    async with call.write() as tx:
        said = await content.list_contents(tx, campaign_id=_addressed(call))
        for name, channel in TEMPLATES.items():
            for one in said:
                if one.channel == channel:
                    places.note(f"contents.{one.number}", _wire(name), deeper=True)
            places.note(f"contents.{channel}", _wire(name))
        with places.telling():
            await campaigns.launch_campaign(tx, campaign_id=_addressed(call), at=call.body.scheduled_at)
        return await _one(tx, _addressed(call))


async def pause_campaign(call: Call[None, None]) -> One[Campaign]:
    async with call.write() as tx:
        await campaigns.pause_campaign(tx, campaign_id=_addressed(call))
        return await _one(tx, _addressed(call))


async def resume_campaign(call: Call[None, None]) -> One[Campaign]:
    async with call.write() as tx:
        await campaigns.resume_campaign(tx, campaign_id=_addressed(call))
        return await _one(tx, _addressed(call))


async def cancel_campaign(call: Call[None, None]) -> One[Campaign]:
    async with call.write() as tx:
        await campaigns.cancel_campaign(tx, campaign_id=_addressed(call))
        return await _one(tx, _addressed(call))


async def get_campaign_stats(call: Call[None, None]) -> One[Stats]:
    async with call.read() as reading:
        campaign = await campaigns.get_campaign(reading, campaign_id=_addressed(call))
        known = await Known.of(reading, [campaign])
    counts = known.counts[campaign.id]
    names = ("sent", "delivered", "converted", "bounced", "complained", "unsubscribed", "failed")
    counted = {name: count(counts, name) for name in names}
    opened, clicked = count(counts, "human_opened"), count(counts, "human_clicked")
    sent = counted["sent"]
    stats = Stats(
        **counted,
        targeted=known.targets(campaign),
        opened=opened,
        clicked=clicked,
        skipped=count(counts, "skipped") + count(counts, "suppressed"),
        open_rate=opened / sent if sent else 0.0,
        click_rate=clicked / sent if sent else 0.0,
    )
    return One(data=stats)


async def _one(reading: Reading, campaign_id: UUID) -> One[Campaign]:
    campaign = await campaigns.get_campaign(reading, campaign_id=campaign_id)
    known = await Known.of(reading, [campaign])
    said = {one.channel: public_id("content", one.id)
            for one in await content.list_contents(reading, campaign_id=campaign_id)
            if one.test_group == 0 and not one.language}  # fmt: skip
    segment, counts = known.segment(campaign), known.counts[campaign_id]
    shown = Campaign(
        **known.row(campaign),
        tenant_id=public_id("tenant", campaign.tenant_id),
        description=campaign.description,
        segment_name=segment.name if segment else None,
        email_template_id=said.get("email"),
        sms_template_id=said.get("sms"),
        timezone=campaign.schedule.get("timezone"),
        recurrence_rule=campaign.schedule.get("rrule"),
        delivered_count=count(counts, "delivered"),
        opened_count=count(counts, "human_opened"),
        clicked_count=count(counts, "human_clicked"),
        created_by=public_id("user", campaign.created_by_id) if campaign.created_by_id else None,
        updated_at=moment(campaign.updated_at),
    )
    return One(data=shown)


async def _take_over(tx: Tx, campaign_id: UUID, body: CampaignChanges) -> None:
    """Gives the campaign contents of its own with the words of the templates that are named."""
    for name, channel in TEMPLATES.items():
        template_id = getattr(body, name)
        if template_id is None:
            continue
        said, places = _wire(name), Places()
        places.note("content_id", said)
        with places.telling():
            template = await content.get_content(tx, content_id=parse_id("content", template_id, said))
        if template.channel != channel:
            raise Invalid.at(said, f"is a content over {template.channel}, not {channel}")
        if template.campaign_id != campaign_id:
            values = {word: getattr(template, word) for word in WORDS}
            await content.set_content(tx, campaign_id=campaign_id, channel=channel, values=values)


def _settings(body: CampaignChanges, schedule: Mapping[str, Any]) -> tuple[dict[str, Any], Places]:
    """What ``body`` says of a campaign that has ``schedule``, and where it said it. Raises Invalid."""
    places = Places()
    settings: dict[str, Any] = {
        name: value for name in ("name", "description") if (value := getattr(body, name)) is not None
    }
    if body.channels is not None:
        settings["channels"] = [channel.lower() for channel in body.channels]
    if "segment_id" in body.model_fields_set:
        places.note("audience", "segmentId")
        if body.segment_id is not None:
            parse_id("segment", body.segment_id, "segmentId")
        settings["audience"] = None if body.segment_id is None else {"segment": {"id": body.segment_id}}
    timed = {"timezone": "timezone", "recurrence_rule": "rrule"}
    given = {key: getattr(body, name) for name, key in timed.items() if name in body.model_fields_set}
    if given:
        settings["schedule"] = {**schedule, **given}
        places.note("schedule", "timezone")
        places.note("schedule.rrule", "recurrenceRule")
    return settings, places


def _wire(name: str) -> str:
    return CampaignChanges.model_fields[name].alias or name


def _addressed(call: Call[Any, Any]) -> UUID:
    return parse_id("campaign", call.path["id"])


ALL, ONE = "/api/v1/campaigns", "/api/v1/campaigns/{id}"
READ, WRITE, SEND = Scope.CAMPAIGNS_READ, Scope.CAMPAIGNS_WRITE, Scope.CAMPAIGNS_SEND


def _endpoint(method: str, path: str, handler: Any, summary: str, scope: Scope, **more: Any) -> Endpoint[Any, Any]:
    plans = {READ: None, WRITE: writes, SEND: executes}
    return Endpoint(
        method=method,
        path=path,
        handler=handler,
        tag=TAG,
        summary=summary,
        scope=scope,
        plan=plans[scope],
        fields=FIELDS,
        **({"response": One[Campaign]} | more),
    )


ENDPOINTS = (
    _endpoint(
        "GET",
        ALL,
        list_campaigns,
        "List campaigns, the newest first",
        READ,
        query=CampaignQuery,
        response=Listed[CampaignShown],
    ),
    _endpoint("GET", ONE, get_campaign, "Get a campaign", READ),
    _endpoint("POST", ALL, create_campaign, "Create a campaign", WRITE, body=NewCampaign, status=201),
    _endpoint("PATCH", ONE, update_campaign, "Update a campaign", WRITE, body=CampaignChanges),
    _endpoint("DELETE", ONE, delete_campaign, "Delete a campaign", WRITE, status=204, response=None),
    _endpoint("POST", f"{ONE}/schedule", schedule_campaign, "Schedule a campaign", SEND, body=Schedule),
    _endpoint("POST", f"{ONE}/pause", pause_campaign, "Pause a campaign", SEND),
    _endpoint("POST", f"{ONE}/resume", resume_campaign, "Resume a campaign", SEND),
    _endpoint("POST", f"{ONE}/cancel", cancel_campaign, "Cancel a campaign", SEND),
    _endpoint("GET", f"{ONE}/stats", get_campaign_stats, "Get what came of a campaign", READ, response=One[Stats]),
)
