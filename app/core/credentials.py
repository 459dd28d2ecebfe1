"""What a request carries to say who sends it, and the short memory of who that was."""

import binascii
from base64 import b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from cachetools import TTLCache

from app.core import clock
from app.core.access import Principal
from app.core.tokens import API_KEY, VISITOR_TOKEN, digest

REMEMBERED = 10_000
REMEMBER_S = 5.0
"""How long another process may still accept what this one has revoked."""


@dataclass(frozen=True, slots=True)
class Credential:
    """The text of an API key or an access token, not verified yet.

    ``kind``: ``api_key``, ``access_token``, ``visitor_token``, or ``unreadable`` (something was sent that is none).
    """

    kind: str
    text: str = field(repr=False)

    @classmethod
    def from_text(cls, text: str) -> "Credential":
        """What stands after ``Bearer``, or in the payload with which a websocket begins."""
        if text.startswith(VISITOR_TOKEN):
            return cls("visitor_token", text)
        return cls("api_key" if text.startswith(API_KEY) else "access_token", text)


UNREADABLE = Credential("unreadable", "")


def credential_from_headers(headers: Mapping[str, str]) -> Credential | None:
    """The credential of a request, or None when it carries none.

    ``headers`` are looked up by lower-case names. ``X-Api-Key`` counts before ``Authorization``, which may be Bearer
    (an access token or a key) or Basic (a key as the password, whatever the user name is). Never raises.
    """
    key = headers.get("x-api-key")
    if key is not None:
        return Credential("api_key", key.strip())
    authorization = headers.get("authorization")
    if authorization is None:
        return None
    scheme, _, value = authorization.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return Credential.from_text(value.strip())
        case "basic":
            return _from_basic(value.strip())
        case _:
            return UNREADABLE


def _from_basic(value: str) -> Credential:
    try:
        _, separator, password = b64decode(value, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return UNREADABLE
    return Credential("api_key", password) if separator else UNREADABLE


class Recognised:
    """Principals recognised a moment ago, by credential: a hot key costs no query. Bounded in number and in time."""

    def __init__(self, seconds: float = REMEMBER_S) -> None:
        self._principals: TTLCache[str, Principal] = TTLCache(REMEMBERED, seconds)
        self._forgotten = 0

    @property
    def moment(self) -> int:
        """To be taken before the database is asked, and given to :meth:`remember` with the answer."""
        return self._forgotten

    def find(self, credential: Credential) -> Principal | None:
        """Who sent this credential a moment ago, unless they have expired since."""
        principal = self._principals.get(digest(credential.text))
        if principal is None or (principal.expires_at is not None and principal.expires_at <= clock.now()):
            return None
        return principal

    def remember(self, credential: Credential, principal: Principal, moment: int) -> None:
        """Keeps the principal, unless something was forgotten since ``moment``: it may have been this one."""
        if moment == self._forgotten:
            self._principals[digest(credential.text)] = principal

    def forget(self, ids: Collection[UUID]) -> None:
        """Drops every principal whose own id, session or tenant is among ``ids``."""
        self._forgotten += 1
        for key in list(self._principals):
            principal = self._principals.get(key)
            if principal is None or not {principal.id, principal.session_id, principal.tenant_id}.isdisjoint(ids):
                self._principals.pop(key, None)
