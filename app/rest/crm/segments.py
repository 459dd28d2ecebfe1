"""CRM ``/segments``: criteria, and the customers who meet them."""

from typing import Any, Literal

from pydantic import Field

from app.actions import customers, segments
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.ids import parse_id, public_id
from app.core.tx import Reading
from app.rest.crm.customers import Person, person
from app.rest.crm.rules import read_criteria, write_criteria
from app.rest.crm.wire import Listed, One, Required, Tenanted, Window, Wire, moment, writes
from app.rest.door import Call, Endpoint
from app.rest.door.places import Places
from models import Segment as SegmentRow

TAG = "Segments"
FIELDS = {"segment_id": "id", "rule": "criteria"}
KINDS = {"STATIC": "static", "DYNAMIC": "dynamic"}
CRITERIA = (
    '`{"combinator": "AND"|"OR", "rules": […]}` of `{"field", "operator", "value"}`, of groups like itself, and of '
    '`{"rule": …}` with a rule as Rapport\'s page on segments describes it. Operators: `eq`, `neq`, `gt`, `gte`, `lt`, '
    "`lte`, `in`, `notIn`, `contains`, `notContains`, and those of that page by their own names."
)


class SegmentQuery(Tenanted, Window):
    type: Literal["STATIC", "DYNAMIC", "SMART"] | None = Field(None, description="No segment is `SMART` here.")
    is_active: bool | None = Field(None, description="Every segment is; false finds none.")


class NewSegment(Tenanted):
    name: Required
    description: str = ""
    type: Literal["STATIC", "DYNAMIC"]
    criteria: dict[str, Any] | None = Field(None, description=f"Required if and only if DYNAMIC: {CRITERIA}")


class SegmentChanges(Wire):
    """What is left out stays as it is."""

    name: Required | None = None
    description: str | None = None
    criteria: dict[str, Any] | None = Field(None, description=CRITERIA)
    is_active: Literal[True] | None = Field(None, description="A segment cannot be switched off; delete it.")


class SegmentRowShown(Wire):
    id: str
    name: str
    type: str
    is_active: bool
    member_count: int
    last_refreshed_at: str | None = Field(
        description="Now, since members follow every change at once; null while new criteria are being applied."
    )
    messaging_segment_id: str = Field(description="Messaging knows the segment by the same id.")
    last_synced_at: str | None = Field(description="As `lastRefreshedAt`: messaging reads the same members.")
    created_at: str | None


class Segment(SegmentRowShown):
    tenant_id: str
    description: str
    criteria: dict[str, Any] | None = Field(description="Null for a static segment.")
    created_by: str | None
    updated_at: str | None


class Member(Person):
    joined_segment_at: str | None


async def list_segments(call: Call[None, SegmentQuery]) -> Listed[SegmentRowShown]:
    query = call.query
    query.check_tenant(call.principal)
    async with call.read() as reading:
        found: list[SegmentRow] = []
        total = 0
        if query.type != "SMART" and query.is_active is not False:
            kind = KINDS.get(query.type or "")
            found, total = await segments.list_segments(reading, kind=kind, limit=query.take, offset=query.skip)
        return query.listed([SegmentRowShown(**_row(reading, segment)) for segment in found], total)


async def get_segment(call: Call[None, None]) -> One[Segment]:
    async with call.read() as reading:
        return await _shown(reading, call)


async def list_members(call: Call[None, Window]) -> Listed[Member]:
    window, segment_id = call.query, parse_id("segment", call.path["id"])
    async with call.read() as reading:
        segment = await segments.get_segment(reading, segment_id=segment_id)
        entered = dict(
            await segments.list_members(reading, segment_id=segment_id, limit=window.take, offset=window.skip)
        )
        views = await customers.get_customers(reading, customer_ids=list(entered))
    members = [Member(**person(view), joined_segment_at=moment(entered[view.id])) for view in views]
    return window.listed(members, segment.member_count)


async def create_segment(call: Call[NewSegment, None]) -> One[Segment]:
    body = call.body
    body.check_tenant(call.principal)
    if (body.type == "DYNAMIC") != (body.criteria is not None):
        raise Invalid.at("criteria", "is required" if body.type == "DYNAMIC" else "must be left out of a STATIC one")
    rule, places = _rule(body.criteria)
    with places.telling():
        async with call.write() as tx:
            made = await segments.create_segment(tx, name=body.name, description=body.description, rule=rule)
            return _one(tx, await segments.get_segment(tx, segment_id=made))


