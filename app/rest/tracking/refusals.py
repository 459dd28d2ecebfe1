"""Refusals as this door words them: a short page for people, a status for machines."""

from collections.abc import Awaitable, Callable
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from app.core.errors import (
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

DOOR = "tracking"
STATUSES: dict[type[RapportError], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Invalid: 400,
    RateLimited: 429,
    Overloaded: 503,
    RapportError: 500,
}
SENTENCES = {404: "This link is not valid any more.", 500: "Something went wrong on our side. Please try again."}

Handle = Callable[[Request], Awaitable[Response]]


def answering(handle: Handle) -> Handle:
    """``handle``, with a response for whatever it raises, counted. A defect of ours tells nothing."""

    async def answer(request: Request) -> Response:
        started = perf_counter()
        response = await _answer(handle, request)
        REQUEST_SECONDS.labels(DOOR).observe(perf_counter() - started)
        REQUESTS.labels(DOOR, str(response.status_code)).inc()
        return response

    return answer


async def _answer(handle: Handle, request: Request) -> Response:
    try:
        return await handle(request)
    except RapportError as refused:
        status = next(STATUSES[kind] for kind in type(refused).__mro__ if kind in STATUSES)
        retry = {"retry-after": str(getattr(refused, "retry_after", 1))} if status in (429, 503) else {}
        return PlainTextResponse(SENTENCES.get(status, refused.message), status, retry)
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception:
        log.exception("a request failed", path=request.url.path)
        return PlainTextResponse(SENTENCES[500], 500)
