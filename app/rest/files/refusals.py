"""Refusals as this door words them: ``{"error": {"code", "message", "field"}}``."""

from collections.abc import Awaitable, Callable
from time import perf_counter

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

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

DOOR = "files"
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


def refusal(error: RapportError) -> JSONResponse:
    """The response that tells of ``error``."""
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    told = {"code": error.code, "message": _sentence(error), "field": error.field}
    headers = {}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="rapport"'
    if status in (429, 503):
        headers["retry-after"] = str(getattr(error, "retry_after", 1))
    return JSONResponse({"error": told}, status, headers)


def _sentence(error: RapportError) -> str:
    """What is shown to whoever sent the file, as it is."""
    if isinstance(error, Invalid):
        return " ".join(f"The {issue.path} {issue.message}." for issue in error.issues)
    return error.message


def answering(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """``handle``, with a response for whatever it raises, counted. A defect of ours or of the storage tells nothing."""

    async def answer(request: Request) -> Response:
        started = perf_counter()
        response = await _answer(handle, request)
        REQUEST_SECONDS.labels(DOOR).observe(perf_counter() - started)
        REQUESTS.labels(DOOR, str(response.status_code)).inc()
        return response

    return answer


async def _answer(handle: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    try:
        return await handle(request)
    except RapportError as refused:
        return refusal(refused)
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception:
        log.exception("a request failed", path=request.url.path)
        return refusal(RapportError("Something went wrong on our side. Please try again."))
