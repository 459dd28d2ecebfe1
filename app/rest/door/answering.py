"""Plain routes beside the dialects: a response for whatever a handler raises, counted."""

from collections.abc import Awaitable, Callable
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.core.errors import (
    Conflict,
    FileTooLarge,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    RapportError,
    RateLimited,
    Unauthenticated,
)
from app.core.logging import logger
from app.core.metrics import REQUEST_SECONDS, REQUESTS

log = logger(__name__)

STATUSES: dict[type[RapportError], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    FileTooLarge: 413,
    Invalid: 400,
    Conflict: 409,
    RateLimited: 429,
    Overloaded: 503,
    RapportError: 500,
}
Handle = Callable[[Request], Awaitable[Response]]
Refuse = Callable[[RapportError, int, dict[str, str]], Response]
"""How a door words a refusal: of this error, with this status and these headers."""


def refusal(error: RapportError, refuse: Refuse) -> Response:
    """The response that tells of ``error``, with when to come back where that is known."""
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    retry = {"retry-after": str(getattr(error, "retry_after", 1))} if status in (429, 503) else {}
    return refuse(error, status, retry)


def answering(door: str, refuse: Refuse, handle: Handle) -> Handle:
    """``handle``, with a response for whatever it raises, counted as ``door``'s. A defect of ours tells nothing."""

    async def answer(request: Request) -> Response:
        started = perf_counter()
        response = await _answer(handle, refuse, request)
        REQUEST_SECONDS.labels(door).observe(perf_counter() - started)
        REQUESTS.labels(door, str(response.status_code)).inc()
        return response

    return answer


async def _answer(handle: Handle, refuse: Refuse, request: Request) -> Response:
    try:
        return await handle(request)
    except RapportError as refused:
        return refusal(refused, refuse)
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception:
        log.exception("a request failed", path=request.url.path)
        return refusal(RapportError("Something went wrong on our side. Please try again."), refuse)
