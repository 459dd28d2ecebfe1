"""What SiloCDP's notifications and campaigns say: one shape for all channels, kept as the contents of campaigns."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from app.actions import content
from app.core.ids import parse_id, public_id
from app.core.tx import Tx
from app.rest.door.places import Places
from app.rest.silocdp.wire import Wire
from models import Content as ContentRow

COLUMNS = {
    "subject": "subject",
    "preheader": "preheader",
    "body": "body",
    "plain_text": "plain",
    "from_address": "from_address",
    "reply_to": "reply_to",
}
FIELDS = ("title", "image_url", "link", "sound", "custom_data", "url", "method", "cc", "bcc")
"""What a channel has besides: our names of them are the same."""


class Content(Wire):
    """What a message says; every text is Liquid. What is left out stays as it is."""

    subject: str | None = Field(None, description="Of an e-mail.")
    preheader: str | None = None
    body: str | None = Field(None, description="HTML of an e-mail, the text of every other channel.")
    plain_text: str | None = Field(None, description="Of an e-mail; made of its HTML if it is left out.")
    from_address: str | None = Field(None, alias="from", description="As `Shop <shop@example.com>`, or a number.")
    reply_to: str | None = None
    sender_id: str | None = Field(None, description="A sender (`snd_…`), instead of `from`.")
    layout_id: str | None = Field(None, description="The layout around an e-mail (`lay_…`).")
    title: str | None = Field(None, description="Of a push notification, as are the next four.")
    image_url: str | None = None
    link: str | None = Field(None, description="Where a click leads to.")
    sound: str | None = None
    custom_data: dict[str, Any] | None = None
    url: str | None = Field(None, description="Of a webhook.")
    method: str | None = Field(None, description="Of a webhook.")
    cc: str | None = None
    bcc: str | None = None


class KeptContent(Content):
    """One content as it is kept."""

    id: str
    channel: str
    language: str = Field(description="Empty: for everybody who has no better one.")
    test_group: int


async def save_content(
    tx: Tx, campaign: Any, channel: str, said: Content, at: str, *, group: int = 0, language: str = ""
) -> None:
    """Keeps what was said for a channel of the campaign with this id. ``at`` is where it was said, for refusals."""
    values: dict[str, Any] = {
        column: value for name, column in COLUMNS.items() if (value := getattr(said, name)) is not None
    }
    if said.sender_id is not None:
        values["sender_id"] = parse_id("sender", said.sender_id, f"{at}.senderId")
    if said.layout_id is not None:
        values["layout_id"] = parse_id("layout", said.layout_id, f"{at}.layoutId")
    fields = {name: value for name in FIELDS if (value := getattr(said, name)) is not None}
    if fields:
        kept = await content.list_contents(tx, campaign_id=campaign)
        where = (channel, group, language)
        (before,) = [one.fields for one in kept if (one.channel, one.test_group, one.language) == where] or [{}]
        values["fields"] = {**before, **fields}
    with _places(at).telling():
        await content.set_content(
            tx, campaign_id=campaign, channel=channel, test_group=group, language=language, values=values
        )


def note_contents(places: Places, at: Mapping[str, ContentRow]) -> None:
    """Remembers where the contents of a campaign were said, for what a launch has against them."""
    for said, row in at.items():
        _note(places, f"contents.{row.number}", said)


def shown_content(row: ContentRow) -> dict[str, Any]:
    """A content's fields as :class:`Content` has them."""
    known = {name: row.fields.get(name) for name in FIELDS}
    return {
        **{name: getattr(row, column) for name, column in COLUMNS.items()},
        **{name: value if isinstance(value, dict if name == "custom_data" else str) else None
           for name, value in known.items()},
        "sender_id": public_id("sender", row.sender_id) if row.sender_id else None,
        "layout_id": public_id("layout", row.layout_id) if row.layout_id else None,
    }  # fmt: skip


def kept_content(row: ContentRow) -> KeptContent:
    """A content with its place."""
    return KeptContent(
        id=public_id("content", row.id),
        channel=row.channel,
        language=row.language,
        test_group=row.test_group,
        **shown_content(row),
    )


def _places(at: str) -> Places:
    places = Places()
    _note(places, "", at)
    return places


def _note(places: Places, path: str, at: str) -> None:
    """Remembers that the parts of the content at ``path`` were said at ``at``."""
    before = f"{path}." if path else ""
    for name, column in COLUMNS.items():
        places.note(before + column, f"{at}.{_wire(name)}")
    for name in FIELDS:
        places.note(f"{before}fields.{name}", f"{at}.{_wire(name)}", deeper=True)
    for name in ("sender_id", "layout_id"):
        places.note(before + name, f"{at}.{_wire(name)}")
    places.note(f"{before}fields", at)


def _wire(name: str) -> str:
    return Content.model_fields[name].alias or name
