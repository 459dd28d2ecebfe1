"""SiloCDP ``/notifications``: one-off campaigns over one channel."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.actions import campaigns, content
from app.core.access import Scope
from app.core.contact import normalise_locale
from app.core.errors import Conflict, NotFound
from app.core.ids import parse_id, public_id
from app.core.tx import Reading, Tx
from app.rest.door import Call, Endpoint
from app.rest.door.moments import Moment
from app.rest.door.places import Places
from app.rest.silocdp import drafts
from app.rest.silocdp.contents import Content, note_contents, save_content, shown_content
from app.rest.silocdp.drafts import Draft, Drafted, DraftedFor, DraftSaved
from app.rest.silocdp.wire import Paged, PageQuery, Required, Wire, moment, paged
from models import Campaign
from models import Content as ContentRow

TAG = "Notifications"
KIND = "one_off"
CHANGEABLE = ("draft", "failed")
"""A notification that failed did so before its first message."""
FIELDS = drafts.FIELDS | {"channels": "channel", "at": "scheduledAt"}
Channel = Literal["email", "sms", "push", "in_app", "whatsapp", "webhook"]
Status = Literal["draft", "scheduled", "sending", "paused", "completed", "cancelled", "failed", "archived"]


class NotificationChanges(Draft):
    content: Content | None = None
    translations: dict[str, Content] = Field(
        default_factory=dict,
        description="By language tag, such as `de` or `pt-BR`: for those whose locale it is. What a new one leaves out "
        "is as in `content`.",
    )


class NewNotification(NotificationChanges):
    """A draft. It may be incomplete until it is sent."""

    name: Required
    channel: Channel


class Sending(Wire):
    scheduled_at: Moment | None = Field(None, description="Default: the notification's own, else at once.")


class NotificationQuery(PageQuery):
    status: Status | None = None
    channel: Channel | None = None


class NotificationRow(Drafted):
    channel: str


class Notification(DraftedFor):
    channel: str
    content: Content | None
    translations: dict[str, Content]


class NotificationSent(DraftSaved):
    status: str = Field(description="`scheduled` or `sending`.")
    scheduled_at: str | None = Field(description="When it begins; null: it has begun.")


async def list_notifications(call: Call[None, NotificationQuery]) -> Paged[NotificationRow]:
    query = call.query
    async with call.read() as reading:
        page = await campaigns.list_campaigns(
            reading,
            kind=KIND,
            status=query.status,
            channel=query.channel,
            limit=query.page_size,
            offset=query.offset,
        )
    rows = [NotificationRow(**drafts.shown_draft(one), channel=one.channels[0]) for one in page.items]
    return paged(rows, page.total, query)


async def get_notification(call: Call[None, None]) -> Notification:
    async with call.read() as reading:
        campaign = await notification_at(reading, call.path)
        said = await _said(reading, campaign)
    by_language = {language: Content(**shown_content(one)) for language, one in said.items()}
    return Notification(
        **drafts.shown_in_full(campaign),
        channel=campaign.channels[0],
        content=by_language.pop("", None),
        translations=by_language,
    )


async def create_notification(call: Call[NewNotification, None]) -> DraftSaved:
    body = call.body
    settings, places = drafts.settings_of(body, {})
    async with call.write() as tx:
        with places.telling():
            made = await campaigns.create_campaign(tx, channels=[body.channel], kind=KIND, **settings)
        await _say(tx, made, body.channel, body)
    return DraftSaved(id=public_id("campaign", made))


async def update_notification(call: Call[NotificationChanges, None]) -> DraftSaved:
    body = call.body
    async with call.write() as tx:
        campaign = await notification_at(tx, call.path)
        settings, places = drafts.settings_of(body, campaign.schedule)
        with places.telling():
            await campaigns.update_campaign(tx, campaign_id=campaign.id, **settings)
        if campaign.status not in CHANGEABLE:
            raise Conflict(f"The notification is {campaign.status}: only drafts can be changed.", "status")
        await _say(tx, campaign.id, campaign.channels[0], body)
    return DraftSaved(id=public_id("campaign", campaign.id))


async def send_notification(call: Call[Sending, None]) -> NotificationSent:
    async with call.write() as tx:
        campaign = await notification_at(tx, call.path)
        places = Places()
        places.note("contents", "content", deeper=True)
        said = await _said(tx, campaign)
        note_contents(places, {f"translations.{key}" if key else "content": one for key, one in said.items()})
        with places.telling():
            campaign = await campaigns.launch_campaign(tx, campaign_id=campaign.id, at=call.body.scheduled_at)
    return NotificationSent(
        id=public_id("campaign", campaign.id), status=campaign.status, scheduled_at=moment(campaign.scheduled_at)
    )


async def delete_notification(call: Call[None, None]) -> None:
    async with call.write() as tx:
        campaign = await notification_at(tx, call.path)
        await campaigns.delete_campaign(tx, campaign_id=campaign.id)


async def notification_at(reading: Reading, path: Any) -> Campaign:
    """The notification that a path names. Raises NotFound, also for another kind of campaign."""
    found = await campaigns.get_campaign(reading, campaign_id=parse_id("campaign", path["id"]))
    if found.kind != KIND:
        raise NotFound("campaign", "campaign_id")
    return found


async def _said(reading: Reading, campaign: Campaign) -> dict[str, ContentRow]:
    """What a notification says, by language; "" is for everybody else."""
    every = await content.list_contents(reading, campaign_id=campaign.id)
    return {one.language: one for one in every if one.channel == campaign.channels[0] and one.test_group == 0}


async def _say(tx: Tx, campaign_id: UUID, channel: str, body: NotificationChanges) -> None:
    """Keeps what is said. A new translation has from the content what it does not say itself."""
    if body.content is not None:
        await save_content(tx, campaign_id, channel, body.content, "content")
    if not body.translations:
        return
    known = await _said(tx, await campaigns.get_campaign(tx, campaign_id=campaign_id))
    for tag, said in body.translations.items():
        at = f"translations.{tag}"
        language = normalise_locale(tag, at)
        if language not in known and "" in known:
            said = Content(**shown_content(known[""]) | said.model_dump(exclude_none=True))
        await save_content(tx, campaign_id, channel, said, at, language=language)


ONE = "/api/v1/notifications/{id}"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/notifications",
        handler=list_notifications,
        tag=TAG,
        summary="List notifications, the newest first",
        scope=Scope.CAMPAIGNS_READ,
        query=NotificationQuery,
        response=Paged[NotificationRow],
    ),
    Endpoint(
        method="GET",
        path=ONE,
        handler=get_notification,
        tag=TAG,
        summary="Get a notification",
        scope=Scope.CAMPAIGNS_READ,
        response=Notification,
        fields=FIELDS,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/notifications",
        handler=create_notification,
        tag=TAG,
        summary="Create a notification",
        scope=Scope.CAMPAIGNS_WRITE,
        body=NewNotification,
        response=DraftSaved,
        fields=FIELDS,
    ),
    Endpoint(
        method="PUT",
        path=ONE,
        handler=update_notification,
        tag=TAG,
        summary="Update a draft notification",
        scope=Scope.CAMPAIGNS_WRITE,
        body=NotificationChanges,
        response=DraftSaved,
        fields=FIELDS,
    ),
    Endpoint(
        method="POST",
        path=f"{ONE}/send",
        handler=send_notification,
        tag=TAG,
        summary="Send or schedule a notification",
        scope=Scope.CAMPAIGNS_SEND,
        body=Sending,
        response=NotificationSent,
        fields=FIELDS | {"schedule": "scheduledAt"},
    ),
    Endpoint(
        method="DELETE",
        path=ONE,
        handler=delete_notification,
        tag=TAG,
        summary="Delete a notification that is not being sent",
        scope=Scope.CAMPAIGNS_WRITE,
        fields=FIELDS,
    ),
)
