"""Parcelvoy ``/users``: people, by name or by a list rule."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import Field, RootModel

from app.actions import customers, segments
from app.actions.customers import CustomerRef, CustomerView, DeviceView
from app.core.access import Scope
from app.core.clock import iso
from app.core.errors import Invalid, NotFound
from app.core.ids import parse_id, public_id
from app.core.tx import Reading
from app.rest.door import Call, Endpoint
from app.rest.parcelvoy.people import MOST, Person, Text, facts_of, save_people
from app.rest.parcelvoy.rules import read_list_rule
from app.rest.parcelvoy.wire import Paged, PageQuery, Wire
from app.segments import Rule, parse_rule

TAG = "Users"
EVERYBODY = {"createdAt": {"is": {"after": "1000-01-01"}}}
PORTION = 1000


class UserQuery(PageQuery):
    sort: Literal["id"] = Field("id", description="As they became known.")
    id: str = Field("", description="Only this user (`cust_…`).")
    filter: str = Field("", description="Only users of whom this is true: a list rule as JSON.")


class OwnUser(Person):
    """A user by your own id of them."""

    external_id: Text = Field(description="Your own id of this person.")


class OwnUsers(RootModel[Annotated[list[OwnUser], Field(min_length=1, max_length=MOST)]]):
    """1 to 1,000 users."""


class UserIds(Wire):
    user_id: list[Text] = Field(min_length=1, max_length=100, description="Your own ids, each by itself.")


class Device(Wire):
    device_id: str
    token: str
    os: str


class User(Wire):
    id: str
    external_id: str | None
    anonymous_id: str | None
    email: str | None
    phone: str | None
    timezone: str | None
    locale: str | None
    data: dict[str, Any]
    devices: list[Device]
    created_at: str
    updated_at: str


async def list_users(call: Call[None, UserQuery]) -> Paged[User]:
    query = call.query
    offset, most, rule = query.offset, query.most, _rule(query)
    only = parse_id("customer", query.id) if query.id else None
    async with call.read() as reading:
        if query.tag:
            return query.paged([], 0)
        if only is not None:
            found = await customers.get_customers(reading, customer_ids=[only])
            return query.paged([_shown(view) for view in found[offset : offset + most]], len(found))
        total = await segments.count_customers(reading, rule=rule)
        if query.direction == "desc":
            offset, most = max(total - offset - most, 0), max(min(most, total - offset), 0)
        views = await _found(reading, rule, offset, most)
    return query.paged([_shown(view) for view in (reversed(views) if query.direction == "desc" else views)], total)


async def save_users(call: Call[OwnUsers, None]) -> None:
    users = call.body.root
    async with call.write() as tx:
        await save_people(tx, [facts_of(user, user) for user in users], [str(place) for place in range(len(users))])


async def delete_users(call: Call[None, UserIds]) -> None:
    """Who is not there is passed over."""
    async with call.write() as tx:
        for external_id in sorted(set(call.query.user_id)):
            with suppress(NotFound):
                await customers.delete_customer(tx, customer=CustomerRef("external_id", external_id))


async def _found(reading: Reading, rule: Rule, offset: int, most: int) -> Sequence[CustomerView]:
    """The users from a place on, in the order in which they became known."""
    views: list[CustomerView] = []
    after: UUID | None = None
    while most > 0:
        wanted = min(PORTION, most)
        ids = await segments.find_customers(reading, rule=rule, limit=wanted, after=after, offset=offset)
        views += await customers.get_customers(reading, customer_ids=ids)
        if len(ids) < wanted:
            break
        most, after, offset = most - wanted, ids[-1], 0
    return views


def _rule(query: UserQuery) -> Rule:
    """What is asked of the users. Raises Invalid."""
    document: dict[str, Any] = EVERYBODY
    if query.filter:
        try:
            given = orjson.loads(query.filter)
        except orjson.JSONDecodeError as broken:
            raise Invalid.at("filter", f"is not JSON: {broken}") from broken
        document, places = read_list_rule(given, "filter")
        with places.telling():
            parse_rule(document)
    if not query.q:
        return parse_rule(document)
    kinds = ("external_id", "email", "phone", "anonymous_id")
    named = {"or": [{"identity": {"kind": kind, "is": {"contains": query.q}}} for kind in kinds]}
    try:
        parse_rule(named)
    except Invalid as invalid:
        raise Invalid.at("q", invalid.issues[0].message) from None
    return parse_rule({"and": [named, document]})


def _shown(view: CustomerView) -> User:
    return User(
        id=public_id("customer", view.id),
        external_id=view.external_id,
        anonymous_id=view.anonymous_ids[0] if view.anonymous_ids else None,
        email=view.email,
        phone=view.phone,
        timezone=view.timezone,
        locale=view.locale,
        data=view.attributes,
        devices=[_device(device) for device in view.devices],
        created_at=iso(view.created_at),
        updated_at=iso(view.updated_at),
    )


def _device(device: DeviceView) -> Device:
    return Device(device_id=device.token, token=device.token, os=device.platform)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/client/users",
        handler=list_users,
        tag=TAG,
        summary="List users",
        scope=Scope.CUSTOMERS_READ,
        query=UserQuery,
        response=Paged[User],
    ),
    Endpoint(
        method="PATCH",
        path="/api/client/users",
        handler=save_users,
        tag=TAG,
        summary="Create or update users",
        scope=Scope.CUSTOMERS_WRITE,
        body=OwnUsers,
        status=204,
    ),
    Endpoint(
        method="DELETE",
        path="/api/client/users",
        handler=delete_users,
        tag=TAG,
        summary="Delete users",
        scope=Scope.CUSTOMERS_WRITE,
        query=UserIds,
        status=204,
        fields={"customer": "user_id"},
    ),
)
