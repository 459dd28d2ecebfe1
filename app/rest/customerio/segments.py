"""Customer.io: segments as the App API shows them, and who is put into manual ones through Track."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.actions import customers, segments
from app.actions.campaigns import campaigns_using
from app.actions.customers import CustomerRef
from app.core.access import Scope
from app.core.errors import Invalid, NotFound
from app.core.ids import public_id
from app.core.tx import Reading, Tx
from app.rest.customerio.app_wire import AppErrors, People, app_errors, app_plan, number_in, people, read_start
from app.rest.customerio.filters import numbers_in, write_filter
from app.rest.customerio.sender_identities import CampaignUses, uses
from app.rest.customerio.wire import CIO_ID, Text, Wire
from app.rest.door import Call, Endpoint
from models import Segment as SegmentRow

TAG = "Segments (App API)"
TRACK_TAG = "Segments"
STATES = {"building": "build", "failed": "build_queued", "ready": "finished"}
PORTION = 1000
MOST_NAMED = 100
FIELDS = {"number": "segment_id", "segment_id": "segment_id", "name": "segment.name"}
FIELDS |= {"description": "segment.description"}
REF_KINDS = {"id": "external_id", "email": "email"}


class NewSegmentFacts(Wire):
    name: Text
    description: str = ""


class NewSegment(Wire):
    segment: NewSegmentFacts


class Segment(Wire):
    id: int
    deduplicate_id: str
    name: str
    description: str
    state: str = Field(description="`build` while members are being found, `build_queued` before that is tried again.")
    progress: int | None = Field(description="Per cent of the build; null when finished.")
    type: str = Field(description="`dynamic` or `manual`.")
    tags: list[str] | None
    created_at: int
    updated_at: int
    filter: dict[str, Any] | None = Field(description="Its rule as an audience filter, where a filter can say it.")


class SegmentShown(Wire):
    segment: Segment


class SegmentsShown(Wire):
    segments: list[Segment]


class CustomerCount(Wire):
    segment_id: int
    count: int


class MembershipQuery(Wire):
    start: str = Field("", description="The `next` of the page before.")
    limit: int = Field(1000, ge=1, le=30_000)


class Membership(People):
    segment_id: int


class Uses(CampaignUses):
    segments: list[int] = Field(description="Segments whose rules ask for members of this one.")


class UsedBy(Wire):
    segment_id: int
    used_by: Uses


class IdTypeQuery(Wire):
    id_type: Literal["id", "email", "cio_id"] = "id"


class SegmentCustomers(Wire):
    ids: list[Text] = Field(min_length=1, max_length=10_000, description="Who is not known is passed over.")


async def list_segments(call: Call[None, None]) -> SegmentsShown:
    async with call.read() as reading:
        every = await all_segments(reading)
    numbers = {public_id("segment", segment.id): segment.number for segment in every}
    return SegmentsShown(segments=[_shown(segment, numbers) for segment in every])


async def create_segment(call: Call[NewSegment, None]) -> SegmentShown:
    said = call.body.segment
    async with call.write() as tx:
        made = await segments.create_segment(tx, name=said.name, description=said.description)
        return SegmentShown(segment=_shown(await segments.get_segment(tx, segment_id=made), {}))


async def get_segment(call: Call[None, None]) -> SegmentShown:
    async with call.read() as reading:
        segment = await _addressed(reading, call.path)
        every = await all_segments(reading) if segment.rule is not None else []
    numbers = {public_id("segment", other.id): other.number for other in every}
    return SegmentShown(segment=_shown(segment, numbers))


async def delete_segment(call: Call[None, None]) -> None:
    async with call.write() as tx:
        segment = await _addressed(tx, call.path)
        if segment.kind != "static":
            raise Invalid.at("segment_id", "is a dynamic segment; only manual ones can be deleted here")
        await segments.delete_segment(tx, segment_id=segment.id)


async def customer_count(call: Call[None, None]) -> CustomerCount:
    async with call.read() as reading:
        segment = await _addressed(reading, call.path)
    return CustomerCount(segment_id=segment.number, count=segment.member_count)


async def membership(call: Call[None, MembershipQuery]) -> Membership:
    after, limit = read_start(call.query.start), call.query.limit
    async with call.read() as reading:
        segment = await _addressed(reading, call.path)
        ids, more = await _members(reading, segment.id, after, limit)
        views = [
            view
            for at in range(0, len(ids), PORTION)
            for view in await customers.get_customers(reading, customer_ids=ids[at : at + PORTION])
        ]
    return Membership(segment_id=segment.number, **people(views, ids[-1] if more else None))


async def used_by(call: Call[None, None]) -> UsedBy:
    async with call.read() as reading:
        segment = await _addressed(reading, call.path)
        users = (await segments.used_by(reading, segment_id=segment.id)).segments
        numbers = [(await segments.get_segment(reading, segment_id=user)).number for user in users]
        using = uses(await campaigns_using(reading, segment_id=segment.id))
    return UsedBy(segment_id=segment.number, used_by=Uses(**using, segments=sorted(numbers)))


async def add_customers(call: Call[SegmentCustomers, IdTypeQuery]) -> None:
    async with call.write() as tx:
        segment = await _addressed(tx, call.path)
        await segments.add_members(tx, segment_id=segment.id, customers=_refs(call.body.ids, call.query.id_type))


async def remove_customers(call: Call[SegmentCustomers, IdTypeQuery]) -> None:
    async with call.write() as tx:
        segment = await _addressed(tx, call.path)
        await segments.remove_members(tx, segment_id=segment.id, customers=_refs(call.body.ids, call.query.id_type))


async def all_segments(reading: Reading) -> list[SegmentRow]:
    """Every segment of the tenant, by number."""
    every, total = await segments.list_segments(reading, limit=PORTION)
    while len(every) < total:
        portion, total = await segments.list_segments(reading, limit=PORTION, offset=len(every))
        every += portion
        if not portion:
            break
    return every


async def segments_named(reading: Reading, document: object) -> dict[int, str]:
    """The public ids of the segments that an audience filter names, by number; those who exist."""
    named = {}
    for number in sorted(numbers_in(document))[:MOST_NAMED]:
        try:
            named[number] = public_id("segment", (await segments.segment_with_number(reading, number=number)).id)
        except NotFound:
            continue
    return named


async def _members(reading: Reading, segment_id: UUID, after: UUID | None, limit: int) -> tuple[list[UUID], bool]:
    """Members after one of them, and whether there are more."""
    ids: list[UUID] = []
    while len(ids) < limit:
        wanted = min(PORTION, limit - len(ids))
        portion = await segments.list_members(reading, segment_id=segment_id, limit=wanted, after=after)
        ids += [customer_id for customer_id, _ in portion]
        if len(portion) < wanted:
            return ids, False
        after = ids[-1]
    return ids, bool(await segments.list_members(reading, segment_id=segment_id, limit=1, after=after))


async def _addressed(reading: Reading | Tx, path: Mapping[str, str]) -> SegmentRow:
    return await segments.segment_with_number(reading, number=number_in(path, "segment_id", "segment"))


def _refs(ids: Sequence[str], kind: str) -> list[CustomerRef]:
    if kind != "cio_id":
        return [CustomerRef(REF_KINDS[kind], text) for text in ids]
    matches = [CIO_ID.match(text) for text in ids]
    return [CustomerRef("id", match[1]) for match in matches if match is not None]


def _shown(segment: SegmentRow, numbers: Mapping[str, int]) -> Segment:
    updated = int(segment.updated_at.timestamp())
    return Segment(
        id=segment.number,
        deduplicate_id=f"{segment.number}:{updated}",
        name=segment.name,
        description=segment.description,
        state=STATES[segment.state],
        progress=None if segment.state == "ready" else segment.progress // 10,
        type="manual" if segment.kind == "static" else "dynamic",
        tags=None,
        created_at=int(segment.created_at.timestamp()),
        updated_at=updated,
        filter=write_filter(segment.rule, numbers),
    )


def _app(method: str, path: str, handler: Any, summary: str, scope: Scope, **more: Any) -> Endpoint[Any, Any]:
    return Endpoint(
        method=method,
        path=f"/v1/segments{path}",
        handler=handler,
        tag=TAG,
        summary=summary,
        scope=scope,
        fields=FIELDS,
        error_form=app_errors,
        error_model=AppErrors,
        plan=app_plan,
        **more,
    )


READ, WRITE = Scope.SEGMENTS_READ, Scope.SEGMENTS_WRITE
ENDPOINTS = (
    _app("GET", "", list_segments, "List segments", READ, response=SegmentsShown),
    _app("POST", "", create_segment, "Create a manual segment", WRITE, body=NewSegment, response=SegmentShown),
    _app("GET", "/{segment_id}", get_segment, "Get a segment", READ, response=SegmentShown),
    _app("DELETE", "/{segment_id}", delete_segment, "Delete a manual segment", WRITE, status=204),
    _app("GET", "/{segment_id}/customer_count", customer_count, "Count the members", READ, response=CustomerCount),
    _app(
        "GET",
        "/{segment_id}/membership",
        membership,
        "List the members",
        READ,
        query=MembershipQuery,
        response=Membership,
    ),
    _app("GET", "/{segment_id}/used_by", used_by, "What uses a segment", READ, response=UsedBy),
    Endpoint(
        method="POST",
        path="/api/v1/segments/{segment_id}/add_customers",
        handler=add_customers,
        tag=TRACK_TAG,
        summary="Add people to a manual segment",
        scope=WRITE,
        body=SegmentCustomers,
        query=IdTypeQuery,
        fields=FIELDS | {"customers": "ids"},
    ),
    Endpoint(
        method="POST",
        path="/api/v1/segments/{segment_id}/remove_customers",
        handler=remove_customers,
        tag=TRACK_TAG,
        summary="Remove people from a manual segment",
        scope=WRITE,
        body=SegmentCustomers,
        query=IdTypeQuery,
        fields=FIELDS | {"customers": "ids"},
    ),
)
