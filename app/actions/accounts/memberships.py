"""A person's place in a tenant, as far as signing in needs it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select
from sqlmodel import col

from app.core.access import ROLE_SCOPES, Principal, Role
from app.core.tx import Reading
from models import Member, Tenant, User


@dataclass(frozen=True, slots=True)
class Membership:
    """A user who has joined a tenant (not one who is only invited)."""

    user_id: UUID
    tenant_id: UUID
    email: str
    role: Role
    plan: str

    def principal(self, session_id: UUID | None = None) -> Principal:
        """The caller that this member is."""
        return Principal(
            "member",
            self.tenant_id,
            self.user_id,
            label=self.email,
            scopes=ROLE_SCOPES[self.role],
            role=self.role,
            plan=self.plan,
            session_id=session_id,
        )

    @classmethod
    async def find(cls, reading: Reading, user_id: UUID, tenant_id: UUID | None = None) -> "Membership | None":
        """The user's place in the tenant; without a tenant, the place they took first: their home."""
        wanted = cls.joined().where(col(Member.user_id) == user_id)
        if tenant_id is not None:
            wanted = wanted.where(col(Member.tenant_id) == tenant_id)
        wanted = wanted.order_by(col(Member.created_at), col(Member.tenant_id)).limit(1)
        row = (await reading.session.execute(wanted)).one_or_none()
        return cls.from_row(row) if row else None

    @classmethod
    def joined(cls) -> Select[UUID, UUID, str, str, str]:
        """Selects the rows of :meth:`from_row`."""
        return (
            select(col(Member.user_id), col(Member.tenant_id), col(User.email), col(Member.role), col(Tenant.plan))
            .join(User, col(User.id) == col(Member.user_id))
            .join(Tenant, col(Tenant.id) == col(Member.tenant_id))
            .where(col(Member.invited_at).is_(None))
        )

    @classmethod
    def from_row(cls, row: tuple[UUID, UUID, str, str, str]) -> "Membership":
        """The membership in a row of :meth:`joined`."""
        user_id, tenant_id, email, role, plan = row
        return cls(user_id, tenant_id, email, Role(role), plan)
