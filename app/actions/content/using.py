"""Where senders, layouts and snippets are used: what is in use is not deleted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import String, cast, or_, select
from sqlmodel import col

from app.core.access import Scope
from app.core.errors import Conflict
from app.core.ids import public_id
from app.core.tx import Reading, Tx
from app.templates import snippets_in
from models import Campaign, Content, Layout, Snippet

TEXTS = ("from_address", "reply_to", "subject", "preheader", "body", "plain", "headers", "fields")
"""The columns of a content that are Liquid, or have it in them."""


@dataclass(frozen=True, slots=True)
class Use:
    """A campaign in one of whose contents something is used."""

    campaign_id: UUID
    number: int
    name: str
    kind: str
    status: str


async def sender_uses(reading: Reading, *, sender_id: UUID) -> list[Use]:
    """The campaigns that send as this sender, by number."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await _uses(reading, col(Content.sender_id) == sender_id)


async def layout_uses(reading: Reading, *, layout_id: UUID) -> list[Use]:
    """The campaigns that have this layout, by number."""
    reading.require(Scope.CAMPAIGNS_READ)
    return await _uses(reading, col(Content.layout_id) == layout_id)


class Using:
    """Who uses what, as one unit of work sees it."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def refuse(self, noun: str, key: UUID, column: Any) -> None:
        """Raises :class:`Conflict` while a campaign uses it. Contents of deleted campaigns forget it."""
        uses = await _uses(self._tx, column == key)
        if uses:
            named = ", ".join(public_id("campaign", use.campaign_id) for use in uses[:10])
            raise Conflict(f"The {noun} is used by {named}.", f"{noun}_id")
        for content in (await self._tx.session.execute(select(Content).where(column == key))).scalars():
            setattr(content, column.key, None)
        await self._tx.session.flush()

    async def refuse_snippet(self, name: str) -> None:
        """Raises :class:`Conflict` while a content of a campaign, a layout or another snippet shows this snippet."""
        users = [public_id("campaign", key) for key in await self._campaigns_showing(name)]
        layouts = select(Layout).where(col(Layout.body).contains(name, autoescape=True))
        for layout in (await self._tx.session.execute(layouts)).scalars():
            if name in snippets_in(layout.body):
                users.append(f"the layout {layout.name!r}")
        snippets = select(Snippet).where(col(Snippet.value).contains(name, autoescape=True))
        for snippet in (await self._tx.session.execute(snippets)).scalars():
            if name in snippets_in(snippet.value):
                users.append(f"the snippet {snippet.name!r}")
        if users:
            raise Conflict(f"The snippet is used by {', '.join(users[:10])}.", "name")

    async def _campaigns_showing(self, name: str) -> list[UUID]:
        mentions = [cast(col(getattr(Content, text)), String).contains("snippets") for text in TEXTS]
        statement = (
            select(Content)
            .join(Campaign, col(Campaign.id) == col(Content.campaign_id))
            .where(col(Campaign.deleted_at).is_(None), or_(*mentions))
            .order_by(col(Content.number))
        )
        rows = (await self._tx.session.execute(statement)).scalars()
        showing = (
            row.campaign_id for row in rows if any(name in snippets_in(text) for text in texts_of(row.model_dump()))
        )
        return list(dict.fromkeys(showing))


def texts_of(values: Mapping[str, Any]) -> Iterable[str]:
    """Every text in the columns of a content, however deep in its JSON."""
    for name in TEXTS:
        yield from _texts(values.get(name))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


async def _uses(reading: Reading, which: Any) -> list[Use]:
    keys = select(col(Content.campaign_id)).where(which)
    statement = (
        select(Campaign)
        .where(col(Campaign.id).in_(keys), col(Campaign.deleted_at).is_(None))
        .order_by(col(Campaign.number))
    )
    rows = (await reading.session.execute(statement)).scalars()
    return [Use(row.id, row.number, row.name, row.kind, row.status) for row in rows]
