"""A request's way through a door: request id, route, caller, rate limit, scope, body, handler, envelope."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import getrandbits
from time import perf_counter
from typing import Any

import orjson
import structlog
from prometheus_client import Counter
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from app.core.access import PUBLIC, Plan, Principal
from app.core.credentials import credential_from_headers
from app.core.errors import RapportError, RateLimited, Unauthenticated
from app.core.limits import Allowance
from app.core.logging import logger
from app.core.metrics import REQUEST_SECONDS, REQUESTS
from app.rest.door.declaration import Call, Dialect, Endpoint, Headers, Reply
from app.rest.door.document import openapi_document
from app.rest.door.page import STYLE_HASH, reference_page
from app.rest.door.parsing import parse_body, parse_query, read_body
from app.rest.door.refusals import InternalError, MethodNotAllowed, MissingCredential
from app.rest.door.routing import Routes
from app.runtime import Runtime

log = logger(__name__)

STRANGERS = Plan("stranger", 300, 50)
"""Whoever is not recognised is counted by address, at this pace."""
JSON_TYPE = b"application/json; charset=utf-8"
TEXT_TYPE = b"text/plain; charset=utf-8"
HTML_TYPE = b"text/html; charset=utf-8"
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}\Z")
DOCUMENTATION = (b"", b"/", b"/openapi.json")
PAGE_POLICY = (
    b"content-security-policy",
    f"default-src 'none'; style-src '{STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'".encode(),
)

AnyEndpoint = Endpoint[Any, Any]


@dataclass(slots=True)
class Answer:
    """A response, but for the headers that every response of the door has."""

    status: int
    body: bytes = b""
    headers: Headers | tuple[()] = ()
    media_type: bytes = JSON_TYPE


@dataclass(slots=True)
class Exchange:
    """A request under way, and what its response must carry whatever happens."""

    scope: Scope
    receive: Receive
    headers: Mapping[str, str]
    path: bytes
    request_id: str
    endpoint: AnyEndpoint | None = None
    allowance: Allowance | None = None

    @property
    def address(self) -> str:
        """The peer's IP address."""
        client = self.scope.get("client")
        return client[0] if client else "unknown"


