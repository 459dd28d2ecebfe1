"""The signed-in member's own account."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from app.actions.accounts.rules import checked_name
from app.core.errors import NotFound
from app.core.ids import public_id
from app.core.tx import Reading, Tx
from models import Member, Tenant, User


@dataclass(frozen=True, slots=True)
class Me:
    """Who is signed in, as what, and where."""

    user: User
    member: Member
    tenant: Tenant


async def get_me(reading: Reading) -> Me:
    """The signed-in member. Raises :class:`Forbidden` for API keys."""
    user_id = reading.require_member()
    found = (
        select(User, Member, Tenant)
        .join(Member, col(Member.user_id) == col(User.id))
        .join(Tenant, col(Tenant.id) == col(Member.tenant_id))
        .where(col(User.id) == user_id, col(Member.tenant_id) == reading.tenant_id)
    )
    row = (await reading.session.execute(found)).one_or_none()
    if row is None:
        raise NotFound("member")
    return Me(*row)


async def update_profile(tx: Tx, *, name: str | None = None) -> None:
    """Changes the signed-in member's own name; None leaves it. Raises :class:`Invalid`."""
    user_id = tx.require_member()
    user = await tx.session.get_one(User, user_id)
    accepted = user.name if name is None else checked_name(name)
    if accepted != user.name:
        tx.audit("user.update", public_id("user", user_id), {"name": {"from": user.name, "to": accepted}})
        user.name, user.updated_at = accepted, tx.now
