"""From bytes to a declared model: sizes, JSON, and errors that name the field."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_origin
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, RootModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from app.core.errors import Invalid, Issue
from app.rest.door.refusals import BodyTooLarge

ModelT = TypeVar("ModelT", bound=BaseModel)

DEPTH_LIMIT = 100
ISSUES_SHOWN = 20
QUERY_FIELDS = 100
MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not known here",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "too_short": "must not be empty",
    "too_long": "has too many items",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
}
"""Pydantic's error types in the words of the actions; its own messages speak of Python."""


async def read_body(headers: Mapping[str, str], receive: Receive, limit: int) -> bytes:
    """The whole body. Raises BodyTooLarge above ``limit`` bytes (at once, when the length is declared), or
    ClientDisconnect."""
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(limit)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLarge(limit)
        if not message.get("more_body", False):
            return bytes(body)


def parse_body(model: type[ModelT], body: bytes) -> ModelT:
    """``body`` as ``model``; an empty body is an empty object. A ``RootModel`` is a JSON array. Raises Invalid, naming
    each offending field."""
    is_array = issubclass(model, RootModel)
    if not body:
        body = b"{}"
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise Invalid.at("body", f"is not JSON: {broken}") from broken
    if not isinstance(document, list if is_array else dict):
        raise Invalid.at("body", f"must be a JSON {'array' if is_array else 'object'}")
    if b"\\u0000" in body or body.count(b"[") + body.count(b"{") > DEPTH_LIMIT:
        _refuse_unstorable(document, "", 0)
    return validate(model, document)


def parse_query(model: type[ModelT], query: bytes) -> ModelT:
    """A query string as ``model``; of a repeated name the last value counts, unless it is a list. Raises Invalid."""
    try:
        pairs = parse_qsl(query.decode("ascii"), errors="strict", max_num_fields=QUERY_FIELDS)
    except ValueError as broken:
        raise Invalid.at("query", "is not a UTF-8 query string") from broken
    for name, value in pairs:
        if "\0" in value:
            raise Invalid.at(name, "holds a NUL character")
    fields: dict[str, Any] = dict(pairs)
    for attribute, said in model.model_fields.items():
        name = said.alias or attribute
        if get_origin(said.annotation) is list and name in fields:
            fields[name] = [value for key, value in pairs if key == name]
    return validate(model, fields)


def validate(model: type[ModelT], document: Mapping[str, Any] | list[Any]) -> ModelT:
    """``document`` as ``model``. Raises Invalid with an issue per offending field, in the names of the wire."""
    try:
        return model.model_validate(document)
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_context=False, include_input=False)
        raise Invalid(*(_issue(error) for error in errors[:ISSUES_SHOWN])) from None


def _issue(error: Any) -> Issue:
    path = ".".join(str(part) for part in error["loc"]) or "body"
    if error["type"] in MESSAGES:
        return Issue(path, MESSAGES[error["type"]])
    message = str(error["msg"]).removeprefix("Input ").removeprefix("Value error, ").replace("should", "must", 1)
    return Issue(path, message[:1].lower() + message[1:])


def _refuse_unstorable(value: Any, path: str, depth: int) -> None:
    """NUL cannot be stored as text on every database, and bottomless nesting cannot be written as JSON again."""
    if depth > DEPTH_LIMIT:
        raise Invalid.at(path.split(".", 1)[0] or "body", f"is nested deeper than {DEPTH_LIMIT} levels")
    if isinstance(value, str) and "\0" in value:
        raise Invalid.at(path or "body", "holds a NUL character")
    if isinstance(value, dict):
        for key, item in value.items():
            if "\0" in key:
                raise Invalid.at(path or "body", "has a NUL character in a name")
            _refuse_unstorable(item, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_unstorable(item, f"{path}.{index}" if path else str(index), depth + 1)
