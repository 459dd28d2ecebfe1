"""One fact, every mouth: whoever says it and whoever tells of it, it is the same fact.

Each example says one generated fact once through every mouth that has words for it, each time of the same people in a
tenant of its own, and reads those people through every view of every dialect. All answers must be one answer.
``UNITY_EXAMPLES=100`` looks longer.
"""

import math
import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, note
from hypothesis import settings as hypothesis_settings

from app.actions.accounts import create_api_key
from app.core import clock
from app.core.access import ALL_SCOPES, system
from app.core.ids import new_id
from app.core.settings import Settings
from app.main import build_app
from app.runtime import Runtime
from models import Tenant
from resolvers.engine import GraphEngine
from resolvers.transport import GraphQLEndpoint
from tests.unity import facts
from tests.unity.facts import BROWSER, EMAIL, EXTERNAL_ID, FACTS, OTHER_EMAIL, OTHER_ID, UNCLAIMED, Fact
from tests.unity.graph import Graph
from tests.unity.mouth import DONE, Caller, Told, words
from tests.unity.mouths import EARS, MOUTHS

EVERY = {mouth.name for mouth in MOUTHS}
GRAPH, GRAPH_BATCH = "graph", "graph, many at once"
SILOCDP = {"silocdp", "silocdp, by id", "silocdp, identify"}
TRACK = {"track", "track, by e-mail", "track, by cio_id"}
TRACK_2 = {"track, version 2", "track, batch"}
SAID_BY: dict[type, set[str]] = {
    facts.Attributes: EVERY,
    facts.Email: EVERY,
    facts.Phone: EVERY,
    facts.ExternalId: {GRAPH, "silocdp, by id"} | (TRACK - {"track, by e-mail"}) | TRACK_2,
    facts.Place: EVERY,
    facts.KnownSince: EVERY,
    facts.EmailConsent: EVERY,
    facts.Consent: {GRAPH} | SILOCDP,
    facts.Device: {GRAPH} | TRACK | TRACK_2,
    facts.DeviceGone: {GRAPH} | TRACK | TRACK_2,
    facts.Suppressed: {GRAPH} | TRACK | TRACK_2,
    facts.Happened: EVERY,
    facts.Alias: {GRAPH} | SILOCDP | TRACK | TRACK_2,
    facts.Merged: {GRAPH} | TRACK | TRACK_2,
    facts.Deleted: {GRAPH} | SILOCDP | TRACK | TRACK_2,
}
"""Which mouths have words for which fact."""
Pair = tuple[type, str, str]
EXAMPLES = int(os.environ.get("UNITY_EXAMPLES", "6"))
START = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"rate_limits": False})


@pytest.fixture
async def http(runtime: Runtime) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the whole web process, the graph included."""
    app = build_app(runtime, GraphQLEndpoint(GraphEngine(runtime), runtime))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://rapport.test") as client:
        yield client


@pytest.fixture
def exercised() -> set[Pair]:
    """Who has said what, and who has told of it."""
    return set()


@pytest.fixture
def every_pair(request: pytest.FixtureRequest, kind: type, exercised: set[Pair]) -> Iterator[None]:
    """Sees to it that each mouth that can say the fact was heard by each dialect that can tell of it."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed == failed:
        assert exercised == {(kind, sayer, ear.name) for sayer in SAID_BY[kind] for ear in EARS}


def test_every_fact_says_who_can_say_it() -> None:
    assert SAID_BY.keys() == FACTS.keys()
    assert {kind: {mouth.name for mouth in MOUTHS if kind in mouth.kinds()} for kind in FACTS} == SAID_BY


def _test_of(kind: type) -> Callable[..., Any]:
    """The test of one kind of fact. Each kind has a function of its own because ``@given`` must draw before the event
    loop runs: an abandoned draw is an exception that ends the loop."""

    @pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__name__)])
    @pytest.mark.usefixtures("every_pair")
    @hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(fact=FACTS[kind])
    async def test(runtime: Runtime, http: httpx2.AsyncClient, exercised: set[Pair], kind: type, fact: Fact) -> None:
        await _say_everywhere(runtime, http, exercised, fact)

    return test


for _kind in FACTS:
    globals()[f"test_{words(_kind)}_is_the_same_whoever_says_it_and_whoever_tells"] = _test_of(_kind)


async def _say_everywhere(runtime: Runtime, http: httpx2.AsyncClient, exercised: set[Pair], fact: Fact) -> None:
    kind = type(fact)
    stories: dict[str, Any] = {}
    for mouth in MOUTHS:
        if mouth.name not in SAID_BY[kind]:
            continue
        caller = await new_caller(runtime, http)
        outcomes = [await mouth(caller).say(fact) for _ in range(1 + getattr(fact, "twice", False))]
        views: dict[str, Told | None] = {}
        for ear in EARS:
            views |= await ear(caller).tell()
            exercised.add((kind, mouth.name, ear.name))
        note(f"{mouth.name}: {outcomes}")
        stories[mouth.name] = (outcomes, agreed(views, caller, timely=isinstance(fact, facts.Happened) and not fact.at))
    first, *others = stories
    for other in others:
        assert stories[other] == stories[first], f"{other} differs from {first}"
    _check_effect(fact, *stories[first])


