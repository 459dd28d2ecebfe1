"""Hourly counters: what is counted in a unit of work is written at its end, in one statement.

The rows are locked in one order and last, after the topics of the feed, so that two units cannot wait for each other
and a busy campaign's counters are held for the shortest time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, BigInteger, DateTime, Numeric, Text, Uuid, bindparam, cast, func, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.batches import is_postgres
from models import HourlyCount

if TYPE_CHECKING:
    from app.core.tx import Tx

COLUMNS = ("subjects", "metrics", "hours", "counts", "amounts")
STORED = "%Y-%m-%d %H:%M:%S.%f"
"""How SQLAlchemy keeps a moment in SQLite."""


@dataclass(frozen=True, slots=True)
class Count:
    """``metric`` happened ``n`` times to ``subject_id`` (a tenant, campaign, content, link, …) at a moment.

    ``amount`` is the revenue of a conversion.
    """

    subject_id: UUID
    metric: str
    at: datetime
    n: int = 1
    amount: Decimal | int = 0


async def add_counts(tx: "Tx", counts: Iterable[Count]) -> None:
    """Counts within ``tx``: they are there when it commits, and not seen before. Negative ones take back."""
    tx.counts.extend(counts)


async def write_counts(session: AsyncSession, tenant_id: UUID, counts: Sequence[Count]) -> None:
    """Adds to the tenant's counters, in one statement and in the order of their keys."""
    sums: dict[tuple[UUID, str, datetime], tuple[int, Decimal]] = {}
    for one in counts:
        key = (one.subject_id, one.metric, one.at.replace(minute=0, second=0, microsecond=0))
        count, amount = sums.get(key, (0, Decimal(0)))
        sums[key] = (count + one.n, amount + one.amount)
    if not sums:
        return
    rows = [(*key, *sums[key]) for key in sorted(sums)]
    connection = await session.connection()
    if is_postgres(session):
        columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        await connection.execute(_adding_on_postgres(), {"tenant": tenant_id, **columns})
    else:
        await connection.execute(_adding_on_sqlite(), {"tenant": tenant_id, "rows": _document(rows)})


def _document(rows: Iterable[tuple[UUID, str, datetime, int, Decimal]]) -> str:
    return orjson.dumps(
        [[id.hex, metric, hour.strftime(STORED), count, str(amount)] for id, metric, hour, count, amount in rows]
    ).decode()


@cache
def _adding_on_postgres() -> Any:
    given = (
        func.unnest(
            bindparam("subjects", type_=ARRAY(Uuid())),
            bindparam("metrics", type_=ARRAY(Text())),
            bindparam("hours", type_=ARRAY(DateTime(timezone=True))),
            bindparam("counts", type_=ARRAY(BigInteger())),
            bindparam("amounts", type_=ARRAY(Numeric())),
        )
        .table_valued("subject", "metric", "hour", "n", "amount", name="given")
        .render_derived()
    )
    return _adding(postgresql.insert, [given.c.subject, given.c.metric, given.c.hour, given.c.n, given.c.amount])


@cache
def _adding_on_sqlite() -> Any:
    row = func.json_each(bindparam("rows", type_=Text())).table_valued("value", name="given").c.value
    parts = [func.json_extract(row, f"$[{place}]") for place in range(5)]
    return _adding(sqlite.insert, [*parts[:4], cast(parts[4], Numeric())])


def _adding(insert: Any, values: Sequence[Any]) -> Any:
    columns = ["tenant_id", "subject_id", "metric", "hour", "count", "amount"]
    source = select(bindparam("tenant", type_=Uuid()), *values).where(true())
    statement = insert(HourlyCount).from_select(columns, source, include_defaults=False)
    added: Mapping[str, Any] = {
        "count": HourlyCount.count + statement.excluded.count,
        "amount": HourlyCount.amount + statement.excluded.amount,
    }
    return statement.on_conflict_do_update(index_elements=columns[:4], set_=added)
