"""After the secret was changed everything encrypted is encrypted anew, and the former secret is needed no more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from sqlalchemy import String, select
from sqlmodel import SQLModel

from app.actions.integrations import add_sending_domain, create_integration, open_credentials, signer_of
from app.actions.reporting import create_webhook
from app.actions.resealing import PORTION, SEALED_COLUMNS, reseal
from app.core.access import system
from app.core.database import Database
from app.core.errors import Forbidden
from app.core.ids import new_id
from app.core.sealing import is_current, seal, unseal
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from models import Domain, Integration, ReportingWebhook
from tests.serving import rapport
from tests.tenants import TenantAccount

SECOND = "the second secret, which has 32 letters"
MANY = PORTION + 5


def rotate(settings: Settings, *former: str) -> Settings:
    """The settings with another secret."""
    rotated = settings.model_copy(update={"secret": SECOND, "former_secrets": list(former)})
    rotated.__dict__.pop("signing_secret", None)
    return rotated


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[UnitsOfWork]:
    database = Database(settings)
    units = UnitsOfWork(database)
    yield units
    units.services.close()
    await database.close()


async def sealed_things(units: UnitsOfWork, tenant: TenantAccount) -> None:
    """One of everything that is kept encrypted."""
    async with units.write(tenant.principal) as tx:
        settings = {"host": "relay.example", "username": "shop"}
        await create_integration(tx, name="Relay", kind="smtp", settings=settings, credentials={"password": "hunter2"})
    async with units.write(tenant.principal) as tx:
        await add_sending_domain(tx, name="shop.example")
    async with units.write(tenant.principal) as tx:
        await create_webhook(tx, name="Hook", endpoint="https://shop.example/hook", events=["email_sent"])


async def more_integrations(units: UnitsOfWork, tenant: TenantAccount, settings: Settings, count: int) -> None:
    async with units.write(system(tenant.id)) as tx:
        rows = []
        for number in range(2, count + 2):
            id = new_id()
            rows.append(
                {
                    "id": id,
                    "number": number,
                    "name": "relay",
                    "kind": "smtp",
                    "channel": "email",
                    "settings": {},
                    "credentials": seal(settings, '{"password": "hunter3"}', about=f"integration:{id.hex}"),
                    "callback_key": id.hex,
                    "created_at": tx.now,
                    "updated_at": tx.now,
                }
            )
        await tx.insert(Integration, rows)


async def stored(units: UnitsOfWork) -> dict[str, list[str]]:
    """Whatever begins like a sealed text, in any column of any table."""
    found: dict[str, list[str]] = {}
    async with units.read(system()) as reading:
        for table in SQLModel.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(getattr(column.type, "impl", column.type), String):
                    texts = (await reading.session.execute(select(column).where(column.like("v1.%.%")))).scalars()
                    if values := list(texts):
                        found[f"{table.name}.{column.name}"] = values
    return found


async def test_everything_encrypted_is_encrypted_anew_and_the_former_secret_may_go(
    settings: Settings, tenant: TenantAccount, other_tenant: TenantAccount
) -> None:
    async with opened(settings) as units:
        for one in (tenant, other_tenant):
            await sealed_things(units, one)
        await more_integrations(units, tenant, settings, MANY)
        before = await stored(units)
    assert {name: len(values) for name, values in before.items()} == {
        "integrations.credentials": MANY + 2,
        "domains.dkim_private_key": 2,
        "reporting_webhooks.secret": 2,
    }
    assert len(before) == len(SEALED_COLUMNS)
    rotated = rotate(settings)
    former = {"RAPPORT_FORMER_SECRETS": orjson.dumps([settings.secret]).decode()}
    done = rapport(rotated, "reseal", **former)
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            f"credentials of integrations: {MANY + 2} resealed, 0 already were, 0 could not be read",
            "DKIM keys of domains: 2 resealed, 0 already were, 0 could not be read",
            "secrets of reporting webhooks: 2 resealed, 0 already were, 0 could not be read",
        ],
    ), done.stderr
    async with opened(rotated) as units:
        after = await stored(units)
        async with units.read(system()) as reading:
            integrations = (await reading.session.execute(select(Integration))).scalars().all()
            domains = (await reading.session.execute(select(Domain))).scalars().all()
            webhooks = (await reading.session.execute(select(ReportingWebhook))).scalars().all()
    assert [is_current(rotated, value) for values in after.values() for value in values] == [True] * (MANY + 6)
    passwords = sorted(open_credentials(rotated, one)["password"] for one in integrations)
    assert passwords == ["hunter2"] * 2 + ["hunter3"] * MANY
    assert [signer_of(rotated, domain).domain for domain in domains] == ["shop.example"] * 2
    assert sorted(unseal(rotated, one.secret) for one in webhooks) == sorted(
        unseal(settings, value) for value in before["reporting_webhooks.secret"]
    )
    again = rapport(rotated, "reseal")
    assert (again.returncode, again.stdout.splitlines()[0]) == (
        0,
        f"credentials of integrations: 0 resealed, {MANY + 2} already were, 0 could not be read",
    )
    async with opened(rotated) as units:
        assert await stored(units) == after


async def test_what_cannot_be_read_is_left_and_said_and_holds_nothing_up(
    settings: Settings, tenant: TenantAccount
) -> None:
    lost = Settings(secret="a third secret, which nobody has any more")
    async with opened(settings) as units:
        await sealed_things(units, tenant)
        await more_integrations(units, tenant, lost, PORTION + 1)
    rotated = rotate(settings)
    former = {"RAPPORT_FORMER_SECRETS": orjson.dumps([settings.secret]).decode()}
    done = rapport(rotated, "reseal", **former)
    assert (done.returncode, done.stdout.splitlines()) == (
        1,
        [
            f"credentials of integrations: 1 resealed, 0 already were, {PORTION + 1} could not be read",
            "DKIM keys of domains: 1 resealed, 0 already were, 0 could not be read",
            "secrets of reporting webhooks: 1 resealed, 0 already were, 0 could not be read",
        ],
    ), done.stderr
    async with opened(rotated) as units:
        kept = [value for value in (await stored(units))["integrations.credentials"] if not is_current(rotated, value)]
    assert len(kept) == PORTION + 1


async def test_it_goes_on_where_it_was_broken_off_and_overwrites_nobody(
    settings: Settings, tenant: TenantAccount
) -> None:
    async with opened(settings) as units:
        await more_integrations(units, tenant, settings, MANY)
    column = SEALED_COLUMNS[0]
    rotated = rotate(settings, settings.secret)
    async with opened(rotated) as units:
        async with units.write(system()) as tx:
            first = await reseal(tx, column=column)
        assert (first.resealed, first.unreadable) == (PORTION, 0)
        async with units.write(system()) as tx:
            begun_anew = await reseal(tx, column=column)
        assert (begun_anew.resealed, begun_anew.unreadable) == (MANY - PORTION, 0)
        async with units.write(system()) as tx:
            assert (await reseal(tx, column=column)).last is None
        with pytest.raises(Forbidden):
            async with units.write(tenant.principal) as tx:
                await reseal(tx, column=column)
