"""How SilentChat speaks: which tenant a request means, paging, rate limits, and its words for every refusal
(``contracts/silentchat.md``)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from openapi_pydantic.v3.v3_1 import SecurityScheme
from pydantic import BaseModel, Field, StringConstraints

from app.core import errors
from app.core.access import Plan, Principal
from app.core.clock import iso
from app.core.ids import PUBLIC_ID, parse_id, public_id
from app.core.limits import Allowance
from app.rest.door import (
    BodyTooLarge,
    Endpoint,
    Headers,
    InternalError,
    MethodNotAllowed,
    MissingCredential,
    Refusal,
    UnknownPath,
    Words,
)
from app.runtime import Runtime

DataT = TypeVar("DataT")

ACCOUNTS = Plan("silentchat auth", 10, 10)
"""Of ``/auth/*``, for each address."""
CALLS = Plan("silentchat", 100, 100)
"""Of everything else, for each member or key."""
DEFAULT_LIMIT, MAX_LIMIT = 25, 100
CONTACT = "con"
Required = Annotated[str, StringConstraints(min_length=1)]


class TenantRequired(errors.Invalid):
    """The request does not say which tenant it is about."""

    code = "TENANT_REQUIRED"

    def __init__(self) -> None:
        super().__init__(errors.Issue("X-Tenant-ID", "is required: the tenant (tn_…) that this is about"))


class TenantNotFound(errors.NotFound):
    """The caller does not belong to the tenant that the request names."""

    code = "TENANT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("tenant")


class WrongCredentials(errors.Unauthenticated):
    """No account has this address with this password."""

    code = "AUTH_INVALID_CREDENTIALS"


class EmailNotVerified(errors.Forbidden):
    """The password is right, but the address is not known to be theirs yet."""

    code = "AUTH_EMAIL_NOT_VERIFIED"

    def __init__(self) -> None:
        super().__init__("Please verify your e-mail address first.")


class Wire(BaseModel):
    """A document of SilentChat: snake_case on the wire; unknown fields are tolerated."""


class Pagination(Wire):
    """Which part of the whole list this is."""

    total: int
    limit: int
    offset: int
    has_more: bool


class Listed(Wire, Generic[DataT]):
    """A part of a list."""

    data: list[DataT]
    pagination: Pagination


class Window(Wire):
    """Which part of a list."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="How many at most.")
    offset: int = Field(0, ge=0, le=2**31 - 1, description="How many to pass over.")

    def listed(self, data: list[Any], total: int) -> Listed[Any]:
        """The part of the list that was asked for."""
        more = self.offset + len(data) < total and bool(data)
        return Listed(
            data=data, pagination=Pagination(total=total, limit=self.limit, offset=self.offset, has_more=more)
        )


class Problem(Wire):
    code: str
    message: str
    status: int


class Failure(Wire):
    """What every refusal is wrapped in."""

    error: Problem


def moment(value: datetime | None) -> str | None:
    """ISO 8601 in UTC, or null."""
    return iso(value) if value is not None else None


def contact_id(customer_id: UUID) -> str:
    """A customer's id as SilentChat has it: ``con_…``."""
    return f"{CONTACT}_{customer_id.hex}"


def parse_contact_id(text: str) -> UUID:
    """The customer in ``con_…``; our own ``cust_…`` is understood too. Raises Invalid."""
    match = PUBLIC_ID.match(text)
    if match is not None and match[1] == CONTACT:
        return UUID(match[2])
    return parse_id("customer", text, "id")


WORDS: dict[type[errors.RapportError], Words] = {
    errors.RapportError: Words(400, "VALIDATION_ERROR"),
    errors.Invalid: Words(400, "VALIDATION_ERROR"),
    errors.FileTooLarge: Words(400, "FILE_TOO_LARGE"),
    TenantRequired: Words(400, "TENANT_REQUIRED"),
    errors.Unauthenticated: Words(401, "AUTH_INVALID_TOKEN"),
    MissingCredential: Words(401, "AUTH_MISSING_TOKEN"),
    WrongCredentials: Words(401, "AUTH_INVALID_CREDENTIALS"),
    errors.WidgetKeyInvalid: Words(401, "WIDGET_KEY_INVALID"),
    errors.Forbidden: Words(403, "FORBIDDEN"),
    EmailNotVerified: Words(403, "AUTH_EMAIL_NOT_VERIFIED"),
    errors.DomainNotAllowed: Words(403, "WIDGET_DOMAIN_NOT_ALLOWED"),
    errors.PlanLimitExceeded: Words(403, "PLAN_LIMIT_EXCEEDED"),
    errors.NotFound: Words(404, "NOT_FOUND"),
    TenantNotFound: Words(404, "TENANT_NOT_FOUND"),
    UnknownPath: Words(404, "NOT_FOUND"),
    MethodNotAllowed: Words(405, "METHOD_NOT_ALLOWED"),
    errors.Conflict: Words(409, "CONFLICT"),
    errors.IdentityConflict: Words(409, "CONFLICT"),
    BodyTooLarge: Words(413, "PAYLOAD_TOO_LARGE"),
    errors.RateLimited: Words(429, "RATE_LIMITED"),
    InternalError: Words(500, "INTERNAL_ERROR"),
    errors.Overloaded: Words(503, "SERVICE_UNAVAILABLE"),
}

SECURITY = {
    "bearer": SecurityScheme(
        type="http",
        scheme="bearer",
        description="The access token of a log-in, or an API key, in `Authorization: Bearer <token>`.",
    ),
    "apiKey": SecurityScheme(
        type="apiKey", name="X-API-Key", security_scheme_in="header", description="An API key in `X-API-Key: <key>`."
    ),
}


async def enter(
    runtime: Runtime,
    principal: Principal,
    endpoint: Endpoint[Any, Any],
    headers: Mapping[str, str],
    path: Mapping[str, str],
) -> Principal:
    """The caller in the tenant that ``X-Tenant-ID`` names, or ``/tenants/:id``; both, where there are both, must agree.

    Raises TenantRequired, and TenantNotFound for a tenant that is not the caller's, whether or not it exists.
    """
    if endpoint.path.startswith("/v1/auth/") or endpoint.path == "/v1/tenants":
        return principal
    named = {text for text in (headers.get("x-tenant-id"), _tenant_of_path(endpoint, path)) if text}
    if not named:
        raise TenantRequired
    if len(named) > 1:
        raise TenantNotFound
    try:
        return await runtime.authenticator.in_tenant(principal, parse_id("tenant", named.pop(), "X-Tenant-ID"))
    except (errors.NotFound, errors.Invalid) as foreign:
        raise TenantNotFound from foreign


def _tenant_of_path(endpoint: Endpoint[Any, Any], path: Mapping[str, str]) -> str | None:
    return path["id"] if endpoint.path.startswith("/v1/tenants/") else None


def envelope(document: bytes | None) -> bytes:
    """A success stands alone; lists bring their own ``data``."""
    return document or b"{}"


def envelope_model(response: type[BaseModel] | None) -> type[BaseModel]:
    """The schema of a success."""
    return response or Wire


def error_form(refusal: Refusal) -> dict[str, Any]:
    """The JSON of a refusal."""
    return {
        "error": {"code": refusal.reason, "message": "; ".join(refusal.sentences), "status": refusal.status},
    }


def rename(path: str) -> str:
    """SilentChat and the actions both write snake_case."""
    return path


def accounts_plan(_: Principal) -> Plan:
    """What every address may ask of ``/auth``."""
    return ACCOUNTS


def plan(_: Principal) -> Plan:
    """What everybody may ask of the rest."""
    return CALLS


def limit_headers(allowance: Allowance) -> Headers:
    """The two headers of every response; there is none about a reset."""
    return [
        (b"x-ratelimit-limit", b"%d" % allowance.limit),
        (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
    ]


def user_id(text: str, field: str = "user_id") -> UUID:
    """The key in ``usr_…``. Raises Invalid."""
    return parse_id("user", text, field)


def user(key: UUID | None) -> str | None:
    """``usr_…``, or null."""
    return public_id("user", key) if key else None
