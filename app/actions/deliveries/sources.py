"""What messages are made from: contents with their senders, layouts and snippets; and the links in them."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.actions.content import recipes_of
from app.core.access import Scope
from app.core.batches import among
from app.core.ids import new_id
from app.core.locks import lock_names
from app.core.tx import Reading, Tx
from app.templates import Recipe
from models import Link, Snippet

LONGEST_LINK = 4000
GIVEN = ("subject", "preheader", "body", "plain", "from_address", "reply_to")
"""The texts that a message may bring along instead of its content's."""


async def load_recipes(reading: Reading, *, content_ids: Collection[UUID]) -> dict[UUID, Recipe]:
    """What each content is compiled from. Of one without an address of its own it is its sender's."""
    reading.require(Scope.CAMPAIGNS_SEND)
    return await recipes_of(reading, content_ids=content_ids)


async def load_snippets(reading: Reading) -> dict[str, str]:
    """The tenant's snippets, by name."""
    reading.require(Scope.CAMPAIGNS_SEND)
    rows = await reading.session.execute(select(col(Snippet.name), col(Snippet.value)))
    return dict(rows.tuples().all())


def with_given(recipe: Recipe, channel: str, given: Mapping[str, Any]) -> Recipe:
    """The recipe with what a message brought along (``content`` of :attr:`models.Delivery.data`)."""
    texts = {name: given[name] for name in GIVEN if given.get(name) is not None}
    source = replace(recipe.source, channel=channel, **texts)
    if "body" in texts and "plain" not in texts:
        source = replace(source, plain=None)
    if given.get("headers"):
        source = replace(source, headers=tuple((one["name"], one["value"]) for one in given["headers"]))
    return replace(recipe, source=replace(source, fields={**source.fields, **(given.get("fields") or {})}))


async def number_links(tx: Tx, *, campaign_id: UUID, urls: Sequence[str]) -> tuple[int, ...]:
    """The numbers of a campaign's links, in the order of ``urls``; those that are new are added."""
    tx.require(Scope.CAMPAIGNS_SEND)
    digests = [digest_of(url) for url in urls]
    await lock_names(tx.session, tx.tenant_id, ["number"], kind="links")
    wanted = select(col(Link.digest), col(Link.number)).where(
        col(Link.campaign_id) == campaign_id, among(tx.session, Link.digest, digests)
    )
    numbers: dict[str, int] = dict((await tx.session.execute(wanted)).tuples().all())
    new = {digest: url for digest, url in zip(digests, urls, strict=True) if digest not in numbers}
    if new:
        highest = (await tx.session.execute(select(func.max(col(Link.number))))).scalar_one() or 0
        numbers |= {digest: highest + place for place, digest in enumerate(new, 1)}
        rows = [
            {
                "id": new_id(),
                "number": numbers[digest],
                "campaign_id": campaign_id,
                "url": url[:LONGEST_LINK],
                "digest": digest,
                "created_at": tx.now,
            }
            for digest, url in new.items()
        ]
        await tx.insert(Link, rows)
    return tuple(numbers[digest] for digest in digests)


def digest_of(url: str) -> str:
    """By what a link is found again."""
    return hashlib.sha256(url.encode()).hexdigest()
