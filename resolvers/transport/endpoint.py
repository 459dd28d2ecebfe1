"""The ASGI application of the graph."""

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from resolvers.protocol import Engine
from resolvers.transport.callers import LOOPBACK, Callers
from resolvers.transport.connections import Connections
from resolvers.transport.documents import Documents
from resolvers.transport.graphiql import GraphiQL
from resolvers.transport.http import HttpDoor
from resolvers.transport.websocket import Socket

if TYPE_CHECKING:
    from app.runtime import Runtime

REQUEST_HEADERS = ["authorization", "content-type", "x-api-key", "x-request-id"]
PREFLIGHT_S = 7200
RESPONSE_HEADERS = ["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id"]


class GraphQLEndpoint:
    """Serves ``engine`` at whatever path it is mounted: HTTP, server-sent events and websockets.

    Pages of ``origins`` may call it from browsers: the ``allowed_origins`` of the settings unless others are given.
    """

    def __init__(
        self,
        engine: Engine,
        runtime: "Runtime",
        callers: Callers | None = None,
        documents: Documents | None = None,
        origins: list[str] | None = None,
    ) -> None:
        self._settings = runtime.settings
        self._engine = engine
        self._callers = callers or Callers(runtime)
        self._documents = documents or Documents.load(runtime.settings.trusted_documents)
        self.connections = Connections(runtime, self._callers)
        self._graphiql = GraphiQL() if runtime.settings.graphiql else None
        self._http: ASGIApp = HttpDoor(engine, self._callers, self._documents, self.connections, self._graphiql)
        allowed = self._settings.allowed_origins if origins is None else origins
        if allowed:
            self._http = CORSMiddleware(
                self._http,
                allow_origins=allowed,
                allow_methods=["GET", "POST"],
                allow_headers=REQUEST_HEADERS,
                expose_headers=RESPONSE_HEADERS,
                max_age=PREFLIGHT_S,
            )

    def show_demo_key(self, key: str) -> None:
        """Fills the demo's key into GraphiQL, where that is safe: in a demo that listens on loopback only."""
        if self._graphiql is not None and self._settings.demo and self._settings.host in LOOPBACK:
            self._graphiql.show_demo_key(key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            socket = Socket(
                scope,
                receive,
                send,
                engine=self._engine,
                callers=self._callers,
                documents=self._documents,
                connections=self.connections,
            )
            await socket.run(scope.get("subprotocols", []))
