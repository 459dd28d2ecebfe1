"""SiloCDP ``/segments``: rules, and how many subscribers they find."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from app.actions import segments
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.ids import parse_id, public_id
from app.rest.door import Call, Endpoint
from app.rest.silocdp.rules import read_rules, write_rules
from app.rest.silocdp.wire import Paged, PageQuery, Required, Wire, moment, paged
from models import Segment as SegmentRow

TAG = "Segments"
FIELDS = {"segment_id": "id", "rule": "rules"}
RULES = "All of these must be true; each is a rule as Rapport's page on segments describes it. One may stand alone."
Rules = Annotated[Any, WithJsonSchema({"anyOf": [{"type": "array"}, {"type": "object"}]})]


class NewSegment(Wire):
    """With ``rules`` the subscribers are those of whom they are true; without, those who are put into it."""

    name: Required
    description: str = ""
    rules: Rules = Field(default_factory=list, description=RULES)


class SegmentChanges(Wire):
    """What is left out stays as it is."""

    name: Required | None = None
    description: str | None = None
    rules: Rules = Field(None, description=RULES)


class SegmentQuery(PageQuery):
    type: Literal["dynamic", "static"] | None = None


class SegmentSaved(Wire):
    id: str


class Segment(Wire):
    id: str
    name: str
    description: str
    type: str = Field(description="`dynamic` (by its rules) or `static` (by hand).")
    rules: list[dict[str, Any]] = Field(description="Of a static segment empty.")
    status: str = Field(description="`building` while the members of new rules are being found, then `ready`.")
    progress: float = Field(description="How much of the building is done, from 0 to 1.")
    subscriber_count: int
    created_at: str | None
    updated_at: str | None


async def list_segments(call: Call[None, SegmentQuery]) -> Paged[Segment]:
    query = call.query
    async with call.read() as reading:
        found, total = await segments.list_segments(
            reading, kind=query.type, limit=query.page_size, offset=query.offset
        )
    return paged([_shown(segment) for segment in found], total, query)


async def get_segment(call: Call[None, None]) -> Segment:
    async with call.read() as reading:
        return _shown(await segments.get_segment(reading, segment_id=parse_id("segment", call.path["id"])))


async def create_segment(call: Call[NewSegment, None]) -> SegmentSaved:
    body = call.body
    rule, places = read_rules(body.rules)
    with places.telling():
        async with call.write() as tx:
            made = await segments.create_segment(tx, name=body.name, description=body.description, rule=rule)
    return SegmentSaved(id=public_id("segment", made))


async def update_segment(call: Call[SegmentChanges, None]) -> SegmentSaved:
    body, segment_id = call.body, parse_id("segment", call.path["id"])
    rule, places = read_rules(body.rules if body.rules is not None else [])
    if rule is None and body.rules is not None:
        raise Invalid.at("rules", "must not be empty")
    with places.telling():
        async with call.write() as tx:
            await segments.update_segment(
                tx, segment_id=segment_id, name=body.name, description=body.description, rule=rule
            )
    return SegmentSaved(id=public_id("segment", segment_id))


async def delete_segment(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await segments.delete_segment(tx, segment_id=parse_id("segment", call.path["id"]))


def _shown(segment: SegmentRow) -> Segment:
    return Segment(
        id=public_id("segment", segment.id),
        name=segment.name,
        description=segment.description,
        type=segment.kind,
        rules=write_rules(segment.rule),
        status=segment.state,
        progress=1.0 if segment.state == "ready" else segment.progress / 1000,
        subscriber_count=segment.member_count,
        created_at=moment(segment.created_at),
        updated_at=moment(segment.updated_at),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/segments",
        handler=list_segments,
        tag=TAG,
        summary="List all segments",
        scope=Scope.SEGMENTS_READ,
        query=SegmentQuery,
        response=Paged[Segment],
    ),
    Endpoint(
        method="GET",
        path="/api/v1/segments/{id}",
        handler=get_segment,
        tag=TAG,
        summary="Get a segment with rules and subscriber count",
        scope=Scope.SEGMENTS_READ,
        response=Segment,
        fields=FIELDS,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/segments",
        handler=create_segment,
        tag=TAG,
        summary="Create a segment with rules",
        scope=Scope.SEGMENTS_WRITE,
        body=NewSegment,
        response=SegmentSaved,
        fields=FIELDS,
    ),
    Endpoint(
        method="PUT",
        path="/api/v1/segments/{id}",
        handler=update_segment,
        tag=TAG,
        summary="Update a segment's rules",
        scope=Scope.SEGMENTS_WRITE,
        body=SegmentChanges,
        response=SegmentSaved,
        fields=FIELDS,
    ),
    Endpoint(
        method="DELETE",
        path="/api/v1/segments/{id}",
        handler=delete_segment,
        tag=TAG,
        summary="Delete a segment",
        scope=Scope.SEGMENTS_WRITE,
        fields=FIELDS,
    ),
)
