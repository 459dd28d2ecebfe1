"""Tenants: another one, and a tenant's own name and plan."""

import secrets
from uuid import UUID

from app.actions.accounts.memberships import Membership
from app.actions.accounts.rules import checked_name
from app.core.access import PLANS, Principal, Role, Scope
from app.core.errors import Forbidden, Invalid
from app.core.ids import new_id, public_id
from app.core.tx import Reading, Tx
from models import Member, Tenant


async def create_tenant(tx: Tx, *, name: str) -> UUID:
    """Makes another tenant, on the plan ``free``, whose owner is the signed-in member. The unit goes on as its owner.

    Raises :class:`Invalid` at ``name``, and :class:`Forbidden` for keys.
    """
    user_id = tx.require_member()
    caller, tenant_id = tx.principal, new_id()
    row = {"id": tenant_id, "name": checked_name(name, required=True), "plan": "free"}
    stamps = {"feed_epoch": secrets.token_hex(4), "created_at": tx.now, "updated_at": tx.now}
    await tx.insert(Tenant, [{**row, **stamps}])
    await tx.enter(Membership(user_id, tenant_id, caller.label, Role.OWNER, "free").principal(caller.session_id))
    await tx.insert(Member, [{"id": new_id(), "user_id": user_id, "role": Role.OWNER, "created_at": tx.now}])
    tx.audit("tenant.create", public_id("tenant", tenant_id), {"name": row["name"]})
    return tenant_id


async def get_tenant(reading: Reading) -> Tenant:
    """The caller's own tenant. Raises :class:`Unauthenticated` for the public."""
    reading.require(Scope.MEMBERS_READ)
    return await reading.session.get_one(Tenant, reading.tenant_id)


async def update_tenant(tx: Tx, *, name: str | None = None, plan: str | None = None) -> None:
    """Changes the caller's tenant; None leaves a value. The plan is for owners and admins in person, not for keys.

    Raises :class:`Invalid` at ``name`` or ``plan``, and :class:`Forbidden`.
    """
    tx.require(Scope.TENANT_WRITE)
    tenant = await tx.session.get_one(Tenant, tx.tenant_id)
    wanted = {"name": tenant.name, "plan": tenant.plan}
    if name is not None:
        wanted["name"] = checked_name(name, required=True)
    if plan is not None:
        _require_leader(tx.principal)
        if plan not in PLANS:
            raise Invalid.at("plan", f"is not one of {', '.join(PLANS)}")
        wanted["plan"] = plan
    changes = {
        field: {"from": getattr(tenant, field), "to": value}
        for field, value in wanted.items()
        if getattr(tenant, field) != value
    }
    if not changes:
        return
    tenant.name, tenant.plan, tenant.updated_at = wanted["name"], wanted["plan"], tx.now
    tx.forget(tenant.id)
    tx.audit("tenant.update", public_id("tenant", tenant.id), changes)


def _require_leader(caller: Principal) -> None:
    if caller.kind != "system" and caller.role not in {Role.OWNER, Role.ADMIN}:
        raise Forbidden("Only an owner or an admin can change the plan.")
