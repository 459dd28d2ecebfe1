"""How the Customer.io Track API speaks: identifiers, unix seconds, credentials, and its words for every refusal.

Errors have three forms: ``{"meta":{"errors":[…]}}``; for a merge ``{"meta":{"error":…}}``; and in version 2
``{"errors":[{"reason":…,"field":…,"message":…}]}``. A 401 is plain text.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from openapi_pydantic.v3.v3_1 import SecurityScheme
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from app.actions.customers import CustomerRef
from app.core import errors
from app.core.access import Plan, Principal
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
    word,
)

FAIR_USE = Plan("track", 6000, 100)
"""About 100 requests a second for each key, whatever the tenant's plan (``customerio.md``, limits)."""
CIO_ID = re.compile(r"(?:cio_)?([0-9a-f]{32})\Z")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
SUCCESS = b"{}\n"


def _unix_seconds(value: Any) -> datetime:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be unix seconds")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("must be unix seconds") from None


def _nothing_if_empty(value: Any) -> Any:
    return None if value == "" else value


UnixSeconds = Annotated[
    datetime,
    BeforeValidator(_unix_seconds),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^[0-9]+$"}]}),
]
Text = Annotated[
    str,
    Field(min_length=1, coerce_numbers_to_str=True),
    WithJsonSchema({"type": ["string", "number"], "minLength": 1}),
]
"""Text that is not empty; a number is taken as its digits, since clients send numeric ids."""
MaybeText = Annotated[
    Text | None, BeforeValidator(_nothing_if_empty), WithJsonSchema({"type": ["string", "number", "null"]})
]
"""Text, or nothing said: older clients send "" for it."""


class Wire(BaseModel):
    """A document of the Track API; unknown fields are tolerated."""


class Unsaid(Wire):
    """A body in which null says nothing, as some clients write it."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, said: Any) -> Any:
        return {name: value for name, value in said.items() if value is not None} if isinstance(said, dict) else said


class Empty(Wire):
    """What a success answers."""


class Sentences(Wire):
    errors: list[str]


class MetaErrors(Wire):
    """Sentences, each led by the field it is about."""

    meta: Sentences


class Sentence(Wire):
    error: str


class MetaError(Wire):
    """One sentence."""

    meta: Sentence


class Identifiers(Wire):
    """Exactly one way to name a person."""

    model_config = ConfigDict(extra="forbid")

    id: Text | None = None
    email: Text | None = None
    cio_id: Text | None = None

    def ref(self, field: str = "identifiers") -> CustomerRef:
        """The person meant. Raises Invalid at ``field`` unless exactly one identifier is given."""
        given = [(kind, value) for kind, value in self if value is not None]
        if len(given) != 1:
            raise errors.Invalid.at(field, f"must have exactly one of {', '.join(type(self).model_fields)}")
        kind, value = given[0]
        return by_cio_id(value) if kind == "cio_id" else CustomerRef("external_id" if kind == "id" else kind, value)


def by_identifier(identifier: str) -> CustomerRef:
    """The person whom a path means: ``cio_…``, an e-mail address, or else an id of the caller's."""
    if identifier.startswith("cio_"):
        return by_cio_id(identifier)
    return CustomerRef("email" if EMAIL.match(identifier) else "external_id", identifier)


def by_cio_id(text: str) -> CustomerRef:
    """The person with this ``cio_id``, which is the hex of our own. What cannot be one is not found."""
    match = CIO_ID.match(text)
    if match is None:
        raise errors.NotFound("customer", "customer")
    return CustomerRef("id", match[1])


WORDS: dict[type[errors.RapportError], Words] = {
    errors.RapportError: Words(400, "refused"),
    errors.Invalid: Words(400, "invalid"),
    errors.Unauthenticated: Words(401, "unauthorized", "Unauthorized"),
    MissingCredential: Words(401, "unauthorized", "Unauthorized"),
    errors.Forbidden: Words(403, "forbidden"),
    errors.WidgetKeyInvalid: Words(401, "widget_key_invalid"),
    errors.DomainNotAllowed: Words(403, "widget_domain_not_allowed"),
    errors.PlanLimitExceeded: Words(403, "plan_limit_exceeded"),
    errors.NotFound: Words(404, "not_found"),
    UnknownPath: Words(404, "not_found"),
    MethodNotAllowed: Words(405, "method_not_allowed"),
    errors.Conflict: Words(409, "conflict"),
    errors.IdentityConflict: Words(409, "identity_conflict"),
    errors.FileTooLarge: Words(413, "file_too_large"),
    BodyTooLarge: Words(413, "too_large"),
    errors.RateLimited: Words(429, "rate_limited"),
    InternalError: Words(500, "internal"),
    errors.Overloaded: Words(503, "unavailable"),
}

FIELDS = {
    "customer_id": "identifier",
    "customer": "identifier",
    "external_id": "id",
    "locale": "language",
    "consents": "unsubscribed",
    "properties": "data",
    "occurred_at": "timestamp",
    "idempotency_key": "id",
    "token": "device.id",
    "platform": "device.platform",
    "last_used_at": "device.last_used",
    "winner": "primary",
    "loser": "secondary",
}
"""What the actions call a field, and what the Track API calls it."""

SECURITY = {
    "basic": SecurityScheme(
        type="http",
        scheme="basic",
        description="HTTP Basic with a site id (any) as the user name and an API key as the password.",
    ),
    "bearer": SecurityScheme(
        type="http", scheme="bearer", description="The same API key in `Authorization: Bearer <key>`."
    ),
}


def envelope(document: bytes | None) -> bytes:
    """The JSON of a success: the document itself, or an empty object."""
    return document or SUCCESS


def envelope_model(response: type[BaseModel] | None) -> type[BaseModel]:
    """The schema of a success."""
    return response or Empty


def meta_errors(refusal: Refusal) -> dict[str, Any]:
    """The usual form of a refusal."""
    return {"meta": {"errors": refusal.sentences}}


def meta_error(refusal: Refusal) -> dict[str, Any]:
    """The form of a refused merge."""
    return {"meta": {"error": "; ".join(refusal.sentences)}}


def rename(path: str) -> str:
    """Attributes are top-level fields of the Track API."""
    head, _, rest = path.partition(".")
    if head == "attributes" and rest:
        return rest
    return FIELDS[head] + path[len(head) :] if head in FIELDS else path


def refused(error: errors.RapportError, fields: dict[str, str]) -> Refusal:
    """``error`` in the words of the Track API."""
    return word(error, WORDS, rename, fields)


def plan(_: Principal) -> Plan:
    """Everybody's is the Track API's own."""
    return FAIR_USE


def limit_headers(_: Allowance) -> Headers:
    """There are none in this dialect but Retry-After."""
    return []
