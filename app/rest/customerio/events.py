"""Track API: events of known and of anonymous people."""

from typing import Any, Literal

from pydantic import Field

from app.actions.customers import CustomerRef
from app.actions.events import NewEvent
from app.core.access import Scope
from app.core.ids import new_id
from app.rest.customerio.people import addressed
from app.rest.customerio.wire import MaybeText, Text, UnixSeconds, Wire
from app.rest.door import Call, Endpoint

TAG = "Events"
LONGEST_NAME = 150
"""Of an event; the name of a page view is its URL, which may be longer."""


class EventBody(Wire):
    """One event. The ``id`` (a ULID) makes it idempotent: the same id again is the same event."""

    name: Text
    type: Literal["event", "page", "screen"] = "event"
    data: dict[str, Any] | None = None
    id: MaybeText = None
    timestamp: UnixSeconds | None = Field(None, description="When it happened. Default: now.")

    def event_of(self, customer: CustomerRef) -> NewEvent:
        """The event, done by ``customer``."""
        return new_event(customer, self.type, self.name, self.data, self.timestamp, self.id)


class AnonymousEventBody(EventBody):
    anonymous_id: MaybeText = Field(None, description="Left out: the event is nobody's, for ever.")


def new_event(
    customer: CustomerRef, kind: str, name: str, data: dict[str, Any] | None, timestamp: Any, key: str | None
) -> NewEvent:
    """An event of the Track API. Page and screen views keep their type in the property ``$type``; a name that is too
    long for an event is cut, and whole in ``$name``."""
    properties = dict(data or {})
    if kind != "event":
        properties["$type"] = kind
        if len(name) > LONGEST_NAME:
            properties["$name"] = name
            name = name[:LONGEST_NAME]
    return NewEvent(customer, name, properties, timestamp, key)


async def track(call: Call[EventBody, None]) -> None:
    await call.runtime.ingest.track(call.principal, call.body.event_of(addressed(call.path)))


async def track_anonymous(call: Call[AnonymousEventBody, None]) -> None:
    nobody = CustomerRef("anonymous_id", call.body.anonymous_id or new_id().hex)
    await call.runtime.ingest.track(call.principal, call.body.event_of(nobody))


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/v1/customers/{identifier}/events",
        handler=track,
        tag=TAG,
        summary="Track a person's event, page view or screen view",
        scope=Scope.EVENTS_WRITE,
        body=EventBody,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/events",
        handler=track_anonymous,
        tag=TAG,
        summary="Track an anonymous event",
        scope=Scope.EVENTS_WRITE,
        body=AnonymousEventBody,
    ),
)
