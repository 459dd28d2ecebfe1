"""Batches of 100 events through the doors, against a bare ``executemany`` of the same rows on the same database."""

import asyncio
import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2

from benchmarks.world import World, world
from tests.servers import Servers

BATCH, BATCHES, CLIENTS = 100, 200, 4
TRACK = "mutation($i: TrackManyInput!) { trackMany(input: $i) { results { error { message } } } }"


def run(servers: Servers) -> None:
    """Prints events a second of both, on SQLite and on Postgres (with fsync)."""
    for title, of in (("sqlite", None), ("postgres", servers)):
        with world(of) as rapport:
            graph = _through(rapport, "/graphql", _graph_body)
            track = _through(rapport, "/customerio/api/v2/batch", _track_body)
            directory = Path(rapport.settings.data_dir)
            bare = _bare_postgres(rapport.settings.database_url) if of else _bare_sqlite(directory / "bare.db")
        print(f"{title:9} bare executemany   {bare:9.0f} events/s")
        print(f"{title:9} graph trackMany    {graph:9.0f} events/s   {graph / bare:.2f} x")
        print(f"{title:9} Track v2 batch     {track:9.0f} events/s   {track / bare:.2f} x", flush=True)


def _graph_body(batch: int) -> Any:
    events = [
        {"customer": {"externalId": f"u{n * 7 % 1000}"}, "name": "viewed", "properties": {"batch": batch, "n": n}}
        for n in range(BATCH)
    ]
    return {"query": TRACK, "variables": {"i": {"events": events}}}


def _track_body(batch: int) -> Any:
    return {
        "batch": [
            {
                "type": "person",
                "action": "event",
                "identifiers": {"id": f"u{n * 7 % 1000}"},
                "name": "viewed",
                "attributes": {"batch": batch, "n": n},
            }
            for n in range(BATCH)
        ]
    }


def _through(rapport: World, path: str, make: Any) -> float:
    bodies = [json.dumps(make(batch)) for batch in range(BATCHES)]
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {rapport.key}"}
    with httpx2.Client(headers=headers, timeout=60) as client:

        def send(body: str) -> None:
            answered = client.post(rapport.url + path, content=body)
            if answered.status_code != 200 or b'"errors"' in answered.content or b'"message"' in answered.content:
                raise RuntimeError(answered.text[:500])

        send(bodies[0])
        with ThreadPoolExecutor(CLIENTS) as pool:
            began = time.perf_counter()
            list(pool.map(send, bodies))
            return BATCH * BATCHES / (time.perf_counter() - began)


INSERT = "INSERT INTO bare (tenant_id, id, customer_id, name, properties, occurred_at, received_at) VALUES "


def _rows(when: Any) -> list[tuple[Any, ...]]:
    tenant, customer = uuid4(), uuid4()
    return [(tenant, uuid4(), customer, "viewed", '{"n":1}', when, when) for _ in range(BATCH)]


def _bare_sqlite(path: Path) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE bare (tenant_id, id, customer_id, name, properties, occurred_at, received_at, "
        "PRIMARY KEY (tenant_id, id))"
    )
    when = datetime.now(UTC).isoformat()
    batches = [[tuple(str(v) for v in row) for row in _rows(when)] for _ in range(BATCHES)]
    began = time.perf_counter()
    for batch in batches:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(INSERT + "(?, ?, ?, ?, ?, ?, ?)", batch)
        connection.execute("COMMIT")
    rate = BATCH * BATCHES / (time.perf_counter() - began)
    connection.close()
    return rate


def _bare_postgres(url: str) -> float:
    return asyncio.run(_bare_asyncpg(url))


async def _bare_asyncpg(url: str) -> float:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE TABLE bare (tenant_id uuid, id uuid, customer_id uuid, name text, properties jsonb, "
        "occurred_at timestamptz, received_at timestamptz, PRIMARY KEY (tenant_id, id))"
    )
    batches = [_rows(datetime.now(UTC)) for _ in range(BATCHES)]
    began = time.perf_counter()
    for batch in batches:
        async with connection.transaction():
            await connection.executemany(INSERT + "($1, $2, $3, $4, $5, $6, $7)", batch)
    rate = BATCH * BATCHES / (time.perf_counter() - began)
    await connection.close()
    return rate
