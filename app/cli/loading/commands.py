"""``rapport load events`` and ``rapport load people``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import anyio
import httpx2
import typer

from app.cli.loading.checkpoint import Checkpoint, Totals, digest
from app.cli.loading.load import Load
from app.cli.loading.rows import Column, EventShape, PersonShape, Shape
from app.cli.loading.screen import Screen
from app.cli.loading.sending import IDENTIFY, TIMEOUT_S, TRACK, Sender, Stopped
from app.core.settings import Settings

load = typer.Typer(no_args_is_help=True, help="Load a CSV file through the API; a stopped load is taken up again.")
IDENTITY_FIELDS = ("externalId", "email", "phone", "anonymousId")
SERVER = "http://127.0.0.1:8000"


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError) as unknown:
        raise typer.BadParameter(f"{name} is not a timezone") from unknown


def _column(text: str) -> Column:
    try:
        return Column.parse(text)
    except ValueError as bad:
        raise typer.BadParameter(str(bad)) from bad


def _identity_field(name: str) -> str:
    if name not in IDENTITY_FIELDS:
        raise typer.BadParameter(f"is one of {', '.join(IDENTITY_FIELDS)}")
    return name


COLUMN = "[NAME=]COLUMN[:str|int|float|bool|json]"
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="UTF-8 CSV with a header.")]
Url = Annotated[str, typer.Option(help="Where Rapport is served.")]
ApiKey = Annotated[str, typer.Option(prompt="API key", hide_input=True, help="Asked for when not given.")]
Zone = Annotated[
    str, typer.Option("--timezone", metavar="NAME", callback=_zone, help="Timezone of times that have no offset.")
]
BatchSize = Annotated[int, typer.Option("--batch", min=1, max=500, help="Rows in one request.")]
Concurrency = Annotated[int, typer.Option(min=1, max=32, help="Requests at a time.")]
RejectsFile = Annotated[Path | None, typer.Option("--rejects", dir_okay=False, help="CSV file for refused rows.")]
Patience = Annotated[float, typer.Option(min=0, help="Seconds to wait for a server that is away or too busy.")]


@load.command("events")
def load_events(
    file: File,
    name: Annotated[str, typer.Option(help="Name of the events.")],
    customer_column: Annotated[str, typer.Option(help="Column that names the customer.")],
    api_key: ApiKey,
    customer_field: Annotated[
        str, typer.Option(callback=_identity_field, help=f"What that column is: {', '.join(IDENTITY_FIELDS)}.")
    ] = "externalId",
    time_column: Annotated[str | None, typer.Option(help="Column of ISO 8601 dates or times; without it: now.")] = None,
    zone: Zone = "UTC",
    properties: Annotated[
        list[Column] | None, typer.Option("--property", parser=_column, metavar=COLUMN, help="A property; repeatable.")
    ] = None,
    key_prefix: Annotated[
        str | None, typer.Option(help="Start of the idempotency keys. Default: the file's name and content.")
    ] = None,
    url: Url = SERVER,
    batch: BatchSize = 100,
    concurrency: Concurrency = 4,
    rejects: RejectsFile = None,
    patience: Patience = 600,
) -> None:
    """Track one event per row of FILE.

    A row's idempotency key is the prefix and its line number: equal rows are two events, and loading the file again
    adds nothing. Exits with 1 when a row was refused, with 2 when it could not go on.
    """
    prefix = key_prefix or f"{file.stem}-{digest(file)[:12]}"
    shape = EventShape(name, customer_column, customer_field, time_column, zone, prefix, tuple(properties or ()))
    _Loading(file, shape, TRACK, url, batch, concurrency, patience).run(api_key, rejects)


@load.command("people")
def load_people(
    file: File,
    api_key: ApiKey,
    external_id_column: Annotated[str | None, typer.Option(help="Column of your own ids.")] = None,
    email_column: Annotated[str | None, typer.Option(help="Column of e-mail addresses.")] = None,
    phone_column: Annotated[str | None, typer.Option(help="Column of phone numbers.")] = None,
    timezone_column: Annotated[str | None, typer.Option(help="Column of timezone names.")] = None,
    locale_column: Annotated[str | None, typer.Option(help="Column of locales.")] = None,
    created_at_column: Annotated[str | None, typer.Option(help="Column of ISO 8601 dates or times.")] = None,
    zone: Zone = "UTC",
    attributes: Annotated[
        list[Column] | None,
        typer.Option("--attribute", parser=_column, metavar=COLUMN, help="An attribute; repeatable."),
    ] = None,
    url: Url = SERVER,
    batch: BatchSize = 100,
    concurrency: Concurrency = 1,
    rejects: RejectsFile = None,
    patience: Patience = 600,
) -> None:
    """Identify one customer per row of FILE: created when new, updated when known.

    With more than one request at a time, rows about the same person may be applied in another order. Exits with 1
    when a row was refused, with 2 when it could not go on.
    """
    columns = {
        "externalId": external_id_column,
        "email": email_column,
        "phone": phone_column,
        "timezone": timezone_column,
        "locale": locale_column,
        "createdAt": created_at_column,
    }
    fields = {name: column for name, column in columns.items() if column}
    if not fields.keys() & set(IDENTITY_FIELDS):
        raise typer.BadParameter("give at least one of --external-id-column, --email-column and --phone-column")
    shape = PersonShape(fields, zone, tuple(attributes or ()))
    _Loading(file, shape, IDENTIFY, url, batch, concurrency, patience).run(api_key, rejects)


@dataclass(frozen=True, slots=True)
class _Loading:
    """One load as it was asked for."""

    file: Path
    shape: Shape
    document: str
    url: str
    batch: int
    concurrency: int
    patience: float

    def run(self, api_key: str, rejects: Path | None) -> None:
        """Loads the file, shows how it goes, and exits with 1 or 2 unless every row was taken."""
        known = {"file": digest(self.file), "url": self.url, "shape": repr(self.shape), "batch": self.batch}
        checkpoint = Checkpoint.open(Settings().data_dir / "loads", known)
        with Screen(self.file, checkpoint.totals, rejects, resumed=checkpoint.resumed) as screen:
            try:
                totals = anyio.run(self._load, api_key, checkpoint, screen)
            except (Stopped, ValueError) as stopped:
                screen.stopped(str(stopped))
                raise typer.Exit(2) from stopped
            except KeyboardInterrupt:
                screen.stopped("interrupted")
                raise typer.Exit(130) from None
            screen.finished()
        if totals.refused:
            raise typer.Exit(1)

    async def _load(self, api_key: str, checkpoint: Checkpoint, screen: Screen) -> Totals:
        headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}
        async with httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=TIMEOUT_S, trust_env=False) as client:
            sender = Sender(client, self.document, self.patience, screen.waiting)
            load = Load(
                self.file, self.shape, sender, checkpoint, self.batch, self.concurrency, screen.refused, screen.reached
            )
            return await load.run()
