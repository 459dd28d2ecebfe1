"""The smaller commands."""

from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from app.cli import main
from app.core.database import Database
from app.core.migrations import downgrade, is_current
from app.core.settings import Settings
from app.core.tx import UnitsOfWork
from models import ApiKey
from tests.serving import rapport
from tests.tenants import TenantAccount


async def test_migrate_brings_an_empty_database_up_to_date_and_may_be_run_again(settings: Settings) -> None:
    database = Database(settings)
    await downgrade(database, "base")
    await database.close()
    for _ in range(2):
        migrated = rapport(settings, "migrate")
        assert (migrated.returncode, "has the newest schema" in migrated.stderr) == (0, True), migrated.stderr
    assert await is_current(database)
    await database.close()


async def test_a_key_has_the_scopes_that_were_asked_for(
    settings: Settings, tenant: TenantAccount, other_tenant: TenantAccount
) -> None:
    scopes = ["--scope", "events:write", "--scope", "customers:read"]
    made = rapport(settings, "api-key", "create", "--email", tenant.email.upper(), "--name", "CI", *scopes)
    assert made.returncode == 0, made.stderr
    database = Database(settings)
    units = UnitsOfWork(database)
    async with units.read(tenant.principal) as reading:
        rows = (await reading.session.execute(select(ApiKey))).scalars().all()
    async with units.read(other_tenant.principal) as reading:
        others = (await reading.session.execute(select(ApiKey))).scalars().all()
    units.services.close()
    await database.close()
    assert [(row.name, row.scopes, row.created_by_id) for row in rows] == [
        ("CI", ["customers:read", "events:write"], tenant.user_id)
    ]
    assert made.stdout.startswith(f"rpt_{rows[0].prefix}_")
    assert others == []


def test_a_key_for_nobody_is_refused(settings: Settings) -> None:
    refused = rapport(settings, "api-key", "create", "--email", "nobody@example.com")
    assert (refused.returncode, refused.stdout, refused.stderr.strip()) == (1, "", "No such member.")


def test_a_worker_needs_a_database_of_many_processes(settings: Settings) -> None:
    if not settings.embedded:
        return
    refused = rapport(settings, "worker")
    assert refused.returncode == 1
    assert "runs its own jobs" in refused.stderr


def test_the_schema_is_compared_with_its_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed = CliRunner().invoke(main, ["schema"]).stdout
    assert "type Query {" in printed
    assert CliRunner().invoke(main, ["schema", "--check"]).exit_code == 1
    Path("schema.graphql").write_text(printed)
    assert CliRunner().invoke(main, ["schema", "--check"]).exit_code == 0
    Path("schema.graphql").write_text(printed.replace("type Query {", "type Inquiry {"))
    compared = CliRunner().invoke(main, ["schema", "--check"])
    assert (compared.exit_code, [line for line in compared.stdout.splitlines() if line[:1] in "+-"]) == (
        1,
        ["--- schema.graphql", "+++ the code", "-type Inquiry {", "+type Query {"],
    )
