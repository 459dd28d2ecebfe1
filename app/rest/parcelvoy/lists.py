"""Parcelvoy ``/lists``: segments under their numbers."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from app.actions import segments
from app.core.access import Scope
from app.core.clock import iso
from app.core.tx import Reading
from app.rest.door import Call, Endpoint
from app.rest.parcelvoy.wire import Paged, PageQuery, Wire
from app.rest.parcelvoy.writing import write_list_rule
from models import Segment

TAG = "Lists"
STATES = {"building": "loading", "failed": "loading", "ready": "ready"}
PORTION = 1000
ORDERS: dict[str, Callable[[Segment], Any]] = {
    "id": lambda segment: segment.number,
    "name": lambda segment: (segment.name, segment.number),
    "created_at": lambda segment: (segment.created_at, segment.number),
    "updated_at": lambda segment: (segment.updated_at, segment.number),
}


class ListQuery(PageQuery):
    sort: Literal["id", "name", "created_at", "updated_at"] = "id"
    id: int | None = Field(None, description="Only this list.")


class Progress(Wire):
    complete: int
    total: int


class List(Wire):
    id: int
    name: str
    type: str = Field(description="`dynamic` or `static`.")
    state: str = Field(description="`loading` while the users of a new rule are being found, then `ready`.")
    rule: dict[str, Any] | None = Field(
        description="The list's rule where Parcelvoy can say it; null for static lists and for rules beyond it."
    )
    version: int
    users_count: int
    tags: list[str]
    progress: Progress | None = Field(description="Per mille, while `loading`.")
    created_at: str
    updated_at: str


async def list_lists(call: Call[None, ListQuery]) -> Paged[List]:
    query = call.query
    async with call.read() as reading:
        every = await _all(reading)
    wanted = [segment for segment in every if _is_wanted(segment, query)]
    wanted.sort(key=ORDERS[query.sort], reverse=query.direction == "desc")
    page = wanted[query.offset : query.offset + query.most]
    return query.paged([_shown(segment) for segment in page], len(wanted))


def _is_wanted(segment: Segment, query: ListQuery) -> bool:
    if query.tag or (query.id is not None and segment.number != query.id):
        return False
    return query.q.casefold() in segment.name.casefold()


async def _all(reading: Reading) -> list[Segment]:
    every, total = await segments.list_segments(reading, limit=PORTION)
    while len(every) < total:
        portion, total = await segments.list_segments(reading, limit=PORTION, offset=len(every))
        every += portion
        if not portion:
            break
    return every


def _shown(segment: Segment) -> List:
    return List(
        id=segment.number,
        name=segment.name,
        type=segment.kind,
        state=STATES[segment.state],
        rule=write_list_rule(segment.rule),
        version=segment.version,
        users_count=segment.member_count,
        tags=[],
        progress=None if segment.state == "ready" else Progress(complete=segment.progress, total=1000),
        created_at=iso(segment.created_at),
        updated_at=iso(segment.updated_at),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/client/lists",
        handler=list_lists,
        tag=TAG,
        summary="List lists",
        scope=Scope.SEGMENTS_READ,
        query=ListQuery,
        response=Paged[List],
    ),
)
