"""Track API, version 2: one operation on one person, as a document. What it asks for becomes a :data:`Step`."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from pydantic import AliasChoices, ConfigDict, Field

from app.actions import customers
from app.actions.customers import CustomerFacts, CustomerRef
from app.actions.events import NewEvent
from app.core.access import Principal
from app.core.errors import Invalid
from app.rest.customerio.events import new_event
from app.rest.customerio.people import PersonAttributes, identify_person, is_plain
from app.rest.customerio.wire import Identifiers, MaybeText, Text, UnixSeconds, Wire
from app.rest.door import validate
from app.runtime import Runtime

Deed = Callable[[Runtime, Principal], Awaitable[None]]
Step = CustomerFacts | NewEvent | Deed
"""What an operation asks for: facts to identify with, an event to track, or a deed of its own."""


class Entity(Wire):
    """One operation. Which further fields it has depends on ``action``."""

    model_config = ConfigDict(extra="allow")

    type: Literal["person", "object", "delivery"] = Field(description="Only `person` is served yet.")
    action: Text = Field(
        description="`identify`, `delete`, `event`, `page`, `screen`, `add_device`, `delete_device`, `suppress`, "
        "`unsuppress` or `merge`."
    )


class PersonIdentifiers(Identifiers):
    """Exactly one way to name a person or a browser."""

    anonymous_id: Text | None = None


class OnPerson(Wire):
    identifiers: PersonIdentifiers

    @property
    def person(self) -> CustomerRef:
        return self.identifiers.ref()


class Identify(OnPerson):
    attributes: PersonAttributes = Field(default_factory=PersonAttributes)
    cio_relationships: Any = None


class Happening(OnPerson):
    name: Text
    attributes: dict[str, Any] | None = None
    timestamp: UnixSeconds | None = None
    id: MaybeText = None


class DeviceToken(Wire):
    token: Text = Field(validation_alias=AliasChoices("token", "id"))


class NewDevice(DeviceToken):
    platform: Text
    last_used: UnixSeconds | None = None
    attributes: dict[str, Any] | None = Field(None, description="Left out: they stay as they are.")


class AddDevice(OnPerson):
    device: NewDevice


class DeleteDevice(OnPerson):
    device: DeviceToken


class Merge(Wire):
    primary: Identifiers
    secondary: Identifiers


def step_of(document: Mapping[str, Any]) -> Step:
    """What ``document`` asks for. Raises Invalid, naming the field, for what it gets wrong or what is not served."""
    entity = validate(Entity, document)
    if entity.type != "person":
        raise Invalid.at("type", f"{entity.type} is not served yet, only person")
    make = STEPS.get(entity.action)
    if make is None:
        raise Invalid.at("action", f"must be one of {', '.join(SERVED)}")
    return make(document)


def _identify(document: Mapping[str, Any]) -> Step:
    said = validate(Identify, document)
    if said.cio_relationships is not None:
        raise Invalid.at("cio_relationships", "are not served yet: objects come later")
    person, attributes = said.person, said.attributes
    if is_plain(person, attributes):
        return attributes.facts(person)

    async def deed(runtime: Runtime, principal: Principal) -> None:
        await identify_person(runtime, principal, person, attributes)

    return deed


def _happening(kind: str) -> Callable[[Mapping[str, Any]], Step]:
    def make(document: Mapping[str, Any]) -> Step:
        said = validate(Happening, document)
        return new_event(said.person, kind, said.name, said.attributes, said.timestamp, said.id)

    return make


def _on_person(action: Callable[..., Awaitable[Any]]) -> Callable[[Mapping[str, Any]], Step]:
    def make(document: Mapping[str, Any]) -> Step:
        return _write(action, customer=validate(OnPerson, document).person)

    return make


def _add_device(document: Mapping[str, Any]) -> Step:
    said = validate(AddDevice, document)
    device = said.device
    return _write(
        customers.save_device,
        customer=said.person,
        token=device.token,
        platform=device.platform,
        attributes=device.attributes,
        last_used_at=device.last_used,
    )


def _delete_device(document: Mapping[str, Any]) -> Step:
    said = validate(DeleteDevice, document)
    return _write(customers.remove_device, customer=said.person, token=said.device.token)


def _merge(document: Mapping[str, Any]) -> Step:
    said = validate(Merge, document)
    return _write(customers.merge, winner=said.primary.ref("primary"), loser=said.secondary.ref("secondary"))


def _no_relationships(_: Mapping[str, Any]) -> Step:
    raise Invalid.at("action", "relationships are not served yet: objects come later")


def _write(action: Callable[..., Awaitable[Any]], **values: Any) -> Deed:
    async def deed(runtime: Runtime, principal: Principal) -> None:
        async with runtime.write(principal) as tx:
            await action(tx, **values)

    return deed


SERVED: dict[str, Callable[[Mapping[str, Any]], Step]] = {
    "identify": _identify,
    "delete": _on_person(customers.delete_customer),
    "event": _happening("event"),
    "page": _happening("page"),
    "screen": _happening("screen"),
    "add_device": _add_device,
    "delete_device": _delete_device,
    "suppress": _on_person(customers.suppress),
    "unsuppress": _on_person(customers.unsuppress),
    "merge": _merge,
}
STEPS = SERVED | {"add_relationships": _no_relationships, "delete_relationships": _no_relationships}
