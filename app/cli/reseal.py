"""``rapport reseal``: after the secret was changed."""

import anyio
import typer

from app.actions.resealing import SEALED_COLUMNS, SealedColumn, count_sealed, reseal
from app.cli.database import units_of_work
from app.core import logging
from app.core.access import system
from app.core.settings import Settings
from app.core.tx import UnitsOfWork


def reseal_everything() -> None:
    """Encrypt credentials and keys anew under the present secret, after it was changed.

    May be broken off and run again. On the embedded database the server must be stopped: one process owns the file.
    Exits with 1 if something could not be read; that is left as it is.
    """
    settings = Settings()
    logging.configure(settings)

    async def run() -> int:
        async with units_of_work(settings) as units:
            return sum([await _column(units, column) for column in SEALED_COLUMNS])

    unreadable = anyio.run(run)
    if unreadable:
        typer.echo("What could not be read was sealed under a secret that is not in the settings.", err=True)
        raise typer.Exit(1)
    typer.echo("Nothing is encrypted under a former secret any more.", err=True)


async def _column(units: UnitsOfWork, column: SealedColumn) -> int:
    resealed = unreadable = 0
    last = None
    while True:
        async with units.write(system()) as tx:
            portion = await reseal(tx, column=column, after=last)
        resealed, unreadable = resealed + portion.resealed, unreadable + portion.unreadable
        if portion.last is None:
            break
        last = portion.last
    async with units.read(system()) as reading:
        there = await count_sealed(reading, column=column)
    already = there - resealed - unreadable
    typer.echo(f"{column.name}: {resealed} resealed, {already} already were, {unreadable} could not be read")
    return unreadable
