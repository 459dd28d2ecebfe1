"""How SiloCDP speaks: its envelope, paging, credentials, rate-limit headers and its words for every refusal."""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from openapi_pydantic.v3.v3_1 import SecurityScheme
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from app.core import errors
from app.core.access import PLANS, Plan, Principal
from app.core.clock import iso
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

DataT = TypeVar("DataT")

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
Required = Annotated[str, StringConstraints(min_length=1)]


class Wire(BaseModel):
    """A document of SiloCDP: camelCase on the wire; unknown fields are tolerated."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Envelope(Wire, Generic[DataT]):
    """What every success is wrapped in."""

    data: DataT
    success: Literal[True] = True


class Done(Wire):
    """A success that has nothing more to say."""

    data: None = None
    success: Literal[True] = True


class Errors(Wire):
    """What every refusal is wrapped in: sentences, each led by the field it is about."""

    errors: list[str]
    success: Literal[False] = False


class PageQuery(Wire):
    """Which page of a list."""

    page: int = Field(1, ge=1, le=1_000_000, description="From 1.")
    page_size: int = Field(DEFAULT_PAGE_SIZE, ge=1, le=MAX_PAGE_SIZE, description="Items per page.")

    @property
    def offset(self) -> int:
        """How many items come before this page."""
        return (self.page - 1) * self.page_size


class Paged(Wire, Generic[DataT]):
    """One page of a list."""

    items: list[DataT]
    total_count: int
    page: int
    page_size: int
    has_next_page: bool


def paged(items: list[Any], total: int, query: PageQuery) -> Paged[Any]:
    """The page that ``query`` asked for."""
    more = query.page * query.page_size < total
    return Paged(items=items, total_count=total, page=query.page, page_size=query.page_size, has_next_page=more)


def moment(value: datetime | None) -> str | None:
    """RFC 3339 in UTC, or null."""
    return iso(value) if value is not None else None


WORDS: dict[type[errors.RapportError], Words] = {
    errors.RapportError: Words(400, "refused"),
    errors.Invalid: Words(400, "invalid"),
    errors.Unauthenticated: Words(401, "unauthenticated"),
    MissingCredential: Words(401, "unauthenticated"),
    errors.Forbidden: Words(403, "forbidden"),
    errors.WidgetKeyInvalid: Words(401, "widget_key_invalid"),
    errors.DomainNotAllowed: Words(403, "widget_domain_not_allowed"),
    errors.PlanLimitExceeded: Words(403, "plan_limit_exceeded"),
    errors.NotFound: Words(404, "not_found"),
    UnknownPath: Words(404, "unknown_path"),
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
    "apiKey": SecurityScheme(
        type="apiKey", name="X-Api-Key", security_scheme_in="header", description="An API key in `X-Api-Key: <key>`."
    ),
    "bearer": SecurityScheme(
        type="http",
        scheme="bearer",
        description="The token of a log-in (or an API key) in `Authorization: Bearer <token>`.",
    ),
}


def envelope(document: bytes | None) -> bytes:
    """The JSON of a success."""
    return b'{"data":%b,"success":true}' % (document or b"null")


def envelope_model(response: type[BaseModel] | None) -> type[BaseModel]:
    """The schema of a success."""
    return Envelope[response] if response else Done  # type: ignore[valid-type]


def error_form(refusal: Refusal) -> dict[str, Any]:
    """The JSON of a refusal."""
    return {"errors": refusal.sentences, "success": False}


def rename(path: str) -> str:
    """An action's ``external_id`` is SiloCDP's ``externalId``; what lies below an attribute keeps its name."""
    head, dot, rest = path.partition(".")
    return (to_camel(head) if "_" in head else head) + dot + rest


def plan(principal: Principal) -> Plan:
    """The caller's own: SiloCDP's limits are those of the plan."""
    return PLANS[principal.plan]


def limit_headers(allowance: Allowance) -> Headers:
    """The three headers of every response."""
    return [
        (b"x-ratelimit-limit", b"%d" % allowance.limit),
        (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
        (b"x-ratelimit-reset", b"%d" % allowance.reset_at),
    ]