async def new_caller(runtime: Runtime, http: httpx2.AsyncClient) -> Caller:
    """A tenant in which two people are known and a third browser has done something."""
    tenant_id, now = new_id(), clock.now()
    async with runtime.write(system(tenant_id)) as tx:
        row = {"id": tenant_id, "name": "T", "plan": "free", "feed_epoch": "e", "created_at": now, "updated_at": now}
        await tx.insert(Tenant, [row])
        key = await create_api_key(tx, name="unity", scopes=ALL_SCOPES)
    caller = Caller(http, key.key_text)
    graph = Graph(caller)
    ada = {
        "externalId": EXTERNAL_ID,
        "email": EMAIL,
        "anonymousId": BROWSER,
        "attributes": {"plan": "free", "old": 1},
        "createdAt": START,
    }
    bob = {"externalId": OTHER_ID, "email": OTHER_EMAIL, "attributes": {"plan": "pro", "bob": True}, "createdAt": START}
    bob["consents"] = [{"channel": "EMAIL", "status": "UNSUBSCRIBED"}]
    other_id, customer_id = [await graph.identified(person) for person in (bob, ada)]
    seen = {"name": "seen", "occurredAt": START}
    for customer in ({"anonymousId": UNCLAIMED}, {"externalId": OTHER_ID}, {"anonymousId": BROWSER}):
        assert await graph.mutate("track", {"customer": customer, **seen}) == DONE
    device = {"customer": {"email": EMAIL}, "token": "token-1", "platform": "web", "attributes": {"app": "1.0"}}
    assert await graph.mutate("saveDevice", device) == DONE
    return Caller(http, key.key_text, customer_id, other_id)


def agreed(views: dict[str, Told | None], caller: Caller, *, timely: bool) -> dict[str, Any]:
    """What all views say of each of the two people, who have names instead of ids so that tenants can be compared.

    Fails where two views of one person differ in anything that both show. With ``timely`` the moment of the last event
    is left out: it is when it was told.
    """
    names = {caller.customer_id: "ada", caller.other_id: "bob"}
    people: dict[str, dict[str, Any]] = {"ada": {}, "bob": {}}
    origin: dict[tuple[str, str], str] = {}
    found: dict[str, dict[str, str | None]] = {}
    for view, told in views.items():
        dialect, _, way = view.partition(" ")
        if not way.startswith("listed"):
            found.setdefault(way, {})[dialect] = told and names.get(told["id"], told["id"])
        if told is None:
            continue
        person = people.setdefault(names.get(told["id"], "somebody new"), {})
        for name, value in told.items():
            shown = canonical([names.get(value, value) if name in ("id", "merged_into") else value])
            if timely and name == "events":
                shown = [[event[:2] for event in shown[0]]]
            earlier = person.setdefault(name, shown)
            assert shown == earlier, f"{view} shows another {name} than {origin[names.get(told['id'], ''), name]}"
            origin.setdefault((names.get(told["id"], ""), name), view)
    for way, by_dialect in found.items():
        assert len(set(by_dialect.values())) == 1, f"looked up by {way}: {by_dialect}"
    listed = {dialect: _listed(views, dialect, names) for dialect in ("graph", "silocdp")}
    assert listed["graph"] == listed["silocdp"]
    lookups = {way: next(iter(by_dialect.values())) for way, by_dialect in found.items()}
    return {"people": people, "found": lookups, "listed": listed["graph"]}


def _listed(views: dict[str, Told | None], dialect: str, names: dict[str, str]) -> list[str]:
    prefix = f"{dialect} listed "
    return sorted(names.get(view.removeprefix(prefix), "?") for view in views if view.startswith(prefix))


def canonical(value: Any) -> Any:
    """A JSON value in which equal numbers are equal and true is not 1."""
    if isinstance(value, bool):
        return f"boolean {value}"
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value)
    if isinstance(value, dict):
        return {name: canonical(item) for name, item in value.items()}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return value


def _check_effect(fact: Fact, outcomes: list[str], told: dict[str, Any]) -> None:
    """That everybody agrees is not enough: what was said must have come true, and what was refused must not."""
    ada = {name: shown[0] for name, shown in told["people"]["ada"].items()}
    if outcomes[0] != DONE:
        assert ada["attributes"] == {"plan": "free", "old": 1}
        assert (ada["external_id"], ada["email"], ada["phone"]) == (EXTERNAL_ID, EMAIL, None)
        assert (ada["consents"], len(ada["devices"]), len(ada["events"])) == ({}, 1, 1)
        return
    match fact:
        case facts.Attributes(values):
            kept = {name: value for name, value in {"plan": "free", "old": 1, **values}.items() if value is not None}
            assert ada["attributes"] == canonical(kept)
        case facts.KnownSince(moment):
            assert ada["created_at"] == clock.iso(moment)
        case facts.EmailConsent(subscribed):
            assert ada["consents"] == {"email": canonical(subscribed)}
        case facts.Consent(channel, subscribed):
            assert ada["consents"] == {channel: canonical(subscribed)}
        case facts.ExternalId(value):
            assert ada["external_id"] == value
        case facts.Suppressed(yes):
            assert ada["suppressed"] == canonical(yes)
        case facts.Happened(name, properties, at, key):
            said = [name, canonical(properties)] + ([clock.iso(at)] if at else [])
            assert said in ada["events"]
            assert len(ada["events"]) == (3 if fact.twice and not key else 2)
        case facts.Alias(browser):
            assert ["ANONYMOUS_ID", browser, "boolean False"] in ada["identities"]
            assert len(ada["events"]) == (2 if browser == UNCLAIMED else 1)
        case facts.Device(token, platform, attributes, last_used):
            saved = next(device for device in ada["devices"] if device[0] == token)
            unsaid = {"app": "1.0"} if token == "token-1" else {}
            kept = unsaid if attributes is None else attributes
            assert saved == [token, platform, canonical(kept), last_used and clock.iso(last_used)]
        case facts.DeviceGone():
            assert ada["devices"] == []
        case facts.Merged():
            assert (ada["attributes"]["bob"], ada["attributes"]["plan"]) == ("boolean True", "free")
            assert ada["consents"] == {"email": "boolean False"}
            assert told["found"]["otherExternalId"] == "ada"
