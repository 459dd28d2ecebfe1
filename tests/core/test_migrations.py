"""The schema that the versions make is the one the models describe, on both databases, there and back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlmodel import SQLModel

import models
from app.core.database import Database
from app.core.migrations import downgrade, is_current, upgrade
from app.core.settings import Settings
from models import TenantScoped

ON_POSTGRES = pytest.mark.parametrize("backend", ["postgres"], indirect=True)


@pytest.fixture
async def migrated(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    yield database
    await database.close()


def differences(connection: Connection) -> list[object]:
    """The full-text search is the database's own affair (FTS5 tables with triggers, an index of an expression)."""

    def compared(_: object, name: str | None, *__: object) -> bool:
        return not (name or "").startswith(("message_search", "ix_messages_search"))

    context = MigrationContext.configure(connection, opts={"include_object": compared})
    return compare_metadata(context, models.metadata)


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_migrated_schema_is_what_the_models_say(migrated: Database) -> None:
    async with migrated.writer.connect() as connection:
        assert await connection.run_sync(differences) == []
    assert await is_current(migrated)


async def test_down_to_nothing_and_up_again(migrated: Database) -> None:
    await downgrade(migrated, "base")
    async with migrated.writer.connect() as connection:
        assert await connection.run_sync(tables) == {"alembic_version"}
    assert not await is_current(migrated)
    await upgrade(migrated)
    async with migrated.writer.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_upgrading_what_is_current_changes_nothing(migrated: Database) -> None:
    async with migrated.writer.connect() as connection:
        before = await connection.run_sync(tables)
    await upgrade(migrated)
    async with migrated.writer.connect() as connection:
        assert await connection.run_sync(tables) == before


@ON_POSTGRES
async def test_every_tenants_table_forces_row_level_security(migrated: Database) -> None:
    scoped = {
        mapper.local_table.name for mapper in SQLModel._sa_registry.mappers if issubclass(mapper.class_, TenantScoped)
    }
    forced = text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
    async with migrated.writer.connect() as connection:
        assert set((await connection.execute(forced)).scalars()) == scoped


async def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    database = Database(Settings(data_dir=tmp_path / "new", database_url="", redis_url=""))
    try:
        assert not await is_current(database)
        await upgrade(database)
        assert await is_current(database)
    finally:
        await database.close()
