"""SQLite with one hop to the connection's thread per statement.

SQLAlchemy's adapter of aiosqlite goes there four times for each statement: for a cursor, to execute, to fetch and to
close. On small units of work these hops, of some 80 µs each, cost more than SQLite does. For the same reason a BEGIN
goes there together with the first statement that follows it, and a rollback of nothing does not go at all.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util.concurrency import await_

BEGINNINGS = ("BEGIN", "BEGIN IMMEDIATE")
Done = tuple[Any, int, int | None, deque[Any]]
"""What a statement leaves behind: description, row count, last row id and the rows."""


class OneHopCursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that runs and fetches in one go. It holds all rows; nothing of it stays open in the thread."""

    __slots__ = ("_description", "_lastrowid", "_rowcount")

    _adapt_connection: "OneHopConnection"

    def __init__(self, adapt_connection: "OneHopConnection") -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._description: Any = None
        self._rowcount = -1
        self._lastrowid: int | None = None
        self._rows = deque()

    @property
    def description(self) -> Any:
        return self._description

    @property
    def rowcount(self) -> int:
        return self._rowcount

    @property
    def lastrowid(self) -> Any:
        return self._lastrowid

    def execute(self, operation: Any, parameters: Any = None) -> Any:
        if operation in BEGINNINGS:
            self._adapt_connection.owed = operation
            return self
        raw: Any = self._connection
        return self._hop(lambda: _done(raw._conn.execute(operation, parameters or ())))

    def executemany(self, operation: Any, seq_of_parameters: Any) -> Any:
        raw: Any = self._connection
        return self._hop(lambda: _done(raw._conn.executemany(operation, seq_of_parameters)))

    def _hop(self, run: Callable[[], Done]) -> "OneHopCursor":
        raw: Any = self._connection
        owed, self._adapt_connection.owed = self._adapt_connection.owed, None
        try:
            done: Done = await_(raw._execute(run if owed is None else lambda: _begun(raw._conn, owed, run)))
        except Exception as error:
            self._adapt_connection._handle_exception(error)
        self._description, self._rowcount, self._lastrowid, self._rows = done
        return self

    async def _async_soft_close(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        self._rows.clear()

    def __iter__(self) -> Iterator[Any]:
        while self._rows:
            yield self._rows.popleft()


def _done(cursor: Any) -> Done:
    """Runs in the connection's thread."""
    rows: Sequence[Any] = cursor.fetchall() if cursor.description else ()
    done = cursor.description, cursor.rowcount, cursor.lastrowid, deque(rows)
    cursor.close()
    return done


def _begun(connection: Any, beginning: str, run: Callable[[], Done]) -> Done:
    """Runs in the connection's thread, as the first statement of a transaction."""
    connection.execute(beginning)
    return run()


class OneHopConnection(AsyncAdapt_aiosqlite_connection):
    """A connection whose cursors hop once. ``owed`` is the BEGIN that the next statement takes along."""

    __slots__ = ("owed",)
    _cursor_cls = OneHopCursor  # type: ignore[assignment]

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self.owed: str | None = None

    def commit(self) -> None:
        if self._is_open():
            super().commit()

    def rollback(self) -> None:
        if self._is_open():
            super().rollback()

    def _is_open(self) -> bool:
        """Whether there is a transaction to end. One that was only owed has ended by this."""
        self.owed = None
        raw: Any = self._connection
        return raw._conn is not None and raw._conn.in_transaction


def hop_once(engine: AsyncEngine) -> AsyncEngine:
    """Makes every connection of a SQLite ``engine`` one of ours."""

    def connect(dialect: Dialect, _: ConnectionPoolEntry, arguments: list[Any], options: dict[str, Any]) -> Any:
        adapted: Any = dialect.loaded_dbapi.connect(*arguments, **options)
        return OneHopConnection(adapted.dbapi, adapted._connection)

    event.listen(engine.sync_engine, "do_connect", connect)
    return engine
