"""What every dialect is served by. A dialect declares its endpoints once; parsing, refusals and the OpenAPI document
all follow from that declaration (``declaration``: the words; ``serving``: a request's way through)."""

from app.rest.door.declaration import (
    Call,
    Detail,
    Dialect,
    Endpoint,
    Handler,
    Headers,
    Refusal,
    Reply,
    Words,
    word,
)
from app.rest.door.parsing import validate
from app.rest.door.refusals import BodyTooLarge, InternalError, MethodNotAllowed, MissingCredential, UnknownPath
from app.rest.door.serving import Door

__all__ = [
    "BodyTooLarge",
    "Call",
    "Detail",
    "Dialect",
    "Door",
    "Endpoint",
    "Handler",
    "Headers",
    "InternalError",
    "MethodNotAllowed",
    "MissingCredential",
    "Refusal",
    "Reply",
    "UnknownPath",
    "Words",
    "validate",
    "word",
]
