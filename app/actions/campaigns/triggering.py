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
from models import Campaign, CampaignRun, Tenant

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
    fails the whole call. With ``idempotency_key`` the same call is made once.
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
        return _answered(known, call)
    if campaign.status != SENDING:
        raise Conflict(f"The campaign is {campaign.status}: it cannot be triggered.", "campaign_id")
    data = check_data(call.data)
    recipients, problems = await _recipients(tx, call)
    if recipients is None and campaign.audience is None:
        raise Invalid.at("recipients", "is needed: the campaign has no audience of its own")
    given: dict[str, Any] = {"data": data, "recipients": recipients, "problems": problems[:MAX_PROBLEMS]}
    failing = [one for one in problems if one["kind"] not in call.ignores_missing]
    if failing:
        given |= {"state": FAILED, "finished_at": tx.now}
    run_id = await begin_run(tx, campaign, call.idempotency_key or f"call {new_id().hex}", tx.now, **given)
    if failing:
        raise tx.commit_despite(_missing((await CampaignStore(tx).run(run_id)).number, failing))
    return run_id


def _missing(number: int, failing: Sequence[Mapping[str, Any]]) -> Invalid:
    names = f"{failing[0]['kind']} {failing[0]['value']}"
    others = f" and {len(failing) - 1} more" if len(failing) > 1 else ""
    return Invalid.at("people", f"trigger {number} failed: nobody has the {names}{others}")


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
        # The segments it names are not deleted before the run is there: whoever deletes one holds the tenant's row.
        rules = select(col(Tenant.segments_version)).where(col(Tenant.id) == tx.tenant_id)
        await tx.session.execute(rules.with_for_update(read=True))
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
    """The run that a call with this key has begun."""
    if key is None:
        return None
    check_text(key, "idempotency_key", longest=150, shortest=1)
    wanted = select(CampaignRun).where(
        col(CampaignRun.campaign_id) == campaign.id,
        col(CampaignRun.version) == campaign.version,
        col(CampaignRun.occurrence) == key,
    )
    found: CampaignRun | None = (await tx.session.execute(wanted)).scalar_one_or_none()
    return found


def _answered(run: CampaignRun, call: TriggerCall) -> UUID:
    """The answer that the call was given before."""
    failing = [one for one in run.problems if one["kind"] not in call.ignores_missing]
    if run.state == FAILED and call.people is not None and failing:
        raise _missing(run.number, failing)
    return run.id
