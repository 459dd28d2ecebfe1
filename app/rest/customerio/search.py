"""Customer.io App API: finding people, and their attributes."""

from typing import Any, Literal

import orjson
from pydantic import Field

from app.actions import customers, segments
from app.actions.customers import CustomerRef, CustomerView
from app.core.access import Scope
from app.core.errors import Invalid, NotFound
from app.rest.customerio.app_wire import (
    AppErrors,
    People,
    PersonIdentifiers,
    app_errors,
    app_plan,
    identifiers_of,
    people,
    read_start,
)
from app.rest.customerio.filters import as_text, read_filter
from app.rest.customerio.segments import REF_KINDS, segments_named
from app.rest.customerio.wire import Text, Wire, by_cio_id
from app.rest.door import Call, Endpoint
from app.segments import parse_rule

TAG = "People (App API)"
MOST_PEOPLE = 100
FOUND_AT_ONCE = 1000


class ByEmail(Wire):
    email: Text


class PeopleFound(Wire):
    results: list[PersonIdentifiers]


class Search(Wire):
    filter: dict[str, Any] = Field(
        description="`and`, `or` (lists), `not`, `segment` (`id`) or `attribute` (`field`, `operator`: `eq` or "
        "`exists`, `value`). Values are compared as texts."
    )


class SearchQuery(Wire):
    start: str = Field("", description="The `next` of the page before.")
    limit: int = Field(50, ge=1, le=FOUND_AT_ONCE)


class IdTypeQuery(Wire):
    id_type: Literal["id", "email", "cio_id"] = "id"


class Device(Wire):
    id: str
    platform: str
    last_used: int | None
    attributes: dict[str, Any]


class Person(Wire):
    id: str = Field(description='"" for a person without one.')
    identifiers: PersonIdentifiers
    attributes: dict[str, str] = Field(description="Scalars as text; lists and objects as JSON.")
    timestamps: dict[str, int] = Field(description="When they became known, and were last changed.")
    unsubscribed: bool
    devices: list[Device]


class PersonShown(Wire):
    customer: Person


class Ids(Wire):
    ids: list[Text] = Field(min_length=1, max_length=MOST_PEOPLE, description="Who is not known is left out.")


class PeopleShown(Wire):
    customers: list[PersonShown]


async def find_by_email(call: Call[None, ByEmail]) -> PeopleFound:
    async with call.read() as reading:
        try:
            page = await customers.list_customers(reading, offset=0, limit=FOUND_AT_ONCE, email=call.query.email)
        except Invalid:  # nobody is known by what is no address
            return PeopleFound(results=[])
    return PeopleFound(results=[identifiers_of(view) for view in page.items])


async def search_people(call: Call[Search, SearchQuery]) -> People:
    after, limit = read_start(call.query.start), call.query.limit
    async with call.read() as reading:
        named = await segments_named(reading, call.body.filter)
        document, places = read_filter(call.body.filter, named)
        with places.telling():
            rule = parse_rule(document)
        ids = await segments.find_customers(reading, rule=rule, limit=limit, after=after)
        more = len(ids) == limit and await segments.find_customers(reading, rule=rule, limit=1, after=ids[-1])
        views = await customers.get_customers(reading, customer_ids=ids)
    return People(**people(views, ids[-1] if more else None))


async def get_attributes(call: Call[None, IdTypeQuery]) -> PersonShown:
    async with call.read() as reading:
        customer_id = await customers.find_customer(reading, _ref(call.query.id_type, call.path["customer_id"]))
        (view,) = await customers.get_customers(reading, customer_ids=[customer_id])
    return _shown(view)


async def get_attributes_of_many(call: Call[Ids, None]) -> PeopleShown:
    ids = []
    async with call.read() as reading:
        for text in call.body.ids:
            try:
                ids.append(await customers.find_customer(reading, _ref("id", text)))
            except NotFound:
                continue
        views = await customers.get_customers(reading, customer_ids=ids)
    return PeopleShown(customers=[_shown(view) for view in views])


def _ref(id_type: str, text: str) -> CustomerRef:
    return by_cio_id(text) if id_type == "cio_id" else CustomerRef(REF_KINDS[id_type], text)


def _shown(view: CustomerView) -> PersonShown:
    names = {"cio_id": view.id.hex, "id": view.external_id, "email": view.email, "phone": view.phone}
    own = {**names, "timezone": view.timezone, "language": view.locale}
    said = {**view.attributes, **{name: value for name, value in own.items() if value is not None}}
    moments = {"created_at": view.created_at, "updated_at": view.updated_at}
    person = Person(
        id=view.external_id or "",
        identifiers=identifiers_of(view),
        attributes={name: _attribute(value) for name, value in said.items()},
        timestamps={name: int(moment.timestamp()) for name, moment in moments.items()},
        unsubscribed=view.consents.get("email") == "unsubscribed",
        devices=[
            Device(
                id=device.token,
                platform=device.platform,
                last_used=int(device.last_used_at.timestamp()) if device.last_used_at else None,
                attributes=device.attributes,
            )
            for device in view.devices
        ],
    )
    return PersonShown(customer=person)


def _attribute(value: Any) -> str:
    text = as_text(value)
    return orjson.dumps(value).decode() if text is None else text


def _app(method: str, path: str, handler: Any, summary: str, **more: Any) -> Endpoint[Any, Any]:
    return Endpoint(
        method=method,
        path=f"/v1/customers{path}",
        handler=handler,
        tag=TAG,
        summary=summary,
        scope=Scope.CUSTOMERS_READ,
        error_form=app_errors,
        error_model=AppErrors,
        plan=app_plan,
        **more,
    )


ENDPOINTS = (
    _app("GET", "", find_by_email, "Find people by e-mail address", query=ByEmail, response=PeopleFound),
    _app(
        "POST",
        "",
        search_people,
        "Search people by segments and attributes",
        body=Search,
        query=SearchQuery,
        response=People,
    ),
    _app(
        "GET",
        "/{customer_id}/attributes",
        get_attributes,
        "Get a person's attributes",
        query=IdTypeQuery,
        response=PersonShown,
        fields={"customer": "customer_id"},
    ),
    _app(
        "POST",
        "/attributes",
        get_attributes_of_many,
        "Get the attributes of up to 100 people",
        body=Ids,
        response=PeopleShown,
        fields={"customer": "ids"},
    ),
)
