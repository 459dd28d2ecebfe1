"""Calling triggered campaigns: for their own audience, for another one, or for people by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.campaigns.calling import check_data
from app.actions.campaigns.launching import begin_run
from app.actions.campaigns.store import CampaignStore
from app.actions.campaigns.words import FAILED, SENDING, TRIGGERED
from app.actions.customers.facts import CustomerRef, normalise_ref
from app.actions.customers.store import CustomerStore
from app.actions.segments.store import SegmentStore
from app.core.access import Scope
from app.core.contact import check_text
from app.core.errors import Conflict, Invalid, RapportError
from app.core.ids import new_id
from app.core.tx import Reading, Tx
from app.segments import to_json
from models import Campaign, CampaignRun

MAX_PEOPLE = 10_000
MAX_PROBLEMS = 1000
LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class CalledPerson:
    """Somebody by name, and what is said for them alone."""

    customer: CustomerRef
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TriggerCall:
    """One call. At most one of ``people``, ``recipients`` (a rule) and ``data_file_url`` (JSON Lines of ``{id|email,
    data}``, perhaps gzipped) says for whom; with none it is for the campaign's audience.

    ``ignores_missing``: kinds of names (``external_id``, ``email``, …) that may name nobody; else one who is missing
    fails the whole call. With ``idempotency_key`` the same call is made once: the first one stands, whatever is said
    later.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    people: Sequence[CalledPerson] | None = None
    recipients: Mapping[str, Any] | None = None
    data_file_url: str | None = None
    ignores_missing: frozenset[str] = frozenset()
    idempotency_key: str | None = None


async def trigger_campaign(tx: Tx, *, campaign_id: UUID, call: TriggerCall) -> UUID:
    """Begins a run of a triggered campaign and returns its id.

    Raises :class:`NotFound`; :class:`Conflict` while the campaign is not launched, or paused; :class:`Invalid` at what
    is wrong. Who is missing makes it :class:`Invalid` at ``people``, whose message names the run's number; that run is
    kept, failed, with its problems.
    """
    tx.require(Scope.CAMPAIGNS_SEND)
    campaign = await CampaignStore(tx).get(campaign_id, locked=True)
    if campaign.kind != TRIGGERED:
        raise Invalid.at("campaign_id", f"is a {campaign.kind} campaign, not a triggered one")
    known = await _known(tx, campaign, call.idempotency_key)
    if known is not None:
        if known.state == FAILED and "people" in (known.recipients or {}):
            raise _missing(known, call)
        return known.id
    if campaign.status != SENDING:
        raise Conflict(f"The campaign is {campaign.status}: it cannot be triggered.", "campaign_id")
    data = check_data(call.data)
    recipients, problems = await _recipients(tx, call)
    if recipients is None and campaign.audience is None:
        raise Invalid.at("recipients", "is needed: the campaign has no audience of its own")
    given: dict[str, Any] = {"data": data, "recipients": recipients, "problems": problems[:MAX_PROBLEMS]}
    fails = any(one["kind"] not in call.ignores_missing for one in problems)
    if fails:
        given |= {"state": FAILED, "finished_at": tx.now}
    run_id = await begin_run(tx, campaign, call.idempotency_key or f"call {new_id().hex}", tx.now, **given)
    if fails:
        raise tx.commit_despite(_missing(await CampaignStore(tx).run(run_id), call))
    return run_id


async def resolve_people(
    reading: Reading, people: Sequence[CalledPerson]
) -> tuple[list[list[Any]], list[dict[str, Any]]]:
    """Whom the names name, each once with their data (``[hex of the id, data]``), and who could not be found."""
    reading.require(Scope.CAMPAIGNS_SEND)
    refs = [_normal(person.customer) for person in people]
    store = CustomerStore(reading)
    names = {(ref.kind, ref.value) for ref in refs if ref is not None and ref.kind != "id"}
    ids = {UUID(ref.value) for ref in refs if ref is not None and ref.kind == "id"}
    holders = await store.holders(names)
    holders |= {("id", known.hex): known for known in (await store.standing(ids) if ids else ())}
    found: dict[UUID, Mapping[str, Any] | None] = {}
    problems = []
    for person, ref in zip(people, refs, strict=True):
        holder = None if ref is None else holders.get((ref.kind, ref.value))
        if holder is None:
            kind, value = person.customer.kind, str(person.customer.value)[:320]
            problems.append({"kind": kind, "value": value, "detail": "No such customer."})
        else:
            found.setdefault(holder, person.data)
    return [[key.hex, data] for key, data in found.items()], problems


async def _recipients(tx: Tx, call: TriggerCall) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """What the run keeps of whom the call is for, and who is missing."""
    given = [one for one in (call.people, call.recipients, call.data_file_url) if one is not None]
    if len(given) > 1:
        raise Invalid.at("recipients", "must be the only one that says for whom")
    if call.recipients is not None:
        return {"rule": to_json(await SegmentStore(tx).readable(call.recipients, "recipients"))}, []
    if call.data_file_url is not None:
        url = _checked_url(call.data_file_url)
        return {"url": url, "ignores_missing": sorted(call.ignores_missing)}, []
    if call.people is None:
        return None, []
    if not 1 <= len(call.people) <= MAX_PEOPLE:
        raise Invalid.at("people", f"must be 1 to {MAX_PEOPLE}")
    checked = [
        CalledPerson(one.customer, None if one.data is None else check_data(one.data, f"people.{place}.data"))
        for place, one in enumerate(call.people)
    ]
    people, problems = await resolve_people(tx, checked)
    return {"people": people}, problems


def _missing(run: CampaignRun, call: TriggerCall) -> Invalid:
    """Says that a run failed because of who is missing, as often as it is asked for."""
    first, *more = [one for one in run.problems if one["kind"] not in call.ignores_missing] or run.problems
    others = f" and {len(more)} more" if more else ""
    return Invalid.at("people", f"trigger {run.number} failed: nobody has the {first['kind']} {first['value']}{others}")


def _checked_url(text: str) -> str:
    url = check_text(text, "data_file_url", longest=LONGEST_URL, shortest=1)
    try:
        parts = urlsplit(url)
    except ValueError as broken:
        raise Invalid.at("data_file_url", "is not a URL") from broken
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid.at("data_file_url", "must be an http or https URL")
    return url


def _normal(ref: CustomerRef) -> CustomerRef | None:
    """The reference as it is looked up; None for one that can name nobody."""
    try:
        return normalise_ref(ref)
    except RapportError:
        return None


async def _known(tx: Tx, campaign: Campaign, key: str | None) -> CampaignRun | None:
    """The run that a call with this key has begun since the campaign was launched."""
    if key is None:
        return None
    check_text(key, "idempotency_key", longest=150, shortest=1)
    wanted = select(CampaignRun).where(
        col(CampaignRun.campaign_id) == campaign.id,
        col(CampaignRun.version) == campaign.version,
        col(CampaignRun.occurrence) == key,
    )
    return (await tx.session.execute(wanted)).scalar_one_or_none()
