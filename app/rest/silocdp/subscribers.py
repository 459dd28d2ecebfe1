"""SiloCDP ``/subscribers``: people, under the ids of Rapport (``cust_…``)."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from app.actions import customers, events
from app.actions.customers import CustomerFacts, CustomerRef, CustomerView, DeviceView, Identified
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.rest.door import Call, Endpoint
from app.rest.door.moments import Moment
from app.rest.silocdp.wire import Paged, PageQuery, Wire, moment, paged
from models import Event

TAG = "Subscribers"
LATEST_EVENTS = 20
FIELDS = {"customer_id": "subscriberId", "customer": "id", "consents": "optIn"}
"""What the actions call a subscriber's fields, where camelCase alone does not give SiloCDP's."""

Text = Annotated[
    str,
    Field(min_length=1, coerce_numbers_to_str=True),
    WithJsonSchema({"type": ["string", "number"], "minLength": 1}),
]
"""Text; a number is taken as its digits, since ids of other systems often are numbers."""


class SubscriberFacts(Wire):
    """What may be said about a subscriber. What is left out stays as it is."""

    external_id: Text | None = Field(None, description="Your own id of this person.")
    email: str | None = None
    phone: str | None = Field(None, description="E.164, such as `+14155550100`.")
    anonymous_id: Text | None = Field(None, description="A browser's or device's id from before they were known.")
    attributes: dict[str, Any] = Field(default_factory=dict, description="A value of null removes the attribute.")
    opt_in: dict[str, bool] = Field(
        default_factory=dict, description="By channel: `email`, `sms`, `push`, `in_app` or `whatsapp`."
    )
    timezone: str | None = Field(None, description="IANA name, such as `Europe/Berlin`.")
    locale: str | None = Field(None, description="Language tag, such as `de-CH`.")
    created_at: Moment | None = Field(None, description="When they became your customer.")


class SubscriberQuery(PageQuery):
    search: str | None = Field(None, description="Part of a name by which the subscriber is known.")
    email: str | None = Field(None, description="Exactly this address.")
    external_id: str | None = Field(None, description="Exactly this id of yours.")
    status: Literal["active", "merged"] = "active"


class Device(Wire):
    token: str
    platform: str
    attributes: dict[str, Any]
    last_used_at: str | None


class SubscriberEvent(Wire):
    id: str
    event: str
    properties: dict[str, Any]
    timestamp: str | None
    received_at: str | None
    source: str


class Subscriber(Wire):
    id: str
    external_id: str | None
    email: str | None
    phone: str | None
    attributes: dict[str, Any]
    opt_in: dict[str, bool]
    devices: list[Device]
    timezone: str | None
    locale: str | None
    status: str
    merged_into: str | None = Field(description="The subscriber who took this one's place, when `status` is `merged`.")
    suppressed_at: str | None
    created_at: str | None
    updated_at: str | None


class SubscriberDetails(Subscriber):
    events: list[SubscriberEvent] = Field(description="The latest 20, newest first.")


class Saved(Wire):
    id: str
    created: bool
    changed: bool


async def list_subscribers(call: Call[None, SubscriberQuery]) -> Paged[Subscriber]:
    query = call.query
    async with call.read() as reading:
        page = await customers.list_customers(
            reading,
            offset=query.offset,
            limit=query.page_size,
            search=query.search,
            email=query.email,
            external_id=query.external_id,
            status=query.status,
        )
    return paged([Subscriber(**_profile(view)) for view in page.items], page.total, query)


async def get_subscriber(call: Call[None, None]) -> SubscriberDetails:
    async with call.read() as reading:
        view = await customers.get_customer(reading, _addressed(call.path))
        latest = await events.list_events(reading, customer_id=view.id, limit=LATEST_EVENTS)
    return SubscriberDetails(**_profile(view), events=[_event(event) for event in latest])


async def save_subscriber(call: Call[SubscriberFacts, None]) -> Saved:
    return saved(await call.runtime.ingest.identify(call.principal, facts_of(call.body)))


async def update_subscriber(call: Call[SubscriberFacts, None]) -> Saved:
    customer_id = parse_id("customer", call.path["id"])
    async with call.write() as tx:
        facts = facts_of(call.body)
        return saved(await customers.update_customer(tx, customer_id=customer_id, facts=facts))


async def delete_subscriber(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await customers.delete_customer(tx, customer=_addressed(call.path))


def facts_of(body: SubscriberFacts, subscriber_id: str | None = None) -> CustomerFacts:
    """The facts of a body; with ``subscriber_id`` about a subscriber who must exist. Raises Invalid for a wrong id."""
    return CustomerFacts(
        customer_id=parse_id("customer", subscriber_id, "subscriberId") if subscriber_id else None,
        external_id=body.external_id,
        email=body.email,
        phone=body.phone,
        anonymous_id=body.anonymous_id,
        attributes=body.attributes,
        timezone=body.timezone,
        locale=body.locale,
        consents={channel: "subscribed" if wants else "unsubscribed" for channel, wants in body.opt_in.items()},
        created_at=body.created_at,
    )


def saved(identified: Identified) -> Saved:
    """What a write about a subscriber answers."""
    return Saved(
        id=public_id("customer", identified.customer_id), created=identified.created, changed=identified.changed
    )


def _addressed(path: Mapping[str, str]) -> CustomerRef:
    return CustomerRef("id", parse_id("customer", path["id"]).hex)


def _profile(view: CustomerView) -> dict[str, Any]:
    return {
        "id": public_id("customer", view.id),
        "external_id": view.external_id,
        "email": view.email,
        "phone": view.phone,
        "attributes": view.attributes,
        "opt_in": {channel: status == "subscribed" for channel, status in view.consents.items()},
        "devices": _devices(view.devices),
        "timezone": view.timezone,
        "locale": view.locale,
        "status": view.status,
        "merged_into": public_id("customer", view.merged_into_id) if view.merged_into_id else None,
        "suppressed_at": moment(view.suppressed_at),
        "created_at": moment(view.created_at),
        "updated_at": moment(view.updated_at),
    }


def _devices(devices: Iterable[DeviceView]) -> list[Device]:
    return [
        Device(
            token=device.token,
            platform=device.platform,
            attributes=device.attributes,
            last_used_at=moment(device.last_used_at),
        )
        for device in devices
    ]


def _event(event: Event) -> SubscriberEvent:
    return SubscriberEvent(
        id=public_id("event", event.id),
        event=event.name,
        properties=event.properties,
        timestamp=moment(event.occurred_at),
        received_at=moment(event.received_at),
        source=event.source,
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/subscribers",
        handler=list_subscribers,
        tag=TAG,
        summary="List subscribers",
        scope=Scope.CUSTOMERS_READ,
        query=SubscriberQuery,
        response=Paged[Subscriber],
    ),
    Endpoint(
        method="GET",
        path="/api/v1/subscribers/{id}",
        handler=get_subscriber,
        tag=TAG,
        summary="Get a subscriber with attributes and latest events",
        scope=Scope.CUSTOMERS_READ,
        response=SubscriberDetails,
        fields=FIELDS,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/subscribers",
        handler=save_subscriber,
        tag=TAG,
        summary="Create or update a subscriber",
        scope=Scope.CUSTOMERS_WRITE,
        body=SubscriberFacts,
        response=Saved,
        fields=FIELDS,
    ),
    Endpoint(
        method="PUT",
        path="/api/v1/subscribers/{id}",
        handler=update_subscriber,
        tag=TAG,
        summary="Update a subscriber's profile",
        scope=Scope.CUSTOMERS_WRITE,
        body=SubscriberFacts,
        response=Saved,
        fields=FIELDS | {"customer_id": "id"},
    ),
    Endpoint(
        method="DELETE",
        path="/api/v1/subscribers/{id}",
        handler=delete_subscriber,
        tag=TAG,
        summary="Delete a subscriber",
        scope=Scope.CUSTOMERS_WRITE,
        fields=FIELDS,
    ),
)
