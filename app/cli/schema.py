"""``rapport schema``: the graph's schema as text."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from app.cli.roof import from_roof

EXPORT = Path("schema.graphql")


def schema(
    check: Annotated[
        bool, typer.Option("--check", help="Compare with schema.graphql instead; exit 1 if it differs.")
    ] = False,
) -> None:
    """Print the schema of the graph in GraphQL's schema language."""
    text = from_roof("schema_text")().rstrip("\n") + "\n"
    if not check:
        typer.echo(text, nl=False)
        return
    kept = EXPORT.read_text() if EXPORT.exists() else ""
    changes = list(
        difflib.unified_diff(kept.splitlines(), text.splitlines(), str(EXPORT), "the code", lineterm="", n=1)
    )
    for change in changes:
        typer.echo(change)
    if changes:
        typer.echo("schema.graphql is not the schema of the code: make schema", err=True)
        raise typer.Exit(1)
