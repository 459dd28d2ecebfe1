"""What the runtime needs to open a channel's providers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from app.channels.mail.dkim import Signer
from app.core.access import Scope
from app.core.sealing import unseal
from app.core.settings import Settings
from app.core.tx import Reading, Tx
from models import Domain, Integration

MAX_ERROR = 2000


async def used_integrations(reading: Reading, *, channel: str) -> Sequence[Integration]:
    """The integrations that carry a channel: its default; of push one for each kind. None: messages stay here."""
    reading.require(Scope.INTEGRATIONS_READ)
    wanted = (
        select(Integration)
        .where(col(Integration.channel) == channel, col(Integration.is_default), col(Integration.deleted_at).is_(None))
        .order_by(col(Integration.number))
    )
    return (await reading.session.execute(wanted)).scalars().all()


async def signing_domains(reading: Reading) -> Sequence[Domain]:
    """The domains for which mail is signed: their DNS has our public key."""
    reading.require(Scope.INTEGRATIONS_READ)
    wanted = select(Domain).where(col(Domain.dkim_verified_at).is_not(None), col(Domain.dkim_private_key).is_not(None))
    return (await reading.session.execute(wanted.order_by(col(Domain.name)))).scalars().all()


def signer_of(settings: Settings, domain: Domain) -> Signer:
    """Signs for the domain. Raises :class:`app.core.sealing.Unsealable`."""
    key = unseal(settings, domain.dkim_private_key or "", about=f"domain:{domain.id.hex}")
    return Signer(domain.name, domain.dkim_selector or "", key)


async def note_failure(tx: Tx, *, integration_id: UUID, error: str | None, version: datetime | None = None) -> None:
    """Keeps what went wrong with an integration as a whole (a refused password), for people to see; None: it works.

    With ``version`` only if its settings are still those of that ``updated_at``.
    """
    tx.require(Scope.INTEGRATIONS_WRITE)
    noted = update(Integration).where(col(Integration.id) == integration_id)
    if version is not None:
        noted = noted.where(col(Integration.updated_at) == version)
    values = {"last_error": error[:MAX_ERROR] if error else None, "failed_at": tx.now if error else None}
    await tx.session.execute(noted.values(**values), execution_options={"synchronize_session": False})
