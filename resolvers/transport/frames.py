"""The frames of ``graphql-transport-ws``: reading what a client sent, writing what it is told."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Message

from resolvers.transport.connections import Ending

MAX_FRAME = 64 * 1024
MAX_ID = 128


class Closing(Exception):
    """The client broke the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.ending = Ending(code, reason)


def frame_of(text: str | None) -> dict[str, Any]:
    """The object in a frame. Raises :class:`Closing`."""
    if text is None:
        raise Closing(4400, "Only text frames are understood")
    if len(text) > MAX_FRAME:
        raise Closing(1009, "Message too big")
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as broken:
        raise Closing(4400, "The message is not JSON") from broken
    if not isinstance(frame, dict):
        raise Closing(4400, "The message must be an object")
    return frame


def id_of(frame: Mapping[str, Any]) -> str:
    """Which operation a frame is about. Raises :class:`Closing`."""
    name = frame.get("id")
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_ID:
        raise Closing(4400, f"`id` must be a text of 1 to {MAX_ID} characters")
    return name


def payload_of(frame: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of a frame that may have one. Raises :class:`Closing`."""
    payload = frame.get("payload")
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise Closing(4400, "`payload` must be an object")
    return payload


def quoted(name: str) -> str:
    """An id as JSON. (Never kept as the bytes that orjson makes: those hold on to 4 kB.)"""
    return orjson.dumps(name).decode()


def said(text: str) -> Message:
    """A text frame."""
    return {"type": "websocket.send", "text": text}


def next_frame(name: str, result: bytes) -> Message:
    """A result of the operation whose quoted id is ``name``."""
    return said(f'{{"id":{name},"type":"next","payload":{result.decode()}}}')


def last_frame(name: str, refusal: bytes | None) -> Message:
    """The last word on an operation: that it is complete, or the errors of the response that refuses it."""
    if refusal is None:
        return said(f'{{"id":{name},"type":"complete"}}')
    errors = orjson.dumps(orjson.loads(refusal)["errors"]).decode()
    return said(f'{{"id":{name},"type":"error","payload":{errors}}}')


def short(reason: str) -> str:
    """A reason for a close frame, which has room for 123 bytes."""
    return reason.encode()[:120].decode(errors="ignore")
