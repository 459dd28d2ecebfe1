"""Runs plans: scopes, cost and arguments are checked, then one statement answers with JSON."""

import asyncio
from typing import Any
from uuid import UUID

import orjson
from cachetools import TTLCache
from graphql import GraphQLField, GraphQLNonNull, GraphQLObjectType

from app.core.access import Principal
from app.core.database import Database
from app.core.errors import NotFound, Unauthenticated
from resolvers.documents import Prepared
from resolvers.planner.arguments import Values
from resolvers.planner.declare import TABLE_TYPES, Ref
from resolvers.planner.plan import FieldPlans, Plan, too_costly
from resolvers.planner.selection import Details, Scene

SHARED_READS = 4096
SHARED_SECONDS = 10


class Reader:
    """Answers planned fields from the database. Counts nothing, keeps nothing but recent shared reads."""

    def __init__(self, database: Database, max_cost: int) -> None:
        self._database = database
        self._max_cost = max_cost
        self._shared: TTLCache[tuple[Any, ...], asyncio.Future[str]] = TTLCache(SHARED_READS, SHARED_SECONDS)

    async def field(
        self, prepared: Prepared, scene: Scene, definition: GraphQLField, details: Details, principal: Principal
    ) -> orjson.Fragment:
        """The JSON of a planned field. Raises the refusals of :mod:`app.core.errors`."""
        plans = prepared.plans(scene, definition, details)
        text = await self._run(plans, scene, principal, None)
        return self._checked(text, definition, details[0].node.name.value)

    async def row(
        self,
        prepared: Prepared,
        scene: Scene,
        definition: GraphQLField,
        details: Details,
        principal: Principal,
        ref: Ref,
    ) -> orjson.Fragment:
        """The JSON of one row that a payload refers to."""
        target = scene.object_type(ref.type)
        plans = prepared.plans(scene, definition, details, target)
        if ref.version is None:
            text = await self._run(plans, scene, principal, ref.key)
        else:
            text = await self._share(plans, scene, principal, ref)
        return self._checked(text, definition, TABLE_TYPES[target.name].noun)

    def foresee(
        self,
        prepared: Prepared,
        scene: Scene,
        definition: GraphQLField,
        details: Details,
        principal: Principal,
        target: GraphQLObjectType,
    ) -> None:
        """Raises now what :meth:`row` would raise of a row of ``target``: before a mutation has changed anything."""
        self._admit(prepared.plans(scene, definition, details, target), scene, principal)

    def _checked(self, text: str, definition: GraphQLField, noun: str) -> orjson.Fragment:
        if text == "null" and isinstance(definition.type, GraphQLNonNull):
            raise NotFound(noun.replace("_", " "))
        return orjson.Fragment(text)

    def _admit(self, plans: FieldPlans, scene: Scene, principal: Principal) -> tuple[Plan, list[Values]]:
        """The plan, if the caller may have what it reads and it costs no more than it may."""
        values = plans.values(scene)
        plan = plans.plan(scene, values, self._database.dialect)
        if principal.tenant_id is None:
            raise Unauthenticated("Sign in or send an API key.")
        plan.check(principal)
        cost = plan.cost(values)
        if cost > self._max_cost:
            raise too_costly(cost, self._max_cost)
        return plan, values

    async def _run(self, plans: FieldPlans, scene: Scene, principal: Principal, key: UUID | None) -> str:
        plan, values = self._admit(plans, scene, principal)
        parameters = plan.parameters(values, principal, key)
        text: str = await self._database.statements.cell(plan.sql, parameters, principal.tenant_id)
        return text

    async def _share(self, plans: FieldPlans, scene: Scene, principal: Principal, ref: Ref) -> str:
        """One read for all who asked for the same selection of the same row at the same moment of the feed. What
        depends on who asks is shared by nobody else."""
        values = plans.values(scene)
        plan = plans.plan(scene, values, self._database.dialect)
        plan.check(principal)
        who = principal.id if plan.asks_who else None
        place = (plan.sql, principal.tenant_id, who, ref.key, ref.version, repr(values))
        reading = self._shared.get(place)
        if reading is None:
            reading = self._shared[place] = asyncio.ensure_future(self._run(plans, scene, principal, ref.key))
        try:
            return await asyncio.shield(reading)
        except Exception:
            self._shared.pop(place, None)
            raise
