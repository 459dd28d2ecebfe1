"""The command line: ``rapport``."""

import typer
from pydantic import ValidationError

from app.cli.database import migrate
from app.cli.keys import api_key
from app.cli.loading.commands import load
from app.cli.reseal import reseal_everything
from app.cli.schema import schema
from app.cli.serve import serve, worker
from app.cli.settings import settings
from app.core.settings import Settings

main = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Rapport: everything a company says to its customers and hears from them, as one graph.",
)


@main.callback()
def _check_settings() -> None:
    """Says which setting is wrong, rather than where the program then fails."""
    try:
        Settings()
    except ValidationError as wrong:
        for error in wrong.errors():
            name = "_".join(str(part) for part in error["loc"]).upper()
            typer.echo(f"RAPPORT_{name}: {error['msg']}", err=True)
        raise typer.Exit(2) from wrong


main.command()(serve)
main.command("web", hidden=True)(serve)
main.command()(worker)
main.command()(migrate)
main.command("reseal")(reseal_everything)
main.command()(schema)
main.command()(settings)
main.add_typer(api_key, name="api-key")
main.add_typer(load, name="load")
