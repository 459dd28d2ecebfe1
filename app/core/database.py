"""The engines: one writer and a pool of readers on SQLite, one pool on Postgres, and raw statements for the planner.

SQLite: only the writer commits and checkpoints; it begins IMMEDIATE, because Python's legacy transaction control loses
updates silently otherwise. Readers are ``query_only``. One process per file, held by a lock beside it.
"""

import fcntl
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import IO, Any

import orjson
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from app.core.settings import Settings
from app.core.sqlite import hop_once
from app.core.statements import BUSY_TIMEOUT_MS, READER_PRAGMAS, PostgresStatements, SQLiteStatements, Statements

POOL_TIMEOUT_S = 30
CHECKPOINT_PAGES = 10_000
"""SQLite: 40 MB of log between checkpoints. With SQLite's own 1,000 pages, ingest spends half its time in them."""


class Database:
    """Both engines of one database, and the lock that keeps a SQLite file to one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        if settings.embedded:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            url: URL = make_url(f"sqlite+aiosqlite:///{settings.sqlite_path}")
            self.writer = _sqlite_writer(url, settings)
            self.reader = _sqlite_reader(url, settings)
        else:
            url = make_url(settings.database_url).set(drivername="postgresql+asyncpg")
            self.writer = _postgres_engine(url, settings)
            self.reader = self.writer
        self.url = url
        self._lock: IO[str] | None = None
        self._statements: Statements | None = None

    @property
    def dialect(self) -> Dialect:
        return self.writer.dialect

    @property
    def is_sqlite(self) -> bool:
        return self.settings.embedded

    @property
    def statements(self) -> Statements:
        if self._statements is None:
            raise RuntimeError("the database is not open")
        return self._statements

    def lock_file(self) -> None:
        """Takes the embedded database for this process. Raises RuntimeError when another process has it."""
        if not self.is_sqlite or self._lock is not None:
            return
        lock = self.settings.sqlite_path.with_suffix(".lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            lock.close()
            raise RuntimeError(f"{self.settings.sqlite_path} is in use by another process") from taken
        self._lock = lock

    async def open(self) -> None:
        """Opens the raw statements; the schema must exist by now."""
        if self.is_sqlite:
            self._statements = await SQLiteStatements.open(self.settings)
        else:
            self._statements = await PostgresStatements.open(self.url, self.settings)

    async def close(self) -> None:
        if self._statements is not None:
            await self._statements.close()
            self._statements = None
        await self.reader.dispose()
        await self.writer.dispose()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def connect(self) -> AbstractAsyncContextManager[AsyncEngine]:
        """The writer engine for migrations, disposed of afterwards."""
        return _disposing(self.writer)


@asynccontextmanager
async def _disposing(engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    try:
        yield engine
    finally:
        await engine.dispose()


def _dumps(document: object) -> str:
    return orjson.dumps(document).decode()


def _sqlite_writer(url: URL, settings: Settings) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
    )
    pragmas = (
        "PRAGMA journal_mode=WAL",
        f"PRAGMA synchronous={settings.sqlite_synchronous}",
        f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
        "PRAGMA foreign_keys=ON",
        f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}",
        "PRAGMA cache_size=-64000",
    )
    event.listen(engine.sync_engine, "connect", _on_connect(pragmas))
    event.listen(engine.sync_engine, "begin", _begin_immediate)
    return hop_once(engine)


def _sqlite_reader(url: URL, settings: Settings) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=settings.readers,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
    )
    event.listen(engine.sync_engine, "connect", _on_connect(READER_PRAGMAS))
    event.listen(engine.sync_engine, "begin", _begin_deferred)
    return hop_once(engine)


def _postgres_engine(url: URL, settings: Settings) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        json_serializer=_dumps,
        json_deserializer=json.loads,
        connect_args={"server_settings": {"jit": "off"}},
    )


def _on_connect(pragmas: Sequence[str]) -> Any:
    def connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    return connect


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
