"""A served Rapport with people in it, reached as any client reaches it."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import httpx2

from app.core.settings import Settings
from tests.servers import Servers
from tests.serving import Served, rapport

CUSTOMERS, EVENTS_EACH = 1000, 10
PASSWORD = "a password for the benchmark"
SECRET = "the benchmark's own secret, of no use elsewhere"


@dataclass
class World:
    """One server, its tenant and a key of it."""

    served: Served
    settings: Settings
    tenant: str
    key: str

    @property
    def url(self) -> str:
        return self.served.url

    def ask(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        """The data of one operation of the graph."""
        return ask(self.url, query, variables, self.key)


def ask(url: str, query: str, variables: dict[str, Any] | None = None, credential: str | None = None) -> Any:
    """The data of one operation of the graph at ``url``. Raises RuntimeError for errors."""
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    answered = httpx2.post(
        f"{url}/graphql", json={"query": query, "variables": variables or {}}, headers=headers, timeout=60
    ).json()
    if answered.get("errors"):
        raise RuntimeError(answered["errors"])
    return answered["data"]


@contextmanager
def world(servers: Servers | None, *, peopled: bool = True) -> Iterator[World]:
    """A server on a new database (Postgres of ``servers``, else SQLite), with 1,000 customers of 10 events each."""
    with TemporaryDirectory(prefix="rapport-bench-") as directory:
        database = asyncio.run(new_database(servers.postgres_url)) if servers else ""
        settings = Settings(data_dir=Path(directory), database_url=database, secret=SECRET, demo=False)
        if database:
            migrated = rapport(settings, "migrate")
            if migrated.returncode:
                raise RuntimeError(migrated.stderr)
        served = Served(settings, RAPPORT_RATE_LIMITS="false", RAPPORT_LOG_LEVEL="warning").start()
        try:
            made = _make_tenant(served, settings)
            if peopled:
                _people(made)
            if database:
                asyncio.run(analyze(database))
            yield made
        finally:
            served.stop()


async def new_database(admin: str) -> str:
    """The URL of a new database on a server."""
    name = f"bench_{random.getrandbits(40):x}"
    connection = await asyncpg.connect(admin)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return admin.rsplit("/", 1)[0] + f"/{name}"


async def analyze(database: str) -> None:
    """What autovacuum does by itself within a minute."""
    connection = await asyncpg.connect(database)
    await connection.execute("ANALYZE")
    await connection.close()


def _make_tenant(served: Served, settings: Settings) -> World:
    owner = {"email": "owner@example.com", "password": PASSWORD, "tenantName": "Bench"}
    registered = ask(
        served.url, "mutation($i: RegisterInput!) { register(input: $i) { accessToken tenantId } }", {"i": owner}
    )
    session = registered["register"]
    scopes = ["customers:read", "customers:write", "events:read", "events:write"]
    scopes += ["conversations:read", "conversations:write", "widgets:read", "widgets:write"]
    made = ask(
        served.url,
        "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { key } }",
        {"i": {"name": "bench", "scopes": scopes}},
        session["accessToken"],
    )
    return World(served, settings, session["tenantId"], made["createApiKey"]["key"])


def _people(made: World) -> None:
    chance = random.Random(7)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    identify = "mutation($i: IdentifyManyInput!) { identifyMany(input: $i) { results { error { message } } } }"
    track = "mutation($i: TrackManyInput!) { trackMany(input: $i) { results { error { message } } } }"
    for first in range(0, CUSTOMERS, 100):
        numbers = range(first, first + 100)
        people = [
            {"externalId": f"u{n}", "email": f"u{n}@example.com", "attributes": {"plan": "pro", "age": n % 80}}
            for n in numbers
        ]
        made.ask(identify, {"i": {"customers": people}})
        for _ in range(EVENTS_EACH):
            events = [
                {
                    "customer": {"externalId": f"u{n}"},
                    "name": chance.choice(["viewed", "bought", "returned"]),
                    "properties": {"amount": chance.randrange(10_000) / 100},
                    "occurredAt": (start + timedelta(minutes=chance.randrange(400_000))).isoformat(),
                }
                for n in numbers
            ]
            made.ask(track, {"i": {"events": events}})