async def update_segment(call: Call[SegmentChanges, None]) -> One[Segment]:
    body = call.body
    rule, places = _rule(body.criteria)
    with places.telling():
        async with call.write() as tx:
            segment_id = parse_id("segment", call.path["id"])
            await segments.update_segment(
                tx, segment_id=segment_id, name=body.name, description=body.description, rule=rule
            )
            return await _shown(tx, call)


async def delete_segment(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await segments.delete_segment(tx, segment_id=parse_id("segment", call.path["id"]))


async def refresh_segment(call: Call[None, None]) -> One[Segment]:
    async with call.write() as tx:
        await segments.refresh_segment(tx, segment_id=parse_id("segment", call.path["id"]))
        return await _shown(tx, call)


async def sync_to_messaging(call: Call[None, None]) -> One[Segment]:
    """Messaging reads the segment itself, so that there is nothing to carry over."""
    async with call.read() as reading:
        return await _shown(reading, call)


def _rule(criteria: dict[str, Any] | None) -> tuple[dict[str, Any] | None, Places]:
    return read_criteria(criteria) if criteria is not None else (None, Places())


async def _shown(reading: Reading, call: Call[Any, Any]) -> One[Segment]:
    return _one(reading, await segments.get_segment(reading, segment_id=parse_id("segment", call.path["id"])))


def _one(reading: Reading, segment: SegmentRow) -> One[Segment]:
    shown = Segment(
        **_row(reading, segment),
        tenant_id=public_id("tenant", segment.tenant_id),
        description=segment.description,
        criteria=write_criteria(segment.rule),
        created_by=public_id("user", segment.created_by_id) if segment.created_by_id else None,
        updated_at=moment(segment.updated_at),
    )
    return One(data=shown)


def _row(reading: Reading, segment: SegmentRow) -> dict[str, Any]:
    fresh = moment(reading.now) if segment.state == "ready" else None
    return {
        "id": public_id("segment", segment.id),
        "name": segment.name,
        "type": segment.kind.upper(),
        "is_active": segment.deleted_at is None,
        "member_count": segment.member_count,
        "last_refreshed_at": fresh,
        "messaging_segment_id": public_id("segment", segment.id),
        "last_synced_at": fresh,
        "created_at": moment(segment.created_at),
    }


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/segments",
        handler=list_segments,
        tag=TAG,
        summary="List segments",
        scope=Scope.SEGMENTS_READ,
        query=SegmentQuery,
        response=Listed[SegmentRowShown],
    ),
    Endpoint(
        method="GET",
        path="/api/v1/segments/{id}",
        handler=get_segment,
        tag=TAG,
        summary="Get a segment",
        scope=Scope.SEGMENTS_READ,
        response=One[Segment],
        fields=FIELDS,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/segments/{id}/members",
        handler=list_members,
        tag=TAG,
        summary="List the members of a segment",
        scope=Scope.SEGMENTS_READ,
        query=Window,
        response=Listed[Member],
        fields=FIELDS,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/segments",
        handler=create_segment,
        tag=TAG,
        summary="Create a segment",
        scope=Scope.SEGMENTS_WRITE,
        plan=writes,
        body=NewSegment,
        response=One[Segment],
        status=201,
        fields=FIELDS,
    ),
    Endpoint(
        method="PATCH",
        path="/api/v1/segments/{id}",
        handler=update_segment,
        tag=TAG,
        summary="Update a segment",
        scope=Scope.SEGMENTS_WRITE,
        plan=writes,
        body=SegmentChanges,
        response=One[Segment],
        fields=FIELDS,
    ),
    Endpoint(
        method="DELETE",
        path="/api/v1/segments/{id}",
        handler=delete_segment,
        tag=TAG,
        summary="Delete a segment",
        scope=Scope.SEGMENTS_WRITE,
        plan=writes,
        status=204,
        fields=FIELDS,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/segments/{id}/refresh",
        handler=refresh_segment,
        tag=TAG,
        summary="Find the members of a dynamic segment anew",
        scope=Scope.SEGMENTS_WRITE,
        plan=writes,
        response=One[Segment],
        fields=FIELDS,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/segments/{id}/sync-to-messaging",
        handler=sync_to_messaging,
        tag=TAG,
        summary="Sync a segment to messaging",
        scope=Scope.SEGMENTS_WRITE,
        plan=writes,
        response=One[Segment],
        fields=FIELDS,
    ),
)
