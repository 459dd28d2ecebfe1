"""Removing files: the row first, in a transaction, and its bytes by a job that this transaction adds."""

import re
from collections.abc import Collection, Sequence
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlmodel import col

from app.core.access import Scope
from app.core.batches import among
from app.core.errors import Forbidden
from app.core.tx import Reading, Tx
from models import File, Tenant

KEPT_UNSENT = timedelta(days=1)
"""How long a file waits for a message that carries it, and how old bytes are that are taken for nobody's."""
KEY = re.compile(r"([0-9a-f]{32})/([0-9a-f]{32})\Z")


class FileRemoval:
    """Files of one unit of work that go, with their bytes."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def remove(self, file_ids: Collection[UUID]) -> int:
        """Removes these files. Returns how many there were. Their bytes go after the commit."""
        return await self.remove_where(among(self._tx.session, File.id, file_ids))

    async def remove_where(self, which: ColumnElement[bool]) -> int:
        """Removes the files of which ``which`` is true at the moment of their removal."""
        gone = delete(File).where(which).returning(col(File.storage_key))
        removed = await self._tx.session.execute(gone.execution_options(synchronize_session=False))
        keys = list(removed.scalars())
        if keys:
            self._tx.enqueue("files.erase", {"keys": keys})
        return len(keys)


async def purge_unsent_files(tx: Tx, *, limit: int) -> int:
    """Removes files that nobody has sent within a day, or whose message was deleted; at most ``limit``, of all tenants.

    Returns how many.
    """
    tx.require(Scope.TENANT_WRITE)
    _require_system(tx)
    unsent = col(File.attached_at).is_(None) & (col(File.created_at) < tx.now - KEPT_UNSENT)
    some = select(col(File.id)).where(unsent).limit(limit)
    # Asked once more as they go: one may have been sent meanwhile.
    return await FileRemoval(tx).remove_where(col(File.id).in_(some) & unsent)


async def nobodys_keys(reading: Reading, *, keys: Sequence[str], exclusive: bool) -> list[str]:
    """Which of these keys in the storage belong to no file.

    Keys of another form are not ours. Without ``exclusive``, neither are those of tenants whom the database does not
    know: somebody else may keep files in the same bucket.
    """
    reading.require(Scope.TENANT_WRITE)
    _require_system(reading)
    ours = sorted(match.groups() for key in keys if (match := KEY.match(key)))
    lost: list[str] = []
    for tenant, pairs in groupby(ours, key=lambda pair: pair[0]):
        ids = [UUID(hex=file) for _, file in pairs]
        tenant_id = UUID(hex=tenant)
        known = (await reading.session.execute(select(col(Tenant.id)).where(col(Tenant.id) == tenant_id))).first()
        if known is None and not exclusive:
            continue
        which = (col(File.tenant_id) == tenant_id) & among(reading.session, File.id, ids)
        alive = set((await reading.session.execute(select(col(File.id)).where(which))).scalars())
        lost += [f"{tenant}/{file_id.hex}" for file_id in ids if file_id not in alive]
    return lost


def _require_system(reading: Reading) -> None:
    if reading.principal.kind != "system" or reading.principal.tenant_id is not None:
        raise Forbidden("Only the system itself does this.")
