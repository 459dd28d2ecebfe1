"""Parcelvoy ``/segment``: calls as Segment.com's webhook destination delivers them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, RootModel
from pydantic.alias_generators import to_camel

from app.actions.customers import CustomerFacts, CustomerRef
from app.actions.events import NewEvent, track_many
from app.core.access import Scope
from app.rest.door import Call, Endpoint
from app.rest.door.moments import Moment
from app.rest.parcelvoy.people import MOST, Text, all_of, save_people
from app.rest.parcelvoy.wire import Wire

TAG = "Client API"
HAPPENED = {"track": "", "page": "page viewed", "screen": "screen viewed"}
"""Calls that are events, and how one without a name of its own is called."""
PEOPLE = ("identify", "alias", *HAPPENED)
"""Calls that say who somebody is."""
NO_ATTRIBUTES = frozenset({"email", "phone", "timezone", "locale", "id"})
"""Traits that are a user's fields."""


class SegmentCall(Wire):
    """One call. ``group`` calls and kinds that are not known are passed over, as Segment.com asks of destinations."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    type: str = Field(description="`identify`, `track`, `page`, `screen` or `alias`.")
    user_id: Text | None = None
    anonymous_id: Text | None = None
    previous_id: Text | None = Field(None, description="Of `alias`: the browser's id.")
    event: str | None = Field(None, description="Of `track`: what happened.")
    name: str | None = Field(None, description="Of `page` and `screen`: which one.")
    traits: dict[str, Any] = Field(default_factory=dict)
    properties: dict[str, Any] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    timestamp: Moment | None = Field(None, description="When it happened. Default: now.")
    message_id: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="The same id again is the same event."
    )


class SegmentCalls(RootModel[Annotated[list[SegmentCall], Field(min_length=1, max_length=MOST)]]):
    """1 to 1,000 calls."""


async def post_segment_calls(call: Call[SegmentCalls, None]) -> None:
    calls = list(enumerate(call.body.root))
    told = [(place, facts) for place, one in calls if (facts := _facts(one)) is not None]
    happened = [(place, one) for place, one in calls if one.type in HAPPENED and (one.user_id or one.anonymous_id)]
    async with call.write() as tx:
        refs = await save_people(tx, [facts for _, facts in told], [str(place) for place, _ in told])
        people = {place: ref for (place, _), ref in zip(told, refs, strict=True)}
        events = [_event(one, people.get(place)) for place, one in happened]
        all_of(await track_many(tx, events), [str(place) for place, _ in happened])


def _facts(call: SegmentCall) -> CustomerFacts | None:
    """What a call says of somebody; None for one that names nobody, or only a browser that did something."""
    browser = (call.previous_id if call.type == "alias" else None) or call.anonymous_id
    if call.type not in PEOPLE or (call.user_id is None and (call.type != "identify" or browser is None)):
        return None
    traits = call.traits if call.type == "identify" else {}
    return CustomerFacts(
        external_id=call.user_id,
        anonymous_id=browser,
        email=_text(traits, "email"),
        phone=_text(traits, "phone"),
        timezone=_text(traits, "timezone") or _text(call.context, "timezone"),
        locale=_text(traits, "locale") or _text(call.context, "locale"),
        attributes={name: value for name, value in traits.items() if name not in NO_ATTRIBUTES},
    )


def _text(said: Mapping[str, Any], name: str) -> str | None:
    """What is said under a name, if it is text that says something."""
    value = said.get(name)
    return value if isinstance(value, str) and value else None


def _event(call: SegmentCall, person: CustomerRef | None) -> NewEvent:
    name = call.event or "" if call.type == "track" else call.name or HAPPENED[call.type]
    return NewEvent(
        person or CustomerRef("anonymous_id", call.anonymous_id or ""),
        name,
        call.properties,
        call.timestamp,
        call.message_id,
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/client/segment",
        handler=post_segment_calls,
        tag=TAG,
        summary="Take calls of Segment.com",
        scope=Scope.EVENTS_WRITE,
        body=SegmentCalls,
        status=204,
    ),
)
