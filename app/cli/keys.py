"""``rapport api-key create``: a way in for whoever runs the server."""

from dataclasses import replace
from typing import Annotated

import anyio
import typer
from sqlmodel import col

from app.actions.accounts.api_keys import create_api_key
from app.actions.accounts.memberships import Membership
from app.actions.accounts.rules import normal_email
from app.cli.database import units_of_work
from app.core.access import Scope, system
from app.core.errors import Invalid, NotFound, RapportError
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from models import Tenant, User

api_key = typer.Typer(no_args_is_help=True, help="API keys, for whoever runs the server.")


@api_key.callback()
def _api_key() -> None:
    """Keeps ``create`` a command of its own although there is only one."""


@api_key.command("create")
def create(
    email: Annotated[str, typer.Option(help="The member in whose name the key is made.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "Made on the command line",
    scope: Annotated[list[Scope] | None, typer.Option(help="Repeatable. Without it: all that the member has.")] = None,
    tenant: Annotated[str | None, typer.Option(help="The tenant's name, when the member is in more than one.")] = None,
) -> None:
    """Make an API key and print it, once.

    On the embedded database the server must be stopped: one process owns the file.
    """
    settings = Settings()

    async def run() -> str:
        async with units_of_work(settings) as units:
            return await _create(units, email, name, scope, tenant)

    try:
        typer.echo(anyio.run(run))
    except RapportError as refused:
        typer.echo(refused.message, err=True)
        raise typer.Exit(1) from refused


async def _create(units: UnitsOfWork, email: str, name: str, scopes: list[Scope] | None, tenant: str | None) -> str:
    member = await _member(units, normal_email(email), tenant)
    async with units.write(replace(member.principal(), source="cli")) as tx:
        made = await create_api_key(tx, name=name, scopes=scopes or sorted(tx.principal.scopes))
    return made.key_text


async def _member(units: UnitsOfWork, email: str, tenant: str | None) -> Membership:
    """The member with this address; where they are in several tenants, the one in the tenant called ``tenant``."""
    wanted = Membership.joined().where(col(User.email) == email)
    if tenant is not None:
        wanted = wanted.where(col(Tenant.name) == tenant)
    async with units.read(system()) as reading:
        found = (await reading.session.execute(wanted)).all()
    if not found:
        raise NotFound("member", "email")
    if len(found) > 1:
        raise Invalid.at("tenant", "is needed: this member is in more than one")
    return Membership.from_row(found[0])
