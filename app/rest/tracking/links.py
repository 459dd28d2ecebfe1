"""``/t/o/<token>.gif`` notes that a message was opened, ``/t/c/<token>`` that a link was followed, and leads on."""

from base64 import b64decode
from urllib.parse import urlsplit, urlunsplit

import idna
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.actions.tracking import Seen, link_destination
from app.core import clock
from app.core.access import system
from app.core.errors import Invalid, NotFound
from app.core.link_tokens import TRAP, LinkToken, LinkTokens
from app.runtime import Runtime

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent GIF of one pixel."""
UNKEPT = {"cache-control": "no-store, no-cache, private, max-age=0", "x-robots-tag": "noindex, nofollow"}
AHEAD = ("prefetch", "preview", "prerender")


class Links:
    """Notes openings and clicks, and answers without waiting for the database."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tokens = LinkTokens.of(runtime.settings)

    async def open(self, request: Request) -> Response:
        """The pixel. One with a token that is not ours is shown all the same, and counts nothing."""
        try:
            token = self._tokens.read(request.path_params["token"])
        except Invalid:
            return Response(PIXEL, 404, UNKEPT, "image/gif")
        if token.kind == "open":
            await self._note(request, token, "open")
        return Response(PIXEL, 200, UNKEPT, "image/gif")

    async def follow(self, request: Request) -> Response:
        """Leads to where the link leads. Raises :class:`NotFound` for a token that is not ours."""
        token = self._token(request)
        url = token.url
        if url is None and token.link_number != TRAP:
            async with self._runtime.read(system(token.tenant_id)) as reading:
                url = await link_destination(reading, link_number=token.link_number or 0)
        await self._note(request, token, "click", url)
        if url is None:
            return Response(status_code=204, headers=UNKEPT)
        return RedirectResponse(_with_ascii_host(url), 302, UNKEPT)

    def _token(self, request: Request) -> LinkToken:
        try:
            token = self._tokens.read(request.path_params["token"])
        except Invalid as wrong:
            raise NotFound("link") from wrong
        if token.kind != "click":
            raise NotFound("link")
        return token

    async def _note(self, request: Request, token: LinkToken, kind: str, url: str | None = None) -> None:
        headers = request.headers
        purpose = " ".join(headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")).lower()
        seen = Seen(
            token.delivery_id,
            kind,
            clock.now(),
            token.link_number,
            url,
            request.method,
            headers.get("user-agent", "").replace("\x00", ""),
            request.client.host if request.client else "",
            is_ahead=any(word in purpose for word in AHEAD),
        )
        await self._runtime.engagements.note(token.tenant_id, seen)


def _with_ascii_host(url: str) -> str:
    """``url`` as a header can carry it: a host is written in Punycode, where the rest is percent-encoded."""
    if url.isascii():
        return url
    try:
        parts = urlsplit(url)
        user, at, place = parts.netloc.rpartition("@")
        host, colon, port = place.partition(":")
        if host.isascii():
            return url
        written = idna.encode(host, uts46=True).decode("ascii")
    except ValueError:  # no host that there can be, and that is for the browser to say
        return url
    return urlunsplit(parts._replace(netloc=f"{user}{at}{written}{colon}{port}"))
