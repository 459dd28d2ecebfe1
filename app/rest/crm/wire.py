"""How the CRM speaks: its envelope, paging, rate limits, and its words for every refusal (``contracts/crm.md``)."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from openapi_pydantic.v3.v3_1 import SecurityScheme
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from app.core import errors
from app.core.access import Plan, Principal
from app.core.clock import iso
from app.core.ids import parse_id
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

READS = Plan("crm reads", 1000, 1000)
WRITES = Plan("crm writes", 100, 100)
EXECUTIONS = Plan("crm campaign execution", 10, 10)
"""A minute's worth may come at once, whatever the tenant's plan (``crm.md``, rate limits)."""
DEFAULT_TAKE = 25
MAX_TAKE = 100
Required = Annotated[str, StringConstraints(min_length=1)]


class Wire(BaseModel):
    """A document of the CRM: camelCase on the wire; unknown fields are tolerated."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class One(Wire, Generic[DataT]):
    """One resource."""

    data: DataT


class Meta(Wire):
    """Where in the whole list this part of it is."""

    total: int
    skip: int
    take: int
    has_more: bool


class Listed(Wire, Generic[DataT]):
    """A part of a list."""

    data: list[DataT]
    meta: Meta


class Window(Wire):
    """Which part of a list."""

    skip: int = Field(0, ge=0, le=2**31 - 1, description="How many to pass over.")
    take: int = Field(DEFAULT_TAKE, ge=1, le=MAX_TAKE, description="How many at most.")

    def listed(self, data: list[Any], total: int) -> Listed[Any]:
        """The part of the list that was asked for."""
        more = self.skip + len(data) < total and bool(data)
        return Listed(data=data, meta=Meta(total=total, skip=self.skip, take=self.take, has_more=more))


class Tenanted(Wire):
    """What must name the caller's own tenant."""

    tenant_id: str = Field(description="Your tenant (`tn_…`).")

    def check_tenant(self, principal: Principal) -> None:
        """Raises NotFound for any tenant but the caller's."""
        if parse_id("tenant", self.tenant_id, "tenantId") != principal.tenant_id:
            raise errors.NotFound("tenant", "tenantId")


class Problem(Wire):
    code: str
    message: str
    request_id: str


class Failure(Wire):
    """What every refusal is wrapped in."""

    error: Problem


def moment(value: datetime | None) -> str | None:
    """RFC 3339 in UTC, or null."""
    return iso(value) if value is not None else None


WORDS: dict[type[errors.RapportError], Words] = {
    errors.RapportError: Words(400, "BAD_REQUEST"),
    errors.Invalid: Words(400, "VALIDATION_ERROR"),
    errors.Unauthenticated: Words(401, "UNAUTHORIZED"),
    MissingCredential: Words(401, "UNAUTHORIZED"),
    errors.Forbidden: Words(403, "FORBIDDEN"),
    errors.WidgetKeyInvalid: Words(401, "WIDGET_KEY_INVALID"),
    errors.DomainNotAllowed: Words(403, "WIDGET_DOMAIN_NOT_ALLOWED"),
    errors.PlanLimitExceeded: Words(403, "PLAN_LIMIT_EXCEEDED"),
    errors.NotFound: Words(404, "RESOURCE_NOT_FOUND"),
    UnknownPath: Words(404, "RESOURCE_NOT_FOUND"),
    MethodNotAllowed: Words(405, "METHOD_NOT_ALLOWED"),
    errors.Conflict: Words(409, "CONFLICT"),
    errors.IdentityConflict: Words(409, "IDENTITY_CONFLICT"),
    errors.FileTooLarge: Words(413, "FILE_TOO_LARGE"),
    BodyTooLarge: Words(413, "PAYLOAD_TOO_LARGE"),
    errors.RateLimited: Words(429, "RATE_LIMIT_EXCEEDED"),
    InternalError: Words(500, "INTERNAL_ERROR"),
    errors.Overloaded: Words(503, "SERVICE_UNAVAILABLE"),
}

SECURITY = {
    "bearer": SecurityScheme(
        type="http",
        scheme="bearer",
        description="The token of a log-in, or an API key, in `Authorization: Bearer <token>`.",
    )
}


def envelope(document: bytes | None) -> bytes:
    """The JSON of a success, which says `data` itself."""
    return document or b"{}"


def envelope_model(response: type[BaseModel] | None) -> type[BaseModel]:
    """The schema of a success."""
    return response or Wire


def error_form(refusal: Refusal) -> dict[str, Any]:
    """The JSON of a refusal."""
    sentence = "; ".join(refusal.sentences)
    return {"error": {"code": refusal.reason, "message": sentence, "requestId": refusal.request_id}}


def rename(path: str) -> str:
    """An action's ``external_id`` is the CRM's ``externalId``."""
    head, dot, rest = path.partition(".")
    return (to_camel(head) if "_" in head else head) + dot + rest


def reads(_: Principal) -> Plan:
    """What everybody may read."""
    return READS


def writes(_: Principal) -> Plan:
    """What everybody may write."""
    return WRITES


def executes(_: Principal) -> Plan:
    """How often everybody may set campaigns going or stop them."""
    return EXECUTIONS


def limit_headers(allowance: Allowance) -> Headers:
    """The three headers of every response."""
    return [
        (b"x-ratelimit-limit", b"%d" % allowance.limit),
        (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
        (b"x-ratelimit-reset", b"%d" % allowance.reset_at),
    ]
