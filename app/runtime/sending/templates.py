"""Which content a message is made from, compiled once for all who get it."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from cachetools import LRUCache

from app.actions.deliveries import (
    CampaignFacts,
    Claim,
    ContentFacts,
    Gathered,
    load_recipes,
    load_snippets,
    number_links,
    option,
    with_given,
)
from app.core.access import system
from app.core.tx import UnitsOfWork
from app.runtime.sending.renderer import Renderer
from app.templates import Recipe, Source

KEPT = 1024
NO_CONTENT = "The campaign has no content for this channel."


@dataclass(frozen=True, slots=True)
class Ready:
    """A template that can be ordered from. ``numbers`` are those of its links; None: it is of no campaign."""

    key: str
    content_id: UUID | None
    numbers: tuple[int, ...] | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Wanted:
    key: str
    content: ContentFacts | None
    campaign_id: UUID | None
    channel: str
    given: dict[str, Any] | None
    inlines_css: bool


class Templates:
    """The compiled templates of this process and of its renderer."""

    def __init__(self, units: UnitsOfWork, renderer: Renderer) -> None:
        self._units = units
        self._renderer = renderer
        self._ready: LRUCache[tuple[str, bool], Ready] = LRUCache(KEPT)

    async def of(self, tenant_id: UUID, claims: Sequence[Claim], known: Gathered, *, apart: bool) -> dict[UUID, Ready]:
        """The template of each message, by the delivery's id."""
        wanted = {claim.id: _wanted(tenant_id, claim, known) for claim in claims}
        missing = {one.key: one for one in wanted.values() if (one.key, apart) not in self._ready}
        if missing:
            await self._make(tenant_id, list(missing.values()), apart=apart)
        return {id: self._ready[one.key, apart] for id, one in wanted.items()}

    def forget(self, keys: Iterable[str], *, apart: bool) -> None:
        """The renderer has these no more."""
        for key in keys:
            self._ready.pop((key, apart), None)

    async def _make(self, tenant_id: UUID, wanted: Sequence[_Wanted], *, apart: bool) -> None:
        async with self._units.read(system(tenant_id)) as reading:
            ids = {one.content.id for one in wanted if one.content}
            recipes = await load_recipes(reading, content_ids=ids)
            snippets = await load_snippets(reading)
        for one in wanted:
            recipe = recipes.get(one.content.id) if one.content else Recipe(Source(one.channel, ""), snippets)
            self._ready[one.key, apart] = await self._compiled(tenant_id, one, recipe, apart=apart)

    async def _compiled(self, tenant_id: UUID, one: _Wanted, recipe: Recipe | None, *, apart: bool) -> Ready:
        content_id = one.content.id if one.content else None
        if recipe is None or (one.content is None and one.given is None):
            return Ready(one.key, content_id, None, NO_CONTENT)
        if one.given is not None:
            recipe = with_given(recipe, one.channel, one.given)
        compiled = await self._renderer.compile(one.key, replace(recipe, inlines_css=one.inlines_css), apart=apart)
        if compiled.problem:
            return Ready(one.key, content_id, None, compiled.problem)
        numbers: tuple[int, ...] | None = None
        if one.campaign_id is not None:
            numbers = ()
            if compiled.links:
                async with self._units.write(system(tenant_id)) as tx:
                    numbers = await number_links(tx, campaign_id=one.campaign_id, urls=compiled.links)
        return Ready(one.key, content_id, numbers)


def _wanted(tenant_id: UUID, claim: Claim, known: Gathered) -> _Wanted:
    campaign: CampaignFacts | None = known.campaigns.get(claim.campaign_id) if claim.campaign_id else None
    content = _content_of(claim, known)
    given = claim.data.get("content")
    inlines_css = option(claim, campaign, "inlines_css", True)
    parts = [
        tenant_id.hex,
        claim.channel,
        content and [content.id.hex, content.version, *map(str, content.stamps)],
        [known.snippets[0], str(known.snippets[1])],
        inlines_css,
        given,
    ]
    key = hashlib.blake2b(orjson.dumps(parts), digest_size=16).hexdigest()
    return _Wanted(key, content, claim.campaign_id, claim.channel, given, inlines_css)


def _content_of(claim: Claim, known: Gathered) -> ContentFacts | None:
    """The content that was chosen when the delivery was made, or else the best for its group and language."""
    if claim.content_id is not None:
        return next((one for one in known.contents if one.id == claim.content_id), None)
    if claim.campaign_id is None:
        return None
    person = known.people.get(claim.customer_id)
    language = (claim.data.get("language") or (person.locale if person else None) or "").lower()
    fitting = [
        one
        for one in known.contents
        if one.campaign_id == claim.campaign_id and one.test_group in (claim.test_group or 0, 0)
    ]

    def rank(one: ContentFacts) -> tuple[bool, int]:
        return one.test_group == (claim.test_group or 0), len(one.language)

    speaking = [one for one in fitting if _speaks(one.language.lower(), language)]
    return max(speaking or fitting, key=rank, default=None)


def _speaks(content: str, person: str) -> bool:
    """Whether somebody of a locale understands a content's language: ``pt`` is for ``pt-BR``, "" is for everybody."""
    return not content or person == content or person.startswith(f"{content}-")
