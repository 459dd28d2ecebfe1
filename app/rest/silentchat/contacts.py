"""SilentChat ``/contacts``: the customers, under ids of their own form (``con_…``)."""

from typing import Any

from pydantic import Field

from app.actions import customers
from app.actions.customers import CustomerFacts, CustomerRef, CustomerView
from app.core.access import Scope
from app.core.errors import Conflict, Invalid
from app.core.tx import Reading
from app.rest.door import Call, Endpoint
from app.rest.silentchat.wire import Listed, Window, Wire, contact_id, moment, parse_contact_id

TAG = "Contacts"
NAME = "name"
"""The attribute in which SilentChat's name of a contact is kept."""
FIELDS = {"customer_id": "id", "customer": "id"}


class ContactFacts(Wire):
    """What is left out stays as it is."""

    email: str | None = None
    name: str | None = None
    phone: str | None = Field(None, description="E.164, such as `+14155550100`.")
    external_id: str | None = Field(None, description="Your own id of this person.")
    attributes: dict[str, Any] = Field(default_factory=dict, description="A value of null removes the attribute.")


class ContactQuery(Window):
    search: str | None = Field(None, description="Part of an address, a number or an id by which they are known.")


class Contact(Wire):
    id: str
    name: str | None
    email: str | None
    phone: str | None
    external_id: str | None
    attributes: dict[str, Any]
    created_at: str | None
    updated_at: str | None


async def list_contacts(call: Call[None, ContactQuery]) -> Listed[Contact]:
    query = call.query
    async with call.read() as reading:
        page = await customers.list_customers(reading, offset=query.offset, limit=query.limit, search=query.search)
    return query.listed([_contact(view) for view in page.items], page.total)


async def create_contact(call: Call[ContactFacts, None]) -> Contact:
    facts = _facts(call.body)
    if not (facts.email or facts.phone or facts.external_id):
        raise Invalid.at("email", "is required, or a phone or an external_id")
    async with call.write() as tx:
        made = await customers.identify(tx, facts)
        if not made.created:
            raise Conflict("There is a contact of this name already.", "email" if facts.email else None)
        return await _shown(tx, CustomerRef("id", made.customer_id.hex))


async def get_contact(call: Call[None, None]) -> Contact:
    async with call.read() as reading:
        return await _shown(reading, _addressed(call))


async def update_contact(call: Call[ContactFacts, None]) -> Contact:
    async with call.write() as tx:
        customer_id = parse_contact_id(call.path["id"])
        await customers.update_customer(tx, customer_id=customer_id, facts=_facts(call.body))
        return await _shown(tx, CustomerRef("id", customer_id.hex))


async def delete_contact(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await customers.delete_customer(tx, customer=_addressed(call))


async def _shown(reading: Reading, ref: CustomerRef) -> Contact:
    return _contact(await customers.get_customer(reading, ref))


def _addressed(call: Call[Any, None]) -> CustomerRef:
    return CustomerRef("id", parse_contact_id(call.path["id"]).hex)


def _facts(body: ContactFacts) -> CustomerFacts:
    attributes = body.attributes if body.name is None else {**body.attributes, NAME: body.name}
    return CustomerFacts(email=body.email, phone=body.phone, external_id=body.external_id, attributes=attributes)


def _contact(view: CustomerView) -> Contact:
    name = view.attributes.get(NAME)
    return Contact(
        id=contact_id(view.id),
        name=name if isinstance(name, str) else None,
        email=view.email,
        phone=view.phone,
        external_id=view.external_id,
        attributes={key: value for key, value in view.attributes.items() if key != NAME},
        created_at=moment(view.created_at),
        updated_at=moment(view.updated_at),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/contacts",
        handler=list_contacts,
        tag=TAG,
        summary="List and search contacts",
        scope=Scope.CUSTOMERS_READ,
        query=ContactQuery,
        response=Listed[Contact],
    ),
    Endpoint(
        method="POST",
        path="/v1/contacts",
        handler=create_contact,
        tag=TAG,
        summary="Create a contact",
        scope=Scope.CUSTOMERS_WRITE,
        body=ContactFacts,
        response=Contact,
        status=201,
        fields=FIELDS,
    ),
    Endpoint(
        method="GET",
        path="/v1/contacts/{id}",
        handler=get_contact,
        tag=TAG,
        summary="Get a contact",
        scope=Scope.CUSTOMERS_READ,
        response=Contact,
        fields=FIELDS,
    ),
    Endpoint(
        method="PATCH",
        path="/v1/contacts/{id}",
        handler=update_contact,
        tag=TAG,
        summary="Update a contact",
        scope=Scope.CUSTOMERS_WRITE,
        body=ContactFacts,
        response=Contact,
        fields=FIELDS,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/contacts/{id}",
        handler=delete_contact,
        tag=TAG,
        summary="Delete a contact",
        scope=Scope.CUSTOMERS_WRITE,
        status=204,
        fields=FIELDS,
    ),
)
