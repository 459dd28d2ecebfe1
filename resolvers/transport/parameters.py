"""The parameters of a GraphQL request, as they come in a JSON body, a query string or a websocket message."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from resolvers.transport.refusals import Refusal

MAX_FIELDS = 50


@dataclass(frozen=True, slots=True)
class Parameters:
    """A well-formed request. ``query`` may be missing where ``extensions`` or ``document_id`` name the document."""

    query: str | None
    variables: dict[str, Any]
    operation_name: str | None
    extensions: dict[str, Any]
    document_id: str | None


def parse_body(body: bytes) -> Parameters:
    """The parameters of a POST. Raises :class:`Refusal` (400)."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise Refusal(400, f"The body is not JSON: {broken.msg}.") from broken
    return parse_object(value)


def parse_object(value: Any) -> Parameters:
    """The parameters in a JSON value. Raises :class:`Refusal` (400)."""
    if not isinstance(value, dict):
        if isinstance(value, list):
            raise Refusal(400, "Batches are not supported: send one request per operation.")
        raise Refusal(400, "The request must be a JSON object.")
    return Parameters(
        _text(value, "query"),
        _map(value, "variables"),
        _text(value, "operationName") or None,
        _map(value, "extensions"),
        _text(value, "documentId"),
    )


def parse_query_string(raw: bytes) -> Parameters:
    """The parameters of a GET. Raises :class:`Refusal` (400)."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as broken:
        raise Refusal(400, "The query string cannot be decoded.") from broken
    value: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if value.get(name):
            try:
                value[name] = orjson.loads(value[name])
            except orjson.JSONDecodeError as broken:
                raise Refusal(400, f"`{name}` is not JSON: {broken.msg}.") from broken
        else:
            value.pop(name, None)
    return parse_object(value)


def _text(value: Mapping[str, Any], name: str) -> str | None:
    text = value.get(name)
    if text is None or isinstance(text, str):
        return text
    raise Refusal(400, f"`{name}` must be a string.")


def _map(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    if found is None:
        return {}
    if isinstance(found, dict):
        return found
    raise Refusal(400, f"`{name}` must be an object.")
