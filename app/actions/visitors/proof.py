"""The secret with which a tenant's server vouches for who a visitor is.

    user_hash = hex(HMAC-SHA256(key=secret, message=user_id))

The secret's text is the key, as UTF-8; it is made from the server's own secret and is stored nowhere.
"""

import hmac

from sqlalchemy import select, update
from sqlmodel import col

from app.core.access import Scope
from app.core.ids import public_id
from app.core.tx import Reading, Tx
from models import Tenant, Visitor


async def identity_secret(reading: Reading) -> str:
    """The secret of the caller's tenant: 64 hex digits."""
    reading.require(Scope.WIDGETS_WRITE)
    version = await _version(reading)
    return reading.services.tokens.identity_secret(reading.tenant_id, version)


async def rotate_identity_secret(tx: Tx) -> str:
    """Replaces the secret, and gives the new one. Visitors whom the old one vouched for must prove themselves again:
    their sessions end, because somebody else may have had the old secret."""
    tx.require(Scope.WIDGETS_WRITE)
    raised = update(Tenant).where(col(Tenant.id) == tx.tenant_id)
    raised = raised.values(identity_version=col(Tenant.identity_version) + 1, updated_at=tx.now)
    ended = update(Visitor).where(col(Visitor.proven_id).is_not(None))
    ended = ended.values(session_version=col(Visitor.session_version) + 1)
    for statement in (raised, ended):
        await tx.session.execute(statement, execution_options={"synchronize_session": False})
    tx.forget(tx.tenant_id)
    tx.audit("identity_secret.rotate", public_id("tenant", tx.tenant_id))
    return tx.services.tokens.identity_secret(tx.tenant_id, await _version(tx))


def proof_of(secret: str, user_id: str) -> str:
    """The hash that vouches for ``user_id``."""
    return hmac.digest(secret.encode(), user_id.encode(), "sha256").hex()


async def is_proof(reading: Reading, user_id: str, user_hash: str) -> bool:
    """Whether the caller's tenant vouched for ``user_id`` with this hash, in either case of letters."""
    reading.require(Scope.VISITOR)
    secret = reading.services.tokens.identity_secret(reading.tenant_id, await _version(reading))
    given = user_hash.strip().lower().encode("utf-8", "surrogatepass")
    return hmac.compare_digest(proof_of(secret, user_id).encode(), given)


async def _version(reading: Reading) -> int:
    found = select(col(Tenant.identity_version)).where(col(Tenant.id) == reading.tenant_id)
    version: int = (await reading.session.execute(found)).scalar_one()
    return version
