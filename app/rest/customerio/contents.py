"""Contents as Customer.io shows and takes them: variants of newsletters."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson
from pydantic import AliasChoices, Field

from app.actions import content
from app.actions.campaigns import update_campaign
from app.core.errors import Invalid, NotFound
from app.core.tx import Reading, Tx
from app.rest.customerio.wire import Wire
from models import Campaign, Layout, Sender
from models import Content as ContentRow

TYPES = {"email": "email", "sms": "twilio", "push": "push", "in_app": "in_app", "whatsapp": "whatsapp"}
TYPES |= {"webhook": "webhook"}
CHANNELS = {word: channel for channel, word in TYPES.items()} | {"sms": "sms"}
RECIPIENTS = {"email": "{{customer.email}}", "sms": "{{customer.phone}}", "whatsapp": "{{customer.phone}}"}
PREMAILER = "premailer"
SAME = {"name": "name", "body": "body", "subject": "subject", "reply_to": "reply_to", "preheader_text": "preheader"}
"""What Customer.io calls a text, and what we do."""
IN_FIELDS = {"body_amp": "amp", "bcc": "bcc", "cc": "cc", "fake_bcc": "fake_bcc"}
FIELDS = {
    "preheader": "preheader_text",
    "from_address": "from",
    "sender_id": "from_id",
    "layout_id": "layout",
    "test_group": "test_group_id",
    "content_id": "content_id",
    "number": "newsletter_id",
    "campaign_id": "newsletter_id",
    "fields.amp": "body_amp",
}


class Header(Wire):
    name: str
    value: str


class ContentChanges(Wire):
    """What is left out stays. `id`, `newsletter_id` and `deduplicate_id` say nothing."""

    name: str | None = None
    type: str | None = Field(None, description="It cannot be changed.")
    language: str | None = Field(None, description="It cannot be changed.")
    layout: str | None = Field(None, description='With `{{ content }}` in it; "" for none.')
    body: str | None = None
    body_amp: str | None = None
    subject: str | None = None
    preheader_text: str | None = None
    from_: str | None = Field(None, alias="from")
    from_id: int | None = Field(None, description="The number of a sender.")
    reply_to: str | None = None
    reply_to_id: int | None = Field(None, description="The number of a sender, whose address is replied to.")
    recipient: str | None = Field(None, description="It cannot be changed.")
    bcc: str | None = None
    cc: str | None = None
    fake_bcc: bool | None = None
    preprocessor: str | None = Field(None, description="`premailer` to write styles into the elements, or `none`.")
    headers: list[Header] | str | None = None


class Content(Wire):
    id: int
    newsletter_id: int
    deduplicate_id: str
    name: str
    layout: str
    body: str
    body_amp: str
    language: str
    type: str
    from_: str = Field(validation_alias=AliasChoices("from", "from_"), serialization_alias="from")
    from_id: int | None
    reply_to: str
    reply_to_id: int | None
    preprocessor: str
    recipient: str
    subject: str
    bcc: str
    cc: str
    fake_bcc: bool
    preheader_text: str
    headers: str = Field(description="JSON of `name` and `value`.")


class ContentShown(Wire):
    content: Content


class ContentsShown(Wire):
    contents: list[Content]


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents of one campaign, and what must be known to show them."""

    campaign: Campaign
    layouts: dict[UUID, Layout]
    senders: dict[UUID, Sender]

    @classmethod
    async def read(cls, reading: Reading, campaign: Campaign, rows: Sequence[ContentRow]) -> "Contents":
        layouts = {row.layout_id for row in rows if row.layout_id}
        senders = {row.sender_id for row in rows if row.sender_id}
        return cls(
            campaign,
            {key: await content.get_layout(reading, layout_id=key) for key in layouts},
            {key: await content.get_sender(reading, sender_id=key) for key in senders},
        )

    def shown(self, row: ContentRow) -> Content:
        """One of them."""
        sender = self.senders.get(row.sender_id) if row.sender_id else None
        layout = self.layouts.get(row.layout_id) if row.layout_id else None
        return Content(
            id=row.number,
            newsletter_id=self.campaign.number,
            deduplicate_id=f"{row.number}:{int(row.updated_at.timestamp())}",
            name=row.name,
            layout=layout.body if layout else "",
            body=row.body,
            body_amp=str(row.fields.get("amp") or ""),
            language=row.language,
            type=TYPES[row.channel],
            from_=row.from_address or (content.sender_line(sender) if sender else ""),
            from_id=sender.number if sender else None,
            reply_to=row.reply_to,
            reply_to_id=None,
            preprocessor=PREMAILER if self.campaign.inlines_css and row.channel == "email" else "",
            recipient=RECIPIENTS.get(row.channel, ""),
            subject=row.subject,
            bcc=str(row.fields.get("bcc") or ""),
            cc=str(row.fields.get("cc") or ""),
            fake_bcc=bool(row.fields.get("fake_bcc")),
            preheader_text=row.preheader,
            headers=orjson.dumps(row.headers).decode(),
        )


