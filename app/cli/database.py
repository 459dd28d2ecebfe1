"""``rapport migrate``, and opening the database from the command line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import typer

from app.core import logging
from app.core.database import Database
from app.core.migrations import upgrade
from app.core.settings import Settings
from app.core.tx import UnitsOfWork


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database, for this process alone where it is the embedded one. Exits with 1 when a server has it."""
    database = Database(settings)
    try:
        try:
            database.lock_file()
        except RuntimeError as taken:
            typer.echo(f"{taken}: stop the server first.", err=True)
            raise typer.Exit(1) from taken
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def units_of_work(settings: Settings) -> AsyncIterator[UnitsOfWork]:
    """Units of work on the database, whose schema is made current first where it is the embedded one."""
    async with opened(settings) as database:
        if database.is_sqlite:
            await upgrade(database)
        units = UnitsOfWork(database)
        try:
            yield units
        finally:
            units.services.close()


def migrate() -> None:
    """Bring the database's schema to the newest version (the embedded database does so by itself)."""
    settings = Settings()
    logging.configure(settings)

    async def run() -> None:
        async with opened(settings) as database:
            await upgrade(database)

    anyio.run(run)
    place = settings.sqlite_path if settings.embedded else "the database"
    typer.echo(f"{place} has the newest schema.", err=True)
