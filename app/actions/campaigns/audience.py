"""Whom a campaign or a run is for, in the order of their ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlmodel import col

from app.actions.segments.audiences import Audience
from app.actions.segments.store import SegmentStore
from app.core.access import Scope
from app.core.batches import among
from app.core.tx import Reading
from app.segments import Rule, parse_rule, segments_of
from app.segments.rules import And, Not
from models import Campaign, CampaignRun, Customer, RunPortion, Segment, SendingPolicy

EVERYBODY: Final[Mapping[str, Any]] = {"createdAt": {"is": {"after": "1969-12-31"}}}
"""An audience of all customers. (A campaign whose audience is null is for nobody.)"""
PORTION: Final = 1000
"""People of a data file that are kept, and read again, together."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who gets a delivery. ``data`` is what a call said for them alone."""

    customer_id: UUID
    timezone: str
    locale: str | None
    data: dict[str, Any] | None = None


def audience_rule(campaign: Campaign, recipients: Mapping[str, Any] | None = None) -> Rule | None:
    """Who is meant: those of ``recipients`` (or else the campaign's audience) who are not excluded. None: nobody."""
    wanted = recipients if recipients is not None else campaign.audience
    if wanted is None:
        return None
    rule = parse_rule(wanted)
    return rule if campaign.exclusions is None else And((rule, Not(parse_rule(campaign.exclusions))))


@dataclass(frozen=True, slots=True)
class Found:
    """Recipients, by id. ``is_whole``: there is nobody after them."""

    recipients: Sequence[Recipient]
    is_whole: bool


async def next_recipients(
    reading: Reading, campaign: Campaign, run: CampaignRun, *, after: UUID | None, limit: int
) -> Found:
    """The recipients of a run who come after ``after``, at most ``limit``; if there are any more, at least one."""
    reading.require(Scope.CAMPAIGNS_SEND)
    said = run.recipients or {}
    if "portions" in said:
        return await _of_portions(reading, campaign, run, after, max(1, limit // PORTION))
    if "people" in said:
        return await _of_people(reading, campaign, said["people"], after, limit)
    rule = audience_rule(campaign, said.get("rule"))
    if rule is None:
        return Found((), is_whole=True)
    audience = Audience(reading, rule)
    # IN and no join: SQLite would read all that were found again for each customer.
    wanted = _facts().where(col(Customer.id).in_(_after(audience.members, after, limit))).order_by(col(Customer.id))
    found = await _read(reading, wanted, audience.parameters, {})
    return Found(found, is_whole=len(found) < limit)


async def awaits_segments(reading: Reading, campaign: Campaign, run: CampaignRun) -> bool:
    """Whether the members of a segment are still being found that the run's rules ask for, by themselves or through
    other segments: by then too few would be meant, or too few excluded."""
    reading.require(Scope.CAMPAIGNS_SEND)
    said = run.recipients or {}
    is_named = "people" in said or "portions" in said
    rules = [campaign.exclusions, None if is_named else said.get("rule", campaign.audience)]
    asked = set[UUID]().union(*(segments_of(parse_rule(rule)) for rule in rules if rule is not None))
    if not asked:
        return False
    uses = await SegmentStore(reading).uses()
    reached: set[UUID] = set()
    while asked:
        reached |= asked
        asked = set[UUID]().union(*(uses.get(one, frozenset()) for one in asked)) - reached
    wanted = select(col(Segment.id)).where(among(reading.session, Segment.id, reached), col(Segment.state) != "ready")
    return (await reading.session.execute(wanted.limit(1))).first() is not None


async def _of_portions(reading: Reading, campaign: Campaign, run: CampaignRun, after: UUID | None, most: int) -> Found:
    """Those of a data file, of whom no more is read than is asked for."""
    while True:
        mine = select(col(RunPortion.last_id), col(RunPortion.people)).where(col(RunPortion.run_id) == run.id)
        later = mine if after is None else mine.where(col(RunPortion.last_id) > after)
        rows = (await reading.session.execute(later.order_by(col(RunPortion.last_id)).limit(most))).all()
        people = [one for _, portion in rows for one in portion]
        found = await _of_people(reading, campaign, people, after, len(people) + 1)
        if len(rows) < most or found.recipients:
            return Found(found.recipients, is_whole=len(rows) < most)
        after = rows[-1][0]  # nobody of so many may get it


async def _of_people(
    reading: Reading, campaign: Campaign, people: Sequence[Sequence[Any]], after: UUID | None, limit: int
) -> Found:
    """Those whom a call named, as far as they are active and not excluded."""
    start = "" if after is None else after.hex
    ahead = sorted((one for one in people if one[0] > start), key=lambda one: one[0])
    said = {UUID(hex=one[0]): one[1] for one in ahead}
    # All of them, not the first so many: some of those may be out, and fewer than the limit means that this is the end.
    wanted = _facts().where(among(reading.session, Customer.id, list(said)), col(Customer.status) == "active")
    parameters: dict[str, Any] = {}
    if campaign.exclusions is not None:
        excluded = Audience(reading, parse_rule(campaign.exclusions))
        wanted = wanted.where(col(Customer.id).not_in(excluded.members))
        parameters = excluded.parameters
    found = await _read(reading, wanted.order_by(col(Customer.id)).limit(limit), parameters, said)
    return Found(found, is_whole=len(found) < limit)


def _facts() -> Any:
    return select(col(Customer.id), col(Customer.timezone), col(Customer.locale))


def _after(members: Select[Any], after: UUID | None, limit: int) -> Select[Any]:
    column = members.selected_columns[0]
    later = members if after is None else members.where(column > after)
    return later.order_by(column).limit(limit)


async def _read(
    reading: Reading, wanted: Any, parameters: Mapping[str, Any], said: Mapping[UUID, dict[str, Any] | None]
) -> list[Recipient]:
    policy = select(col(SendingPolicy.timezone)).where(col(SendingPolicy.tenant_id) == reading.tenant_id)
    default = (await reading.session.execute(policy)).scalar_one_or_none() or "UTC"
    rows = await reading.session.execute(wanted, dict(parameters))
    return [Recipient(key, timezone or default, locale, said.get(key)) for key, timezone, locale in rows]
