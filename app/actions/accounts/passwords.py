"""Changing a password, and choosing a new one after forgetting it."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from app.actions.accounts import mails
from app.actions.accounts.attempts import MAILS, PASSWORDS, spend_attempt
from app.actions.accounts.email_tokens import EmailTokens
from app.actions.accounts.memberships import Membership
from app.actions.accounts.rules import check_password, normal_email
from app.actions.accounts.sessions import Sessions
from app.channels import outbox
from app.core.access import PUBLIC
from app.core.errors import Conflict, Invalid
from app.core.ids import public_id
from app.core.tx import Tx
from models import Member, Session, User


async def change_password(tx: Tx, *, current: str, new: str) -> None:
    """Replaces the signed-in member's password and ends their other sessions, in every tenant.

    Raises :class:`Invalid` at ``current`` or ``new``, or :class:`RateLimited`.
    """
    user_id = tx.require_member()
    found = select(col(User.email), col(User.password_hash)).where(col(User.id) == user_id)
    user = (await tx.session.execute(found)).one()
    await spend_attempt(tx.services.limiter, PASSWORDS, user.email)
    check_password(new, user.email, "new")
    async with tx.aside():
        if not await tx.services.passwords.verify(current, user.password_hash):
            raise Invalid.at("current", "is not your password")
        password_hash = await tx.services.passwords.hash(new)
    changed = (
        update(User)
        .where(col(User.id) == user_id, col(User.password_hash) == user.password_hash)
        .values(password_hash=password_hash, updated_at=tx.now)
        .returning(col(User.id))
        .execution_options(synchronize_session=False)
    )
    if (await tx.session.execute(changed)).scalar_one_or_none() is None:
        raise Conflict("Your password was changed by somebody else just now.")
    await EmailTokens(tx, "reset").spend_all(user_id)
    await Sessions(tx).revoke(col(Session.user_id) == user_id, col(Session.id) != tx.principal.session_id)
    tx.audit("user.change_password", public_id("user", user_id))


async def forgot_password(tx: Tx, *, email: str) -> None:
    """Mails the owner of the address a link to choose a new password, if they have an account. Public.

    Whether they have one shows neither in the answer nor in the work: for an unknown address everything is done for
    some other member and taken back, so that as many statements run and as much is flushed to the disk. Raises
    :class:`RateLimited` for too many mails to one address, known or not.
    """
    address = normal_email(email)
    await spend_attempt(tx.services.limiter, MAILS, address)
    known = await _first_account(tx, address)
    decoy = await _first_account(tx)
    account = known or decoy
    if account is None:
        return
    async with tx.trial(keep=known is not None):
        await tx.enter(replace(PUBLIC, tenant_id=account.tenant_id))
        token = await EmailTokens(tx, "reset").issue(account.user_id)
        settings = tx.services.settings
        mail = mails.password_reset(settings.base_url, address, token, settings.email_token_minutes)
        await outbox.post(tx, mail)


async def reset_password(tx: Tx, *, token: str, password: str) -> UUID:
    """Sets a new password for the user to whom ``token`` was mailed, ends all their sessions, gives their id. Public.

    Having read the mail they own the address, which is verified from now on. Raises :class:`Invalid` at ``token`` or
    ``password``.
    """
    tokens = EmailTokens(tx, "reset")
    user_id = await tokens.owner(token)
    found = select(col(User.email)).where(col(User.id) == user_id)
    check_password(password, (await tx.session.execute(found)).scalar_one())
    async with tx.aside():
        password_hash = await tx.services.passwords.hash(password)
    await tokens.spend(token)
    await Sessions(tx).hand_over(user_id, password_hash)
    home = await Membership.find(tx, user_id)
    if home is not None:
        await tx.enter(home.principal())
        tx.audit("user.reset_password", public_id("user", user_id))
    return user_id


async def _first_account(tx: Tx, address: str | None = None) -> Membership | None:
    """The home of the user with this address, or of whoever joined first."""
    joined = Membership.joined().order_by(col(Member.created_at), col(Member.tenant_id)).limit(1)
    if address is not None:
        joined = joined.where(col(User.email) == address)
    row = (await tx.session.execute(joined)).one_or_none()
    return Membership.from_row(row) if row else None
