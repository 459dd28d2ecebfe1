"""Whether what a subscription selects depends on who asks, and not on what they may see alone."""

from graphql import GraphQLObjectType, get_named_type, is_abstract_type
from sqlalchemy.engine.interfaces import Dialect

from app.core.errors import RapportError
from resolvers.documents import Prepared
from resolvers.planner.declare import TABLE_TYPES
from resolvers.planner.selection import Scene, SelectedField


def asks_who(prepared: Prepared, scene: Scene, root: SelectedField, dialect: Dialect) -> bool:
    """Whether a row somewhere below ``root`` is read with the caller's id. True also where it cannot be told."""
    if root.definition is None:
        return True
    below = get_named_type(root.definition.type)
    parents = scene.schema.get_possible_types(below) if is_abstract_type(below) else [below]
    return any(
        _asks(prepared, scene, selected, dialect)
        for parent in parents
        if isinstance(parent, GraphQLObjectType)
        for selected in scene.fields(parent, root.details)
        if selected.definition is not None
    )


def _asks(prepared: Prepared, scene: Scene, selected: SelectedField, dialect: Dialect) -> bool:
    assert selected.definition is not None
    target = get_named_type(selected.definition.type)
    if target.name in TABLE_TYPES and isinstance(target, GraphQLObjectType):
        plans = prepared.plans(scene, selected.definition, selected.details, target)
        try:
            plan = plans.plan(scene, plans.values(scene), dialect)
        except RapportError:
            return True
        return plan.asks_who
    if isinstance(target, GraphQLObjectType) or is_abstract_type(target):
        return asks_who(prepared, scene, selected, dialect)
    return False
