"""Whom names name: the look-up that every event and every identify begins with.

Its two statements are built once and take the names as one parameter. They run on the connection, beside the session's
narrowing, which would build and compile them anew each time; so they name the tenant themselves.
"""

from collections.abc import Collection
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, Executable, Text, bindparam, func, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.actions.customers.facts import Name
from app.core.batches import is_postgres
from models import Customer, Identity


async def find_holders(session: AsyncSession, tenant_id: UUID, names: Collection[Name]) -> dict[Name, UUID]:
    """Whom each of ``names`` names, as far as they name anybody."""
    if is_postgres(session):
        return await _run(session, tenant_id, _found_on_postgres(), names)
    return await _run(session, tenant_id, _found_on_sqlite(), names)


async def find_standing_holders(session: AsyncSession, tenant_id: UUID, names: Collection[Name]) -> dict[Name, UUID]:
    """The same, and until this transaction ends those customers are neither merged nor deleted."""
    if is_postgres(session):
        return await _run(session, tenant_id, _standing_on_postgres(), names)
    return await _run(session, tenant_id, _found_on_sqlite(), names)


async def _run(
    session: AsyncSession, tenant_id: UUID, statement: Executable, names: Collection[Name]
) -> dict[Name, UUID]:
    if not names:
        return {}
    ordered = sorted(names)
    given: dict[str, Any] = {"tenant": tenant_id}
    if is_postgres(session):
        given |= {"kinds": [kind for kind, _ in ordered], "values": [value for _, value in ordered]}
    else:
        given["names"] = orjson.dumps(ordered).decode()
    connection = await session.connection()
    return {(kind, value): holder for kind, value, holder in (await connection.execute(statement, given)).all()}


@cache
def _found_on_sqlite() -> Executable:
    given = func.json_each(bindparam("names", type_=Text())).table_valued("value", name="given")
    pairs = select(func.json_extract(given.c.value, "$[0]"), func.json_extract(given.c.value, "$[1]"))
    edge = select(col(Identity.kind), col(Identity.value), col(Identity.customer_id))
    named = tuple_(col(Identity.kind), col(Identity.value)).in_(pairs)
    return edge.where(col(Identity.tenant_id) == bindparam("tenant"), named)


@cache
def _found_on_postgres() -> Executable:
    given, edge = _given_on_postgres()
    return select(given.c.kind, given.c.value, edge.c.customer_id).select_from(given).join(edge, true())


@cache
def _standing_on_postgres() -> Executable:
    given, edge = _given_on_postgres()
    holder = (
        select(col(Customer.id))
        .where(
            col(Customer.tenant_id) == bindparam("tenant"),
            col(Customer.id) == edge.c.customer_id,
            col(Customer.status) == "active",
        )
        .limit(1)
        .with_for_update(read=True, key_share=True)
        .lateral("holder")
    )
    return select(given.c.kind, given.c.value, holder.c.id).select_from(given).join(edge, true()).join(holder, true())


def _given_on_postgres() -> tuple[Any, Any]:
    """The names, and the edge of each. Lateral, so that each is looked up by the whole unique key: without fresh
    statistics Postgres would rather read all names of the tenant."""
    texts = ARRAY(Text())
    pairs = func.unnest(bindparam("kinds", type_=texts), bindparam("values", type_=texts))
    given = pairs.table_valued("kind", "value", name="given").render_derived()
    edge = (
        select(col(Identity.customer_id))
        .where(
            col(Identity.tenant_id) == bindparam("tenant"),
            col(Identity.kind) == given.c.kind,
            col(Identity.value) == given.c.value,
        )
        .limit(1)
        .lateral("edge")
    )
    return given, edge
