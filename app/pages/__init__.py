"""Pages for people: the console."""

from os import PathLike, stat_result
from pathlib import Path

from starlette.responses import Response
from starlette.routing import Mount, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from app.pages.oidc import SingleSignOn
from app.runtime import Runtime

FILES = Path(__file__).parent / "console"
LETTER_POLICY = (
    "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""Of the empty page into which the console writes the HTML of messages: no script runs in it, whatever they hold."""


class ConsoleFiles(StaticFiles):
    """Files that a browser keeps but asks about each time: a module of an old release must never meet one of a new."""

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["cache-control"] = "no-cache"
        if Path(full_path).name == "letter.html":
            response.headers["content-security-policy"] = LETTER_POLICY
        return response


def build_pages(runtime: Runtime) -> ASGIApp:
    """The console: static files that speak to the public graph, and the way to an OpenID Connect issuer and back."""
    files = Mount("/", ConsoleFiles(directory=FILES, html=True))
    return Router([*SingleSignOn(runtime).routes, files])
