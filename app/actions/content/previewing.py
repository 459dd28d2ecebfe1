"""What a content looks like before it is sent, and whether it can be sent at all."""

import time
from asyncio import to_thread
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import getaddresses
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.content.contents import CHANNELS, Values
from app.actions.content.finding import Shelf
from app.actions.content.preparing import ReadyContent, recipe_of, template_of, templates_of
from app.actions.customers import CustomerRef, CustomerView, get_customer
from app.core.access import Scope
from app.core.errors import Invalid, Issue
from app.core.ids import new_id
from app.core.message import Message
from app.core.tx import Reading
from app.templates import Person, Recipe, Warned, context_of
from models import Content, Customer, Experiment, TestGroup

LONGEST_CHECK_S = 10
SAMPLES = 3
"""Of so many customers a content is tried out before it is launched."""
UNSUBSCRIBE = "https://example.invalid/unsubscribe"
PREFERENCES = "https://example.invalid/preferences"
"""Where the links of a preview lead to: nobody can unsubscribe by it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as one customer would get it, and what to think about. ``missing`` names what it asks for and this
    customer has not (``customer.plan``)."""

    message: Message
    links: Sequence[str]
    warnings: Sequence[Warned]
    missing: Sequence[str]


async def preview_content(
    reading: Reading,
    *,
    content_id: UUID | None = None,
    draft: Mapping[str, Any] | None = None,
    customer: CustomerRef | None = None,
    data: Mapping[str, Any] | None = None,
    event: Mapping[str, Any] | None = None,
) -> Preview:
    """A content as ``customer`` would get it (without one: as somebody of whom nothing is known). Nothing is sent.

    ``draft`` has columns of a content that are not saved: over those of ``content_id``, or alone with a ``channel``.
    ``data`` is ``trigger``. Raises :class:`NotFound`, and :class:`Invalid` at the part and line that is broken.
    """
    reading.require(Scope.CAMPAIGNS_READ)
    content = await _content(reading, content_id, draft or {})
    person = None if customer is None else person_of(await get_customer(reading, customer))
    recipe = await recipe_of(reading, content)
    return await to_thread(_shown, recipe, _context(person, data or {}, event or {}))


def _shown(recipe: Recipe, context: Mapping[str, Any]) -> Preview:
    template = template_of(recipe)
    return Preview(template.render(context), template.links, template.warnings, template.missing(context))


async def check_contents(reading: Reading, campaign_id: UUID) -> list[Issue]:
    """What stands against sending a campaign: nothing to say, no language for everybody, no sender, no subject, or a
    template that is broken or fails for a sample of customers or for somebody of whom nothing is known. The paths are
    ``contents.<number>.<part>`` and ``contents.<channel>.<group>``. Raises :class:`NotFound`."""
    reading.require(Scope.CAMPAIGNS_READ)
    campaign = await Shelf(reading).campaign(campaign_id)
    contents = await templates_of(reading, campaign_id)
    issues = _gaps(contents, campaign.channels, await _groups(reading, campaign_id))
    people = [None, *await _samples(reading)]
    ends_at = time.perf_counter() + LONGEST_CHECK_S
    for content in contents:
        if content.channel not in campaign.channels:
            continue
        if time.perf_counter() > ends_at:
            return [*issues, Issue("contents", f"take longer than {LONGEST_CHECK_S} seconds to try out")]
        found = await to_thread(_problems, content, people)
        issues += [Issue(f"contents.{content.number}.{issue.path}", issue.message) for issue in found]
    return issues


def person_of(view: CustomerView) -> Person:
    """A customer as templates see them."""
    return Person(
        id=view.id,
        attributes=view.attributes,
        external_id=view.external_id,
        email=view.email,
        phone=view.phone,
        timezone=view.timezone,
        locale=view.locale,
        created_at=view.created_at,
    )


async def _content(reading: Reading, content_id: UUID | None, draft: Mapping[str, Any]) -> Content:
    stored = None if content_id is None else await Shelf(reading).find(Content, "content_id", id=content_id)
    channel = draft.get("channel", None if stored is None else stored.channel)
    if channel not in CHANNELS:
        raise Invalid.at("channel", f"must be one of {', '.join(CHANNELS)}")
    texts = {name: value for name, value in draft.items() if name != "channel"}
    given = {**await Values(reading).checked(channel, texts), "channel": channel}
    if stored is not None:
        values: dict[str, Any] = {**stored.model_dump(), **given}
        return Content(**values)
    unsaved: dict[str, Any] = {"id": new_id(), "number": 0, "campaign_id": new_id(), "tenant_id": reading.tenant_id}
    return Content(**unsaved | given, created_at=reading.now, updated_at=reading.now)


def _context(person: Person | None, data: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    return context_of(
        person,
        trigger=data,
        event=event,
        delivery_id=UUID(int=0),
        unsubscribe_url=UNSUBSCRIBE,
        preferences_url=PREFERENCES,
    )


async def _groups(reading: Reading, campaign_id: UUID) -> list[int]:
    """The positions of the test groups; one without an experiment."""
    statement = (
        select(col(TestGroup.position))
        .join(Experiment, col(Experiment.id) == col(TestGroup.experiment_id))
        .where(col(Experiment.campaign_id) == campaign_id)
        .order_by(col(TestGroup.position))
    )
    return list((await reading.session.execute(statement)).scalars()) or [0]


async def _samples(reading: Reading) -> list[Person]:
    newest = select(Customer).where(col(Customer.status) == "active").order_by(col(Customer.id).desc()).limit(SAMPLES)
    rows = (await reading.session.execute(newest)).scalars()
    return [Person(row.id, row.attributes, timezone=row.timezone, locale=row.locale) for row in rows]


def _gaps(contents: Sequence[ReadyContent], channels: Sequence[str], groups: Sequence[int]) -> list[Issue]:
    there = {(one.channel, one.test_group) for one in contents if one.language == ""}
    return [
        Issue(f"contents.{channel}.{group}", "needs a content without a language, for everybody else")
        for channel in channels
        for group in groups
        if (channel, group) not in there
    ]


def _is_sender(text: str) -> bool:
    """Whether messages can come from there. What Liquid makes of it is looked at for each message."""
    return "{" in text or sum("@" in address for _, address in getaddresses([text])) == 1


def _problems(content: ReadyContent, people: Sequence[Person | None]) -> list[Issue]:
    source = content.recipe.source
    problems: list[Issue] = []
    if content.channel == "email":
        if not source.from_address.strip():
            problems.append(Issue("from_address", "is missing: an e-mail comes from somebody"))
        elif not _is_sender(source.from_address):
            problems.append(Issue("from_address", "is not one address"))
        if not source.subject.strip():
            problems.append(Issue("subject", "is missing"))
    if not source.body.strip() and content.channel not in {"push", "webhook"}:
        problems.append(Issue("body", "is empty"))
    try:
        template = content.compile()
        for person in people:
            template.render(_context(person, {}, {}))
    except Invalid as refused:
        problems += refused.issues
    return problems
