"""Answers operations of the graph. Queries whose root fields are all planned never enter the executor."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from dataclasses import replace
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLNonNull,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    located_error,
)
from graphql.execution import execute, subscribe
from graphql.execution.values import VariableValues, get_variable_values

from app.core.access import Principal
from app.core.errors import RapportError
from app.runtime import Runtime
from resolvers.audience import asks_who
from resolvers.context import GraphContext
from resolvers.documents import Documents, Prepared
from resolvers.executor import PlanningExecutor
from resolvers.live import Approach, Course, LiveStreams, Seat
from resolvers.planner.reader import Reader
from resolvers.planner.selection import Scene, SelectedField, declared
from resolvers.presentation import present_error
from resolvers.protocol import Answer, GraphRequest, OperationKind, Refused
from resolvers.schema import schema

NO_VARIABLES = VariableValues({}, {})


class GraphEngine:
    """The graph over one runtime (see :class:`resolvers.protocol.Engine`)."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._schema = schema._schema
        self._documents = Documents(self._schema, runtime.settings.max_depth)
        self._reader = Reader(runtime.database, runtime.settings.max_cost)
        self.live = LiveStreams()

    def kind(self, request: GraphRequest) -> OperationKind | None:
        """See :meth:`resolvers.protocol.Engine.kind`."""
        prepared = self._documents.prepare(request.query)
        if not isinstance(prepared, Prepared):
            return None
        try:
            return prepared.operation(request.operation_name).operation.value
        except GraphQLError:
            return None

    async def execute(self, request: GraphRequest, principal: Principal) -> Answer:
        """See :meth:`resolvers.protocol.Engine.execute`."""
        opened = self._open(request)
        if isinstance(opened, Answer):
            return opened
        prepared, operation = opened
        if operation.operation is OperationType.SUBSCRIPTION:
            return refusal([GraphQLError("A subscription needs a stream: a websocket, or an event stream.")])
        if operation.operation is OperationType.QUERY:
            variables = self._variables(operation, request)
            if isinstance(variables, Answer):
                return variables
            scene = Scene(self._schema, prepared.fragments, operation, variables)
            assert self._schema.query_type is not None
            try:
                roots = prepared.roots(scene, self._schema.query_type)
            except GraphQLError as refused:  # a null where @include or @skip needs a value
                return refusal([refused])
            if all(declared(root.definition) if root.definition else root.name == "__typename" for root in roots):
                return await self._read(prepared, scene, roots, principal)
        result = await self._execute(prepared, request, principal)
        return answer(result, operation.operation, principal.request_id)

    def subscribe(
        self, request: GraphRequest, principal: Principal, seat: Seat | None = None
    ) -> AsyncGenerator[bytes, None]:
        """See :meth:`resolvers.protocol.Engine.subscribe`."""
        if seat is None or principal.kind == "visitor":
            return self._follow(request, principal, Course())
        shared = replace(principal, request_id=None)
        course = Approach(
            seat,
            self.live,
            lambda: self._audience(request, principal),
            lambda again: self._follow(request, shared, again),
        )
        return self._follow(request, principal, course)

    async def _follow(self, request: GraphRequest, principal: Principal, course: Course) -> AsyncGenerator[bytes, None]:
        opened = self._open(request)
        if isinstance(opened, Answer):
            raise Refused(opened)
        prepared, operation = opened
        if operation.operation is not OperationType.SUBSCRIPTION:
            yield (await self.execute(request, principal)).body
            return
        variables = self._variables(operation, request)
        if isinstance(variables, Answer):
            raise Refused(variables)
        source = subscribe(
            self._schema,
            prepared.document,
            context_value=GraphContext(principal, self._runtime, self._reader, prepared, course),
            variable_values=request.variables,
            operation_name=request.operation_name,
            executor_class=PlanningExecutor,
            hide_suggestions=True,
        )
        stream: Any = await source if asyncio.iscoroutine(source) or isinstance(source, asyncio.Future) else source
        if isinstance(stream, ExecutionResult):
            raise Refused(answer(stream, operation.operation, principal.request_id))
        begun = False
        try:
            async for result in stream:
                begun = True
                yield answer(result, operation.operation, principal.request_id).body
        except RapportError as refused:
            assert self._schema.subscription_type is not None
            scene = Scene(self._schema, prepared.fragments, operation, variables)
            ended = refusal([_located(refused, prepared.roots(scene, self._schema.subscription_type)[0])])
            if not begun:  # a stream does nothing before its first step
                raise Refused(ended) from refused
            yield ended.body
        finally:
            await stream.aclose()
            course.close()

    def _audience(self, request: GraphRequest, principal: Principal) -> Hashable | None:
        """Who is told the same by this subscription, wherever they begin; None when nobody else is."""
        opened = self._open(request)
        if isinstance(opened, Answer):
            return None
        prepared, operation = opened
        variables = self._variables(operation, request)
        assert self._schema.subscription_type is not None
        if isinstance(variables, Answer):
            return None
        scene = Scene(self._schema, prepared.fragments, operation, variables)
        (root,) = prepared.roots(scene, self._schema.subscription_type)
        who = principal.id if asks_who(prepared, scene, root, self._runtime.database.dialect) else None
        cursor = prepared.cursor_variable(operation)
        given = {name: value for name, value in request.variables.items() if name != cursor}
        sees = (principal.tenant_id, principal.kind, principal.role, principal.scopes, who)
        return sees, request.query, request.operation_name, orjson.dumps(given, option=orjson.OPT_SORT_KEYS)

    def _open(self, request: GraphRequest) -> tuple[Prepared, OperationDefinitionNode] | Answer:
        """The document and the operation; or the answer that refuses them."""
        prepared = self._documents.prepare(request.query)
        if not isinstance(prepared, Prepared):
            return refusal(prepared)
        try:
            return prepared, prepared.operation(request.operation_name)
        except GraphQLError as unknown:
            return refusal([unknown])

    def _variables(self, operation: OperationDefinitionNode, request: GraphRequest) -> VariableValues | Answer:
        """What the planner is given; or the answer that refuses them. (The executor reads a mutation's by itself.)"""
        if not operation.variable_definitions:
            return NO_VARIABLES
        # Suggestions would tell strangers what exists, and graphql-core fails on making them for some Unicode (as İ).
        variables = get_variable_values(
            self._schema, operation.variable_definitions, request.variables, max_errors=20, hide_suggestions=True
        )
        return variables if isinstance(variables, VariableValues) else refusal(variables)

    async def _read(self, prepared: Prepared, scene: Scene, roots: list[SelectedField], principal: Principal) -> Answer:
        """A query whose root fields are all planned: one statement each."""
        if len(roots) == 1:
            found = [await self._root(prepared, scene, roots[0], principal)]
        else:
            found = await asyncio.gather(*(self._root(prepared, scene, root, principal) for root in roots))
        data: dict[str, Any] | None = {}
        errors = []
        for root, value in zip(roots, found, strict=True):
            if isinstance(value, GraphQLError):
                errors.append(present_error(value, request_id=principal.request_id))
                if root.definition is not None and isinstance(root.definition.type, GraphQLNonNull):
                    data = None
                elif data is not None:
                    data[root.key] = None
            elif data is not None:
                data[root.key] = value
        if errors:
            return Answer(orjson.dumps({"data": data, "errors": errors}), executed=True, partial=True)
        return Answer(orjson.dumps({"data": data}), executed=True)

    async def _root(self, prepared: Prepared, scene: Scene, root: SelectedField, principal: Principal) -> Any:
        if root.definition is None:
            assert isinstance(self._schema.query_type, GraphQLObjectType)
            return self._schema.query_type.name
        try:
            return await self._reader.field(prepared, scene, root.definition, root.details, principal)
        except Exception as failure:
            return _located(failure, root)

    async def _execute(self, prepared: Prepared, request: GraphRequest, principal: Principal) -> ExecutionResult:
        result: Any = execute(
            self._schema,
            prepared.document,
            context_value=GraphContext(principal, self._runtime, self._reader, prepared),
            variable_values=request.variables,
            operation_name=request.operation_name,
            executor_class=PlanningExecutor,
            hide_suggestions=True,
        )
        if asyncio.iscoroutine(result) or isinstance(result, asyncio.Future):
            result = await result
        assert isinstance(result, ExecutionResult)
        return result


def _located(failure: Exception, root: SelectedField) -> GraphQLError:
    return located_error(failure, [detail.node for detail in root.details], [root.key])


def answer(result: ExecutionResult, operation: OperationType, request_id: str | None) -> Answer:
    """A response from what the executor gave. An error without a path is of the request: nothing was executed."""
    if result.data is None and result.errors and all(error.path is None for error in result.errors):
        return refusal(result.errors)
    shown: dict[str, Any] = {"data": result.data}
    if result.errors:
        shown["errors"] = [present_error(error, operation, request_id) for error in result.errors]
    return Answer(orjson.dumps(shown), executed=True, partial=bool(result.errors))


def refusal(errors: list[GraphQLError]) -> Answer:
    """A response that says why nothing was executed."""
    return Answer(orjson.dumps({"errors": [present_error(error) for error in errors]}), executed=False)
