"""How Parcelvoy speaks: its pages, and its words for every refusal (``contracts/parcelvoy.md``)."""

import base64
import binascii
import re
from typing import Any, Generic, Literal, TypeVar

from openapi_pydantic.v3.v3_1 import SecurityScheme
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from app.core import errors
from app.core.access import PLANS, Plan, Principal
from app.core.limits import Allowance
from app.rest.door import (
    BodyTooLarge,
    Headers,
    InternalError,
    MethodNotAllowed,
    MissingCredential,
    Refusal,
    UnknownPath,
    Words,
)

ItemT = TypeVar("ItemT")

DEFAULT_LIMIT = 25
MAX_LIMIT = 1000
MOST = 10_000
"""How many "all" are at most: more come on further pages."""
CODES = {401: 1000, 403: 1007}
TYPES = {
    "must be text": "string",
    "must be an object": "object",
    "must be a list": "array",
    "must be true or false": "boolean",
}
"""What Parcelvoy calls the types of which it says that a value must be one."""
CURSOR = re.compile(rb"at:(0|[1-9][0-9]{0,8})\Z")


class Wire(BaseModel):
    """A document of Parcelvoy; unknown fields are tolerated."""


class PageQuery(Wire):
    """Which page of a list."""

    cursor: str = Field("", description="The `nextCursor` or `prevCursor` of another page.")
    page: Literal["prev", "next"] = Field("next", description="A cursor knows by itself which page it means.")
    limit: int = Field(DEFAULT_LIMIT, ge=-1, le=MAX_LIMIT, description="-1: all, but at most 10,000 on one page.")
    q: str = Field("", description="Part of a name.")
    direction: Literal["asc", "desc"] = "asc"
    tag: str = Field("", description="Nothing has tags here, so that nothing has any tag that is asked for.")

    @property
    def offset(self) -> int:
        """How many items come before this page. Raises Invalid for a cursor that is not ours."""
        if not self.cursor:
            return 0
        try:
            found = CURSOR.match(base64.b64decode(self.cursor, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError):
            found = None
        if found is None:
            raise errors.Invalid.at("cursor", "is not the cursor of a page")
        return int(found[1])

    @property
    def most(self) -> int:
        """How many items this page may have. Raises Invalid for none."""
        if self.limit == 0:
            raise errors.Invalid.at("limit", "must not be 0")
        return MOST if self.limit == -1 else self.limit

    def paged(self, items: list[Any], total: int) -> "Paged[Any]":
        """The page that was asked for."""
        offset = self.offset
        end = offset + len(items)
        before = _cursor(max(offset - self.most, 0)) if offset else ""
        after = _cursor(end) if items and end < total else ""
        return Paged(results=items, next_cursor=after, prev_cursor=before, limit=self.limit)


class Paged(Wire, Generic[ItemT]):
    """One page; a cursor is "" where there is no further page."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    results: list[ItemT]
    next_cursor: str
    prev_cursor: str
    limit: int


class Failure(Wire):
    """What every refusal is, but for 404, which is plain text. ``code`` comes with 401 and 403."""

    model_config = ConfigDict(extra="allow")

    status: Literal["error"] = "error"
    error: str


WORDS: dict[type[errors.RapportError], Words] = {
    errors.RapportError: Words(400, "refused"),
    errors.Invalid: Words(422, "invalid"),
    errors.Unauthenticated: Words(401, "unauthenticated", "Authorization error."),
    MissingCredential: Words(401, "unauthenticated", "Authorization error."),
    errors.Forbidden: Words(403, "forbidden", "Access denied."),
    errors.WidgetKeyInvalid: Words(401, "widget_key_invalid"),
    errors.DomainNotAllowed: Words(403, "widget_domain_not_allowed"),
    errors.PlanLimitExceeded: Words(403, "plan_limit_exceeded"),
    errors.NotFound: Words(404, "not_found", "Not Found"),
    UnknownPath: Words(404, "unknown_path", "Not Found"),
    MethodNotAllowed: Words(405, "method_not_allowed"),
    errors.Conflict: Words(409, "conflict"),
    errors.IdentityConflict: Words(409, "identity_conflict"),
    errors.FileTooLarge: Words(413, "file_too_large"),
    BodyTooLarge: Words(413, "body_too_large"),
    errors.RateLimited: Words(429, "rate_limited"),
    InternalError: Words(500, "internal_error"),
    errors.Overloaded: Words(503, "overloaded"),
}

SECURITY = {
    "bearer": SecurityScheme(
        type="http",
        scheme="bearer",
        description="An API key, or the token of a log-in, in `Authorization: Bearer <key>`.",
    )
}


def envelope(document: bytes | None) -> bytes:
    """The JSON of a success: the document itself."""
    return document or b"{}"


def envelope_model(response: type[BaseModel] | None) -> type[BaseModel]:
    """The schema of a success."""
    return response or Wire


def error_form(refusal: Refusal) -> dict[str, Any]:
    """The JSON of a refusal: its first sentence."""
    said: dict[str, Any] = {"status": "error", "error": _sentence(refusal)}
    return said | {"code": CODES[refusal.status]} if refusal.status in CODES else said


def rename(path: str) -> str:
    """Parcelvoy writes as the actions do."""
    return path


def plan(principal: Principal) -> Plan:
    """The caller's own: no limits of Parcelvoy's are known."""
    return PLANS[principal.plan]


def limit_headers(_: Allowance) -> Headers:
    """There are none in this dialect but Retry-After."""
    return []


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(b"at:%d" % offset).decode()


def _sentence(refusal: Refusal) -> str:
    detail = refusal.details[0]
    if detail.field is not None and detail.message in TYPES:
        return f"The value of `{detail.field.replace('.', ' ')}` must be a {TYPES[detail.message]}."
    return refusal.sentences[0]
