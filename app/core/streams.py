"""Where messages wait to be sent: one stream per tenant, channel and priority, found without looking at its messages.

Each step of the recursion goes to the next stream by the index ``ix_deliveries_due``, so that a look costs as much as
there are streams, whatever their length.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.batches import is_postgres

SQLITE = text(
    "WITH RECURSIVE streams(head) AS ("
    "SELECT (SELECT json_array(tenant_id, channel, priority, due_at) FROM deliveries"
    " WHERE state = 'queued' AND lane = :lane ORDER BY tenant_id, channel, priority, due_at LIMIT 1) "
    "UNION ALL SELECT (SELECT json_array(tenant_id, channel, priority, due_at) FROM deliveries"
    " WHERE state = 'queued' AND lane = :lane"
    " AND (tenant_id, channel, priority) > (head ->> 0, head ->> 1, head ->> 2)"
    " ORDER BY tenant_id, channel, priority, due_at LIMIT 1) FROM streams WHERE head IS NOT NULL) "
    "SELECT head FROM streams WHERE head IS NOT NULL"
)
POSTGRES = text(
    "WITH RECURSIVE streams AS ("
    "(SELECT tenant_id, channel, priority, due_at FROM deliveries"
    " WHERE state = 'queued' AND lane = :lane ORDER BY tenant_id, channel, priority, due_at LIMIT 1) "
    "UNION ALL SELECT next.* FROM streams, LATERAL (SELECT tenant_id, channel, priority, due_at FROM deliveries"
    " WHERE state = 'queued' AND lane = :lane"
    " AND (tenant_id, channel, priority) > (streams.tenant_id, streams.channel, streams.priority)"
    " ORDER BY tenant_id, channel, priority, due_at LIMIT 1) AS next) "
    "SELECT tenant_id, channel, priority, due_at FROM streams"
)


@dataclass(frozen=True, slots=True)
class Stream:
    """Messages of a tenant over one channel and of one priority; the first is due at ``due_at``."""

    tenant_id: UUID
    channel: str
    priority: int
    due_at: datetime


async def find_streams(session: AsyncSession, lane: int) -> list[Stream]:
    """The streams of a lane, of all tenants."""
    if is_postgres(session):
        rows = await session.execute(POSTGRES, {"lane": lane})
        return [Stream(*row) for row in rows]
    heads = (await session.execute(SQLITE, {"lane": lane})).scalars()
    return [_read(orjson.loads(head)) for head in heads]


def _read(head: list[Any]) -> Stream:
    tenant_id, channel, priority, due_at = head
    return Stream(UUID(tenant_id), channel, priority, datetime.fromisoformat(due_at).replace(tzinfo=UTC))
