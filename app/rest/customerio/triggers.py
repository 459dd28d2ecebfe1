"""Customer.io's API-triggered broadcasts: ``/v1/campaigns/{broadcast_id}/triggers``, what became of one, and why one
failed."""

import re
from typing import Any

from pydantic import Field

from app.actions import campaigns
from app.actions.campaigns import CalledPerson, TriggerCall
from app.actions.customers import CustomerRef
from app.core.access import Plan, Principal, Scope
from app.core.errors import Invalid, NotFound
from app.core.tx import Reading
from app.rest.customerio.app_wire import app_endpoint, number_in
from app.rest.customerio.filters import read_filter
from app.rest.customerio.segments import segments_named
from app.rest.customerio.wire import Sentence, Text, Unsaid, Wire
from app.rest.door import Call, Endpoint, Reply
from app.rest.door.places import Places
from app.segments import parse_rule
from models import Campaign, CampaignRun

TAG = "Broadcasts (App API)"
TRIGGERS = Plan("trigger", 6, 1)
"""One in ten seconds for each key (``customerio.md``, limits)."""
BODY_LIMIT = 16 << 20
MOST_PEOPLE = 10_000
IS_MISSING = re.compile(r"trigger \d+ failed")
AUDIENCES = ("recipients", "emails", "ids", "per_user_data", "data_file_url")
KINDS = {"emails": "email", "ids": "external_id"}
POINTER = "/data/attributes/per_user_data"


class Person(Wire):
    """Somebody, and what is said for them alone."""

    id: Text | None = None
    email: Text | None = None
    data: dict[str, Any] | None = None


class Trigger(Unsaid):
    """For whom: at most one of `recipients`, `emails`, `ids`, `per_user_data` and `data_file_url`; with none of them
    the broadcast's own audience."""

    data: dict[str, Any] = Field(default_factory=dict, description="`{{trigger.…}}` in the messages.")
    recipients: dict[str, Any] | None = Field(None, description="An audience filter.")
    emails: list[Text] | None = Field(None, max_length=MOST_PEOPLE)
    ids: list[Text] | None = Field(None, max_length=MOST_PEOPLE)
    per_user_data: list[Person] | None = Field(None, max_length=MOST_PEOPLE)
    data_file_url: str | None = Field(None, description="JSON Lines of `id` or `email`, and `data`; perhaps gzipped.")
    email_add_duplicates: bool = Field(False, description="An address is one person's here.")
    email_ignore_missing: bool = False
    id_ignore_missing: bool = False


class Triggered(Wire):
    id: int


class TriggerStatus(Wire):
    id: int
    broadcast_id: int
    created_at: int
    processed_at: int | None = Field(description="When every message was handed on; null before.")
    recipients_count: int
    data_file_processed: bool
    state: str


class ErrorsQuery(Wire):
    start: str = Field("", description="The `next` of the page before.")
    limit: int = Field(50, ge=1, le=1000)


class TriggerErrors(Wire):
    errors: list[str]
    next: str


class Source(Wire):
    pointer: str


class PointedError(Wire):
    detail: str
    source: Source
    status: str


class PointedErrors(Wire):
    """What of the trigger is wrong; its errors tell more."""

    errors: list[PointedError]
    meta: Sentence


def trigger_plan(_: Principal) -> Plan:
    """Everybody's."""
    return TRIGGERS


async def trigger_broadcast(call: Call[Trigger, None]) -> Triggered | Reply:
    places = Places()
    try:
        with places.telling():
            async with call.write() as tx:
                broadcast = await _addressed(tx, call)
                asked = await _call(tx, call.body, call.headers.get("idempotency-key") or None, places)
                run_id = await campaigns.trigger_campaign(tx, campaign_id=broadcast.id, call=asked)
                run = await campaigns.run_with_id(tx, run_id=run_id)
    except Invalid as invalid:
        if not IS_MISSING.match(invalid.issues[0].message):
            raise
        return Reply(422, _missing(invalid.issues[0].message))
    return Triggered(id=run.number)


async def trigger_broadcast_by_old_path(call: Call[Trigger, None]) -> Triggered | Reply:
    return await trigger_broadcast(call)


async def get_trigger(call: Call[None, None]) -> TriggerStatus:
    async with call.read() as reading:
        broadcast = await _addressed(reading, call)
        run = await _run(reading, broadcast, call)
    ended = run.finished_at
    return TriggerStatus(
        id=run.number,
        broadcast_id=broadcast.number,
        created_at=int(run.created_at.timestamp()),
        processed_at=int(ended.timestamp()) if ended else None,
        recipients_count=run.targeted,
        data_file_processed="url" not in (run.recipients or {}),
        state=run.state,
    )


