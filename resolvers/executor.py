"""Strawberry's executor, taught one thing: a field whose rows live in SQL is answered by its plan."""

from typing import Any, Final, cast

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    get_named_type,
    located_error,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.core.errors import RapportError
from resolvers.context import GraphContext
from resolvers.planner.declare import TABLE_TYPES, Ref
from resolvers.planner.selection import Scene, declared


class Planned:
    """What a planned root field resolves to, so that the executor hands it to the planner."""


PLANNED: Final = Planned()


def plan_root_fields(schema: GraphQLSchema) -> None:
    """Makes every planned root field resolve to :data:`PLANNED` instead of calling its declaration."""
    assert schema.query_type is not None
    for definition in schema.query_type.fields.values():
        if declared(definition) is not None:
            definition.resolve = _planned


def foresee_payloads(schema: GraphQLSchema) -> None:
    """Makes every mutation look at what its payload is asked for before it changes anything: a caller who may not have
    it, or asks for too much, is refused with nothing done."""
    assert schema.mutation_type is not None
    for definition in schema.mutation_type.fields.values():
        payload = get_named_type(definition.type)
        if isinstance(payload, GraphQLObjectType) and any(map(_of_table, payload.fields.values())):
            definition.resolve = _foreseeing(definition.resolve, payload)


def _of_table(definition: GraphQLField) -> bool:
    return get_named_type(definition.type).name in TABLE_TYPES


def _foreseeing(resolve: Any, payload: GraphQLObjectType) -> Any:
    def foreseeing(source: Any, info: GraphQLResolveInfo[GraphContext], **arguments: Any) -> Any:
        context = info.context
        if context.principal.tenant_id is not None:
            scene = Scene.of(info, context.prepared.fragments)
            for selected in scene.fields(payload, [FieldDetails(node, None) for node in info.field_nodes]):
                if selected.definition is not None and _of_table(selected.definition):
                    target = cast(GraphQLObjectType, get_named_type(selected.definition.type))
                    try:
                        context.reader.foresee(
                            context.prepared, scene, selected.definition, selected.details, context.principal, target
                        )
                    except RapportError as refused:
                        nodes = [detail.node for detail in selected.details]
                        raise located_error(refused, nodes, [*info.path.as_list(), selected.key]) from refused
        return resolve(source, info, **arguments)

    return foreseeing


def _planned(*_: object, **__: object) -> Planned:
    return PLANNED


class PlanningExecutor(StrawberryGraphQLCoreExecutionContext):
    """Completes :data:`PLANNED` and :class:`Ref` values with the JSON that the planner's statement gives."""

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: list[FieldDetails],
        info: GraphQLResolveInfo[GraphContext],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        if result is PLANNED or isinstance(result, Ref):
            return self._plan(field_details_list, info, result)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    async def _plan(self, details: list[FieldDetails], info: GraphQLResolveInfo[GraphContext], result: Any) -> Any:
        context: GraphContext = info.context
        scene = Scene(self.schema, self.fragments, self.operation, self.variable_values)
        definition: GraphQLField = info.parent_type.fields[info.field_name]
        if isinstance(result, Ref):
            caller = result.caller or context.principal
            return await context.reader.row(context.prepared, scene, definition, details, caller, result)
        return await context.reader.field(context.prepared, scene, definition, details, context.principal)
