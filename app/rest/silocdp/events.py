"""SiloCDP ``/events``: what subscribers do, and who they are."""

from typing import Any

from pydantic import Field

from app.actions.customers import CustomerRef
from app.actions.events import NewEvent
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.ids import parse_id
from app.rest.door import Call, Endpoint
from app.rest.door.moments import Moment
from app.rest.silocdp.subscribers import FIELDS, Saved, SubscriberFacts, Text, facts_of, saved
from app.rest.silocdp.wire import Required, Wire

TAG = "Events"


class TrackedEvent(Wire):
    """One event of one subscriber, who is named by the first of the four ids that is given."""

    subscriber_id: str | None = Field(None, description="The `cust_…` id.")
    external_id: Text | None = None
    email: str | None = None
    anonymous_id: Text | None = None
    event: Required
    properties: dict[str, Any] = Field(default_factory=dict)
    timestamp: Moment | None = Field(None, description="When it happened. Default: now.")
    idempotency_key: Text | None = Field(None, description="The same key again is the same event.")


class Identification(SubscriberFacts):
    subscriber_id: str | None = Field(None, description="A subscriber who must exist.")


async def track(call: Call[TrackedEvent, None]) -> None:
    body = call.body
    event = NewEvent(_subject(body), body.event, body.properties, body.timestamp, body.idempotency_key)
    await call.runtime.ingest.track(call.principal, event)


async def identify(call: Call[Identification, None]) -> Saved:
    facts = facts_of(call.body, call.body.subscriber_id)
    return saved(await call.runtime.ingest.identify(call.principal, facts))


def _subject(body: TrackedEvent) -> CustomerRef:
    if body.subscriber_id is not None:
        return CustomerRef("id", parse_id("customer", body.subscriber_id, "subscriberId").hex)
    if body.external_id is not None:
        return CustomerRef("external_id", body.external_id)
    if body.email is not None:
        return CustomerRef("email", body.email)
    if body.anonymous_id is not None:
        return CustomerRef("anonymous_id", body.anonymous_id)
    raise Invalid.at("subscriberId", "is required (or externalId, email or anonymousId)")


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/v1/events/track",
        handler=track,
        tag=TAG,
        summary="Track a subscriber's event",
        scope=Scope.EVENTS_WRITE,
        body=TrackedEvent,
        fields={"customer": "subscriberId", "name": "event", "occurred_at": "timestamp"},
    ),
    Endpoint(
        method="POST",
        path="/api/v1/events/identify",
        handler=identify,
        tag=TAG,
        summary="Identify or update a subscriber",
        scope=Scope.CUSTOMERS_WRITE,
        body=Identification,
        response=Saved,
        fields=FIELDS,
    ),
)
