"""What the transport says no to, before the engine is asked."""

from collections.abc import Iterable
from typing import Any

import orjson

from app.core.errors import RapportError, RateLimited

Header = tuple[bytes, bytes]

STATUS_OF_CODE = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
    "OVERLOADED": 503,
}
"""The HTTP status of a request that is refused as a whole; any other code is a 400."""

CHALLENGE: Header = (b"www-authenticate", b'Bearer realm="rapport"')
"""Never Basic: a browser that asked its user for a password would from then on attach it to other sites' requests."""


class Refusal(Exception):
    """A request that is refused as a whole.

    ``well_formed``: the request itself obeys GraphQL over HTTP, so that legacy clients (``application/json``) are
    answered with status 200 and the errors. ``retry_after``: the seconds after which it may be tried again, told as a
    header and, for those who read none, in the error.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str = "BAD_REQUEST",
        *,
        headers: Iterable[Header] = (),
        well_formed: bool = False,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = [*headers, *refusal_headers(code, retry_after)]
        self.well_formed = well_formed
        self.retry_after = retry_after

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The ``errors`` of a GraphQL response."""
        later = {} if self.retry_after is None else {"retryAfter": self.retry_after}
        return [{"message": self.message, "extensions": {"code": self.code, **later}}]

    @property
    def body(self) -> bytes:
        """A GraphQL response."""
        return orjson.dumps({"errors": self.errors})


def refusal_of(error: RapportError) -> Refusal:
    """The same refusal in the words of HTTP."""
    later = error.retry_after if isinstance(error, RateLimited) else None
    return Refusal(STATUS_OF_CODE.get(error.code, 400), error.message, error.code, retry_after=later)


def refusal_headers(code: str | None, retry_after: int | None) -> list[Header]:
    """The headers that a refusal of this code owes its caller."""
    headers = [CHALLENGE] if code == "UNAUTHENTICATED" else []
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % retry_after))
    return headers
