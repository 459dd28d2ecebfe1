"""Reading a document's selections: which fields, in which order, under which keys, with which arguments."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_abstract_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues

from resolvers.planner.arguments import FieldArguments
from resolvers.planner.declare import BY_NOUN, PLAN, ById, Choice, Declared, Link

Details = list[FieldDetails]


class SelectedField(NamedTuple):
    """One response key of a selection. ``definition`` is None for ``__typename``."""

    key: str
    name: str
    definition: GraphQLField | None
    details: Details


@dataclass(frozen=True)
class Scene:
    """What is needed to read a selection: the schema, the document's fragments, the operation and its variables."""

    schema: GraphQLSchema
    fragments: dict[str, FragmentDetails]
    operation: OperationDefinitionNode
    variables: VariableValues

    @classmethod
    def of(cls, info: GraphQLResolveInfo[Any], fragments: dict[str, FragmentDetails]) -> "Scene":
        """What a resolver sees. Strawberry gives it the values of the variables without their sources."""
        given: Any = info.variable_values
        variables = VariableValues({}, given) if isinstance(given, dict) else given
        return cls(info.schema, fragments, info.operation, variables)

    def fields(self, parent: GraphQLObjectType, details: Details) -> Iterator[SelectedField]:
        """The fields selected below ``details`` when the value is a ``parent``, with directives applied."""
        collected = collect_subfields(self.schema, self.fragments, self.variables, self.operation, parent, details)
        for key, group in collected.grouped_field_set.items():
            name = group[0].node.name.value
            definition = None if name == "__typename" else parent.fields[name]
            yield SelectedField(key, name, definition, group)

    def object_type(self, strawberry_type: type) -> GraphQLObjectType:
        """The graph's type of a class declared with ``table_type``."""
        name = strawberry_type.__strawberry_definition__.name  # type: ignore[attr-defined]
        found = self.schema.type_map[name]
        if not isinstance(found, GraphQLObjectType):
            raise TypeError(name)
        return found


def declared(definition: GraphQLField) -> Declared | None:
    """How a field was declared to the planner, if it was."""
    strawberry_field: Any = definition.extensions.get("strawberry-definition")
    plan: Declared | None = strawberry_field.metadata.get(PLAN) if strawberry_field is not None else None
    return plan


def named(definition: GraphQLField) -> GraphQLNamedType:
    """The type of a field without its list and non-null wrappers."""
    return get_named_type(definition.type)


def argument_bearing(
    scene: Scene, definition: GraphQLField, details: Details, target: GraphQLObjectType | None
) -> dict[tuple[int, int], FieldArguments]:
    """Every field with arguments at and below a planned field, by the identity of its node and its definition.

    The same node below two parents has the same arguments, so one reading serves both. With ``target`` only what is
    below, for a row of that type.
    """
    found: dict[tuple[int, int], FieldArguments] = {}
    if target is not None:
        _gather_below(scene, target, details, found)
    else:
        _gather(scene, definition, details, found)
    return found


def _gather(
    scene: Scene, definition: GraphQLField, details: Details, found: dict[tuple[int, int], FieldArguments]
) -> None:
    if definition.args:
        node = details[0].node
        found.setdefault((id(node), id(definition)), FieldArguments.of(definition, node))
    for parent in targets(scene, definition):
        _gather_below(scene, parent, details, found)


def _gather_below(
    scene: Scene, parent: GraphQLObjectType, details: Details, found: dict[tuple[int, int], FieldArguments]
) -> None:
    for selected in scene.fields(parent, details):
        if selected.definition is None:
            continue
        if declared(selected.definition) is not None:
            _gather(scene, selected.definition, selected.details, found)
        elif isinstance(named(selected.definition), GraphQLObjectType):
            below = named(selected.definition)
            assert isinstance(below, GraphQLObjectType)
            _gather_below(scene, below, selected.details, found)


def targets(scene: Scene, definition: GraphQLField) -> list[GraphQLObjectType]:
    """The object types that a declared field can lead to (of a connection: the connection type itself)."""
    plan = declared(definition)
    if isinstance(plan, ById):
        return [scene.object_type(found) for found in BY_NOUN.values()]
    target = named(definition)
    if isinstance(plan, Choice) or is_abstract_type(target):
        return list(scene.schema.get_possible_types(target))  # type: ignore[arg-type]
    if isinstance(plan, Link) and isinstance(target, GraphQLObjectType):
        return [target]
    return []
