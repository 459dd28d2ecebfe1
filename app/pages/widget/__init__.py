"""The widget: one script for pages of other people's sites.

js     its modules, which tell of themselves; main.js is where it begins
css    how it looks
words  what it says in languages other than English, which it asks for when it needs them
"""

from collections.abc import Callable
from functools import cached_property, partial
from gzip import compress
from hashlib import sha256
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.pages.widget.bundle import bundle

FILES = Path(__file__).parent
KEPT_S = 300
STALE_S = 24 * 3600
CACHING = f"public, max-age={KEPT_S}, stale-while-revalidate={STALE_S}"


class PublicFile:
    """A text that pages of every origin may load, and keep for some minutes. It is made at the first request."""

    def __init__(self, make: Callable[[], str], media_type: str) -> None:
        self._make = make
        self._media_type = media_type

    @cached_property
    def _plain(self) -> bytes:
        return self._make().encode()

    @cached_property
    def _small(self) -> bytes:
        return compress(self._plain, 9, mtime=0)

    @cached_property
    def _etag(self) -> str:
        return f'"{sha256(self._plain).hexdigest()[:20]}"'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._answer(Request(scope))
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response(status_code=405, headers={"allow": "GET, HEAD"})
        headers = {
            "access-control-allow-origin": "*",
            "cache-control": CACHING,
            "cross-origin-resource-policy": "cross-origin",
            "etag": self._etag,
            "vary": "accept-encoding",
        }
        if _has(request.headers, self._etag):
            return Response(status_code=304, headers=headers)
        body = self._plain
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["content-encoding"] = self._small, "gzip"
        headers["content-length"] = str(len(body))
        return Response(b"" if request.method == "HEAD" else body, headers=headers, media_type=self._media_type)


def _has(headers: Headers, etag: str) -> bool:
    known = {tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")}
    return etag in known or "*" in known


def widget_routes() -> list[Route]:
    """``/widget.js`` and the words that it asks for."""
    script = PublicFile(partial(bundle, FILES / "js", FILES / "css"), "text/javascript")
    words = [
        Route(f"/widget/words/{path.name}", PublicFile(partial(path.read_text, "utf-8"), "application/json"))
        for path in sorted((FILES / "words").glob("*.json"))
    ]
    return [Route("/widget.js", script), *words]
