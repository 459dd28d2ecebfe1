"""From an error to the graph's words: a message, a place, and ``extensions`` with a stable code and the field."""

from typing import Any

import structlog
from graphql import GraphQLError, OperationType
from strawberry.utils.str_converters import to_camel_case

from app.core.errors import Forbidden, RapportError, RateLimited

log = structlog.get_logger("rapport.graph")
BAD_REQUEST = "BAD_REQUEST"


SECONDS = (("_per_s", "_per_second"), ("_s", "_seconds"))
"""How the graph writes out a unit at the end of an action's word."""


def field_path(path: str) -> str:
    """A path in the words of an action (``external_id``, ``goal.within_s``) in the words of the graph (``externalId``,
    ``goal.withinSeconds``)."""
    return ".".join(_in_camel_case(step) if step.islower() else step for step in path.split("."))


def _in_camel_case(step: str) -> str:
    for short, whole in SECONDS:
        if step.endswith(short):
            step = step.removesuffix(short) + whole
            break
    return to_camel_case(step)


def error_extensions(error: RapportError, prefix: str = "") -> dict[str, Any]:
    """``code``, and where it helps ``field``, ``issues``, ``scope`` and ``retryAfter``."""
    found: dict[str, Any] = {"code": error.code}
    if error.issues:
        issues = [{"field": prefix + field_path(i.path), "message": i.message} for i in error.issues]
        found |= {"field": issues[0]["field"], "issues": issues}
    if isinstance(error, Forbidden) and error.scope:
        found["scope"] = error.scope
    if isinstance(error, RateLimited):
        found["retryAfter"] = error.retry_after
    return found


def present_error(error: GraphQLError, operation: OperationType | None = None, request_id: str | None = None) -> Any:
    """One entry of ``errors``. What we did not expect is logged and shown without its message."""
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    shown: dict[str, Any] = {"message": error.message}
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        shown["path"] = list(error.path)
    if isinstance(original, RapportError):
        shown["message"] = original.message
        of_input = operation is OperationType.MUTATION and len(error.path or ()) == 1
        shown["extensions"] = error_extensions(original, "input." if of_input else "")
    elif original is None or isinstance(original, GraphQLError):
        shown["extensions"] = {"code": BAD_REQUEST, **(error.extensions or {})}
    else:
        log.error("unexpected error in the graph", path=shown.get("path"), request_id=request_id, exc_info=original)
        shown["message"] = "Something went wrong here; it has been noted."
        shown["extensions"] = {"code": "INTERNAL"} | ({"requestId": request_id} if request_id else {})
    return shown
