"""Documents, parsed and validated once, with the plans of their fields."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache
from graphql import (
    SKIP,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    VariableNode,
    parse,
    validate,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.execution.values import VariableValues
from graphql.language import DirectiveNode, Visitor

from resolvers.planner.limits import MAX_TOKENS, check_document
from resolvers.planner.plan import FieldPlans
from resolvers.planner.selection import Details, Scene, SelectedField

MAX_ERRORS = 20
DOCUMENTS = 1000


class _Conditions(Visitor):
    """Gathers the variables that ``@include`` and ``@skip`` depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        if node.name.value in {"include", "skip"}:
            self.names |= {a.value.name.value for a in node.arguments or () if isinstance(a.value, VariableNode)}


class _Uses(Visitor):
    """Counts how often each variable is used."""

    def __init__(self) -> None:
        super().__init__()
        self.of: Counter[str] = Counter()

    def enter_variable_definition(self, *_: Any) -> Any:
        return SKIP

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.of[node.name.value] += 1


def _cursor_variable(document: DocumentNode, operation: OperationDefinitionNode) -> str | None:
    uses = _Uses()
    visit(document, uses)
    for selected in operation.selection_set.selections:
        for argument in selected.arguments or () if isinstance(selected, FieldNode) else ():
            value = argument.value
            if argument.name.value == "after" and isinstance(value, VariableNode) and uses.of[value.name.value] == 1:
                return value.name.value
    return None


KEPT = 256
"""How many combinations of fields and directives one document keeps."""


def _keep(known: dict[tuple[Any, ...], Any], place: tuple[Any, ...], found: Any) -> None:
    if len(known) >= KEPT:
        known.clear()
    known[place] = found


@dataclass
class Prepared:
    """A valid document. What is cached below is keyed by the values of the variables that directives depend on."""

    document: DocumentNode
    operations: dict[str, OperationDefinitionNode]
    fragments: dict[str, FragmentDetails]
    conditions: tuple[str, ...]
    _roots: dict[tuple[Any, ...], list[SelectedField]] = field(default_factory=dict)
    _plans: dict[tuple[Any, ...], FieldPlans] = field(default_factory=dict)
    _cursors: dict[int, str | None] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises GraphQLError when there is no such one, or no telling which."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise GraphQLError("Must provide operation name if query contains multiple operations.")
        if name not in self.operations:
            raise GraphQLError(f'Unknown operation named "{name}".')
        return self.operations[name]

    def cursor_variable(self, operation: OperationDefinitionNode) -> str | None:
        """The variable that is used for nothing but a root field's ``after``, if there is one."""
        place = id(operation)
        if place not in self._cursors:
            self._cursors[place] = _cursor_variable(self.document, operation)
        return self._cursors[place]

    def roots(self, scene: Scene, root: GraphQLObjectType) -> list[SelectedField]:
        """The root fields of an operation, with directives applied."""
        place = (id(scene.operation), *self._included(scene.variables))
        found = self._roots.get(place)
        if found is None:
            collected = collect_fields(scene.schema, scene.fragments, scene.variables, root, scene.operation)
            found = [
                SelectedField(key, (name := group[0].node.name.value), root.fields.get(name), group)
                for key, group in collected.grouped_field_set.items()
            ]
            _keep(self._roots, place, found)
        return found

    def plans(
        self, scene: Scene, definition: GraphQLField, details: Details, target: GraphQLObjectType | None = None
    ) -> FieldPlans:
        """The plans of a field (or of a row of type ``target`` below it)."""
        place = (
            tuple(id(detail.node) for detail in details),  # fields with the same first node may be merged with others
            target.name if target else None,
            id(scene.operation),
            *self._included(scene.variables),
        )
        found = self._plans.get(place)
        if found is None:
            found = FieldPlans.of(scene, definition, details, target)
            _keep(self._plans, place, found)
        return found

    def _included(self, variables: VariableValues) -> tuple[Any, ...]:
        return tuple(variables.coerced.get(name) for name in self.conditions)


class Documents:
    """A bounded cache of documents by their text: each is a :class:`Prepared` or the errors that refused it."""

    def __init__(self, schema: GraphQLSchema, max_depth: int) -> None:
        self._schema = schema
        self._max_depth = max_depth
        self._known: LRUCache[str, Prepared | list[GraphQLError]] = LRUCache(DOCUMENTS)

    def prepare(self, text: str) -> Prepared | list[GraphQLError]:
        """The document of ``text``, or what is wrong with it."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._read(text)
        return found

    def _read(self, text: str) -> Prepared | list[GraphQLError]:
        try:
            document = parse(text, max_tokens=MAX_TOKENS)
            check_document(document, self._max_depth)
        except (GraphQLSyntaxError, GraphQLError) as refused:
            return [refused]
        except RecursionError:
            return [GraphQLError("The document is nested too deeply.")]
        errors = validate(self._schema, document, max_errors=MAX_ERRORS, hide_suggestions=True)
        if errors:
            return errors
        conditions = _Conditions()
        visit(document, conditions)
        definitions = document.definitions
        return Prepared(
            document,
            {d.name.value if d.name else "": d for d in definitions if isinstance(d, OperationDefinitionNode)},
            {d.name.value: FragmentDetails(d) for d in definitions if isinstance(d, FragmentDefinitionNode)},
            tuple(sorted(conditions.names)),
        )
