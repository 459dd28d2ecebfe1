"""The web process around the doors: host names, health, metrics, headers, the graph and the pages."""

import asyncio

import httpx2
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from app.main import build_app
from app.runtime import Runtime


def client_of(runtime: Runtime, host: str = "rapport.test", **apps: object) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=build_app(runtime, **apps))  # type: ignore[arg-type]
    return httpx2.AsyncClient(transport=transport, base_url=f"http://{host}")


@pytest.fixture
def hosts(runtime: Runtime) -> None:
    runtime.settings.door_hosts = {"track.example.com": "customerio", "API.example.com": "silocdp"}


async def test_a_dialect_is_at_the_root_of_its_host_name(runtime: Runtime, hosts: None, key: str) -> None:
    headers = {"authorization": f"Bearer {key}"}
    async with client_of(runtime, "track.example.com:8443") as track:
        region = await track.get("/api/v1/accounts/region", headers=headers)
        assert region.json()["url"] == "https://track.example.com:8443"
        assert (await track.get("/openapi.json")).json()["servers"] == [{"url": "/"}]
        assert (await track.get("/")).status_code == 200
        assert (await track.get("/customerio/api/v1/accounts/region", headers=headers)).status_code == 404
        assert (await track.get("/healthz")).status_code == 404
    async with client_of(runtime, "api.example.com") as silocdp:
        assert (await silocdp.get("/api/v1/subscribers", headers=headers)).json()["success"] is True
    async with client_of(runtime, "other.example.com") as other:
        assert (await other.get("/api/v1/subscribers", headers=headers)).status_code == 404
        assert (await other.get("/silocdp/api/v1/subscribers", headers=headers)).status_code == 200


async def test_a_host_of_an_unknown_dialect_is_a_mistake(runtime: Runtime) -> None:
    runtime.settings.door_hosts = {"x.example.com": "nonsense"}
    with pytest.raises(ValueError, match="door_hosts names a dialect that does not exist: nonsense"):
        build_app(runtime)


async def test_health_and_readiness(runtime: Runtime) -> None:
    async with client_of(runtime) as client:
        assert (await client.get("/healthz")).json() == {"alive": True}
        # A start does not wait for the wire between the processes, readiness does.
        async with asyncio.timeout(15):
            while not runtime.hub.connected:
                await asyncio.sleep(0.01)
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})
        runtime.drain()
        draining = await client.get("/readyz")
        assert draining.status_code == 503
        assert draining.json() == {"ready": False, "reasons": ["the server is shutting down"]}
        assert (await client.get("/healthz")).status_code == 200


async def test_a_server_whose_database_is_away_is_not_ready(runtime: Runtime) -> None:
    await runtime.stop()
    async with client_of(runtime) as client:
        response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["reasons"] == ["the server is shutting down", "the database does not answer"]


async def test_metrics_count_requests_by_door(runtime: Runtime) -> None:
    async with client_of(runtime) as client:
        await client.get("/silocdp/api/v1/subscribers")
        metrics = await client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'rapport_requests_total{door="silocdp",status="401"}' in metrics.text


async def test_every_response_tells_browsers_what_it_may_do(runtime: Runtime) -> None:
    async with client_of(runtime) as client:
        for path in ("/healthz", "/nothing", "/silocdp/api/v1/subscribers", "/customerio/openapi.json"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
            assert headers["content-security-policy"] == "frame-ancestors 'none'"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says as which path it was asked; greets a socket."""
    if scope["type"] == "websocket":
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()
        return
    await PlainTextResponse(f"{scope['method']} {scope['root_path']} {scope['path']}")(scope, receive, send)


async def test_the_graph_and_the_pages_have_their_places(runtime: Runtime) -> None:
    async with client_of(runtime, graph_app=echo, pages=echo) as client:
        assert (await client.post("/graphql")).text == "POST  /graphql"
        assert (await client.get("/graphql?query=x")).text == "GET  /graphql"
        page = await client.get("/console/people/5")
        assert page.text == "GET /console /console/people/5"
        assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
        root = await client.get("/")
        assert (root.status_code, root.headers["location"]) == (307, "/console/")


async def test_sockets_reach_the_graph(runtime: Runtime) -> None:
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(str(message["type"]))

    scope = {"type": "websocket", "path": "/graphql", "headers": [], "query_string": b"", "subprotocols": []}
    await build_app(runtime, graph_app=echo)(scope, receive, send)  # type: ignore[arg-type]
    assert sent == ["websocket.accept", "websocket.send", "websocket.close"]