class Door:
    """The ASGI application of one dialect. Paths are taken below the scope's ``root_path``."""

    def __init__(self, dialect: Dialect, runtime: Runtime) -> None:
        self.dialect = dialect
        self._runtime = runtime
        self._routes = Routes(dialect.endpoints)
        self._success = dialect.envelope(None)
        self._seconds = REQUEST_SECONDS.labels(dialect.name)
        self._counted: dict[int, Counter] = {}
        self._documents: dict[tuple[bytes, str], Answer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        exchange = Exchange(scope, receive, headers, _path(scope), _request_id(headers))
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        try:
            answer = self._documentation(exchange) or await self._answer(exchange)
        except ClientDisconnect:
            return
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
        await self._send(exchange, answer, send)
        self._seconds.observe(perf_counter() - started)
        self._count(answer.status)

    async def _answer(self, exchange: Exchange) -> Answer:
        try:
            return await self._serve(exchange)
        except RapportError as refused:
            error = refused
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("a request failed", dialect=self.dialect.name, path=exchange.path.decode("latin-1"))
            error = InternalError(exchange.request_id)
        if exchange.allowance is None:
            try:
                await self._charge(exchange, f"address:{exchange.address}", STRANGERS)
            except RateLimited as limited:
                error = limited
        return self._refuse(error, exchange)

    async def _serve(self, exchange: Exchange) -> Answer:
        method = exchange.scope["method"]
        if method == "OPTIONS":
            await self._charge(exchange, f"address:{exchange.address}", STRANGERS)
            return Answer(204, headers=[(b"allow", ", ".join(self._routes.allowed(exchange.path)).encode())])
        endpoint, path = self._routes.find(method, exchange.path)
        exchange.endpoint = endpoint
        principal = await self._admit(endpoint, exchange, path)
        body = query = None
        if endpoint.query is not None:
            query = parse_query(endpoint.query, exchange.scope["query_string"])
        if endpoint.body is not None:
            body = parse_body(endpoint.body, await read_body(exchange.headers, exchange.receive, endpoint.body_limit))
        call = Call(self._runtime, principal, path, body, query, exchange.headers, exchange.receive)
        return self._present(endpoint, await endpoint.handler(call))

    async def _admit(self, endpoint: AnyEndpoint, exchange: Exchange, path: Mapping[str, str]) -> Principal:
        """Who is calling. Raises Unauthenticated, RateLimited, or Forbidden when the endpoint's scope is missing."""
        if endpoint.public:
            public = endpoint.plan(PUBLIC) if endpoint.plan else STRANGERS
            await self._charge(exchange, f"address:{exchange.address}", public)
            return PUBLIC.through(self.dialect.name, exchange.request_id)
        credential = credential_from_headers(exchange.headers)
        if credential is None:
            raise MissingCredential
        principal = await self._runtime.authenticator.authenticate(
            credential, source=self.dialect.name, request_id=exchange.request_id
        )
        plan = endpoint.plan or self.dialect.plan
        await self._charge(exchange, principal.caller, plan(principal))
        if self.dialect.enter is not None:
            principal = await self.dialect.enter(self._runtime, principal, endpoint, exchange.headers, path)
        if endpoint.scope is not None:
            principal.require(endpoint.scope)
        return principal

    async def _charge(self, exchange: Exchange, key: str, plan: Plan) -> None:
        exchange.allowance = await self._runtime.limiter.take(key, plan)
        if exchange.allowance.refused:
            raise RateLimited(exchange.allowance.retry_after)

    def _present(self, endpoint: AnyEndpoint, result: BaseModel | Reply | None) -> Answer:
        if result is None and endpoint.silent:
            return Answer(endpoint.status, media_type=b"")
        if result is None:
            return Answer(endpoint.status, b"" if endpoint.status == 204 else self._success)
        if isinstance(result, Reply):
            body = b"" if result.document is None else to_json(result.document, by_alias=True)
            return Answer(result.status, body, result.headers)
        return Answer(endpoint.status, self.dialect.envelope(to_json(result, by_alias=True)))

    def _refuse(self, error: RapportError, exchange: Exchange) -> Answer:
        endpoint = exchange.endpoint
        refusal = replace(self.dialect.refusal(error, endpoint), request_id=exchange.request_id)
        headers: Headers = []
        if isinstance(error, MethodNotAllowed):
            headers.append((b"allow", ", ".join(error.allowed).encode()))
        if isinstance(error, Unauthenticated):
            headers.append((b"www-authenticate", self.dialect.challenge.encode()))
        if refusal.status == 503 or (refusal.status == 429 and (endpoint is None or endpoint.says_when)):
            headers.append((b"retry-after", b"%d" % getattr(error, "retry_after", 1)))
        if refusal.status in self.dialect.text_statuses:
            return Answer(refusal.status, "\n".join(refusal.sentences).encode(), headers, TEXT_TYPE)
        form = (endpoint and endpoint.error_form) or self.dialect.error_form
        return Answer(refusal.status, orjson.dumps(form(refusal)), headers)

    async def _send(self, exchange: Exchange, answer: Answer, send: Send) -> None:
        bare = exchange.scope["method"] == "HEAD"
        headers = [(b"x-request-id", exchange.request_id.encode()), *answer.headers]
        if answer.status != 204:
            headers.append((b"content-length", b"%d" % len(answer.body)))
        if answer.status != 204 and answer.media_type:
            headers.append((b"content-type", answer.media_type))
        if exchange.allowance is not None:
            headers += self.dialect.limit_headers(exchange.allowance)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if bare else answer.body})

    def _documentation(self, exchange: Exchange) -> Answer | None:
        """The OpenAPI document and the page for people, which cost no allowance and need no credential."""
        if exchange.path not in DOCUMENTATION or exchange.scope["method"] not in ("GET", "HEAD"):
            return None
        root = exchange.scope.get("root_path", "")
        if exchange.path == b"":
            return Answer(307, headers=[(b"location", f"{root}/".encode())])
        if (exchange.path, root) not in self._documents:
            document = openapi_document(self.dialect, root)
            page = Answer(200, reference_page(document).encode(), [PAGE_POLICY], HTML_TYPE)
            self._documents[b"/", root] = page
            self._documents[b"/openapi.json", root] = Answer(200, orjson.dumps(document))
        return self._documents[exchange.path, root]

    def _count(self, status: int) -> None:
        if status not in self._counted:
            self._counted[status] = REQUESTS.labels(self.dialect.name, str(status))
        self._counted[status].inc()


def _path(scope: Scope) -> bytes:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.removeprefix(scope.get("root_path", "").encode())


def _request_id(headers: Mapping[str, str]) -> str:
    given = headers.get("x-request-id", "")
    return given if REQUEST_ID.match(given) else f"{getrandbits(64):016x}"
