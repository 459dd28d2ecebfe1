"""The words in which a dialect is declared: its endpoints, its words for every refusal, and its envelope."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from openapi_pydantic.v3.v3_1 import SecurityScheme
from pydantic import BaseModel
from starlette.types import Receive

from app.core.access import Plan, Principal, Scope
from app.core.errors import RapportError
from app.core.limits import Allowance
from app.core.tx import Reading, Tx
from app.runtime import Runtime

BodyT = TypeVar("BodyT", bound=BaseModel | None)
QueryT = TypeVar("QueryT", bound=BaseModel | None)
Headers = list[tuple[bytes, bytes]]
BODY_LIMIT = 1 << 20


@dataclass(slots=True)
class Call(Generic[BodyT, QueryT]):
    """One request, parsed: what a handler translates. ``path`` holds the decoded path parameters, ``headers`` the
    request's, by lower-case names. An endpoint that ``streams`` takes its body from ``receive``."""

    runtime: Runtime
    principal: Principal
    path: Mapping[str, str]
    body: BodyT
    query: QueryT
    headers: Mapping[str, str]
    receive: Receive

    @property
    def host(self) -> str:
        """The host name by which the server was addressed."""
        return self.headers.get("host", "")

    def write(self) -> AbstractAsyncContextManager[Tx]:
        """A unit of work of the caller; it commits at the end of the block."""
        return self.runtime.write(self.principal)

    def read(self) -> AbstractAsyncContextManager[Reading]:
        """A consistent view for the caller."""
        return self.runtime.read(self.principal)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with another status than the endpoint's usual one; ``document`` goes out without the envelope. Without
    one, ``headers`` say it all, as of a redirect."""

    status: int
    document: BaseModel | None = None
    headers: Headers = field(default_factory=list)


Handler = Callable[[Call[BodyT, QueryT]], Awaitable[BaseModel | Reply | None]]


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing wrong, in the dialect's field names."""

    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal ready to be put into a dialect's error envelope."""

    status: int
    reason: str
    details: tuple[Detail, ...]
    request_id: str = ""

    @property
    def sentences(self) -> list[str]:
        """Each detail as one sentence, led by its field."""
        return [f"{detail.field}: {detail.message}" if detail.field else detail.message for detail in self.details]


ErrorForm = Callable[[Refusal], Any]
"""Makes the JSON body of a refusal."""


@dataclass(frozen=True, slots=True)
class Words:
    """A dialect's words for one class of errors: the HTTP status, a short machine-readable reason, and a sentence where
    the error's own would not do."""

    status: int
    reason: str
    sentence: str | None = None


@dataclass(frozen=True, kw_only=True)
class Endpoint(Generic[BodyT, QueryT]):
    """One method of one path.

    ``path`` has its parameters in braces. ``public`` endpoints ask for no credential; ``scope`` is required before the
    body is read (None: the action alone decides). ``fields`` renames what the action calls its input, where the
    dialect's own renaming does not fit. ``further`` documents the statuses that a :class:`Reply` may have.
    ``error_form`` replaces the dialect's for this endpoint, and so does ``plan``, which is asked of public endpoints
    too. A handler that ``streams`` reads the body itself; the others' bodies have at most ``body_limit`` bytes. A
    ``silent`` one answers its success without a body. ``says_when`` False: a 429 does not say when to come again.
    Path parameters that are ``optional`` may be empty. ``formerly`` is how the path was spelled once: it is served, and
    not in the document.
    """

    method: str
    path: str
    handler: Handler[BodyT, QueryT]
    tag: str
    summary: str
    scope: Scope | None = None
    public: bool = False
    body: type[BodyT] | None = None
    query: type[QueryT] | None = None
    response: type[BaseModel] | None = None
    status: int = 200
    fields: Mapping[str, str] = field(default_factory=dict)
    further: Mapping[int, type[BaseModel]] = field(default_factory=dict)
    error_form: ErrorForm | None = None
    error_model: type[BaseModel] | None = None
    plan: Callable[[Principal], Plan] | None = None
    streams: bool = False
    body_limit: int = BODY_LIMIT
    silent: bool = False
    says_when: bool = True
    optional: frozenset[str] = frozenset()
    formerly: str | None = None


Enter = Callable[[Runtime, Principal, Endpoint[Any, Any], Mapping[str, str], Mapping[str, str]], Awaitable[Principal]]
"""Who a recognised caller is here, given the endpoint, the headers and the path's parameters."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """An older API that Rapport speaks. ``name`` is its prefix on the server and the source of the rows it writes."""

    name: str
    title: str
    description: str
    endpoints: tuple[Endpoint[Any, Any], ...]
    words: Mapping[type[RapportError], Words]
    error_form: ErrorForm
    error_model: type[BaseModel]
    envelope: Callable[[bytes | None], bytes]
    """Wraps the JSON of a response; None is an endpoint that says nothing but success."""
    envelope_model: Callable[[type[BaseModel] | None], type[BaseModel]]
    """The same for the OpenAPI document."""
    security: Mapping[str, SecurityScheme]
    challenge: str
    """The WWW-Authenticate header of a 401."""
    plan: Callable[[Principal], Plan]
    limit_headers: Callable[[Allowance], Headers]
    rename: Callable[[str], str]
    """From an action's path of an input to the dialect's: ``external_id`` to ``externalId``."""
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the document says of each path parameter: ``description`` and ``schema``."""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    """What the document says of headers that requests carry, by their names."""
    enter: Enter | None = None
    """Asked of every caller who is recognised: dialects in which a request names its tenant choose it here."""
    text_statuses: frozenset[int] = frozenset()
    """Statuses whose refusals are plain text."""

    def refusal(self, error: RapportError, endpoint: Endpoint[Any, Any] | None = None) -> Refusal:
        """``error`` in this dialect's words."""
        return word(error, self.words, self.rename, endpoint.fields if endpoint else {})


def word(
    error: RapportError,
    table: Mapping[type[RapportError], Words],
    rename: Callable[[str], str],
    fields: Mapping[str, str],
) -> Refusal:
    """``error`` in the words of ``table``. A field is renamed by the first part of its path in ``fields``, else by
    ``rename``."""
    words = next(table[kind] for kind in type(error).__mro__ if kind in table)
    if words.sentence is not None:
        return Refusal(words.status, words.reason, (Detail(None, words.sentence),))
    details = tuple(Detail(_field(issue.path, rename, fields), issue.message) for issue in error.issues)
    return Refusal(words.status, words.reason, details or (Detail(None, error.message),))


def _field(path: str, rename: Callable[[str], str], fields: Mapping[str, str]) -> str:
    head, dot, rest = path.partition(".")
    return fields[head] + dot + rest if head in fields else rename(path)
