"""Who is calling, from where, and whether they may call once more."""

import itertools
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.core.access import PLANS, PUBLIC, Principal
from app.core.credentials import Credential, credential_from_headers
from app.core.errors import Unauthenticated
from app.core.limits import Allowance
from app.core.settings import Settings
from resolvers.transport.refusals import Header, Refusal

if TYPE_CHECKING:
    from app.runtime import Runtime

SOURCE = "graph"
_PROCESS = secrets.token_hex(10).encode()
_numbers = itertools.count(1)
_REQUEST_ID = re.compile(rb"[0-9A-Za-z._:-]{1,64}\Z")
_PAYLOAD_NAMES = {"authorization": "authorization", "x-api-key": "x-api-key", "apikey": "x-api-key"}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(slots=True)
class Caller:
    """Somebody at an address. ``credential`` is None for the public, which may only register, log in and the like."""

    principal: Principal
    credential: Credential | None
    address: str
    origin: str | None = None
    """The page from which a browser called, as its ``Origin`` header has it."""

    @property
    def key(self) -> str:
        """Under which requests and sockets are counted: nameless callers are counted by address."""
        return self.principal.caller if self.principal.id else f"{self.principal.kind}:{self.address}"


class Callers:
    """Authenticates callers and charges their plans."""

    def __init__(self, runtime: "Runtime") -> None:
        self._authenticator = runtime.authenticator
        self._limiter = runtime.limiter if runtime.settings.rate_limits else None
        self._settings = runtime.settings

    def welcomes(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a page may open a socket at all, whoever turns out to call from it."""
        return origin_allowed(headers, self._settings)

    async def identify(
        self, credential: Credential | None, address: str, request_id: str, origin: str | None = None
    ) -> Caller:
        """The caller with this credential; without one, the public. A visitor's token counts only from the origin for
        which it was given. Raises :class:`Refusal` (401, 403, 429)."""
        if credential is None:
            public = replace(PUBLIC, source=SOURCE, request_id=request_id, origin=origin)
            return Caller(public, None, address, origin)
        try:
            principal = await self._authenticator.authenticate(credential, SOURCE, request_id)
        except Unauthenticated as unknown:
            # Guessing costs the guesser's address what an anonymous call costs.
            await self.charge(Caller(PUBLIC, None, address))
            raise Refusal(401, unknown.message, unknown.code) from unknown
        if principal.kind == "visitor" and principal.origin != origin:
            raise Refusal(403, "The token was given for another origin.", "FORBIDDEN")
        return Caller(principal, credential, address, origin)

    async def charge(self, caller: Caller) -> list[Header]:
        """Takes one request from the caller's plan and returns the headers that tell what is left.

        Raises :class:`Refusal` (429) with the same headers.
        """
        if self._limiter is None:
            return []
        allowance = await self._limiter.take(caller.key, PLANS[caller.principal.plan])
        headers = _limit_headers(allowance)
        if allowance.refused:
            seconds = allowance.retry_after
            message = f"Too many requests. Please retry after {seconds} seconds."
            raise Refusal(429, message, "RATE_LIMITED", headers=headers, retry_after=seconds)
        return headers


def credential_of_headers(headers: Mapping[bytes, bytes]) -> Credential | None:
    """The credential in raw headers, if any."""
    authorization, key = headers.get(b"authorization"), headers.get(b"x-api-key")
    if authorization is None and key is None:
        return None
    given = (("authorization", authorization), ("x-api-key", key))
    return credential_from_headers({name: value.decode("latin-1") for name, value in given if value is not None})


def credential_of_payload(payload: Mapping[str, Any]) -> Credential | None:
    """The credential in a ``connection_init`` or ``ping``: ``Authorization``, ``X-Api-Key`` or ``apiKey``."""
    given = {_PAYLOAD_NAMES.get(name.lower()): value for name, value in payload.items() if isinstance(value, str)}
    return credential_from_headers({name: value for name, value in given.items() if name is not None})


def origin_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The ``Origin`` header, which browsers send with whatever a foreign page asks for."""
    origin = headers.get(b"origin")
    return None if origin is None else origin.decode("latin-1")


def request_id_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The caller's ``X-Request-ID`` where it is a sane one, else a new one."""
    given = headers.get(b"x-request-id")
    return given if given is not None and _REQUEST_ID.match(given) else b"%s%012x" % (_PROCESS, next(_numbers))


def origin_allowed(headers: Mapping[bytes, bytes], settings: Settings) -> bool:
    """Whether a browser page of this origin may open a socket. Callers that are no browsers send no origin.

    Our own origin is that of ``public_url``; where none is set, the one by which the server was addressed.
    """
    raw = headers.get(b"origin")
    if raw is None:
        return True
    origin = _origin(raw.decode("latin-1"))
    if origin is None:
        return False
    if origin in map(_origin, (settings.base_url, *settings.allowed_origins)):
        return True
    own = headers.get(b"host", b"").decode("latin-1").lower()
    return not settings.public_url and origin[1] == own


def _origin(url: str) -> tuple[str, str] | None:
    """The scheme and authority of a URL; None for ``null`` and other nonsense."""
    try:
        parts = urlsplit(url.lower())
    except ValueError:
        return None
    return (parts.scheme, parts.netloc) if parts.scheme and parts.netloc else None


def _limit_headers(allowance: Allowance) -> list[Header]:
    return [
        (b"x-ratelimit-limit", b"%d" % allowance.limit),
        (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
        (b"x-ratelimit-reset", b"%d" % allowance.reset_at),
    ]
