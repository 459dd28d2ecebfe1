"""Refusals as this door words them: ``{"error": {"code", "message", "field"}}``."""

from starlette.responses import JSONResponse

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
    told = {"code": error.code, "message": error.message, "field": error.field}
    headers = {}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="rapport"'
    if status in (429, 503):
        headers["retry-after"] = str(getattr(error, "retry_after", 1))
    return JSONResponse({"error": told}, status, headers)
