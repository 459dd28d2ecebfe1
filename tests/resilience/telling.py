"""Writers that tell what one customer does, through every door, and repeat themselves until they are acknowledged."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx2

from tests.resilience.cluster import Cluster

PATIENCE_S = 15
EXTERNAL_ID, EMAIL = "ada/1", "ada@example.com"
EVENTS_OF_A_BROWSER = 500
TRACK = "mutation($i: TrackEventInput!) { track(input: $i) { event { id } } }"
TRACK_MANY = "mutation($i: TrackManyInput!) { trackMany(input: $i) { results { eventId error { code message } } } }"
IDENTIFY = "mutation($i: IdentifyCustomerInput!) { identifyCustomer(input: $i) { customer { id snapshotCursor } } }"
ALIAS = "mutation($i: AliasCustomerInput!) { aliasCustomer(input: $i) { customer { id } } }"


def event_key(number: int) -> str:
    """The idempotency key of the event with a number."""
    return f"event-{number}"


def browser_of(number: int) -> str | None:
    """The browser that an event is told of, for one in five: it becomes the customer's while its events arrive."""
    return browser(number // EVENTS_OF_A_BROWSER) if number % 5 == 0 else None


def browser(index: int) -> str:
    """The anonymous id of a browser."""
    return f"browser-{index}"


class Client:
    """Speaks to any server of a cluster with one key."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self.key = ""
        self.repeats = 0
        self.overloads = 0
        self.impatient = 0.0
        """The share of attempts that are given up before an answer can arrive: nobody knows then what was stored."""
        self._cluster = cluster
        self._chance = chance
        limits = httpx2.Limits(max_connections=64, max_keepalive_connections=32)
        self._http = httpx2.AsyncClient(limits=limits, timeout=PATIENCE_S, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, path: str, json: Any, *, key: str | None = None, method: str = "POST") -> Any:
        """The document of the first answer that does not ask for another attempt. Only 503 and its like do that: every
        other failure of the server is a failure of the test."""
        headers = {"authorization": f"Bearer {key or self.key}"} if key or self.key else {}
        while True:
            patience = PATIENCE_S
            if self._chance.random() < self.impatient:
                patience = self._chance.uniform(0.001, 0.03)
            try:
                async with asyncio.timeout(patience):
                    answer = await self._http.request(method, self._cluster.url + path, json=json, headers=headers)
            except (httpx2.TransportError, TimeoutError):
                pass
            else:
                assert answer.status_code in (200, 503), (answer.status_code, answer.text)
                if answer.status_code == 200 and not _is_overloaded(answer.json()):
                    return answer.json()
                self.overloads += 1
            self.repeats += 1
            await asyncio.sleep(self._chance.uniform(0.02, 0.2))

    async def ask(
        self, document: str, variables: dict[str, Any], *, key: str | None = None, path: str = "/graphql"
    ) -> Any:
        """The one field that an operation of the graph asks for."""
        answer = await self.send(path, {"query": document, "variables": variables}, key=key)
        assert not answer.get("errors"), answer
        (field,) = answer["data"].values()
        return field


class Teller:
    """Tells events by number. ``told`` maps the key of each acknowledged event to its id, or None where the door does
    not say it."""

    def __init__(self, client: Client, chance: random.Random, customer_id: str) -> None:
        self.told: dict[str, str | None] = {}
        self._client = client
        self._chance = chance
        self._customer_id = customer_id
        self._mouths: list[tuple[int, int, Callable[[Sequence[int]], Awaitable[list[str | None]]]]] = [
            (40, 1, self._graph),
            (30, 1, self._track),
            (15, 1, self._silocdp),
            (2, 25, self._graph_batch),
            (2, 25, self._track_batch),
        ]
        """How often each way of telling is taken, how many events it tells at a time, and the way."""

    def plan(self, events: int) -> list[tuple[range, Callable[[Sequence[int]], Awaitable[list[str | None]]]]]:
        """All events from 0 on in portions, each with the way in which it will be told."""
        portions, first = [], 0
        while first < events:
            (_, size, way) = self._chance.choices(self._mouths, [weight for weight, _, _ in self._mouths])[0]
            portions.append((range(first, min(first + size, events)), way))
            first += size
        return portions

    async def tell(self, numbers: range, way: Callable[[Sequence[int]], Awaitable[list[str | None]]]) -> None:
        """Returns when the events are acknowledged."""
        ids = await way(numbers)
        self.told.update(zip(map(event_key, numbers), ids, strict=True))

    async def update(self, visits: int) -> None:
        """Says how often the customer has come, through one of the doors."""
        attributes = {"visits": visits}
        door = visits % 3
        if door == 0:
            await self._client.ask(IDENTIFY, {"i": {"externalId": EXTERNAL_ID, "attributes": attributes}})
        elif door == 1:
            await self._client.send(
                f"/silocdp/api/v1/subscribers/{self._customer_id}", {"attributes": attributes}, method="PUT"
            )
        else:
            await self._client.send("/customerio/api/v1/customers/ada%2F1", attributes, method="PUT")

    async def alias(self, index: int) -> None:
        """Says whose a browser is."""
        await self._client.ask(ALIAS, {"i": {"anonymousId": browser(index), "customer": {"email": EMAIL}}})

    def _graph_event(self, number: int) -> dict[str, Any]:
        known = self._chance.choice([{"externalId": EXTERNAL_ID}, {"email": EMAIL}, {"id": self._customer_id}])
        unknown = browser_of(number)
        return {
            "customer": {"anonymousId": unknown} if unknown else known,
            "name": "visited",
            "properties": {"number": number},
            "idempotencyKey": event_key(number),
        }

    async def _graph(self, numbers: Sequence[int]) -> list[str | None]:
        answer = await self._client.ask(TRACK, {"i": self._graph_event(numbers[0])})
        return [answer["event"]["id"]]

    async def _graph_batch(self, numbers: Sequence[int]) -> list[str | None]:
        answer = await self._client.ask(TRACK_MANY, {"i": {"events": [self._graph_event(n) for n in numbers]}})
        assert not [result["error"] for result in answer["results"] if result["error"]], answer
        return [result["eventId"] for result in answer["results"]]

    async def _track(self, numbers: Sequence[int]) -> list[str | None]:
        (number,) = numbers
        event = {"name": "visited", "data": {"number": number}, "id": event_key(number)}
        unknown = browser_of(number)
        if unknown:
            await self._client.send("/customerio/api/v1/events", event | {"anonymous_id": unknown})
        else:
            name = self._chance.choice(["ada%2F1", "ada%40example.com", self._customer_id.replace("cust_", "cio_")])
            await self._client.send(f"/customerio/api/v1/customers/{name}/events", event)
        return [None]

    async def _track_batch(self, numbers: Sequence[int]) -> list[str | None]:
        batch = [
            {
                "type": "person",
                "action": "event",
                "identifiers": {"anonymous_id": browser_of(n)} if browser_of(n) else {"id": EXTERNAL_ID},
                "name": "visited",
                "attributes": {"number": n},
                "id": event_key(n),
            }
            for n in numbers
        ]
        await self._client.send("/customerio/api/v2/batch", {"batch": batch})
        return [None] * len(numbers)

    async def _silocdp(self, numbers: Sequence[int]) -> list[str | None]:
        (number,) = numbers
        unknown = browser_of(number)
        who = {"anonymousId": unknown} if unknown else {"externalId": EXTERNAL_ID}
        event = {"event": "visited", "properties": {"number": number}, "idempotencyKey": event_key(number)}
        await self._client.send("/silocdp/api/v1/events/track", event | who)
        return [None]


def _is_overloaded(answer: dict[str, Any]) -> bool:
    """Whether the graph says what the other doors say with 503."""
    codes = {error.get("extensions", {}).get("code") for error in answer.get("errors", ()) if isinstance(error, dict)}
    return codes == {"OVERLOADED"}
