"""The web process: the doors under their prefixes and host names, the graph, the pages, and what operators look at."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import metrics
from app.core.logging import logger
from app.pages.widget import widget_routes
from app.rest.crm import DIALECT as CRM
from app.rest.customerio import DIALECT as CUSTOMERIO
from app.rest.door import Door
from app.rest.files import files_app
from app.rest.parcelvoy import DIALECT as PARCELVOY
from app.rest.silentchat import DIALECT as SILENTCHAT
from app.rest.silocdp import DIALECT as SILOCDP
from app.rest.tracking import tracking_app
from app.runtime import Runtime

log = logger(__name__)

DIALECTS = (SILOCDP, CUSTOMERIO, CRM, PARCELVOY, SILENTCHAT)
READY_WITHIN_S = 2.0
BARE_POLICY = "frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def build_app(
    runtime: Runtime,
    graph_app: ASGIApp | None = None,
    pages: ASGIApp | None = None,
    visitors_app: ASGIApp | None = None,
) -> ASGIApp:
    """Everything that one web process serves. Its lifespan starts and stops ``runtime``.

    ``graph_app`` answers ``/graphql``, HTTP and websockets; ``pages`` everything below ``/console``, which it
    sees as its ``root_path``; ``visitors_app`` is the graph that the widget of ``/widget.js`` speaks to.
    """
    doors = {dialect.name: Door(dialect, runtime) for dialect in DIALECTS}
    routes: list[BaseRoute] = [
        Route("/", _to_console),
        Route("/healthz", _alive),
        Route("/readyz", _Readiness(runtime).answer),
        Route("/metrics", _metrics),
    ]
    files, tracking = files_app(runtime), tracking_app(runtime)
    routes += [Route("/files", files), Route("/files/{rest:path}", files)]
    routes += [Route("/t/{rest:path}", tracking), Route("/callbacks/{rest:path}", tracking)]
    if visitors_app is not None:
        at = "/widget/graphql"
        routes += [*widget_routes(), Route(at, visitors_app), WebSocketRoute(at, visitors_app)]
    if pages is not None:
        routes.append(Mount("/console", SecurityHeaders(pages, PAGE_POLICY)))
    house = Starlette(routes=routes, lifespan=_lifespan(runtime))
    return SecurityHeaders(Doorway(house, graph_app or house, doors, runtime.settings.door_hosts), BARE_POLICY)


class Doorway:
    """Sends a request to the door whose host name or prefix it has, or to the graph; everything else into the house."""

    def __init__(self, house: ASGIApp, graph: ASGIApp, doors: Mapping[str, Door], hosts: Mapping[str, str]) -> None:
        unknown = sorted(set(hosts.values()) - set(doors))
        if unknown:
            raise ValueError(f"door_hosts names a dialect that does not exist: {', '.join(unknown)}")
        self._house = house
        self._graph = graph
        self._prefixes = {name.encode(): door for name, door in doors.items()}
        self._hosts = {host.lower().encode(): doors[name] for host, name in hosts.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._house(scope, receive, send)
            return
        if self._hosts and scope["type"] == "http":
            door = self._hosts.get(_host(scope))
            if door is not None:
                await door(scope, receive, send)
                return
        root: str = scope.get("root_path", "")
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        segments = path.removeprefix(root.encode()).split(b"/", 2)
        name = segments[1] if len(segments) > 1 else b""
        door = self._prefixes.get(name)
        if name == b"graphql" and len(segments) == 2:
            await self._graph(scope, receive, send)
        elif door is None or scope["type"] != "http":
            await self._house(scope, receive, send)
        else:
            await door({**scope, "root_path": f"{root}/{door.dialect.name}"}, receive, send)


class SecurityHeaders:
    """Adds the headers that tell browsers what a response may do, where the response does not say so itself."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._defaults = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"strict-origin-when-cross-origin"),
            (b"content-security-policy", policy.encode()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message.get("headers", ()))
                present = {name for name, _ in headers}
                headers += [header for header in self._defaults if header[0] not in present]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class _Readiness:
    """Whether requests should be sent here."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def answer(self, request: Request) -> Response:
        reasons = []
        if self._runtime.hub.draining.is_set():
            reasons.append("the server is shutting down")
        elif not self._runtime.hub.connected:
            reasons.append("the hub is not connected")
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await self._runtime.database.statements.cell("SELECT 1", (), None)
        except Exception:
            log.warning("the database does not answer", exc_info=True)
            reasons.append("the database does not answer")
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)


def _lifespan(runtime: Runtime) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await runtime.start()
        try:
            yield
        finally:
            await runtime.stop()

    return lifespan


async def _to_console(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/console/")


async def _alive(request: Request) -> Response:
    return JSONResponse({"alive": True})


async def _metrics(request: Request) -> Response:
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)


def _host(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"host":
            host: bytes = value
            return host.lower().rsplit(b":", 1)[0] if not host.endswith(b"]") else host.lower()
    return b""
