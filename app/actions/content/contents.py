"""The contents of campaigns: what each test group is sent in each language over each channel."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from app.actions.content.finding import Shelf
from app.core.access import Scope
from app.core.batches import among
from app.core.contact import check_text, normalise_locale
from app.core.documents import check_size, check_value
from app.core.errors import Conflict, Invalid
from app.core.ids import new_id, public_id
from app.core.locks import lock_names
from app.core.numbers import next_number
from app.core.tx import Reading, Tx
from app.templates import LONGEST_BODY
from models import Campaign, Content, Delivery, Layout, Sender

CHANNELS = ("email", "sms", "push", "in_app", "whatsapp", "webhook")
MOST_CONTENTS = 200
MOST_GROUPS = 20
MOST_HEADERS = 50
MOST_FIELDS_BYTES = 600_000
DEEPEST_FIELD = 5
TEXTS = {
    "name": 200,
    "from_address": 500,
    "reply_to": 500,
    "subject": 2000,
    "preheader": 2000,
    "body": LONGEST_BODY,
    "plain": LONGEST_BODY,
}
"""The longest that each text may be."""
EDITABLE = frozenset({*TEXTS, "sender_id", "layout_id", "headers", "fields"})
DONE = frozenset({"completed", "cancelled", "archived"})


async def set_content(
    tx: Tx,
    *,
    campaign_id: UUID,
    channel: str,
    test_group: int = 0,
    language: str = "",
    values: Mapping[str, Any],
    expected_version: int | None = None,
) -> Content:
    """Gives a campaign its content for a channel, test group and language, and makes it if there is none.

    ``values`` has the columns in :data:`EDITABLE` that are given; the others stay. ``language`` "" is what everybody
    gets who has no better one. A draft may be broken: :func:`check_contents` says so before it is launched.
    ``expected_version``: only if the content has this one, 0: only if there is none yet.

    Raises :class:`NotFound` for the campaign, sender or layout, :class:`Invalid`, and :class:`Conflict` for a campaign
    that is over, and at ``expected_version`` for a content that somebody has changed meanwhile.
    """
    tx.require(Scope.CAMPAIGNS_WRITE)
    where = await _place(tx, campaign_id, channel, test_group, language)
    await lock_names(tx.session, tx.tenant_id, [campaign_id.hex], kind="content")
    content = await _at(tx, campaign_id, where)
    if expected_version is not None and expected_version != (0 if content is None else content.version):
        raise Conflict("The content was changed meanwhile.", "expected_version")
    if content is not None:
        return await _change(tx, content, values)
    checked = await Values(tx).checked(channel, values)
    await _check_room(tx, campaign_id)
    content = Content(
        tenant_id=tx.tenant_id,
        id=new_id(),
        number=await next_number(tx, Content),
        campaign_id=campaign_id,
        **where,
        **checked,
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.session.add(content)
    await tx.session.flush()
    tx.audit("content.create", public_id("content", content.id), {"campaign": public_id("campaign", campaign_id)})
    return content


async def update_content(tx: Tx, *, content_id: UUID, values: Mapping[str, Any]) -> Content:
    """Changes the columns that are given, as :func:`set_content` does. Raises :class:`NotFound` and as that does."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    content = await Shelf(tx).find(Content, "content_id", id=content_id)
    _refuse_done(await Shelf(tx).campaign(content.campaign_id))
    return await _change(tx, content, values)


async def delete_content(tx: Tx, *, content_id: UUID) -> None:
    """Deletes a content; what was sent of it to try it out forgets it. Raises :class:`NotFound`, and :class:`Conflict`
    unless its campaign is a draft."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    content = await Shelf(tx).find(Content, "content_id", id=content_id)
    campaign = await Shelf(tx).campaign(content.campaign_id)
    if campaign.status != "draft":
        raise Conflict("Only the contents of a draft can be deleted.", "content_id")
    tried = update(Delivery).where(col(Delivery.campaign_id) == campaign.id, col(Delivery.content_id) == content_id)
    await tx.session.execute(tried.values(content_id=None))
    await tx.session.delete(content)
    tx.audit("content.delete", public_id("content", content_id), {"campaign": public_id("campaign", campaign.id)})


async def copy_contents(tx: Tx, *, from_campaign_id: UUID, to_campaign_id: UUID) -> None:
    """Gives a campaign that has no contents those of another one. Raises :class:`NotFound` for either."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    await Shelf(tx).campaign(to_campaign_id)
    number = await next_number(tx, Content)
    rows: list[dict[str, Any]] = []
    for place, content in enumerate(await list_contents(tx, campaign_id=from_campaign_id)):
        row = content.model_dump() | {"id": new_id(), "number": number + place, "campaign_id": to_campaign_id}
        rows.append(row | {"version": 1, "created_at": tx.now, "updated_at": tx.now})
    if rows:
        await tx.insert(Content, rows)


async def get_content(reading: Reading, *, content_id: UUID) -> Content:
    """One content. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await Shelf(reading).find(Content, "content_id", id=content_id)


async def contents_with_ids(reading: Reading, *, content_ids: Collection[UUID]) -> dict[UUID, Content]:
    """These contents, as far as there are such; also those of deleted campaigns."""
    reading.require(Scope.CAMPAIGNS_READ)
    wanted = select(Content).where(among(reading.session, Content.id, content_ids))
    return {content.id: content for content in (await reading.session.execute(wanted)).scalars()}


async def content_with_number(reading: Reading, *, number: int) -> Content:
    """The content with this number of the tenant. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await Shelf(reading).find(Content, "number", number=number if 0 < number < 2**31 else 0)


