"""GraphQL over HTTP: one request, one answer.

https://graphql.github.io/graphql-over-http/ (the edition of September 2026): POST of ``application/json``, GET for
queries; ``application/graphql-response+json`` or ``application/json`` as asked. Under the former a refusal has a 4xx
status and an answer with errors beside its data has 294; under the latter every well-formed request is a 200, except
where the caller itself is refused (401, 429, 503).

No cookie is ever read here, so a foreign page has nothing to forge with; that bodies must be declared as JSON keeps it
from posting at all without a preflight.
"""

import asyncio
from collections.abc import AsyncGenerator
from functools import cache
from time import perf_counter

from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from app.core.errors import RapportError
from app.core.logging import logger
from app.core.metrics import REQUEST_SECONDS, REQUESTS
from resolvers.protocol import Answer, Engine, GraphRequest
from resolvers.transport.callers import Caller, Callers, credential_of_headers, origin_of, request_id_of
from resolvers.transport.connections import Connections
from resolvers.transport.documents import Documents
from resolvers.transport.graphiql import GraphiQL
from resolvers.transport.media import EVENTS, JSON, PAGE, Media, accepted, is_json
from resolvers.transport.parameters import Parameters, parse_body, parse_query_string
from resolvers.transport.refusals import STATUS_OF_CODE, Header, Refusal, refusal_headers, refusal_of
from resolvers.transport.sse import EventStream

MAX_BODY = 1024 * 1024
BODY_TIMEOUT_S = 30.0
PARTIAL_SUCCESS = 294
CALLER_REFUSED = frozenset({"UNAUTHENTICATED", "RATE_LIMITED", "OVERLOADED", "INTERNAL"})
log = logger(__name__)


