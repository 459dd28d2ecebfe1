"""Whether a conversation matches a filter as it is: for followers who are told only of some."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Uuid, bindparam, exists, select

import models
from resolvers.context import GraphContext, Info
from resolvers.conversations.queries import filtered
from resolvers.planner.arguments import Bindings, FieldArguments, Values, stand_in
from resolvers.planner.build import KEY, Builder
from resolvers.planner.declare import rows
from resolvers.planner.plan import Plan, compile_plan
from resolvers.planner.selection import Scene
from resolvers.planner.sql import boolean

NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Matcher:
    """Asks for one conversation what ``conversations(filter:)`` asks for all of them."""

    context: GraphContext
    plan: Plan
    values: Sequence[Values]

    @classmethod
    def of(cls, info: Info) -> "Matcher":
        """For the field's argument ``filter``, which was given. Raises :class:`app.core.errors.Invalid` for an id that
        is none."""
        raw, context = info._raw_info, info.context
        definition = raw.parent_type.fields[raw.field_name]
        scene = Scene.of(raw, context.prepared.fragments)
        values = [FieldArguments.of(definition, raw.field_nodes[0]).values(scene.variables)]
        bindings = Bindings()
        wanted = filtered(rows(models.Conversation), stand_in(values[0]["filter"], ("filter",), 0, bindings))
        wanted = wanted.where(wanted.c.id == bindparam(KEY, type_=Uuid(), required=True))
        found = exists(select(wanted.c.id).select_from(wanted.table).where(*wanted.conditions))
        builder = Builder(scene, {}, values, bindings)
        plan = compile_plan(select(boolean(found)), builder, context.runtime.database.dialect)
        matcher = cls(context, plan, values)
        plan.parameters(values, context.principal, NOBODY)
        return matcher

    async def __call__(self, conversation_id: UUID) -> bool:
        caller = self.context.principal
        parameters = self.plan.parameters(self.values, caller, conversation_id)
        text: str = await self.context.runtime.database.statements.cell(self.plan.sql, parameters, caller.tenant_id)
        return text == "true"
