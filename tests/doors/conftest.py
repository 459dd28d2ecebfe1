"""A client of the whole web process, on both databases; keys of two tenants; and what the database holds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from app.actions.accounts import create_api_key
from app.actions.segments import list_segments
from app.core.access import ALL_SCOPES, Scope, system
from app.main import build_app
from app.runtime import Runtime
from models import (
    Campaign,
    CampaignRun,
    CannedResponse,
    Consent,
    Content,
    Conversation,
    ConversationTag,
    Customer,
    Delivery,
    Device,
    Domain,
    Event,
    FeedEntry,
    File,
    Identity,
    Layout,
    Member,
    Merge,
    Message,
    ReportingWebhook,
    Segment,
    SegmentDependency,
    SegmentMembership,
    Sender,
    Snippet,
    Visitor,
    Widget,
)
from tests.tenants import TenantAccount

TABLES = (
    Customer,
    Identity,
    Device,
    Consent,
    Event,
    Merge,
    FeedEntry,
    Segment,
    SegmentDependency,
    SegmentMembership,
    Member,
    Widget,
    Domain,
    Visitor,
    Conversation,
    ConversationTag,
    Message,
    File,
    CannedResponse,
    ReportingWebhook,
    Campaign,
    CampaignRun,
    Delivery,
    Content,
    Sender,
    Snippet,
    Layout,
)
MakeKey = Callable[..., Awaitable[str]]
Send = Callable[..., Awaitable[httpx2.Response]]
Ready = Callable[[], Awaitable[None]]
Contents = dict[str, list[dict[str, Any]]]
ReadAll = Callable[[TenantAccount], Awaitable[Contents]]


@pytest.fixture
async def client(runtime: Runtime) -> AsyncIterator[httpx2.AsyncClient]:
    """Speaks to the web process without a socket."""
    transport = httpx2.ASGITransport(app=build_app(runtime), raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://rapport.test") as client:
        yield client


@pytest.fixture
def make_key(runtime: Runtime) -> MakeKey:
    """``await make_key(tenant, *scopes)`` is the text of a new key; without scopes it has them all."""

    async def make(tenant: TenantAccount, *scopes: Scope) -> str:
        async with runtime.write(tenant.principal) as tx:
            return (await create_api_key(tx, name="test", scopes=scopes or ALL_SCOPES)).key_text

    return make


@pytest.fixture
async def key(make_key: MakeKey, tenant: TenantAccount) -> str:
    """A key of the first tenant with every scope."""
    return await make_key(tenant)


@pytest.fixture
async def foreign_key(make_key: MakeKey, other_tenant: TenantAccount) -> str:
    """A key of the second tenant with every scope."""
    return await make_key(other_tenant)


@pytest.fixture
def silocdp(client: httpx2.AsyncClient, key: str) -> Send:
    """``await silocdp("GET", "/subscribers")``, as the first tenant unless ``key`` is another, or None."""

    async def send(method: str, path: str, json: Any = None, key: str | None = key, **more: Any) -> httpx2.Response:
        headers = more.pop("headers", {}) | ({"authorization": f"Bearer {key}"} if key else {})
        return await client.request(method, f"/silocdp/api/v1{path}", json=json, headers=headers, **more)

    return send


@pytest.fixture
def track(client: httpx2.AsyncClient, key: str) -> Send:
    """``await track("PUT", "/api/v1/customers/5", {…})``, as the first tenant unless another ``key`` is given."""

    async def send(method: str, path: str, json: Any = None, key: str | None = key, **more: Any) -> httpx2.Response:
        auth = httpx2.BasicAuth("any site", key) if key else None
        return await client.request(method, f"/customerio{path}", json=json, auth=auth, **more)

    return send


@pytest.fixture
def crm(client: httpx2.AsyncClient, key: str) -> Send:
    """``await crm("GET", "/segments?tenantId=…")``, as the first tenant unless another ``key`` is given."""

    async def send(method: str, path: str, json: Any = None, key: str = key, **more: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {key}", "x-request-id": "test"}
        return await client.request(method, f"/crm/api/v1{path}", json=json, headers=headers, **more)

    return send


@pytest.fixture
def app_api(client: httpx2.AsyncClient, key: str) -> Send:
    """``await app_api("GET", "/segments")``: Customer.io's App API, as the first tenant."""

    async def send(method: str, path: str, json: Any = None, key: str = key, **more: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {key}"}
        return await client.request(method, f"/customerio/v1{path}", json=json, headers=headers, **more)

    return send


@pytest.fixture
def parcelvoy(client: httpx2.AsyncClient, key: str) -> Send:
    """``await parcelvoy("/lists", limit=5)``, as the first tenant unless another ``key`` is given."""

    async def send(path: str, key: str = key, **query: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {key}"}
        return await client.get(f"/parcelvoy/api/client{path}", params=query, headers=headers)

    return send


@pytest.fixture
def parcelvoy_client(client: httpx2.AsyncClient, key: str) -> Send:
    """``await parcelvoy_client("POST", "/identify", {…})``, as the first tenant unless another ``key`` is given."""

    async def send(method: str, path: str, json: Any = None, key: str = key) -> httpx2.Response:
        headers = {"authorization": f"Bearer {key}"}
        return await client.request(method, f"/parcelvoy/api/client{path}", json=json, headers=headers)

    return send


@pytest.fixture
def ready(runtime: Runtime, tenant: TenantAccount) -> Ready:
    """``await ready()`` when every segment of the first tenant has the members that its rule finds."""

    async def wait() -> None:
        async with asyncio.timeout(20):
            while True:
                async with runtime.read(tenant.principal) as reading:
                    every, _ = await list_segments(reading, limit=1000)
                if all(segment.state == "ready" for segment in every):
                    return
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def contents(runtime: Runtime) -> ReadAll:
    """``await contents(tenant)`` is every row of its people and segments, by table: equal later, nothing happened."""

    async def read(tenant: TenantAccount) -> Contents:
        rows: Contents = {}
        async with runtime.read(system(tenant.id)) as reading:
            for table in TABLES:
                found = (await reading.session.execute(select(table))).scalars().all()
                rows[str(table.__tablename__)] = sorted((row.model_dump() for row in found), key=repr)
        return rows

    return read
