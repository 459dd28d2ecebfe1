"""Sealing what is kept encrypted anew, under the present secret, once the secret was changed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlmodel import col

from app.core.access import Scope
from app.core.errors import Forbidden
from app.core.sealing import Unsealable, current_prefix, seal, unseal
from app.core.tx import Reading, Tx
from models import Domain, Integration, ReportingWebhook

PORTION = 100
UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed texts. ``about`` makes of a row's id what its text is bound to."""

    name: str
    table: Any
    column: str
    about: Callable[[UUID], str]

    @property
    def text(self) -> Any:
        return col(getattr(self.table, self.column))


SEALED_COLUMNS = (
    SealedColumn("credentials of integrations", Integration, "credentials", lambda id: f"integration:{id.hex}"),
    SealedColumn("DKIM keys of domains", Domain, "dkim_private_key", lambda id: f"domain:{id.hex}"),
    SealedColumn("secrets of reporting webhooks", ReportingWebhook, "secret", lambda id: ""),
)
"""Every column that :func:`app.core.sealing.seal` has written. A test looks for others."""


@dataclass(frozen=True, slots=True)
class Portion:
    """What one call has done. ``last``: the id to go on after; None: there was nothing more. ``unreadable`` rows were
    left as they are: their secret is not among those we have."""

    last: UUID | None
    resealed: int = 0
    unreadable: int = 0


async def reseal(tx: Tx, *, column: SealedColumn, after: UUID | None = None) -> Portion:
    """Seals the next texts of a column, of all tenants, under the present secret. What somebody else writes meanwhile
    is left as they wrote it. Only for the system itself.

    May be broken off and begun again: what is sealed under the present secret is not looked at.
    """
    tx.require(Scope.INTEGRATIONS_WRITE)
    if tx.principal.kind != "system" or tx.principal.tenant_id is not None:
        raise Forbidden("Only the system itself does this.")
    settings, table, text = tx.services.settings, column.table, column.text
    old = select(col(table.id), text).where(text.is_not(None), ~text.startswith(current_prefix(settings)))
    if after is not None:
        old = old.where(col(table.id) > after)
    rows = (await tx.session.execute(old.order_by(col(table.id)).limit(PORTION))).all()
    resealed = unreadable = 0
    for id, sealed in rows:
        about = column.about(id)
        try:
            fresh = seal(settings, unseal(settings, sealed, about=about), about=about)
        except Unsealable:
            unreadable += 1
            continue
        written = update(table).where(col(table.id) == id, text == sealed).values({column.column: fresh})
        done = await tx.session.execute(written.returning(col(table.id)), execution_options=UNSYNCHRONISED)
        resealed += len(done.all())
    return Portion(rows[-1][0] if rows else None, resealed, unreadable)


async def count_sealed(reading: Reading, *, column: SealedColumn) -> int:
    """How many sealed texts there are, of all tenants."""
    reading.require(Scope.INTEGRATIONS_READ)
    wanted = select(func.count()).select_from(column.table).where(column.text.is_not(None))
    return int((await reading.session.execute(wanted)).scalar_one())
