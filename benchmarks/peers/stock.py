"""Strawberry as its documentation suggests: resolvers with dataloaders, its own ASGI view, asyncpg beneath.

``DATABASE_URL`` and ``TENANT`` are given by the benchmark. It answers the same queries with the same shapes as Rapport.
"""

import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader

TENANT = UUID(os.environ["TENANT"])
Row = Any


def public_id(prefix: str, key: UUID) -> strawberry.ID:
    return strawberry.ID(f"{prefix}_{key.hex}")


@strawberry.type
class Identity:
    kind: str
    value: str


@strawberry.type
class Event:
    id: strawberry.ID
    name: str
    occurred_at: datetime


@strawberry.type
class EventConnection:
    nodes: list[Event]


@strawberry.type
class Customer:
    key: strawberry.Private[UUID]
    id: strawberry.ID
    created_at: datetime

    @strawberry.field
    async def email(self, info: strawberry.Info) -> str | None:
        return await info.context["emails"].load(self.key)

    @strawberry.field
    async def identities(self, info: strawberry.Info) -> list[Identity]:
        return await info.context["identities"].load(self.key)

    @strawberry.field
    async def events(self, info: strawberry.Info, first: int) -> EventConnection:
        return EventConnection(nodes=await info.context["events"].load((self.key, first)))


@strawberry.type
class CustomerConnection:
    nodes: list[Customer]


def customer(row: Row) -> Customer:
    return Customer(key=row["id"], id=public_id("cust", row["id"]), created_at=row["created_at"])


@strawberry.type
class Query:
    @strawberry.field
    async def customers(self, info: strawberry.Info, first: int) -> CustomerConnection:
        rows = await info.context["pool"].fetch(
            "SELECT id, created_at FROM customers WHERE tenant_id = $1 AND status = 'active' "
            "ORDER BY created_at DESC, id DESC LIMIT $2",
            TENANT,
            first,
        )
        return CustomerConnection(nodes=[customer(row) for row in rows])

    @strawberry.field
    async def customer(self, info: strawberry.Info, external_id: str) -> Customer | None:
        row = await info.context["pool"].fetchrow(
            "SELECT c.id, c.created_at FROM customers c JOIN identities i ON i.tenant_id = c.tenant_id "
            "AND i.customer_id = c.id WHERE i.tenant_id = $1 AND i.kind = 'external_id' AND i.value = $2",
            TENANT,
            external_id,
        )
        return customer(row) if row else None


def loaders(pool: asyncpg.Pool) -> dict[str, Any]:
    async def emails(keys: list[UUID]) -> list[str | None]:
        rows = await pool.fetch(
            "SELECT customer_id, value FROM identities WHERE tenant_id = $1 AND customer_id = ANY($2) "
            "AND kind = 'email' AND is_primary",
            TENANT,
            keys,
        )
        found = {row["customer_id"]: row["value"] for row in rows}
        return [found.get(key) for key in keys]

    async def identities(keys: list[UUID]) -> list[list[Identity]]:
        rows = await pool.fetch(
            "SELECT customer_id, kind, value FROM identities "
            "WHERE tenant_id = $1 AND customer_id = ANY($2) ORDER BY id",
            TENANT,
            keys,
        )
        found: dict[UUID, list[Identity]] = defaultdict(list)
        for row in rows:
            found[row["customer_id"]].append(Identity(kind=row["kind"].upper(), value=row["value"]))
        return [found[key] for key in keys]

    async def events(keys: list[tuple[UUID, int]]) -> list[list[Event]]:
        rows = await pool.fetch(
            "SELECT k.customer_id, e.id, e.name, e.occurred_at FROM unnest($2::uuid[]) AS k(customer_id), LATERAL ("
            "SELECT id, name, occurred_at FROM events WHERE tenant_id = $1 AND customer_id = k.customer_id "
            "ORDER BY occurred_at DESC, id DESC LIMIT $3) e",
            TENANT,
            [key for key, _ in keys],
            keys[0][1],
        )
        found: dict[UUID, list[Event]] = defaultdict(list)
        for row in rows:
            event = Event(id=public_id("evt", row["id"]), name=row["name"], occurred_at=row["occurred_at"])
            found[row["customer_id"]].append(event)
        return [found[key] for key, _ in keys]

    return {
        "pool": pool,
        "emails": DataLoader(load_fn=emails),
        "identities": DataLoader(load_fn=identities),
        "events": DataLoader(load_fn=events),
    }


class StockView(GraphQL[dict[str, Any], None]):
    pool: asyncpg.Pool

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> dict[str, Any]:
        return loaders(self.pool)


view = StockView(strawberry.Schema(Query))


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async def narrow(connection: asyncpg.Connection) -> None:
        await connection.execute("SELECT set_config('app.tenant', $1, false)", str(TENANT))

    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10, setup=narrow) as view.pool:
        yield


app = Starlette(routes=[Route("/graphql", view)], lifespan=lifespan)