async def change(tx: Tx, campaign: Campaign, row: ContentRow, said: ContentChanges) -> ContentRow:
    """Changes what was said of a content. Raises as :func:`update_content` does."""
    _refuse_fixed(row, said)
    given = {name for name in said.model_fields_set if getattr(said, name) is not None}
    values: dict[str, Any] = {ours: getattr(said, name) for name, ours in SAME.items() if name in given}
    further = {ours: getattr(said, name) for name, ours in IN_FIELDS.items() if name in given}
    if further:
        values["fields"] = {
            name: value for name, value in {**row.fields, **further}.items() if value not in ("", False)
        }
    if "headers" in given:
        values["headers"] = _headers(said.headers)
    if "layout" in given:
        values["layout_id"] = await _layout(tx, said.layout or "")
    values |= await _from(tx, row, said, given)
    if said.reply_to_id:
        values["reply_to"] = content.sender_line(await _sender(tx, said.reply_to_id, "reply_to_id"))
    if "preprocessor" in given and row.channel == "email":
        inlines = said.preprocessor == PREMAILER
        if inlines != campaign.inlines_css:
            await update_campaign(tx, campaign_id=campaign.id, inlines_css=inlines)
    return await content.update_content(tx, content_id=row.id, values=values)


def _refuse_fixed(row: ContentRow, said: ContentChanges) -> None:
    fixed = {"language": row.language, "recipient": RECIPIENTS.get(row.channel, "")}
    for name, value in fixed.items():
        wanted = getattr(said, name)
        if wanted and wanted.replace(" ", "") != value.replace(" ", ""):
            raise Invalid.at(name, f"cannot be changed: it is {value!r}")
    if said.type and CHANNELS.get(said.type) != row.channel:
        raise Invalid.at("type", f"cannot be changed: it is {TYPES[row.channel]!r}")


def _headers(said: list[Header] | str | None) -> list[dict[str, str]]:
    if not isinstance(said, str):
        return [header.model_dump() for header in said or ()]
    try:
        read = orjson.loads(said) if said.strip() else []
    except orjson.JSONDecodeError:
        raise Invalid.at("headers", "is not JSON") from None
    if not isinstance(read, list):
        raise Invalid.at("headers", "must be a list of names and values")
    return read


async def _layout(tx: Tx, body: str) -> UUID | None:
    """The layout with this body; a new one, if there is none."""
    if not body.strip():
        return None
    begin = 0
    while True:
        page, total = await content.list_layouts(tx, limit=1000, offset=begin)
        for layout in page:
            if layout.body == body:
                return layout.id
        begin += len(page)
        if not page or begin >= total:
            break
    digest = blake2b(body.encode(), digest_size=4).hexdigest()
    try:
        return (await content.create_layout(tx, name=f"Customer.io {digest}", body=body)).id
    except Invalid as wrong:
        raise Invalid.at("layout", wrong.issues[0].message) from None


async def _from(tx: Tx, row: ContentRow, said: ContentChanges, given: set[str]) -> dict[str, Any]:
    """Who it comes from. What is said as the sender has it anyway, is the sender's."""
    if "from_id" not in given:
        return {"from_address": said.from_} if "from_" in given else {}
    sender = await _sender(tx, said.from_id or 0, "from_id")
    is_own = said.from_ in (None, "", content.sender_line(sender), sender.address)
    return {"sender_id": sender.id, "from_address": "" if is_own else said.from_}


async def _sender(tx: Tx, number: int, field: str) -> Sender:
    try:
        return await content.sender_with_number(tx, number=number)
    except NotFound:
        raise Invalid.at(field, "is not the id of a sender") from None
