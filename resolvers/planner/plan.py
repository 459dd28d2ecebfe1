"""Plans: compiled once for a document, a field and a shape of arguments; then only bound and run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from graphql import GraphQLField, GraphQLObjectType
from sqlalchemy import Select
from sqlalchemy.engine.interfaces import Dialect

from app.actions.visibility import CALLER, TENANT
from app.core.access import Principal, Scope
from app.core.errors import Forbidden, Invalid
from resolvers.planner.arguments import Binding, FieldArguments, Values, shape
from resolvers.planner.build import KEY, Builder, shape_by_id
from resolvers.planner.declare import ById
from resolvers.planner.paging import read_page
from resolvers.planner.selection import Details, Scene, argument_bearing, declared

SHAPES_PER_FIELD = 64


@dataclass(frozen=True)
class Plan:
    """One compiled statement. ``binds`` names its parameters in order, each with the driver's conversion if any."""

    sql: str
    binds: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    bindings: Mapping[str, Binding]
    constants: Mapping[str, Any]
    scopes: Mapping[Any, str]
    sizes: Sequence[tuple[int, Callable[[Sequence[Values]], int]]]

    def cost(self, values: Sequence[Values]) -> int:
        """The most rows this plan is estimated to read."""
        totals: list[int] = []
        for parent, size in self.sizes:
            totals.append(size(values) * (totals[parent] if parent >= 0 else 1))
        return sum(totals)

    @property
    def asks_who(self) -> bool:
        """Whether what it reads depends on who the caller is, and not on their tenant alone."""
        return any(name == CALLER.key for name, _ in self.binds)

    def parameters(self, values: Sequence[Values], principal: Principal, key: UUID | None) -> list[Any]:
        """The positional parameters. Raises :class:`app.core.errors.Invalid` at an argument that is wrong."""
        own = {**self.constants, TENANT.key: principal.tenant_id, CALLER.key: principal.id, KEY: key}
        found = []
        for name, convert in self.binds:
            value = own[name] if name in own else self.bindings[name].read(values[self.bindings[name].field_index])
            found.append(convert(value) if convert is not None else value)
        return found

    def check(self, principal: Principal) -> None:
        """Raises :class:`Forbidden` naming the field whose scope the caller lacks.

        A visitor may have nothing but what is there for visitors, whatever else asks for no scope.
        """
        if principal.kind == "visitor" and Scope.VISITOR not in self.scopes:
            raise Forbidden("This is not for visitors.")
        for scope, what in self.scopes.items():
            if scope not in principal.scopes:
                raise Forbidden(f"{what} needs the scope {scope.value}.", scope.value)


def compile_plan(statement: Select[Any], builder: Builder, dialect: Dialect) -> Plan:
    """The text and parameters of a statement, in the words of one driver."""
    compiled = statement.compile(dialect=dialect)
    convert: Mapping[str, Any] = compiled._bind_processors
    names = compiled.positiontup if compiled.positiontup is not None else list(compiled.params)
    binds = tuple((name, convert.get(name)) for name in names)
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return Plan(str(compiled), binds, builder.bindings.found, constants, builder.scopes, builder.sizes)


@dataclass
class FieldPlans:
    """The plans of one field of one document: a skeleton of its arguments, and a plan for each shape they took."""

    definition: GraphQLField
    details: Details
    arguments: list[FieldArguments]
    positions: Mapping[tuple[int, int], int]
    target: GraphQLObjectType | None
    plans: dict[tuple[Any, ...], Plan] = field(default_factory=dict)

    @classmethod
    def of(
        cls, scene: Scene, definition: GraphQLField, details: Details, target: GraphQLObjectType | None = None
    ) -> "FieldPlans":
        """For a planned field, or with ``target`` for the row of that type below any field."""
        found = argument_bearing(scene, definition, details, target)
        positions = {identity: place for place, identity in enumerate(found)}
        return cls(definition, details, list(found.values()), positions, target)

    def values(self, scene: Scene) -> list[Values]:
        """The arguments of every field at and below this one, in this request."""
        return [argument.values(scene.variables) for argument in self.arguments]

    def plan(self, scene: Scene, values: Sequence[Values], dialect: Dialect) -> Plan:
        """The plan for these arguments' shape. Raises :class:`Invalid` for a page or an id that cannot be."""
        shapes = tuple(self._shape(argument, given) for argument, given in zip(self.arguments, values, strict=True))
        plan = self.plans.get(shapes)
        if plan is None:
            builder = Builder(scene, self.positions, values)
            if self.target is not None:
                statement = builder.ref(self.target, self.details)
            else:
                statement = builder.root(self.definition, self.details)
            plan = compile_plan(statement, builder, dialect)
            if len(self.plans) >= SHAPES_PER_FIELD:
                self.plans.clear()
            self.plans[shapes] = plan
        return plan

    def _shape(self, argument: FieldArguments, given: Values) -> Any:
        plan = declared(argument.definition)
        if isinstance(plan, ById):
            return shape_by_id(plan, given)
        if "first" in argument.definition.args:
            read_page(given)
        return tuple((name, shape(value)) for name, value in given.items())


def too_costly(cost: int, most: int) -> Invalid:
    """The refusal of an operation that would read too much."""
    return Invalid.at("query", f"may read {cost} rows, more than the {most} allowed; ask for smaller pages")
