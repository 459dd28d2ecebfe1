"""``rapport settings``: every setting, for operators and for the README."""

from typing import Any

import typer
from pydantic.fields import FieldInfo

from app.core.settings import Settings


def settings() -> None:
    """Print every setting with its default, as a table."""
    typer.echo(settings_table())


def settings_table() -> str:
    """The settings as a Markdown table: name in the environment, default, meaning."""
    rows = [f"| `RAPPORT_{name.upper()}` | {_default(field)} | {field.description} |" for name, field in fields()]
    return "\n".join(["| Variable | Default | Meaning |", "|--|--|--|", *rows])


def fields() -> list[tuple[str, FieldInfo]]:
    """The names and declarations of the settings, in order."""
    return list(Settings.model_fields.items())


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    match value:
        case None | "" | [] | {}:
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case _:
            return f"`{value}`"
