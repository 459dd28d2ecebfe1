"""The tenant's own name and plan."""

from app.actions.accounts.rules import checked_name
from app.core.access import PLANS, Principal, Role, Scope
from app.core.errors import Forbidden, Invalid
from app.core.ids import public_id
from app.core.tx import Tx
from models import Tenant


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
