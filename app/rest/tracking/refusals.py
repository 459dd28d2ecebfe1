"""Refusals as this door words them: a short sentence for people, a status for machines."""

from functools import partial

from starlette.responses import PlainTextResponse

from app.core.errors import RapportError
from app.rest.door.answering import answering as answering_of

GONE = "This link is not valid any more."


def _refuse(error: RapportError, status: int, headers: dict[str, str]) -> PlainTextResponse:
    return PlainTextResponse(GONE if status == 404 else error.message, status, headers)


answering = partial(answering_of, "tracking", _refuse)
