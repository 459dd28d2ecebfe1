"""Sessions: a family of single-use refresh tokens, and the access tokens made on the way."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, update
from sqlmodel import col

from app.actions.accounts.email_tokens import EmailTokens
from app.actions.accounts.memberships import Membership
from app.core.ids import new_id, new_secret
from app.core.tokens import AccessClaims, digest
from app.core.tx import Tx
from models import RefreshToken, Session, User


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a client keeps after signing in. ``expires_at`` is the access token's; a refresh token works once."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    user_id: UUID
    tenant_id: UUID


class Sessions:
    """Opens, continues and ends sessions in one unit of work."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def open(self, membership: Membership) -> SignedIn:
        """Begins a session; the unit goes on as the member who now has it."""
        session_id = new_id()
        row = {
            "id": session_id,
            "user_id": membership.user_id,
            "tenant_id": membership.tenant_id,
            "created_at": self._tx.now,
        }
        await self._tx.insert(Session, [row])
        return await self.extend(session_id, membership)

    async def extend(self, session_id: UUID, membership: Membership) -> SignedIn:
        """The next pair of tokens of a session; the unit goes on as the member whose it is."""
        tx, settings = self._tx, self._tx.services.settings
        await tx.enter(membership.principal(session_id))
        refresh_token = new_secret()
        row = {
            "token_hash": digest(refresh_token),
            "session_id": session_id,
            "created_at": tx.now,
            "expires_at": tx.now + timedelta(days=settings.refresh_token_days),
        }
        await tx.insert(RefreshToken, [row])
        expires_at = (tx.now + timedelta(minutes=settings.access_token_minutes)).replace(microsecond=0)
        claims = AccessClaims(membership.user_id, membership.tenant_id, session_id, membership.role, expires_at)
        access_token = tx.services.tokens.sign_access(claims, tx.now)
        return SignedIn(access_token, refresh_token, expires_at, membership.user_id, membership.tenant_id)

    async def revoke(self, *which: ColumnElement[bool]) -> list[UUID]:
        """Ends the living sessions that match all of ``which``, and says which they were."""
        ended = (
            update(Session)
            .where(col(Session.revoked_at).is_(None), *which)
            .values(revoked_at=self._tx.now)
            .returning(col(Session.id))
            .execution_options(synchronize_session=False)
        )
        ids = list((await self._tx.session.execute(ended)).scalars())
        self._tx.forget(*ids)
        return ids

    async def hand_over(self, user_id: UUID, password_hash: str) -> None:
        """Gives an account to somebody who has just shown that its address is theirs: a new password, a verified
        address, and the end of every session and reset mail of whoever had it before."""
        given = (
            update(User)
            .where(col(User.id) == user_id)
            .values(
                password_hash=password_hash,
                email_verified_at=func.coalesce(col(User.email_verified_at), self._tx.now),
                updated_at=self._tx.now,
            )
            .execution_options(synchronize_session=False)
        )
        await self._tx.session.execute(given)
        await EmailTokens(self._tx, "reset").spend_all(user_id)
        await self.revoke(col(Session.user_id) == user_id)
