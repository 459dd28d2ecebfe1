"""The contents of campaigns as they are sent: each with its sender, its layout and its snippets."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.content.finding import Shelf
from app.actions.content.senders import sender_line
from app.actions.content.using import texts_of
from app.core.access import Scope
from app.core.batches import among
from app.core.tx import Reading
from app.templates import Recipe, Source, Template, compile_content, snippets_in
from models import Campaign, Content, Layout, Sender, Snippet


@dataclass(frozen=True, slots=True)
class ReadyContent:
    """One content and all that its messages are made of. Can be given to another process."""

    id: UUID
    number: int
    channel: str
    test_group: int
    language: str
    version: int
    recipe: Recipe

    def compile(self) -> Template:
        """Its template. Raises :class:`Invalid` for one that is broken."""
        return template_of(self.recipe)


class Placed(Protocol):
    """What is meant for one channel, test group and language."""

    @property
    def channel(self) -> str: ...
    @property
    def test_group(self) -> int: ...
    @property
    def language(self) -> str: ...


AnyPlaced = TypeVar("AnyPlaced", bound=Placed)


async def templates_of(reading: Reading, campaign_id: UUID) -> list[ReadyContent]:
    """What a campaign says, by channel, test group and language. Nothing is compiled yet. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    campaign = await Shelf(reading).campaign(campaign_id)
    order = (col(Content.channel), col(Content.test_group), col(Content.language))
    statement = select(Content).where(col(Content.campaign_id) == campaign_id).order_by(*order)
    rows = list((await reading.session.execute(statement)).scalars())
    recipes = await _recipes(reading, rows, {campaign_id: campaign.inlines_css})
    return [
        ReadyContent(row.id, row.number, row.channel, row.test_group, row.language, row.version, recipes[row.id])
        for row in rows
    ]


async def recipes_of(reading: Reading, *, content_ids: Collection[UUID]) -> dict[UUID, Recipe]:
    """What each of these contents is compiled from, in at most five statements."""
    reading.require(Scope.CAMPAIGNS_READ)
    found = select(Content).where(among(reading.session, Content.id, content_ids))
    rows = list((await reading.session.execute(found)).scalars())
    return await _recipes(reading, rows, await _inlining(reading, rows))


async def recipe_of(reading: Reading, content: Content) -> Recipe:
    """What one content is made of, stored or not."""
    reading.require(Scope.CAMPAIGNS_READ)
    return (await _recipes(reading, [content], await _inlining(reading, [content])))[content.id]


def template_of(recipe: Recipe) -> Template:
    """The template that ``recipe`` makes. Raises :class:`Invalid` for one that is broken."""
    return compile_content(
        recipe.source, snippets=recipe.snippets, layout=recipe.layout, inlines_css=recipe.inlines_css
    )


def pick_content(
    contents: Iterable[AnyPlaced], channel: str, test_group: int | None, locale: str | None
) -> AnyPlaced | None:
    """What a person with ``locale`` gets: of ``pt-BR``, else of ``pt``, else what everybody gets (language "")."""
    group = test_group or 0
    by_language = {one.language.lower(): one for one in contents if one.channel == channel and one.test_group == group}
    tag = (locale or "").replace("_", "-").lower()
    while tag:
        if tag in by_language:
            return by_language[tag]
        tag = tag.rpartition("-")[0]
    return by_language.get("")


async def _inlining(reading: Reading, rows: Sequence[Content]) -> dict[UUID, bool]:
    keys = list({row.campaign_id for row in rows})
    found = select(col(Campaign.id), col(Campaign.inlines_css)).where(among(reading.session, Campaign.id, keys))
    return dict((await reading.session.execute(found)).tuples().all())


async def _recipes(reading: Reading, rows: Sequence[Content], inlines: Mapping[UUID, bool]) -> dict[UUID, Recipe]:
    layouts = await _by_id(reading, Layout, [row.layout_id for row in rows if row.layout_id])
    senders = await _by_id(reading, Sender, [row.sender_id for row in rows if row.sender_id])
    texts = {row.id: list(texts_of(row.model_dump())) for row in rows}
    asked = [text for found in texts.values() for text in found] + [layout.body for layout in layouts.values()]
    snippets = await _snippets(reading) if any("snippets" in text for text in asked) else {}
    made: dict[UUID, Recipe] = {}
    for row in rows:
        source = Source.of(row)
        if not source.from_address and row.sender_id in senders:
            source = replace(source, from_address=_verbatim(sender_line(senders[row.sender_id])))
        layout = layouts[row.layout_id].body if row.layout_id in layouts else None
        shown = _shown([*texts[row.id], layout or ""], snippets)
        made[row.id] = Recipe(source, shown, layout, inlines.get(row.campaign_id, True))
    return made


def _verbatim(line: str) -> str:
    """A sender is no Liquid, whatever it looks like."""
    return re.sub(r"\{(?=[{%])", "{{ '{' }}", line)


async def _by_id(reading: Reading, table: Any, keys: Sequence[UUID]) -> dict[UUID | None, Any]:
    if not keys:
        return {}
    rows = select(table).where(among(reading.session, table.id, list(dict.fromkeys(keys))))
    return {row.id: row for row in (await reading.session.execute(rows)).scalars()}


async def _snippets(reading: Reading) -> dict[str, str]:
    rows = await reading.session.execute(select(col(Snippet.name), col(Snippet.value)))
    return dict(rows.tuples().all())


def _shown(texts: Sequence[str], snippets: Mapping[str, str]) -> dict[str, str]:
    """Of the snippets those that ``texts`` ask for, through however many others."""
    shown: dict[str, str] = {}
    waiting = list(texts)
    while waiting:
        for name in snippets_in(waiting.pop()):
            if name in snippets and name not in shown:
                shown[name] = snippets[name]
                waiting.append(snippets[name])
    return shown
