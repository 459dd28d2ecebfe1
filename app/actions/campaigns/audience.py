"""Whom a campaign or a run is for, in the order of their ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlmodel import col

from app.actions.segments.audiences import Audience
from app.core.access import Scope
from app.core.batches import among
from app.core.tx import Reading
from app.segments import Rule, parse_rule
from app.segments.rules import And, Not
from models import Campaign, CampaignRun, Customer, SendingPolicy

EVERYBODY: Final[Mapping[str, Any]] = {"createdAt": {"is": {"after": "1969-12-31"}}}
"""An audience of all customers. (A campaign whose audience is null is for nobody.)"""


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


async def next_recipients(
    reading: Reading, campaign: Campaign, run: CampaignRun, *, after: UUID | None, limit: int
) -> list[Recipient]:
    """The recipients of a run who come after ``after``, by id, at most ``limit``."""
    reading.require(Scope.CAMPAIGNS_SEND)
    named = (run.recipients or {}).get("people")
    if named is not None:
        return await _of_people(reading, campaign, named, after, limit)
    rule = audience_rule(campaign, (run.recipients or {}).get("rule"))
    if rule is None:
        return []
    audience = Audience(reading, rule)
    # IN and no join: SQLite would read all that were found again for each customer.
    wanted = _facts().where(col(Customer.id).in_(_after(audience.members, after, limit))).order_by(col(Customer.id))
    return await _read(reading, wanted, audience.parameters, {})


async def _of_people(
    reading: Reading, campaign: Campaign, people: Sequence[Sequence[Any]], after: UUID | None, limit: int
) -> list[Recipient]:
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
    return await _read(reading, wanted.order_by(col(Customer.id)).limit(limit), parameters, said)


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
