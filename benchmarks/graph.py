"""The same queries, asked of Rapport, of stock Strawberry and of a Node server, on one Postgres."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID

import httpx2

from benchmarks.load import Rate, Shot, side_by_side
from benchmarks.peers.running import missing_npm, node_peer, python_peer
from benchmarks.world import World, world
from tests.servers import Servers

NESTED = (
    "{ customers(first: 25) { nodes { id email identities { kind value } "
    "events(first: 3) { nodes { id name occurredAt } } } } }"
)
ONE = "query One($id: String!) { customer(externalId: $id) { id email createdAt } }"


def run(servers: Servers) -> None:
    """Prints requests a second and ratios for both queries."""
    with world(servers) as rapport, peers(rapport) as urls:
        everybody = {"rapport": rapport.url, **urls}
        for title, query, variables in (("nested", NESTED, {}), ("one row", ONE, {"id": "u500"})):
            body = json.dumps({"query": query, "variables": variables})
            shots = {name: Shot(f"{url}/graphql", body, _headers(name, rapport)) for name, url in everybody.items()}
            _same_answers(shots)
            _report(title, side_by_side(shots))


def _headers(name: str, rapport: World) -> tuple[tuple[str, str], ...]:
    own = (("Authorization", f"Bearer {rapport.key}"),) if name == "rapport" else ()
    return (("Content-Type", "application/json"), *own)


def _same_answers(shots: dict[str, Shot]) -> None:
    answers = {}
    for name, shot in shots.items():
        data = httpx2.post(shot.url, content=shot.body, headers=dict(shot.headers)).json()["data"]
        answers[name] = (
            [node["id"] for node in data["customers"]["nodes"]] if "customers" in data else data["customer"]["id"]
        )
    if len({json.dumps(answer) for answer in answers.values()}) != 1:
        raise RuntimeError(f"the peers do not answer alike: {answers}")


def _report(title: str, seen: dict[str, Rate]) -> None:
    own = seen["rapport"].per_second
    for name, rate in seen.items():
        ratio = "" if name == "rapport" else f"   rapport is {own / rate.per_second:.2f} x"
        refused = f"   {rate.refused} REFUSED" if rate.refused else ""
        print(f"{title:8} {name:10} {rate.per_second:8.0f} req/s   p99 {rate.p99:>9}{ratio}{refused}", flush=True)


@contextmanager
def peers(rapport: World) -> Iterator[dict[str, str]]:
    """The peers on the same database: stock Strawberry, and Node where npm is found."""
    tenant = UUID(rapport.tenant.removeprefix("tn_"))
    environment = os.environ | {"DATABASE_URL": rapport.settings.database_url, "TENANT": str(tenant)}
    with ExitStack() as running:
        urls = {"stock": running.enter_context(python_peer("benchmarks.peers.stock:app", environment)).url}
        if missing_npm():
            print("NOT RUN: the Node peer needs npm")
        else:
            urls["node"] = running.enter_context(node_peer("server.mjs", environment)).url
        yield urls
