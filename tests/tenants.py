"""Tenants of the tests: made by inserting rows, so that no test of an action depends on another action."""

from dataclasses import dataclass
from uuid import UUID

from app.core import clock
from app.core.access import ALL_SCOPES, Principal, Role, system
from app.core.database import Database
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from models import Member, Tenant, User


@dataclass(frozen=True, slots=True)
class TenantAccount:
    """A tenant and its owner. ``principal`` is the owner, signed in, with every scope."""

    id: UUID
    user_id: UUID
    email: str
    principal: Principal


async def create_tenant(settings: Settings, name: str) -> TenantAccount:
    """A tenant on the plan ``enterprise`` whose owner has no password."""
    database = Database(settings)
    units = UnitsOfWork(database)
    try:
        return await insert_tenant(units, name)
    finally:
        units.services.close()
        await database.close()


async def insert_tenant(units: UnitsOfWork, name: str) -> TenantAccount:
    """The same on a database that is open already, which costs a third as much."""
    tenant_id, user_id, now = new_id(), new_id(), clock.now()
    email = f"owner@{name.lower()}.example"
    async with units.write(system(tenant_id)) as tx:
        stamps = {"created_at": now, "updated_at": now}
        await tx.insert(Tenant, [{"id": tenant_id, "name": name, "plan": "enterprise", "feed_epoch": "test", **stamps}])
        await tx.insert(
            User, [{"id": user_id, "email": email, "name": f"{name} Owner", "email_verified_at": now, **stamps}]
        )
        await tx.insert(Member, [{"id": new_id(), "user_id": user_id, "role": Role.OWNER, "created_at": now}])
    owner = Principal("member", tenant_id, user_id, label=email, scopes=ALL_SCOPES, role=Role.OWNER, plan="enterprise")
    return TenantAccount(tenant_id, user_id, email, owner)
