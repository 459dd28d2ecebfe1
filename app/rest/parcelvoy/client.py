"""Parcelvoy's client API: who somebody is, where they can be pushed to, and what they do."""

import re
from typing import Annotated, Any

from pydantic import ConfigDict, Field, RootModel

from app.actions import customers
from app.actions.customers import CustomerFacts, CustomerRef
from app.actions.events import NewEvent, track_many
from app.core.access import Scope
from app.rest.door import Call, Endpoint
from app.rest.door.moments import Moment
from app.rest.parcelvoy.people import MOST, NAMES, Named, Person, Profile, Text, all_of, facts_of, save_people
from app.rest.parcelvoy.wire import Wire

TAG = "Client API"
NO_WORD = re.compile(r"[^a-z0-9]+")
ABOUT = ("device_id", "os_version", "model", "app_version", "app_build")
DEVICE = {"platform": "os", "attributes": "device_id", "customer": "external_id"}


class Alias(Wire):
    model_config = ConfigDict(extra="forbid")

    anonymous_id: Text
    external_id: Text


class RegisteredDevice(Named):
    """A device. It is its token: what else is said of it is kept as its attributes."""

    device_id: Text
    token: Text | None = Field(None, description="Without one there is nothing to push to: only the user is saved.")
    os: str | None = Field(None, description="`ios`, `android` or `web`.")
    os_version: str | None = None
    model: str | None = None
    app_version: str | None = None
    app_build: str | None = None


class ClientEvent(Named):
    """Something that a user did."""

    name: Text
    data: dict[str, Any] = Field(default_factory=dict)
    user: Profile | None = Field(None, description="What is known of the user from now on.")
    created_at: Moment | None = Field(None, description="When it happened. Default: now.")


class Events(RootModel[Annotated[list[ClientEvent], Field(min_length=1, max_length=MOST)]]):
    """1 to 1,000 events."""


async def identify_user(call: Call[Person, None]) -> None:
    await call.runtime.ingest.identify(call.principal, facts_of(call.body, call.body))


async def alias_user(call: Call[Alias, None]) -> None:
    facts = CustomerFacts(external_id=call.body.external_id, anonymous_id=call.body.anonymous_id)
    await call.runtime.ingest.identify(call.principal, facts)


async def save_user_device(call: Call[RegisteredDevice, None]) -> None:
    device = call.body
    async with call.write() as tx:
        saved = await customers.identify(tx, facts_of(device))
        if device.token is not None:
            await customers.save_device(
                tx,
                customer=CustomerRef("id", saved.customer_id.hex),
                token=device.token,
                platform=platform_named(device.os),
                attributes={name: said for name in ABOUT if (said := getattr(device, name)) is not None},
            )


async def post_events(call: Call[Events, None]) -> None:
    events = call.body.root
    known = [place for place, event in enumerate(events) if event.external_id is not None or event.user is not None]
    async with call.write() as tx:
        facts = [facts_of(events[place], events[place].user) for place in known]
        people = dict(zip(known, await save_people(tx, facts, [str(place) for place in known]), strict=True))
        happened = [
            NewEvent(
                people.get(place) or CustomerRef("anonymous_id", event.anonymous_id or ""),
                event.name,
                event.data,
                event.created_at,
            )
            for place, event in enumerate(events)
        ]
        all_of(await track_many(tx, happened), [str(place) for place in range(len(events))])


def platform_named(system: str | None) -> str | None:
    """An operating system as devices have it (``ios``, ``mac_os``); None where nothing is said."""
    name = NO_WORD.sub("_", (system or "").lower()).strip("_")[:20]
    return name if name and name[0].isalpha() else None


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/client/identify",
        handler=identify_user,
        tag=TAG,
        summary="Create or update a user",
        scope=Scope.CUSTOMERS_WRITE,
        body=Person,
        status=204,
        fields=NAMES,
    ),
    Endpoint(
        method="POST",
        path="/api/client/alias",
        handler=alias_user,
        tag=TAG,
        summary="Say whose browser it was",
        scope=Scope.CUSTOMERS_WRITE,
        body=Alias,
        status=204,
    ),
    Endpoint(
        method="POST",
        path="/api/client/devices",
        handler=save_user_device,
        tag=TAG,
        summary="Register a user's device",
        scope=Scope.CUSTOMERS_WRITE,
        body=RegisteredDevice,
        status=204,
        fields=DEVICE,
    ),
    Endpoint(
        method="POST",
        path="/api/client/events",
        handler=post_events,
        tag=TAG,
        summary="Post events of users",
        scope=Scope.EVENTS_WRITE,
        body=Events,
        status=204,
    ),
)
