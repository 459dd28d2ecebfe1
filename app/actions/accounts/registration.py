"""New tenants with their first member, and the proof that an address is its owner's."""

import secrets
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.actions.accounts import mails
from app.actions.accounts.email_tokens import EmailTokens
from app.actions.accounts.memberships import Membership
from app.actions.accounts.rules import check_password, checked_name, normal_email
from app.actions.accounts.sessions import Sessions, SignedIn
from app.channels import outbox
from app.core.access import Role
from app.core.errors import Conflict
from app.core.ids import new_id, public_id
from app.core.tx import Tx
from models import Member, Tenant, User


async def register(tx: Tx, *, email: str, password: str, tenant_name: str, name: str = "") -> SignedIn:
    """A new tenant on the plan ``free`` with a new user as its owner, who is signed in. Public.

    Raises :class:`Invalid`, and :class:`Conflict` when the address has an account.
    """
    address = normal_email(email)
    check_password(password, address)
    user_id, user_name = new_id(), checked_name(name)
    tenant_id, tenant_name = new_id(), checked_name(tenant_name, "tenant_name", required=True)
    async with tx.aside():
        password_hash = await tx.services.passwords.hash(password)
    stamps = {"created_at": tx.now, "updated_at": tx.now}
    try:
        await tx.insert(
            User, [{"id": user_id, "email": address, "name": user_name, "password_hash": password_hash, **stamps}]
        )
    except IntegrityError as taken:
        raise Conflict("This e-mail address has an account already.", "email") from taken
    await tx.insert(
        Tenant, [{"id": tenant_id, "name": tenant_name, "plan": "free", "feed_epoch": secrets.token_hex(4), **stamps}]
    )
    membership = Membership(user_id, tenant_id, address, Role.OWNER, "free")
    await tx.enter(membership.principal())
    await tx.insert(Member, [{"id": new_id(), "user_id": user_id, "role": Role.OWNER, "created_at": tx.now}])
    tx.audit("tenant.create", public_id("tenant", tenant_id), {"name": tenant_name})
    await _ask_to_verify(tx, user_id, address)
    return await Sessions(tx).open(membership)


async def verify_email(tx: Tx, *, token: str) -> UUID:
    """Notes that the user to whom ``token`` was mailed owns the address, and gives their id. Public.

    Raises :class:`Invalid` at ``token``.
    """
    user_id = await EmailTokens(tx, "verify").spend(token)
    verified = (
        update(User)
        .where(col(User.id) == user_id, col(User.email_verified_at).is_(None))
        .values(email_verified_at=tx.now, updated_at=tx.now)
        .execution_options(synchronize_session=False)
    )
    await tx.session.execute(verified)
    home = await Membership.find(tx, user_id)
    if home is not None:
        await tx.enter(home.principal())
        tx.audit("user.verify_email", public_id("user", user_id))
    return user_id


async def resend_verification(tx: Tx) -> None:
    """Mails the signed-in member a fresh link. Raises :class:`Conflict` when their address is verified already."""
    user_id = tx.require_member()
    user = await tx.session.get_one(User, user_id)
    if user.email_verified_at is not None:
        raise Conflict("This e-mail address is verified already.")
    await _ask_to_verify(tx, user_id, user.email)


async def _ask_to_verify(tx: Tx, user_id: UUID, address: str) -> None:
    token = await EmailTokens(tx, "verify").issue(user_id)
    await outbox.post(tx, mails.verification(tx.services.settings.base_url, address, token))
