"""Which rows a caller may see. The graph's planner gets every table it names from here, and from nowhere else."""

from sqlalchemy import Uuid, and_, bindparam, inspect, select
from sqlalchemy.sql import ColumnElement, FromClause
from sqlmodel import SQLModel

from models import Member, Segment, Tenant, TenantScoped, User, Widget

TENANT = bindparam("tenant", type_=Uuid(), required=True)
"""The caller's tenant, bound when the statement runs."""


def visible_rows(model: type[SQLModel]) -> tuple[FromClause, ColumnElement[bool]]:
    """A fresh alias of ``model``'s table, and the condition that keeps it to what the caller's tenant owns.
    A deleted segment or widget is not seen.

    Raises TypeError for a table that no tenant owns.
    """
    table: FromClause = inspect(model).local_table.alias()
    if model is Segment or model is Widget:
        return table, and_(table.c.tenant_id == TENANT, table.c.deleted_at.is_(None))
    if issubclass(model, TenantScoped):
        return table, table.c.tenant_id == TENANT
    if model is Tenant:
        return table, table.c.id == TENANT
    if model is User:
        members = inspect(Member).local_table.alias()
        colleagues = select(members.c.user_id).where(members.c.tenant_id == TENANT)
        return table, table.c.id.in_(colleagues)
    raise TypeError(f"{model.__name__} belongs to no tenant")
