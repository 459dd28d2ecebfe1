"""Keys for machines: made, shown once, and revoked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.accounts.rules import checked_name
from app.core.access import Principal, Scope
from app.core.clock import iso
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.ids import new_id, public_id
from app.core.tokens import ApiKeyText
from app.core.tx import Tx
from models import ApiKey


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just made. ``key_text`` can never be read again."""

    id: UUID
    key_text: str = field(repr=False)


async def create_api_key(tx: Tx, *, name: str, scopes: Iterable[str], expires_at: datetime | None = None) -> NewApiKey:
    """A new key of the caller's tenant with these scopes; without ``expires_at`` (aware) it lives until revoked.

    Raises :class:`Invalid` at ``name``, ``scopes`` or ``expires_at``, and :class:`Forbidden` for a scope that the
    caller lacks. A key that makes a key cannot make it outlive itself.
    """
    tx.require(Scope.API_KEYS_WRITE)
    accepted_name = checked_name(name, longest=100, required=True)
    granted = _granted(tx.principal, scopes)
    _check_expiry(tx, expires_at)
    key_id, key = new_id(), ApiKeyText.new()
    row = {
        "id": key_id,
        "name": accepted_name,
        "prefix": key.prefix,
        "secret_hash": key.secret_hash,
        "last4": key.last4,
        "scopes": granted,
        "created_by_id": tx.principal.id if tx.principal.kind == "member" else None,
        "created_at": tx.now,
        "expires_at": expires_at,
    }
    await tx.insert(ApiKey, [row])
    noted = {"name": accepted_name, "scopes": granted, "expires_at": iso(expires_at) if expires_at else None}
    tx.audit("api_key.create", public_id("api_key", key_id), noted)
    return NewApiKey(key_id, key.text)


async def revoke_api_key(tx: Tx, *, api_key_id: UUID) -> None:
    """Makes a key useless for ever; again changes nothing. Raises :class:`NotFound`."""
    tx.require(Scope.API_KEYS_WRITE)
    found = select(ApiKey).where(col(ApiKey.id) == api_key_id)
    key = (await tx.session.execute(found)).scalar_one_or_none()
    if key is None:
        raise NotFound("API key", "api_key_id")
    if key.revoked_at is None:
        key.revoked_at = tx.now
        tx.forget(api_key_id)
        tx.audit("api_key.revoke", public_id("api_key", api_key_id), {"name": key.name})


def _granted(caller: Principal, scopes: Iterable[str]) -> list[str]:
    wanted = set(scopes)
    unknown = sorted(map(str, wanted - set(Scope)))
    if unknown:
        raise Invalid.at("scopes", f"there is no scope {unknown[0]}")
    if not wanted:
        raise Invalid.at("scopes", "must name at least one scope")
    missing = sorted(wanted - caller.scopes)
    if missing:
        raise Forbidden(f"You cannot give the scope {missing[0]}, which you do not have.", missing[0])
    return [scope.value for scope in Scope if scope in wanted]


def _check_expiry(tx: Tx, expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at.tzinfo is None:
        raise Invalid.at("expires_at", "needs a time zone")
    if expires_at is not None and expires_at <= tx.now:
        raise Invalid.at("expires_at", "is in the past")
    limit = tx.principal.expires_at if tx.principal.kind == "api_key" else None
    if limit is not None and (expires_at is None or expires_at > limit):
        raise Invalid.at("expires_at", "is later than that of the key which makes it")
