"""SilentChat ``/visitors``: the browsers in which a widget was opened."""

from pydantic import Field

from app.actions import visitors
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.rest.door import Call, Endpoint
from app.rest.silentchat.wire import Listed, Window, Wire, contact_id, moment
from models import Visitor as VisitorRow

TAG = "Visitors"
FIELDS = {"visitor_id": "id"}


class VisitorQuery(Window):
    search: str | None = Field(None, description="Part of a name, an address or a proven id.")
    identified: bool | None = Field(None, description="Only those who are, or are not, known contacts.")


class Visitor(Wire):
    id: str
    widget_id: str
    contact_id: str | None
    user_id: str | None = Field(description="Your own id of them, once it was proven by its signature.")
    name: str | None
    email: str | None
    locale: str | None
    page_url: str | None
    page_title: str | None
    page_views: int
    referrer: str | None
    user_agent: str | None
    created_at: str | None
    last_seen_at: str | None


async def list_visitors(call: Call[None, VisitorQuery]) -> Listed[Visitor]:
    query = call.query
    async with call.read() as reading:
        page = await visitors.list_visitors(
            reading, search=query.search, identified=query.identified, limit=query.limit, offset=query.offset
        )
    return query.listed([_visitor(row) for row in page.items], page.total)


async def get_visitor(call: Call[None, None]) -> Visitor:
    async with call.read() as reading:
        return _visitor(await visitors.get_visitor(reading, visitor_id=parse_id("visitor", call.path["id"])))


def _visitor(row: VisitorRow) -> Visitor:
    return Visitor(
        id=public_id("visitor", row.id),
        widget_id=public_id("widget", row.widget_id),
        contact_id=contact_id(row.customer_id) if row.customer_id else None,
        user_id=row.proven_id,
        name=row.name or None,
        email=row.email,
        locale=row.locale,
        page_url=row.page_url or None,
        page_title=row.page_title or None,
        page_views=row.page_count,
        referrer=row.referrer or None,
        user_agent=row.user_agent or None,
        created_at=moment(row.created_at),
        last_seen_at=moment(row.seen_at),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/visitors",
        handler=list_visitors,
        tag=TAG,
        summary="List visitors, last seen first",
        scope=Scope.CONVERSATIONS_READ,
        query=VisitorQuery,
        response=Listed[Visitor],
    ),
    Endpoint(
        method="GET",
        path="/v1/visitors/{id}",
        handler=get_visitor,
        tag=TAG,
        summary="Get a visitor",
        scope=Scope.CONVERSATIONS_READ,
        response=Visitor,
        fields=FIELDS,
    ),
)
