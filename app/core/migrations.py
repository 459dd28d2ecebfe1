"""Bringing a database's schema to the newest version. Alembic does the work, on the writer's own connection."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection

import models
from app.core.database import Database

SCRIPTS = Path(models.__file__).parent / "migrations"
NEWEST = "head"
ONE_AT_A_TIME = 0x5261_7070_6F72_7400
"""The advisory lock under which a Postgres database is migrated: two processes that start together take turns."""


async def upgrade(database: Database, revision: str = NEWEST) -> None:
    """Brings the schema up to ``revision``, all of it or nothing."""
    if revision == NEWEST and await is_current(database):
        return
    await _run(database, lambda config: command.upgrade(config, revision))


async def downgrade(database: Database, revision: str) -> None:
    """Takes the schema back to ``revision`` (``base``: to nothing)."""
    await _run(database, lambda config: command.downgrade(config, revision))


async def is_current(database: Database) -> bool:
    """Whether the database has the newest schema."""
    async with database.writer.connect() as connection:
        heads = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_heads())
    return set(heads) == _newest()


@cache
def _newest() -> frozenset[str]:
    """The versions that a database with the newest schema has. To find them is to compile every version."""
    return frozenset(ScriptDirectory(str(SCRIPTS)).get_heads())


async def _run(database: Database, work: Callable[[Config], None]) -> None:
    def with_connection(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        work(config)

    async with database.writer.begin() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
        await connection.run_sync(with_connection)