async def list_contents(reading: Reading, *, campaign_id: UUID) -> list[Content]:
    """All contents of a campaign, by channel, test group and language. Raises :class:`NotFound` for the campaign."""
    reading.require(Scope.CAMPAIGNS_READ)
    await Shelf(reading).campaign(campaign_id)
    order = (col(Content.channel), col(Content.test_group), col(Content.language))
    listed = select(Content).where(col(Content.campaign_id) == campaign_id).order_by(*order)
    return list((await reading.session.execute(listed)).scalars())


async def contents_of_campaigns(reading: Reading, *, campaign_ids: Collection[UUID]) -> dict[UUID, list[Content]]:
    """The contents of these campaigns, each in the order of :func:`list_contents`."""
    reading.require(Scope.CAMPAIGNS_READ)
    order = (col(Content.channel), col(Content.test_group), col(Content.language))
    listed = select(Content).where(among(reading.session, Content.campaign_id, campaign_ids)).order_by(*order)
    found: dict[UUID, list[Content]] = {key: [] for key in campaign_ids}
    for content in (await reading.session.execute(listed)).scalars():
        found[content.campaign_id].append(content)
    return found


async def _place(tx: Tx, campaign_id: UUID, channel: str, test_group: int, language: str) -> dict[str, Any]:
    _refuse_done(await Shelf(tx).campaign(campaign_id))
    if channel not in CHANNELS:
        raise Invalid.at("channel", f"must be one of {', '.join(CHANNELS)}")
    if not isinstance(test_group, int) or not 0 <= test_group < MOST_GROUPS:
        raise Invalid.at("test_group", f"must be 0 to {MOST_GROUPS - 1}")
    tag = normalise_locale(language, "language") if language else ""
    return {"channel": channel, "test_group": test_group, "language": tag}


async def _at(tx: Tx, campaign_id: UUID, where: Mapping[str, Any]) -> Content | None:
    here = select(Content).where(col(Content.campaign_id) == campaign_id)
    for name, value in where.items():
        here = here.where(getattr(Content, name) == value)
    return (await tx.session.execute(here)).scalar_one_or_none()


async def _change(tx: Tx, content: Content, values: Mapping[str, Any]) -> Content:
    checked = await Values(tx).checked(content.channel, values)
    changed = {name: value for name, value in checked.items() if getattr(content, name) != value}
    if changed:
        for name, value in changed.items():
            setattr(content, name, value)
        content.version += 1
        content.updated_at = tx.now
        tx.audit("content.update", public_id("content", content.id), {"changed": sorted(changed)})
    return content


def _refuse_done(campaign: Campaign) -> None:
    if campaign.status in DONE:
        raise Conflict(f"The campaign is {campaign.status}.", "campaign_id")


async def _check_room(tx: Tx, campaign_id: UUID) -> None:
    keys = select(col(Content.id)).where(col(Content.campaign_id) == campaign_id).limit(MOST_CONTENTS)
    if len((await tx.session.execute(keys)).all()) >= MOST_CONTENTS:
        raise Conflict(f"A campaign has at most {MOST_CONTENTS} contents.", "campaign_id")


class Values:
    """What is given of a content, looked at before it is kept or shown."""

    def __init__(self, reading: Reading) -> None:
        self._shelf = Shelf(reading)

    async def checked(self, channel: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """``values`` as they are kept. Raises :class:`Invalid`, and :class:`NotFound` for a sender or layout."""
        for name in values.keys() - EDITABLE:
            raise Invalid.at(name, "is no part of a content")
        checked = dict(values)
        for name, longest in TEXTS.items():
            if name in values and not (name == "plain" and values[name] is None):
                checked[name] = check_text(values[name], name, longest=longest)
        if values.get("sender_id") is not None:
            sender = await self._shelf.find(Sender, "sender_id", id=values["sender_id"])
            if (sender.kind == "email") != (channel == "email"):
                raise Invalid.at("sender_id", f"a sender with {sender.kind} cannot send over {channel}")
        if values.get("layout_id") is not None:
            await self._shelf.find(Layout, "layout_id", id=values["layout_id"])
        if "headers" in values:
            checked["headers"] = checked_headers(values["headers"])
        if "fields" in values:
            checked["fields"] = _fields(values["fields"])
        return checked


def checked_headers(headers: Sequence[Mapping[str, str]], path: str = "headers") -> list[dict[str, str]]:
    """Headers of an e-mail as they are kept. Raises :class:`Invalid` below ``path``."""
    if not isinstance(headers, list | tuple) or len(headers) > MOST_HEADERS:
        raise Invalid.at(path, f"must be a list of at most {MOST_HEADERS}")
    checked: list[dict[str, str]] = []
    for place, header in enumerate(headers):
        at = f"{path}.{place}"
        if not isinstance(header, Mapping) or header.keys() != {"name", "value"}:
            raise Invalid.at(at, "must have a name and a value")
        name = check_text(header["name"], f"{at}.name", longest=76, shortest=1)
        checked.append({"name": name, "value": check_text(header["value"], f"{at}.value", longest=2000)})
    return checked


def _fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(fields, Mapping):
        raise Invalid.at("fields", "must be an object")
    _check_field(fields, "fields", DEEPEST_FIELD)
    check_size(fields, "fields", MOST_FIELDS_BYTES)
    return dict(fields)


def _check_field(value: Any, path: str, depth: int) -> None:
    """JSON whose texts may be as long as a body: that of AMP is one."""
    if isinstance(value, str):
        check_text(value, path, longest=LONGEST_BODY)
    elif isinstance(value, Mapping | list) and depth:
        for name, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            check_text(str(name), path, longest=200)
            _check_field(inner, f"{path}.{name}", depth - 1)
    else:
        check_value(value, path)
