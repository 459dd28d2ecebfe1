"""A small engine over a plain Strawberry schema: enough of a graph to try every path of the transport."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Any

import orjson
import strawberry
from graphql import ExecutionResult, GraphQLError, execute, get_operation_ast, parse, subscribe, validate
from graphql.execution.values import get_variable_values

from app.actions.feed import FeedStart
from app.core.access import Principal
from app.core.errors import Overloaded, RateLimited
from resolvers.live import Approach, Course, LiveStreams, Seat
from resolvers.protocol import Answer, GraphRequest, OperationKind, Refused


class Tape:
    """A feed in memory. ``tell`` adds to it; who follows it live shares one stream."""

    def __init__(self) -> None:
        self.streams = LiveStreams()
        self._entries: list[bytes] = []
        self._more = asyncio.Event()

    def tell(self, text: str) -> None:
        self._entries.append(orjson.dumps({"data": {"tape": text}}))
        self._more.set()
        self._more = asyncio.Event()

    async def follow(self, course: Course) -> AsyncGenerator[bytes, None]:
        """What is told from now on, or after where the course begins."""
        place = course.start or FeedStart("tape", "1", len(self._entries), None)
        while True:
            while place.offset < len(self._entries):
                place = replace(place, offset=place.offset + 1)
                course.at = place.offset
                yield self._entries[place.offset - 1]
            if course.hands_over(place, idle=True):
                return
            await self._more.wait()


@dataclass
class Context:
    """What resolvers see."""

    principal: Principal
    draining: asyncio.Event


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"hello {name}"

    @strawberry.field
    def caller(self, info: strawberry.Info[Context, None]) -> str:
        return info.context.principal.caller

    @strawberry.field
    def request_id(self, info: strawberry.Info[Context, None]) -> str | None:
        return info.context.principal.request_id

    @strawberry.field
    def broken(self) -> str | None:
        raise ValueError("field")

    @strawberry.field
    async def slow(self) -> str:
        await asyncio.sleep(3600)
        return ""


@strawberry.type
class Mutation:
    @strawberry.mutation
    def shout(self, word: str) -> str:
        return word.upper()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(1, to + 1):
            await asyncio.sleep(0)
            yield number

    @strawberry.subscription
    async def forever(self, every: float = 3600, size: int = 1) -> AsyncGenerator[str, None]:
        while True:
            yield "x" * size
            await asyncio.sleep(every)

    @strawberry.subscription
    async def until_drained(self, info: strawberry.Info[Context, None]) -> AsyncGenerator[int, None]:
        yield 1
        await info.context.draining.wait()

    @strawberry.subscription
    async def tape(self) -> AsyncGenerator[str, None]:
        """Answered from the :class:`Tape` of the engine."""
        yield ""

    @strawberry.subscription
    async def breaks(self) -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError("stream")


SCHEMA: Any = strawberry.Schema(Query, Mutation, Subscription)._schema


class SmallEngine:
    """Implements :class:`resolvers.protocol.Engine`. ``open`` counts the subscriptions that have not ended.

    Documents that contain ``crash``, ``overloaded`` or ``limited`` make it fail in these ways.
    """

    def __init__(self, draining: asyncio.Event) -> None:
        self.open = 0
        self.tape = Tape()
        self._draining = draining

    def kind(self, request: GraphRequest) -> OperationKind | None:
        try:
            operation = get_operation_ast(parse(request.query), request.operation_name)
        except GraphQLError:
            return None
        return operation.operation.value if operation else None

    async def execute(self, request: GraphRequest, principal: Principal) -> Answer:
        _fail(request.query)
        refusal = _refusal(request, self.kind(request))
        if refusal is not None:
            return refusal
        result = execute(
            SCHEMA,
            parse(request.query),
            context_value=Context(principal, self._draining),
            variable_values=request.variables,
            operation_name=request.operation_name,
        )
        if not isinstance(result, ExecutionResult):
            result = await result
        return Answer(_json(result), True, partial=bool(result.errors))

    async def subscribe(
        self, request: GraphRequest, principal: Principal, seat: Seat | None = None
    ) -> AsyncGenerator[bytes, None]:
        _fail(request.query)
        refusal = _refusal(request, None)
        if refusal is not None:
            raise Refused(refusal)
        if "tape" in request.query and seat is not None:
            course = Approach(seat, self.tape.streams, lambda: request.query, self.tape.follow)
            async for body in self.tape.follow(course):
                yield body
            return
        results = subscribe(
            SCHEMA,
            parse(request.query),
            context_value=Context(principal, self._draining),
            variable_values=request.variables,
            operation_name=request.operation_name,
        )
        results = results if hasattr(results, "__anext__") else await results
        self.open += 1
        try:
            async for result in results:
                yield _json(result)
        finally:
            self.open -= 1
            await results.aclose()


def _fail(query: str) -> None:
    if "crash" in query:
        raise RuntimeError("a bug of the engine")
    if "overloaded" in query:
        raise Overloaded("Full.")
    if "limited" in query:
        raise RateLimited(7)


def _refusal(request: GraphRequest, kind: str | None) -> Answer | None:
    """The answer to a request that cannot be executed."""
    try:
        document = parse(request.query)
    except GraphQLError as error:
        return _refused([error])
    errors = validate(SCHEMA, document)
    operation = get_operation_ast(document, request.operation_name)
    if not errors and operation is None:
        errors = [GraphQLError("Unknown operation.")]
    if not errors and kind == "subscription":
        errors = [GraphQLError("Subscriptions need a websocket or an event stream.")]
    if not errors and operation is not None:
        values = get_variable_values(SCHEMA, operation.variable_definitions or (), request.variables)
        errors = values if isinstance(values, list) else []
    return _refused(errors) if errors else None


def _refused(errors: list[GraphQLError]) -> Answer:
    return Answer(orjson.dumps({"errors": [error.formatted for error in errors]}), False)


def _json(result: Any) -> bytes:
    return orjson.dumps(result.formatted)
