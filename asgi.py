"""The roof: joins the web process, the graph and the workers. A web server is told ``asgi:create_app``."""

from typing import Any

from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.settings import Settings
from app.main import build_app
from app.pages import build_pages
from app.runtime import Runtime
from resolvers.engine import GraphEngine
from resolvers.schema import schema_text
from resolvers.transport import GraphQLEndpoint, VisitorsEndpoint
from workers import HANDLERS


class House:
    """The whole server as one ASGI application. ``state`` has the ``runtime`` inside and the ``graph``."""

    def __init__(self, app: ASGIApp, runtime: Runtime, graph: GraphQLEndpoint) -> None:
        self._app = app
        self.state = State({"runtime": runtime, "graph": graph})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def create_runtime(settings: Settings, **options: Any) -> Runtime:
    """A runtime that knows every job's handler. Options as in :class:`app.runtime.Runtime`."""
    return Runtime(settings, HANDLERS, **options)


def create_app(settings: Settings | None = None) -> House:
    """The web process. Its lifespan starts and stops what is running."""
    runtime = create_runtime(settings or Settings())
    engine = GraphEngine(runtime)
    graph = GraphQLEndpoint(engine, runtime)
    app = build_app(runtime, graph, build_pages(runtime), VisitorsEndpoint(engine, runtime))
    return House(app, runtime, graph)


__all__ = ["House", "create_app", "create_runtime", "schema_text"]
