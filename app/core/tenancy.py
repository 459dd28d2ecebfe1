"""Tenancy, narrowed in one place.

On the ORM every select, update and delete over a :class:`models.TenantScoped` table is narrowed to the tenant in
``session.info``; an insert of another tenant's row is refused. On Postgres forced row-level security is the second net.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria

from models import TenantScoped

TENANT = "tenant_id"
ENTER = text("SELECT set_config('app.tenant', :tenant, true), set_config('app.system', :system, true)")


class TenantSession(Session):
    """A session that sees one tenant, or all of them when ``info['tenant_id']`` is None."""


@event.listens_for(TenantSession, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    tenant_id = state.session.info[TENANT]
    if tenant_id is None or state.is_column_load or state.is_relationship_load:
        return
    if state.is_select or state.is_update or state.is_delete:
        state.statement = state.statement.options(
            with_loader_criteria(TenantScoped, lambda table: table.owner == tenant_id, include_aliases=True)
        )


@event.listens_for(TenantSession, "before_flush")
def _refuse_foreign_rows(session: Session, _: UOWTransaction, __: object) -> None:
    tenant_id = session.info[TENANT]
    for row in session.new:
        if tenant_id is not None and isinstance(row, TenantScoped) and row.owner != tenant_id:
            raise RuntimeError(f"{type(row).__name__} of another tenant")


async def enter_tenant(session: AsyncSession, tenant_id: UUID | None, *, on_postgres: bool) -> None:
    """Tells row-level security, for this transaction only, whose rows may be touched."""
    session.info[TENANT] = tenant_id
    if on_postgres:
        await session.execute(ENTER, {"tenant": str(tenant_id or ""), "system": "off" if tenant_id else "on"})


def insert_values(tenant_id: UUID, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each stamped with its tenant."""
    return [{"tenant_id": tenant_id, **row} for row in rows]
