"""Raw statements for the graph's planner: compiled text in, one cell out, with as little in between as can be."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol
from uuid import UUID

import aiosqlite
import asyncpg
from sqlalchemy.engine import URL

from app.core.settings import Settings

BUSY_TIMEOUT_MS: Final = 30_000
READER_PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA query_only=ON",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA cache_size=-32000",
    "PRAGMA case_sensitive_like=OFF",
)


class Statements(Protocol):
    """Runs the planner's compiled text: positional parameters, one row, one cell."""

    async def cell(self, sql: str, parameters: Sequence[Any], tenant_id: UUID | None) -> Any:
        """The single cell of the single row that ``sql`` gives, as the driver returns it."""

    async def close(self) -> None: ...


class SQLiteStatements:
    """A pool of read-only aiosqlite connections; a statement is one hop to a connection's thread."""

    def __init__(self, connections: list[aiosqlite.Connection]) -> None:
        self._all = connections
        self._idle = list(connections)
        self._free = asyncio.Semaphore(len(connections))

    @classmethod
    async def open(cls, settings: Settings) -> "SQLiteStatements":
        connections = []
        for _ in range(settings.readers):
            connection = await aiosqlite.connect(f"file:{settings.sqlite_path}", uri=True, isolation_level=None)
            for pragma in READER_PRAGMAS:
                await connection.execute(pragma)
            connections.append(connection)
        return cls(connections)

    async def cell(self, sql: str, parameters: Sequence[Any], tenant_id: UUID | None) -> Any:
        async with self._free:
            connection = self._idle.pop()
            try:
                rows = list(await connection.execute_fetchall(sql, parameters))
            finally:
                self._idle.append(connection)
        return rows[0][0] if rows else None

    async def close(self) -> None:
        for connection in self._all:
            await connection.close()


class _Place:
    """One connection's place in the pool, and whose rows row-level security lets that connection see."""

    __slots__ = ("connection", "tenant_id")

    def __init__(self) -> None:
        self.connection: asyncpg.Connection | None = None
        self.tenant_id: UUID | str | None = None


class PostgresStatements:
    """asyncpg connections that carry the tenant for row-level security.

    The tenant is a session setting, set on every checkout on which it differs from the connection's last one, and
    nothing runs on these connections without passing here. asyncpg's own pool costs as much as a small query.
    """

    def __init__(self, dsn: str, size: int) -> None:
        self._dsn = dsn
        self._idle = [_Place() for _ in range(size)]
        self._all = list(self._idle)
        self._free = asyncio.Semaphore(size)

    @classmethod
    async def open(cls, url: URL, settings: Settings) -> "PostgresStatements":
        dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        opened = cls(dsn, settings.readers)
        await opened.cell("SELECT 1", (), None)
        return opened

    async def cell(self, sql: str, parameters: Sequence[Any], tenant_id: UUID | None) -> Any:
        async with self._free:
            place = self._idle.pop()
            try:
                connection = place.connection
                if connection is None or connection.is_closed():
                    connection = await self._connect(place)
                if place.tenant_id != tenant_id:
                    await self._enter(place, connection, tenant_id)
                return await connection.fetchval(sql, *parameters)
            finally:
                self._idle.append(place)

    async def _connect(self, place: _Place) -> asyncpg.Connection:
        place.connection, place.tenant_id = None, None
        connection = await asyncpg.connect(self._dsn, server_settings={"jit": "off"})
        place.connection = connection
        return connection

    async def _enter(self, place: _Place, connection: asyncpg.Connection, tenant_id: UUID | None) -> None:
        """Until the server has answered nobody knows whose it is: the next checkout sets it again."""
        place.tenant_id = "unknown"
        await connection.execute("SELECT set_config('app.tenant', $1, false)", str(tenant_id) if tenant_id else "")
        place.tenant_id = tenant_id

    async def close(self) -> None:
        for place in self._all:
            if place.connection is not None:
                await place.connection.close(timeout=5)
