"""API keys: scopes, expiry, and what is stored of them."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.actions.accounts import create_api_key, revoke_api_key
from app.core import clock
from app.core.access import ALL_SCOPES, Principal, Role, Scope, system
from app.core.clock import iso
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.ids import new_id, public_id
from app.core.tx import UnitsOfWork
from models import ApiKey
from tests.actions.accounts import audited, counts, do
from tests.tenants import TenantAccount

READING = ["customers:read", "events:read"]


async def stored(units: UnitsOfWork, key_id: UUID) -> ApiKey:
    async with units.read(system()) as reading:
        return (await reading.session.execute(select(ApiKey).where(col(ApiKey.id) == key_id))).scalar_one()


async def test_a_key_is_shown_once_and_stored_hashed(units: UnitsOfWork, tenant: TenantAccount) -> None:
    expires_at = clock.now() + timedelta(days=90)
    made = await do(
        units,
        tenant.principal,
        create_api_key,
        name=" Site ",
        scopes=["events:write", "customers:write", "events:write"],
        expires_at=expires_at,
    )
    match = re.fullmatch(r"rpt_([a-z0-9]{10})_([A-Za-z0-9_-]{43})", made.key_text)
    assert match is not None
    row = await stored(units, made.id)
    assert row.model_dump() == {
        "tenant_id": tenant.id,
        "id": made.id,
        "name": "Site",
        "prefix": match[1],
        "secret_hash": sha256(made.key_text.encode()).hexdigest(),
        "last4": made.key_text[-4:],
        "scopes": ["customers:write", "events:write"],
        "created_by_id": tenant.user_id,
        "created_at": row.created_at,
        "expires_at": expires_at,
        "last_used_at": None,
        "revoked_at": None,
    }
    assert made.key_text not in repr(made)
    noted = {"name": "Site", "scopes": ["customers:write", "events:write"], "expires_at": iso(expires_at)}
    assert await audited(units, tenant.id) == [(tenant.email, "api_key.create", public_id("api_key", made.id), noted)]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "k" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["customers:read", "everything"]}, "scopes"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expires_at"),
        ({"expires_at": datetime(2099, 1, 1, tzinfo=UTC).replace(tzinfo=None)}, "expires_at"),
    ],
)
async def test_a_refused_key_leaves_no_trace(
    units: UnitsOfWork, tenant: TenantAccount, values: dict[str, object], field: str
) -> None:
    before = await counts(units)
    with pytest.raises(Invalid) as refusal:
        await do(units, tenant.principal, create_api_key, **({"name": "Site", "scopes": READING} | values))
    assert refusal.value.field == field
    assert await counts(units) == before


async def test_a_key_has_no_scope_that_its_maker_lacks(units: UnitsOfWork, tenant: TenantAccount) -> None:
    scopes = frozenset({Scope.CUSTOMERS_READ, Scope.API_KEYS_WRITE})
    maker = Principal("member", tenant.id, tenant.user_id, role=Role.AGENT, scopes=scopes)
    before = await counts(units)
    with pytest.raises(Forbidden) as refusal:
        await do(units, maker, create_api_key, name="Site", scopes=READING)
    assert refusal.value.scope == "events:read"
    assert await counts(units) == before
    await do(units, maker, create_api_key, name="Site", scopes=["customers:read"])
    for principal in (Principal("member", tenant.id, scopes=ALL_SCOPES - {Scope.API_KEYS_WRITE}),):
        with pytest.raises(Forbidden) as missing:
            await do(units, principal, create_api_key, name="Site", scopes=["customers:read"])
        assert missing.value.scope == "api_keys:write"
        with pytest.raises(Forbidden):
            await do(units, principal, revoke_api_key, api_key_id=new_id())


async def test_a_key_makes_no_key_that_outlives_it(units: UnitsOfWork, tenant: TenantAccount) -> None:
    limit = clock.now() + timedelta(days=1)
    key = Principal("api_key", tenant.id, new_id(), scopes=ALL_SCOPES, expires_at=limit)
    for expires_at in (None, limit + timedelta(seconds=1)):
        with pytest.raises(Invalid) as refusal:
            await do(units, key, create_api_key, name="Site", scopes=READING, expires_at=expires_at)
        assert refusal.value.field == "expires_at"
    made = await do(units, key, create_api_key, name="Site", scopes=READING, expires_at=limit)
    assert (await stored(units, made.id)).created_by_id is None
    member = Principal("member", tenant.id, tenant.user_id, scopes=ALL_SCOPES, expires_at=limit)
    await do(units, member, create_api_key, name="Site", scopes=READING)


async def test_a_key_is_revoked_for_ever(units: UnitsOfWork, tenant: TenantAccount) -> None:
    made = await do(units, tenant.principal, create_api_key, name="Site", scopes=READING)
    await do(units, tenant.principal, revoke_api_key, api_key_id=made.id)
    revoked_at = (await stored(units, made.id)).revoked_at
    assert revoked_at is not None
    await do(units, tenant.principal, revoke_api_key, api_key_id=made.id)
    assert (await stored(units, made.id)).revoked_at == revoked_at
    assert [entry[1:] for entry in await audited(units, tenant.id)][1:] == [
        ("api_key.revoke", public_id("api_key", made.id), {"name": "Site"})
    ]


async def test_another_tenants_key_is_not_found(
    units: UnitsOfWork, tenant: TenantAccount, other_tenant: TenantAccount
) -> None:
    theirs = await do(units, other_tenant.principal, create_api_key, name="Site", scopes=READING)
    for key_id in (theirs.id, new_id()):
        with pytest.raises(NotFound) as refusal:
            await do(units, tenant.principal, revoke_api_key, api_key_id=key_id)
        assert refusal.value.field == "api_key_id"
    assert (await stored(units, theirs.id)).revoked_at is None
