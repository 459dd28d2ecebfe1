"""Refusals as this door words them: ``{"error": {"code", "message", "field"}}``."""

from functools import partial

from starlette.responses import JSONResponse

from app.core.errors import Invalid, RapportError
from app.rest.door.answering import answering as answering_of

DOOR = "files"


def _refuse(error: RapportError, status: int, headers: dict[str, str]) -> JSONResponse:
    told = {"code": error.code, "message": _sentence(error), "field": error.field}
    if status == 401:
        headers = {**headers, "www-authenticate": 'Bearer realm="rapport"'}
    return JSONResponse({"error": told}, status, headers)


def _sentence(error: RapportError) -> str:
    """What is shown to whoever sent the file, as it is."""
    if isinstance(error, Invalid):
        return " ".join(f"The {issue.path} {issue.message}." for issue in error.issues)
    return error.message


answering = partial(answering_of, DOOR, _refuse)
