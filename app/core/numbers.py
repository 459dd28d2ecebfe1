"""The small numbers that a tenant's things have besides their ids, for doors that address them by integers."""

from typing import Any

from sqlalchemy import func, select
from sqlmodel import SQLModel, col

from app.core.locks import lock_names
from app.core.tx import Tx


async def next_number(tx: Tx, table: type[SQLModel]) -> int:
    """The next number of the tenant in a table with a column ``number``: one more than the highest there is.

    Nobody else takes one until this transaction ends.
    """
    named: Any = table
    await tx.session.flush()
    await lock_names(tx.session, tx.tenant_id, [str(named.__tablename__)], kind="number")
    highest: int | None = (await tx.session.execute(select(func.max(col(named.number))))).scalar_one()
    return (highest or 0) + 1
