"""What the tests of accounts share: people who register, join and sign in, and reading back what that leaves behind."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import SQLModel, col

from app.actions.accounts import SignedIn, accept_invitation, add_member, log_in, refresh, register
from app.actions.authentication import Authenticator
from app.core.access import PUBLIC, Principal, Role, system
from app.core.credentials import Credential
from app.core.tx import UnitsOfWork
from models import (
    ApiKey,
    AuditEntry,
    EmailToken,
    Member,
    OutboxMessage,
    RefreshToken,
    Session,
    Tenant,
    User,
)

PASSWORD = "correct horse battery"
TABLES = (Tenant, User, Member, Session, RefreshToken, EmailToken, ApiKey, AuditEntry, OutboxMessage)


async def do(units: UnitsOfWork, principal: Principal, action: Callable[..., Awaitable[Any]], **values: Any) -> Any:
    """Runs one action in a unit of work of its own."""
    async with units.write(principal) as tx:
        return await action(tx, **values)


async def ada(
    units: UnitsOfWork, email: str = "ada@lovelace.example", tenant_name: str = "Engines", name: str = "Ada"
) -> SignedIn:
    """Somebody who has just registered, and has not verified their address."""
    signed_in: SignedIn = await do(
        units, PUBLIC, register, email=email, password=PASSWORD, tenant_name=tenant_name, name=name
    )
    return signed_in


async def joined(units: UnitsOfWork, inviter: Principal, email: str, role: Role) -> SignedIn:
    """Somebody who has just accepted an invitation by ``inviter``."""
    await do(units, inviter, add_member, email=email, role=role.value)
    token = (await mailed_tokens(units, email, "invite"))[-1]
    signed_in: SignedIn = await do(units, PUBLIC, accept_invitation, token=token, password=PASSWORD)
    return signed_in


async def sign_in(
    units: UnitsOfWork, email: str, password: str = PASSWORD, *, tenant_id: UUID | None = None
) -> SignedIn:
    signed_in: SignedIn = await do(units, PUBLIC, log_in, email=email, password=password, tenant_id=tenant_id)
    return signed_in


async def refreshed(units: UnitsOfWork, refresh_token: str) -> SignedIn:
    """The next pair of tokens of a session."""
    signed_in: SignedIn = await do(units, PUBLIC, refresh, refresh_token=refresh_token)
    return signed_in


async def caller(units: UnitsOfWork, signed_in: SignedIn) -> Principal:
    """Who the doors recognise in an access token."""
    return await Authenticator(units, units.services).authenticate(
        Credential.from_text(signed_in.access_token), "graph"
    )


async def user(units: UnitsOfWork, email: str) -> User:
    async with units.read(system()) as reading:
        return (await reading.session.execute(select(User).where(col(User.email) == email))).scalar_one()


async def member(units: UnitsOfWork, tenant_id: UUID, user_id: UUID) -> Member | None:
    """The place of a user in a tenant, taken or only offered."""
    async with units.read(system(tenant_id)) as reading:
        found = select(Member).where(col(Member.user_id) == user_id)
        return (await reading.session.execute(found)).scalar_one_or_none()


async def mails(units: UnitsOfWork, recipient: str) -> Sequence[OutboxMessage]:
    """What was mailed to an address by any tenant, in order."""
    async with units.read(system()) as reading:
        found = select(OutboxMessage).where(col(OutboxMessage.recipient) == recipient)
        ordered = found.order_by(col(OutboxMessage.created_at), col(OutboxMessage.id))
        return (await reading.session.execute(ordered)).scalars().all()


async def mailed_tokens(units: UnitsOfWork, recipient: str, purpose: str) -> list[str]:
    """The tokens in the links that were mailed to an address for a purpose, in order."""
    written = [mail.body for mail in await mails(units, recipient) if mail.purpose == purpose]
    return [token for body in written for token in re.findall(r"\?token=(\S+)", body)]


async def audited(units: UnitsOfWork, tenant_id: UUID) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Who did what to which public id in a tenant, with what changes, in order."""
    async with units.read(system(tenant_id)) as reading:
        found = select(AuditEntry).order_by(col(AuditEntry.occurred_at), col(AuditEntry.id))
        entries = (await reading.session.execute(found)).scalars()
        return [(entry.actor_label, entry.action, entry.subject_id, entry.changes) for entry in entries]


async def counts(units: UnitsOfWork, tables: Sequence[type[SQLModel]] = TABLES) -> dict[str, int]:
    """How many rows of all tenants each table has, by its name."""
    async with units.read(system()) as reading:
        return {
            str(table.__tablename__): (
                await reading.session.execute(select(func.count()).select_from(table))
            ).scalar_one()
            for table in tables
        }
