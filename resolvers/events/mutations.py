"""Tracking events."""

import strawberry

from app.actions import events as actions
from app.actions.events import NewEvent, Tracked
from app.core.access import Scope
from app.core.errors import Invalid, RapportError
from app.core.ids import public_id
from resolvers.context import Info
from resolvers.customers.inputs import CustomerRefInput, ItemError, check_items
from resolvers.events.types import Event
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON, DateTime


@strawberry.input(description="One thing somebody did.")
class TrackEventInput:
    """Who, what, when, and a key if it may be sent twice."""

    customer: CustomerRefInput = strawberry.field(
        description="Who did it. An unknown external id, e-mail or phone makes a new customer; an unknown anonymous id "
        "does not, its events wait until it is identified."
    )
    name: str = strawberry.field(description="What they did.")
    properties: JSON | None = strawberry.field(default=None, description="An object of details.")
    occurred_at: DateTime | None = strawberry.field(default=None, description="When it happened; now if left out.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="The same key again is the same event. Without one every call is a new event."
    )

    def event(self, path: str = "") -> NewEvent:
        """The values of an action. Raises :class:`Invalid` where properties are not an object."""
        if self.properties is not None and not isinstance(self.properties, dict):
            raise Invalid.at(f"{path}properties", "must be an object")
        return NewEvent(
            customer=self.customer.ref(f"{path}customer"),
            name=self.name,
            properties=self.properties or {},
            occurred_at=self.occurred_at,
            idempotency_key=self.idempotency_key,
        )


@strawberry.type(description="The event, and whether it was there already.")
class TrackPayload:
    """The event as stored."""

    event: Event = strawberry.field(description="The event.")
    duplicate: bool = strawberry.field(description="Whether its key was known, so that nothing was added.")


@strawberry.type(description="What became of one event of several.")
class TrackResult:
    """Either ids or an error."""

    event_id: strawberry.ID | None = strawberry.field(description="The event; null if refused.")
    customer_id: strawberry.ID | None = strawberry.field(description="Whose it is; null for an anonymous one.")
    duplicate: bool = strawberry.field(description="Whether its key was known, so that nothing was added.")
    error: ItemError | None = strawberry.field(description="Why it was refused.")

    @classmethod
    def of(cls, result: Tracked | RapportError) -> "TrackResult":
        """In the graph's words."""
        if isinstance(result, RapportError):
            return cls(event_id=None, customer_id=None, duplicate=False, error=ItemError.of(result))
        owner = public_id("customer", result.customer_id) if result.customer_id else None
        return cls(
            event_id=strawberry.ID(public_id("event", result.event_id)),
            customer_id=strawberry.ID(owner) if owner else None,
            duplicate=result.duplicate,
            error=None,
        )


@strawberry.input(description="Several events; a bad one does not stop the others.")
class TrackManyInput:
    """1 to 500 events."""

    events: list[TrackEventInput] = strawberry.field(description="1 to 500 events.")


@strawberry.type(description="What became of each event, in the order of the input.")
class TrackManyPayload:
    """One result for each event."""

    results: list[TrackResult] = strawberry.field(description="In the order of the input.")


@strawberry.type
class EventMutation:
    """Telling what happened."""

    @mutation(Scope.EVENTS_WRITE, "Tells one thing that somebody did. Answered once it is stored for good.")
    async def track(self, info: Info, input: TrackEventInput) -> TrackPayload:
        context = info.context
        done = await context.runtime.ingest.track(context.principal, input.event())
        return TrackPayload(event=Ref(Event, done.event_id), duplicate=done.duplicate)  # type: ignore[arg-type]

    @mutation(Scope.EVENTS_WRITE, "Tells several things at once; a bad one does not stop the others.")
    async def track_many(self, info: Info, input: TrackManyInput) -> TrackManyPayload:
        check_items(input.events, "events")
        events = [item.event(f"events.{place}.") for place, item in enumerate(input.events)]
        async with info.context.write() as tx:
            results = await actions.track_many(tx, events)
        return TrackManyPayload(results=[TrackResult.of(result) for result in results])
