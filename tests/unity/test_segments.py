"""One segment, every mouth: whoever makes it and whoever tells of it, it is the same segment with the same members.

``UNITY_EXAMPLES=100`` tries more rules.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from random import Random
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.actions.segments import list_segments
from app.core.access import system
from app.core.ids import new_id, parse_id, public_id
from app.core.settings import Settings
from app.main import build_app
from app.runtime import Runtime
from resolvers.engine import GraphEngine
from resolvers.transport import GraphQLEndpoint
from tests.segments.people import CrowdMaker
from tests.segments.writing_rules import RuleWriter
from tests.unity.segments import ADDING, BY_HAND, RULED, Desk
from tests.unity.test_unity import canonical, new_caller

EXAMPLES = int(os.environ.get("UNITY_EXAMPLES", "6"))
PLACEHOLDER = UUID(int=5)
PEOPLE = 8
SURE = (
    {"attribute": {"name": "plan", "is": {"equals": "pro"}}},
    {"attribute": {"name": "plan", "is": {"in": ["pro", "free"]}}},
    {"not": {"event": {"name": "visit", "where": [{"property": {"name": "amount", "is": {"atLeast": 1}}}]}}},
    {
        "and": [
            {"segment": {"id": public_id("segment", PLACEHOLDER)}},
            {"identity": {"kind": "email", "is": {"exists": True}}},
        ]
    },
)
"""Rules that some dialects must say in their own way, whatever is drawn."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"rate_limits": False})


@pytest.fixture
async def http(runtime: Runtime) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the whole web process, the graph included."""
    app = build_app(runtime, GraphQLEndpoint(GraphEngine(runtime), runtime))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://rapport.test") as client:
        yield client


class Place:
    """A tenant with people and one segment that is filled by hand."""

    def __init__(self, runtime: Runtime, desk: Desk, tenant_id: UUID) -> None:
        self.desk = desk
        self._runtime = runtime
        self._tenant_id = tenant_id
        self.people: list[str] = []
        self.by_hand = ""

    @classmethod
    async def made(cls, runtime: Runtime, http: httpx2.AsyncClient) -> "Place":
        caller = await new_caller(runtime, http)
        tenant = (await Desk(caller, "").graph("{ tenant { id } }"))["data"]["tenant"]["id"]
        place = cls(runtime, Desk(caller, tenant), parse_id("tenant", tenant))
        for number, person in enumerate(CrowdMaker(Random(11)).make(PEOPLE).people):
            attributes = {name: value for name, value in person.attributes.items() if value is not None}
            said = {"externalId": f"p{number}", "attributes": attributes, "optIn": {"sms": number % 2 == 0}}
            said |= {"email": f"p{number}@acme.test"} if number % 3 else {}
            _, saved = await place.desk.ask("POST", "/silocdp/api/v1/subscribers", said)
            place.people.append(saved["data"]["id"])
            for event in person.events[:3]:
                body = {"externalId": f"p{number}", "event": event.name, "properties": event.properties}
                await place.desk.ask("POST", "/silocdp/api/v1/events/track", body)
        place.by_hand = await place.desk.make_in_silocdp("By hand", None)
        await place.desk.add_in_track(place.by_hand, 1, place.people[:4])
        return place

    def own(self, rule: dict[str, Any]) -> dict[str, Any]:
        """The rule about this place's segment."""
        said = json.dumps(rule).replace(public_id("segment", PLACEHOLDER), self.by_hand)
        return dict(json.loads(said))

    async def tell(self, segment: str) -> dict[str, Any]:
        """What all dialects together say of the segment, people by their place. Fails where two of them differ."""
        await self._ready()
        whole: dict[str, Any] = {}
        for dialect, told in (await self.desk.tell(segment)).items():
            for name, value in told.items():
                assert whole.setdefault(name, value) == value, f"{dialect} shows another {name}"
        assert whole["count"] == len(whole["members"])
        known = {person: place for place, person in enumerate(self.people)}
        whole["members"] = sorted(known.get(person, -1) for person in whole["members"])
        whole["rule"] = json.dumps(canonical(whole["rule"]), sort_keys=True).replace(self.by_hand, "by hand")
        return whole

    async def count(self) -> int:
        """How many segments there are."""
        async with self._runtime.read(system(self._tenant_id)) as reading:
            return (await list_segments(reading, limit=1))[1]

    async def _ready(self) -> None:
        async with asyncio.timeout(20):
            while True:
                async with self._runtime.read(system(self._tenant_id)) as reading:
                    every, _ = await list_segments(reading, limit=1000)
                if all(segment.state == "ready" for segment in every):
                    return
                await asyncio.sleep(0.01)


async def test_a_rule_is_the_same_whoever_says_it_and_whoever_tells(runtime: Runtime, http: httpx2.AsyncClient) -> None:
    places = {name: await Place.made(runtime, http) for name in RULED}
    chance = Random(new_id().int if EXAMPLES > 6 else 3)
    writer = RuleWriter(chance, [PLACEHOLDER])
    drawn = [writer.rule(chance.randint(1, 3)) for _ in range(EXAMPLES)]
    refused = 0
    for number, rule in enumerate([*SURE, *drawn]):
        stories = {}
        for name, make in RULED.items():
            place = places[name]
            before = await place.count()
            made = await make(place.desk, f"Rule {number}", place.own(rule))
            if made == "invalid":
                assert await place.count() == before
                stories[name] = {"refused": True}
                continue
            stories[name] = await place.tell(made)
            assert stories[name]["name"] == f"Rule {number}"
        first = stories.pop("graph")
        refused += "refused" in first
        for name, story in stories.items():
            assert story == first, f"what was said by {name} differs"
    assert refused <= EXAMPLES


async def test_a_segment_filled_by_hand_is_the_same_whoever_fills_it(
    runtime: Runtime, http: httpx2.AsyncClient
) -> None:
    place = await Place.made(runtime, http)
    for number, (name, make) in enumerate(BY_HAND.items()):
        for place_of_adding, (adder, add) in enumerate(ADDING.items()):
            segment = await make(place.desk, f"{name} {adder}", None)
            await add(place.desk, segment, 2 + number * len(ADDING) + place_of_adding, place.people[2:5])
            assert await place.tell(segment) == {
                "name": f"{name} {adder}",
                "description": "d",
                "kind": "static",
                "rule": "null",
                "count": 3,
                "members": [2, 3, 4],
            }
