"""The endpoint on a real Uvicorn and a real runtime on the embedded database, with a small engine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import orjson
import pytest
from starlette import types
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.actions.accounts.api_keys import NewApiKey, create_api_key, revoke_api_key
from app.actions.accounts.tenants import update_tenant
from app.core import clock
from app.core.access import ALL_SCOPES, Principal, Role, system
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.tokens import AccessClaims
from app.runtime import Runtime
from app.serving import Server, listening_socket, server_config
from models import Session
from resolvers.transport import GraphQLEndpoint
from resolvers.transport.websocket import PROTOCOL
from tests.tenants import create_tenant
from tests.transport.engine import SmallEngine


@pytest.fixture
def backend() -> str:
    """The transport does not care for the database."""
    return "sqlite"


@dataclass
class Door:
    """A served endpoint and its parts."""

    url: str
    endpoint: GraphQLEndpoint
    engine: SmallEngine
    account: "Account"
    key: NewApiKey
    client: httpx2.AsyncClient
    server: Server

    @property
    def headers(self) -> dict[str, str]:
        """A valid credential; also a valid payload of ``connection_init``."""
        return bearer(self.key.key_text)

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    async def post(self, body: Any, **headers: str) -> httpx2.Response:
        """Posts JSON with the valid key and further headers (``content_type`` for ``content-type``)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {"content-type": "application/json", **self.headers, **named}
        return await self.client.post(self.url, content=content, headers=sent)

    async def settled(self) -> None:
        """Waits until no stream and no subscription is open."""
        async with asyncio.timeout(5):
            while len(self.endpoint.connections) or self.engine.open:
                await asyncio.sleep(0.01)


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


@dataclass
class Peer:
    """A websocket client that speaks JSON."""

    socket: ClientConnection

    async def send(self, message: Any) -> None:
        await self.socket.send(message if isinstance(message, str | bytes) else orjson.dumps(message).decode())

    async def receive(self, seconds: float = 5) -> Any:
        async with asyncio.timeout(seconds):
            message = await self.socket.recv()
        assert isinstance(message, str), "results are text frames"
        return orjson.loads(message)

    async def subscribe(self, name: str, query: str, **payload: Any) -> None:
        await self.send({"id": name, "type": "subscribe", "payload": {"query": query, **payload}})

    async def closed(self, seconds: float = 5) -> tuple[int, str]:
        """The close code and reason, after whatever still comes before them."""
        async with asyncio.timeout(seconds):
            with suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        return self.socket.close_code or 0, self.socket.close_reason or ""


Serve = Callable[..., Any]


@pytest.fixture
async def serve(settings: Settings) -> AsyncIterator[Serve]:
    """Starts endpoints: ``door = await serve(rate_limits=True, demo_key="…")``."""
    async with AsyncExitStack() as stack:

        async def start(
            demo_key: str | None = None, kind: type[GraphQLEndpoint] = GraphQLEndpoint, **changed: Any
        ) -> Door:
            return await stack.enter_async_context(_served(settings, kind, demo_key, changed))

        yield start


@pytest.fixture
async def door(serve: Serve) -> Door:
    """An endpoint without rate limits."""
    return await serve()


@asynccontextmanager
async def open_socket(door: Door, *, acknowledged: bool = True, **options: Any) -> AsyncIterator[Peer]:
    """A websocket to the endpoint; introduced with the valid key unless ``acknowledged`` is False."""
    options.setdefault("subprotocols", [PROTOCOL])
    async with connect(door.ws_url, ping_interval=None, compression=None, **options) as socket:
        peer = Peer(socket)
        if acknowledged:
            await peer.send({"type": "connection_init", "payload": door.headers})
            assert await peer.receive() == {"type": "connection_ack"}
        yield peer


@asynccontextmanager
async def _served(
    settings: Settings, kind: type[GraphQLEndpoint], demo_key: str | None, changed: dict[str, Any]
) -> AsyncIterator[Door]:
    changed = {"rate_limits": False, "port": 0, **changed}
    settings = settings.model_copy(update=changed)
    listening = listening_socket(settings)
    settings.port = listening.getsockname()[1]
    async with _account(settings) as account:
        engine = SmallEngine(account.runtime.hub.draining)
        endpoint = kind(engine, account.runtime)
        if demo_key is not None:
            endpoint.show_demo_key(demo_key)
        server = Server(server_config(settings, _roof(endpoint)), account.runtime.drain)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.005)
        url = f"http://127.0.0.1:{settings.port}/graphql"
        async with httpx2.AsyncClient(trust_env=False) as client:
            key = await account.new_key()
            yield Door(url, endpoint, engine, account, key, client, server)
        server.should_exit = True
        await asyncio.wait_for(serving, 15)
        await endpoint_left_nothing(endpoint, engine)


async def endpoint_left_nothing(endpoint: GraphQLEndpoint, engine: SmallEngine) -> None:
    """After a stop no stream and no subscription is left."""
    assert len(endpoint.connections) == 0
    assert engine.open == 0


def _roof(endpoint: GraphQLEndpoint) -> Any:
    async def app(scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        if scope["type"] != "lifespan":
            await endpoint(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app


@dataclass
class Account:
    """A tenant on the smallest plan: its running inside, and ways to get credentials."""

    runtime: Runtime
    owner: Principal

    async def new_key(self) -> NewApiKey:
        async with self.runtime.write(self.owner) as tx:
            return await create_api_key(tx, name="test", scopes=sorted(ALL_SCOPES))

    async def revoke_key(self, key: NewApiKey) -> None:
        async with self.runtime.write(self.owner) as tx:
            await revoke_api_key(tx, api_key_id=key.id)

    async def new_token(self, life: timedelta) -> str:
        """An access token of a new session of the owner. Its life is cut to a whole second."""
        user_id, tenant_id, session_id = self.owner.id, self.owner.tenant_id, new_id()
        assert user_id is not None and tenant_id is not None
        async with self.runtime.write(system()) as tx:
            row = {"id": session_id, "user_id": user_id, "tenant_id": tenant_id, "created_at": tx.now}
            await tx.insert(Session, [row])
        now = clock.now()
        claims = AccessClaims(user_id, tenant_id, session_id, Role.OWNER, now + life)
        return self.runtime.services.tokens.sign_access(claims, now)


@asynccontextmanager
async def _account(settings: Settings) -> AsyncIterator[Account]:
    tenant = await create_tenant(settings, "Acme")
    runtime = Runtime(settings)
    await runtime.start()
    try:
        async with runtime.write(tenant.principal) as tx:
            await update_tenant(tx, plan="free")
        yield Account(runtime, tenant.principal)
    finally:
        await runtime.stop()
