"""Sign-in to the console with OpenID Connect: the way to the issuer and the way back.

``offer`` says whether there is an issuer, ``begin`` sends the browser to it, and ``back`` is where it returns. The
console is handed a refresh token in the address's fragment, which no server sees, and uses it up at once.
"""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from app.actions.accounts import log_in_with_oidc
from app.core.access import PUBLIC
from app.core.errors import RapportError
from app.core.oidc import IdentityProvider
from app.runtime import Runtime

SEALED = "rapport_oidc"
TEN_MINUTES_S = 600


class SingleSignOn:
    """The three routes below ``/console/oidc``."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        settings = runtime.settings
        self._provider = IdentityProvider(settings, runtime.services.tokens) if settings.oidc_issuer else None
        self._home = f"{settings.base_url}/console/"

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/oidc/offer", self.offer),
            Route("/oidc/begin", self.begin),
            Route("/oidc/back", self.back),
        ]

    async def offer(self, _: Request) -> Response:
        """Whether there is an issuer to sign in with."""
        return JSONResponse({"offered": self._provider is not None})

    async def begin(self, _: Request) -> Response:
        """To the issuer. What must come back with the browser lies sealed in a cookie that only ``back`` is sent."""
        if self._provider is None:
            return Response(status_code=404)
        try:
            url, sealed = await self._provider.authorization_request(f"{self._home}oidc/back")
        except RapportError as refused:
            return self._to_console("/sign-in", refused=refused.message)
        going = RedirectResponse(url, 303)
        secure = self._home.startswith("https:")
        going.set_cookie(
            SEALED, sealed, TEN_MINUTES_S, path="/console/oidc", secure=secure, httponly=True, samesite="lax"
        )
        return going

    async def back(self, request: Request) -> Response:
        """From the issuer, with a code. People unknown here are refused, and told so on the sign-in page."""
        if self._provider is None:
            return Response(status_code=404)
        said = request.query_params
        try:
            person = await self._provider.complete(
                request.cookies.get(SEALED, ""), code=said.get("code", ""), state=said.get("state", "")
            )
            async with self._runtime.write(PUBLIC.through("console")) as tx:
                signed_in = await log_in_with_oidc(tx, email=person.email, name=person.name)
        except RapportError as refused:
            return self._to_console("/sign-in", refused=refused.message)
        return self._to_console("/welcome", token=signed_in.refresh_token)

    def _to_console(self, page: str, **query: str) -> Response:
        going = RedirectResponse(f"{self._home}#{page}?{urlencode(query)}", 303, {"cache-control": "no-store"})
        going.delete_cookie(SEALED, path="/console/oidc")
        return going