async def list_trigger_errors(call: Call[None, ErrorsQuery]) -> TriggerErrors:
    query = call.query
    if query.start and not (query.start.isascii() and query.start.isdigit() and len(query.start) < 10):
        raise Invalid.at("start", "is not the next of a page")
    begin = int(query.start or 0)
    async with call.read() as reading:
        run = await _run(reading, await _addressed(reading, call), call)
    page = run.problems[begin : begin + query.limit]
    more = len(run.problems) > begin + query.limit
    told = [f"{one.get('kind')} {one.get('value')}: {one.get('detail')}" for one in page]
    return TriggerErrors(errors=told, next=str(begin + query.limit) if more else "")


async def _addressed(reading: Reading, call: Call[Any, Any]) -> Campaign:
    number = number_in(call.path, "broadcast_id", "campaign")
    broadcast = await campaigns.campaign_with_number(reading, number=number)
    if broadcast.kind != "triggered":
        raise NotFound("campaign", "number")
    return broadcast


async def _run(reading: Reading, broadcast: Campaign, call: Call[Any, Any]) -> CampaignRun:
    number = number_in(call.path, "trigger_id", "campaign run")
    try:
        return await campaigns.get_run(reading, campaign_id=broadcast.id, number=number)
    except NotFound:
        raise NotFound("campaign run", "trigger_id") from None


async def _call(reading: Reading, said: Trigger, key: str | None, places: Places) -> TriggerCall:
    """What is asked for; ``places`` learns where it was said."""
    given = [name for name in AUDIENCES if getattr(said, name) is not None]
    if len(given) > 1:
        raise Invalid.at(given[1], f"cannot be given beside {given[0]}")
    if given:
        places.note("people", given[0], deeper=True)
    ignored = {"email": said.email_ignore_missing, "external_id": said.id_ignore_missing}
    rule = None
    if said.recipients is not None:
        rule, said_at = read_filter(said.recipients, await segments_named(reading, said.recipients), "recipients")
        with said_at.telling():
            parse_rule(rule)
    return TriggerCall(
        data=said.data,
        people=_people(said, given[0]) if given and given[0] in (*KINDS, "per_user_data") else None,
        recipients=rule,
        data_file_url=said.data_file_url,
        ignores_missing=frozenset(kind for kind, ignores in ignored.items() if ignores),
        idempotency_key=key,
    )


def _people(said: Trigger, form: str) -> list[CalledPerson]:
    if form in KINDS:
        return [CalledPerson(CustomerRef(KINDS[form], text)) for text in getattr(said, form)]
    people = []
    for place, one in enumerate(said.per_user_data or ()):
        if (one.id is None) == (one.email is None):
            raise Invalid.at(f"per_user_data.{place}", "must have exactly one of id, email")
        ref = CustomerRef("external_id", one.id) if one.id is not None else CustomerRef("email", one.email or "")
        people.append(CalledPerson(ref, one.data))
    return people


def _missing(message: str) -> PointedErrors:
    error = PointedError(detail=message, source=Source(pointer=POINTER), status="422")
    return PointedErrors(errors=[error], meta=Sentence(error=message))


FIELDS = {"number": "broadcast_id", "campaign_id": "broadcast_id"}


def _trigger(path: str, handler: Any, summary: str) -> Endpoint[Any, Any]:
    return app_endpoint(
        "POST",
        path,
        handler,
        summary,
        TAG,
        Scope.CAMPAIGNS_SEND,
        body=Trigger,
        body_limit=BODY_LIMIT,
        response=Triggered,
        further={422: PointedErrors},
        fields=FIELDS,
        plan=trigger_plan,
    )


ONE = "/campaigns/{broadcast_id}/triggers/{trigger_id}"
ENDPOINTS = (
    _trigger("/campaigns/{broadcast_id}/triggers", trigger_broadcast, "Trigger a broadcast"),
    _trigger(
        "/api/campaigns/{broadcast_id}/triggers", trigger_broadcast_by_old_path, "Trigger a broadcast (older path)"
    ),
    app_endpoint(
        "GET",
        ONE,
        get_trigger,
        "Get the status of a trigger",
        TAG,
        Scope.CAMPAIGNS_READ,
        response=TriggerStatus,
        fields=FIELDS,
    ),
    app_endpoint(
        "GET",
        f"{ONE}/errors",
        list_trigger_errors,
        "List who could not be found",
        TAG,
        Scope.CAMPAIGNS_READ,
        query=ErrorsQuery,
        response=TriggerErrors,
        fields=FIELDS,
    ),
)
