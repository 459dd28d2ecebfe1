"""Logging in, refreshing and logging out."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from app.actions.accounts.attempts import PASSWORDS, spend_attempt
from app.actions.accounts.memberships import Membership
from app.actions.accounts.rules import checked_name, normal_email
from app.actions.accounts.sessions import Sessions, SignedIn
from app.core.access import PUBLIC
from app.core.errors import Forbidden, Invalid, NotFound, Unauthenticated
from app.core.ids import public_id
from app.core.tokens import digest
from app.core.tx import Tx
from models import RefreshToken, Session, User

WRONG_PASSWORD = "The e-mail address or the password is wrong."  # noqa: S105
WRONG_TOKEN = "The refresh token is not valid."  # noqa: S105


async def log_in(tx: Tx, *, email: str, password: str, tenant_id: UUID | None = None) -> SignedIn:
    """Begins a session in the given tenant, or in the one the user joined first. Public.

    An unknown address and a wrong password are the same :class:`Unauthenticated` after the same work. Raises
    :class:`RateLimited` for too many attempts at one address, right ones included.
    """
    normalised = normal_email(email)
    await spend_attempt(tx.services.limiter, PASSWORDS, normalised)
    found = select(col(User.id), col(User.password_hash)).where(col(User.email) == normalised)
    user = (await tx.session.execute(found)).one_or_none()
    stored = user.password_hash if user else None
    passwords = tx.services.passwords
    async with tx.aside():
        matches = await passwords.verify(password, stored)
        if not matches or user is None or stored is None:
            raise Unauthenticated(WRONG_PASSWORD)
        fresh = await passwords.hash(password) if passwords.is_outdated(stored) else stored
    # The password may have been changed while this one was verified; the row decides.
    kept = (
        update(User)
        .where(col(User.id) == user.id, col(User.password_hash) == stored)
        .values(password_hash=fresh)
        .returning(col(User.id))
        .execution_options(synchronize_session=False)
    )
    if (await tx.session.execute(kept)).scalar_one_or_none() is None:
        raise Unauthenticated(WRONG_PASSWORD)
    return await _begin(tx, user.id, tenant_id, "password")


async def log_in_with_oidc(tx: Tx, *, email: str, name: str = "", tenant_id: UUID | None = None) -> SignedIn:
    """Begins a session for the member with this address, which the identity provider has just verified. Public.

    Only for what :meth:`app.core.oidc.IdentityProvider.complete` returned. People unknown here are refused, and so are
    accounts whose address was never verified here: somebody else may have made them.
    """
    found = select(col(User.id), col(User.name)).where(
        col(User.email) == normal_email(email), col(User.email_verified_at).is_not(None)
    )
    user = (await tx.session.execute(found)).one_or_none()
    if user is None or await Membership.find(tx, user.id) is None:
        raise Unauthenticated("No member signs in with this address.")
    if name and not user.name:
        await _take_name(tx, user.id, name)
    return await _begin(tx, user.id, tenant_id, "oidc")


async def refresh(tx: Tx, *, refresh_token: str) -> SignedIn:
    """Exchanges a refresh token for the next pair. Public.

    A token works once. Using one again revokes its whole session, because one of its two users has stolen it: that is
    committed although :class:`Unauthenticated` is raised.
    """
    used = (
        update(RefreshToken)
        .where(
            col(RefreshToken.token_hash) == digest(refresh_token),
            col(RefreshToken.used_at).is_(None),
            col(RefreshToken.expires_at) > tx.now,
        )
        .values(used_at=tx.now)
        .returning(col(RefreshToken.session_id))
        .execution_options(synchronize_session=False)
    )
    session_id = (await tx.session.execute(used)).scalar_one_or_none()
    if session_id is None:
        raise await _refuse(tx, refresh_token)
    alive = select(col(Session.user_id), col(Session.tenant_id)).where(
        col(Session.id) == session_id, col(Session.revoked_at).is_(None)
    )
    session = (await tx.session.execute(alive)).one_or_none()
    membership = await Membership.find(tx, session.user_id, session.tenant_id) if session else None
    if membership is None:
        raise Unauthenticated(WRONG_TOKEN)
    return await Sessions(tx).extend(session_id, membership)


async def revoke(tx: Tx, *, refresh_token: str) -> None:
    """Ends the session of a refresh token, used or not. Public; a token that nobody has is no error (RFC 7009)."""
    session = await _session_of(tx, refresh_token)
    if session is None or not await Sessions(tx).revoke(col(Session.id) == session.id):
        return
    membership = await Membership.find(tx, session.user_id, session.tenant_id)
    await tx.enter(membership.principal() if membership else replace(PUBLIC, tenant_id=session.tenant_id))
    tx.audit("session.revoke", public_id("user", session.user_id))


async def log_out(tx: Tx) -> None:
    """Ends the session in which the signed-in member asks. Raises :class:`Forbidden` for keys."""
    user_id = tx.require_member()
    if tx.principal.session_id is not None and await Sessions(tx).revoke(col(Session.id) == tx.principal.session_id):
        tx.audit("session.revoke", public_id("user", user_id))


async def _begin(tx: Tx, user_id: UUID, tenant_id: UUID | None, how: str) -> SignedIn:
    membership = await Membership.find(tx, user_id, tenant_id)
    if membership is None:
        raise NotFound("tenant", "tenant_id") if tenant_id else Forbidden("You are a member of no tenant.")
    signed_in = await Sessions(tx).open(membership)
    tx.audit("session.open", public_id("user", user_id), {"with": how})
    return signed_in


async def _take_name(tx: Tx, user_id: UUID, name: str) -> None:
    try:
        accepted = checked_name(name)
    except Invalid:
        return
    named = update(User).where(col(User.id) == user_id).values(name=accepted, updated_at=tx.now)
    await tx.session.execute(named.execution_options(synchronize_session=False))


async def _session_of(tx: Tx, refresh_token: str) -> Session | None:
    found = (
        select(Session)
        .join(RefreshToken, col(RefreshToken.session_id) == col(Session.id))
        .where(col(RefreshToken.token_hash) == digest(refresh_token))
    )
    return (await tx.session.execute(found)).scalar_one_or_none()


async def _refuse(tx: Tx, refresh_token: str) -> Unauthenticated:
    refusal = Unauthenticated(WRONG_TOKEN)
    reused = select(col(RefreshToken.used_at)).where(col(RefreshToken.token_hash) == digest(refresh_token))
    session = await _session_of(tx, refresh_token)
    if session is None or (await tx.session.execute(reused)).scalar_one() is None:
        return refusal
    if not await Sessions(tx).revoke(col(Session.id) == session.id):
        return refusal
    await tx.enter(replace(PUBLIC, tenant_id=session.tenant_id))
    tx.audit("session.reuse_detected", public_id("user", session.user_id))
    return tx.commit_despite(refusal)