class Exchange:
    """One HTTP request and what its response will say. ``headers`` are those of the request, ``told`` ours."""

    __slots__ = ("_began", "_receive", "_send", "headers", "method", "request_id", "scope", "told", "wanted")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._began = perf_counter()
        self.scope = scope
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.wanted = accepted(self.headers.get(b"accept"))
        self.request_id = request_id_of(self.headers)
        self.told: list[Header] = [(b"x-request-id", self.request_id)]

    @property
    def address(self) -> str:
        client = self.scope.get("client")
        return client[0] if client else ""

    async def read(self) -> bytes:
        """The body of a POST. Raises :class:`Refusal` (408, 413, 415)."""
        if not is_json(self.headers.get(b"content-type")):
            raise Refusal(415, "The body must be application/json in UTF-8.", "UNSUPPORTED_MEDIA_TYPE")
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and (len(length) > 9 or int(length) > MAX_BODY):
            raise _too_large()
        message = await self._receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            try:
                async with asyncio.timeout(BODY_TIMEOUT_S):
                    return await self._read_on(body)
            except TimeoutError as slow:
                raise Refusal(408, "The body took too long.", "REQUEST_TIMEOUT", headers=[_CLOSE]) from slow
        return body

    async def _read_on(self, body: bytes) -> bytes:
        more = True
        while more:
            message = await self._receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MAX_BODY:
                raise _too_large()
        return body

    def stream(self, connections: Connections) -> EventStream:
        return EventStream(self._receive, self._send, connections, self.request_id.decode())

    async def send(self, status: int, media: Media, body: bytes, headers: list[Header]) -> None:
        about = [
            (b"content-type", media.content_type),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": about + headers})
        await self._send({"type": "http.response.body", "body": body})
        _SECONDS.observe(perf_counter() - self._began)
        _counted(status).inc()

    async def answer(self, answer: Answer) -> None:
        media = self.wanted.media or JSON
        if answer.code is not None:
            self.told += refusal_headers(answer.code, answer.retry_after)
        await self.send(_status(answer, media), media, answer.body, self.told)

    async def refuse(self, refusal: Refusal) -> None:
        media = self.wanted.media
        if media is None or not media.is_json:
            media = JSON
        status = 200 if refusal.well_formed and media.legacy else refusal.status
        await self.send(status, media, refusal.body, self.told + refusal.headers)


class HttpDoor:
    """Answers HTTP requests."""

    def __init__(
        self,
        engine: Engine,
        callers: Callers,
        documents: Documents,
        connections: Connections,
        graphiql: GraphiQL | None,
    ) -> None:
        self._engine = engine
        self._callers = callers
        self._documents = documents
        self._connections = connections
        self._graphiql = graphiql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        try:
            if exchange.wanted.page and self._graphiql is not None and exchange.method == "GET":
                page, headers = self._graphiql.page(exchange.headers)
                await exchange.send(200, PAGE, page, exchange.told + headers)
                return
            answer = await self._answer(exchange)
        except Refusal as refusal:
            await exchange.refuse(refusal)
        except RapportError as error:
            await exchange.refuse(refusal_of(error))
        except Exception:
            log.exception("graph.request_failed", request_id=exchange.request_id.decode())
            await exchange.refuse(Refusal(500, "Internal error", "INTERNAL"))
        else:
            if answer is not None:
                await exchange.answer(answer)

    async def _answer(self, exchange: Exchange) -> Answer | None:
        """The answer to a request; None when it was a stream, which has been sent. Raises :class:`Refusal`."""
        if exchange.method not in ("GET", "POST"):
            raise Refusal(405, "Only GET and POST are answered here.", "METHOD_NOT_ALLOWED", headers=[_ALLOW])
        credential = credential_of_headers(exchange.headers)
        caller = await self._callers.identify(
            credential, exchange.address, exchange.request_id.decode(), origin_of(exchange.headers)
        )
        exchange.told += await self._callers.charge(caller)
        if exchange.wanted.media is None:
            raise Refusal(406, "Accept application/graphql-response+json or application/json.", "NOT_ACCEPTABLE")
        if exchange.method == "POST":
            parameters = parse_body(await exchange.read())
        else:
            parameters = parse_query_string(exchange.scope["query_string"])
        if exchange.wanted.events:
            results = self._results(exchange, parameters, caller)
            if results is not None:
                await self._stream(exchange, caller, results)
                return None
        request = self._documents.request(parameters)
        if exchange.method == "GET":
            self._refuse_mutation(request)
        return await self._engine.execute(request, caller.principal)

    def _refuse_mutation(self, request: GraphRequest) -> None:
        if self._engine.kind(request) == "mutation":
            raise Refusal(405, "Mutations must be sent by POST.", "METHOD_NOT_ALLOWED", headers=[(b"allow", b"POST")])

    def _results(
        self, exchange: Exchange, parameters: Parameters, caller: Caller
    ) -> AsyncGenerator[bytes, None] | None:
        """What to stream; None when the client takes plain JSON as well and does not subscribe."""
        only = exchange.wanted.media is EVENTS
        try:
            request = self._documents.request(parameters)
        except Refusal as refusal:
            if only and refusal.well_formed:
                return _one(refusal.body)
            raise
        kind = self._engine.kind(request)
        if kind == "subscription":
            return self._engine.subscribe(request, caller.principal)
        if not only:
            return None
        if exchange.method == "GET":
            self._refuse_mutation(request)
        return _executed(self._engine, request, caller)

    async def _stream(self, exchange: Exchange, caller: Caller, results: AsyncGenerator[bytes, None]) -> None:
        if self._connections.draining:
            raise Refusal(503, "The server is stopping.", "OVERLOADED", retry_after=1)
        stream = exchange.stream(self._connections)
        stream.caller = caller
        if not self._connections.add(stream, caller.key):
            raise Refusal(429, "Too many open streams.", "RATE_LIMITED", retry_after=1)
        await stream.run(results, exchange.told)


_ALLOW: Header = (b"allow", b"GET, POST")
_CLOSE: Header = (b"connection", b"close")
_SECONDS = REQUEST_SECONDS.labels("graph")


@cache
def _counted(status: int) -> Counter:
    return REQUESTS.labels("graph", str(status))


def _too_large() -> Refusal:
    return Refusal(413, f"The body is larger than {MAX_BODY} bytes.", "CONTENT_TOO_LARGE")


def _status(answer: Answer, media: Media) -> int:
    if answer.executed:
        return PARTIAL_SUCCESS if answer.partial and not media.legacy else 200
    if answer.code in CALLER_REFUSED:
        return STATUS_OF_CODE[answer.code]
    return 200 if media.legacy else STATUS_OF_CODE.get(answer.code or "", 400)


async def _executed(engine: Engine, request: GraphRequest, caller: Caller) -> AsyncGenerator[bytes, None]:
    yield (await engine.execute(request, caller.principal)).body


async def _one(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
