"""SilentChat ``/widgets`` and ``/domains``: what stands on web pages, and on whose."""

from typing import Any

from pydantic import Field

from app.actions import widgets
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.rest.door import Call, Endpoint
from app.rest.silentchat.wire import Listed, Required, Window, Wire, moment
from models import Domain as DomainRow
from models import Widget as WidgetRow

WIDGETS, DOMAINS = "Widgets", "Domains"
WIDGET_FIELDS = {"widget_id": "id"}
DOMAIN_FIELDS = {"domain_id": "id", "name": "domain"}
SETTINGS = "Colours, texts by language, position, business hours: what is not said has its default."


class NewWidget(Wire):
    name: Required
    settings: dict[str, Any] = Field(default_factory=dict, description=SETTINGS)


class WidgetChanges(Wire):
    """What is left out stays as it is; each section of `settings` replaces the one there was."""

    name: Required | None = None
    settings: dict[str, Any] | None = Field(None, description=SETTINGS)


class Widget(Wire):
    id: str
    key: str = Field(description="Public: it goes into the page.")
    name: str
    settings: dict[str, Any]
    installed_at: str | None = Field(description="When it was first opened on a page.")
    created_at: str | None
    updated_at: str | None


class NewDomain(Wire):
    domain: Required = Field(description="`example.com`, or `*.example.com` for all below it.")


class Domain(Wire):
    id: str
    domain: str
    created_at: str | None


async def list_widgets(call: Call[None, Window]) -> Listed[Widget]:
    query = call.query
    async with call.read() as reading:
        page = await widgets.list_widgets(reading, limit=query.limit, offset=query.offset)
    return query.listed([_widget(row) for row in page.items], page.total)


async def create_widget(call: Call[NewWidget, None]) -> Widget:
    async with call.write() as tx:
        return _widget(await widgets.create_widget(tx, name=call.body.name, settings=call.body.settings))


async def get_widget(call: Call[None, None]) -> Widget:
    async with call.read() as reading:
        return _widget(await widgets.get_widget(reading, widget_id=parse_id("widget", call.path["id"])))


async def update_widget(call: Call[WidgetChanges, None]) -> Widget:
    body = call.body
    async with call.write() as tx:
        return _widget(
            await widgets.update_widget(
                tx, widget_id=parse_id("widget", call.path["id"]), name=body.name, settings=body.settings
            )
        )


async def delete_widget(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await widgets.delete_widget(tx, widget_id=parse_id("widget", call.path["id"]))


async def list_domains(call: Call[None, Window]) -> Listed[Domain]:
    query = call.query
    async with call.read() as reading:
        page = await widgets.list_domains(reading, limit=query.limit, offset=query.offset)
    return query.listed([_domain(row) for row in page.items], page.total)


async def add_domain(call: Call[NewDomain, None]) -> Domain:
    async with call.write() as tx:
        return _domain(await widgets.add_domain(tx, name=call.body.domain))


async def remove_domain(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await widgets.remove_domain(tx, domain_id=parse_id("domain", call.path["id"]))


def _widget(row: WidgetRow) -> Widget:
    return Widget(
        id=public_id("widget", row.id),
        key=row.key,
        name=row.name,
        settings=row.settings,
        installed_at=moment(row.installed_at),
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def _domain(row: DomainRow) -> Domain:
    return Domain(id=public_id("domain", row.id), domain=row.name, created_at=moment(row.created_at))


READ, WRITE = Scope.WIDGETS_READ, Scope.WIDGETS_WRITE
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/widgets",
        handler=list_widgets,
        tag=WIDGETS,
        summary="List widgets",
        scope=READ,
        query=Window,
        response=Listed[Widget],
    ),
    Endpoint(
        method="POST",
        path="/v1/widgets",
        handler=create_widget,
        tag=WIDGETS,
        summary="Create a widget",
        scope=WRITE,
        body=NewWidget,
        response=Widget,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/v1/widgets/{id}",
        handler=get_widget,
        tag=WIDGETS,
        summary="Get a widget",
        scope=READ,
        response=Widget,
        fields=WIDGET_FIELDS,
    ),
    Endpoint(
        method="PATCH",
        path="/v1/widgets/{id}",
        handler=update_widget,
        tag=WIDGETS,
        summary="Update a widget",
        scope=WRITE,
        body=WidgetChanges,
        response=Widget,
        fields=WIDGET_FIELDS,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/widgets/{id}",
        handler=delete_widget,
        tag=WIDGETS,
        summary="Delete a widget",
        scope=WRITE,
        status=204,
        fields=WIDGET_FIELDS,
    ),
    Endpoint(
        method="GET",
        path="/v1/domains",
        handler=list_domains,
        tag=DOMAINS,
        summary="List the sites on which widgets may stand",
        scope=READ,
        query=Window,
        response=Listed[Domain],
    ),
    Endpoint(
        method="POST",
        path="/v1/domains",
        handler=add_domain,
        tag=DOMAINS,
        summary="Allow a site",
        scope=WRITE,
        body=NewDomain,
        response=Domain,
        status=201,
        fields=DOMAIN_FIELDS,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/domains/{id}",
        handler=remove_domain,
        tag=DOMAINS,
        summary="Remove a site",
        scope=WRITE,
        status=204,
        fields=DOMAIN_FIELDS,
    ),
)
