"""Registering, verifying an address, and the caller's own account."""

from datetime import timedelta

import pytest
import time_machine

from app.actions.accounts import get_me, register, resend_verification, update_profile, update_tenant, verify_email
from app.core import clock
from app.core.access import ALL_SCOPES, PUBLIC, Principal, Role, Scope
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.ids import public_id
from app.core.tx import UnitsOfWork
from models import User
from tests.actions.accounts import PASSWORD, ada, audited, caller, counts, do, mailed_tokens, mails, user
from tests.tenants import TenantAccount


async def test_registering_makes_a_tenant_whose_owner_is_signed_in(units: UnitsOfWork) -> None:
    before = clock.now()
    signed_in = await do(
        units, PUBLIC, register, email=" ADA@Lovelace.Example ".strip(), password=PASSWORD, tenant_name=" Engines "
    )

    principal = await caller(units, signed_in)
    assert principal.kind == "member"
    assert principal.role is Role.OWNER
    assert principal.scopes == ALL_SCOPES
    assert (principal.id, principal.tenant_id) == (signed_in.user_id, signed_in.tenant_id)
    assert principal.label == "ada@lovelace.example"
    assert principal.plan == "free"
    assert timedelta(minutes=14, seconds=58) < signed_in.expires_at - before <= timedelta(minutes=15, seconds=1)
    async with units.read(principal) as reading:
        me = await get_me(reading)
    assert (me.user.email, me.user.email_verified_at, me.tenant.name) == ("ada@lovelace.example", None, "Engines")
    assert (me.member.role, me.member.invited_at, me.tenant.plan) == ("owner", None, "free")
    assert await counts(units) == {
        "tenants": 1, "users": 1, "members": 1, "sessions": 1, "refresh_tokens": 1,
        "email_tokens": 1, "api_keys": 0, "audit_entries": 1, "outbox_messages": 1,
    }  # fmt: skip
    assert await audited(units, signed_in.tenant_id) == [
        ("ada@lovelace.example", "tenant.create", public_id("tenant", signed_in.tenant_id), {"name": "Engines"})
    ]


async def test_nothing_that_was_secret_is_stored(units: UnitsOfWork) -> None:
    signed_in = await ada(units)
    token = (await mailed_tokens(units, "ada@lovelace.example", "verify"))[0]
    row = await user(units, "ada@lovelace.example")
    assert row.password_hash is not None
    assert row.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in repr(signed_in) + repr(row)
    assert signed_in.access_token not in repr(signed_in)
    async with units.read(PUBLIC) as reading:
        connection = await reading.session.connection()
        for table in ("refresh_tokens", "email_tokens", "sessions", "users"):
            stored = repr((await connection.exec_driver_sql(f"SELECT * FROM {table}")).all())
            assert signed_in.refresh_token not in stored
            assert token not in stored


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"email": "ada@lovelace.example\n"}, "email"),
        ({"email": "a\ud800@lovelace.example"}, "email"),
        ({"email": f"{'a' * 330}@lovelace.example"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "p" * 201}, "password"),
        ({"password": "ADA@lovelace.example"}, "password"),
        ({"tenant_name": "  "}, "tenant_name"),
        ({"tenant_name": "t" * 201}, "tenant_name"),
        ({"tenant_name": "Engines\r\nBcc: all@lovelace.example"}, "tenant_name"),
        ({"name": "Ada\x00"}, "name"),
        ({"name": "\ud800"}, "name"),
    ],
)
async def test_a_refused_registration_leaves_no_trace(units: UnitsOfWork, values: dict[str, str], field: str) -> None:
    right = {"email": "ada@lovelace.example", "password": PASSWORD, "tenant_name": "Engines"}
    with pytest.raises(Invalid) as refusal:
        await do(units, PUBLIC, register, **right | values)
    assert refusal.value.field == field
    assert set((await counts(units)).values()) == {0}


async def test_an_address_has_one_account(units: UnitsOfWork) -> None:
    await ada(units)
    before = await counts(units)
    with pytest.raises(Conflict) as refusal:
        await ada(units, "Ada@LOVELACE.example", "Other")
    assert refusal.value.field == "email"
    assert await counts(units) == before


async def test_an_address_is_verified_once(units: UnitsOfWork) -> None:
    signed_in = await ada(units)
    [mail] = await mails(units, "ada@lovelace.example")
    [token] = await mailed_tokens(units, "ada@lovelace.example", "verify")
    assert (mail.channel, mail.purpose, mail.tenant_id) == ("email", "verify", signed_in.tenant_id)
    assert mail.subject == "Please confirm your e-mail address"
    assert f"http://127.0.0.1:8000/console/#/verify?token={token}\n" in mail.body

    assert await do(units, PUBLIC, verify_email, token=token) == signed_in.user_id
    verified_at = (await user(units, "ada@lovelace.example")).email_verified_at
    assert verified_at is not None
    assert [entry[1] for entry in await audited(units, signed_in.tenant_id)] == ["tenant.create", "user.verify_email"]

    with pytest.raises(Invalid) as refusal:
        await do(units, PUBLIC, verify_email, token=token)
    assert (refusal.value.field, str(refusal.value)) == ("token", "token: is not valid any more")
    assert (await user(units, "ada@lovelace.example")).email_verified_at == verified_at
    with pytest.raises(Conflict):
        await do(units, await caller(units, signed_in), resend_verification)


async def test_a_verification_can_be_mailed_again_and_expires_after_two_days(units: UnitsOfWork) -> None:
    signed_in = await ada(units)
    await do(units, await caller(units, signed_in), resend_verification)
    first, second = await mailed_tokens(units, "ada@lovelace.example", "verify")
    assert first != second
    with time_machine.travel(clock.now() + timedelta(hours=48, seconds=1)), pytest.raises(Invalid):
        await do(units, PUBLIC, verify_email, token=second)
    with time_machine.travel(clock.now() + timedelta(hours=47, minutes=59)):
        await do(units, PUBLIC, verify_email, token=second)


@pytest.mark.parametrize("token", ["", "guess", "\ud800", "x" * 100_000, "a.b"])
async def test_a_made_up_token_is_refused(units: UnitsOfWork, token: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await do(units, PUBLIC, verify_email, token=token)
    assert refusal.value.field == "token"


async def test_a_token_works_only_for_its_purpose(units: UnitsOfWork) -> None:
    from app.actions.accounts import accept_invitation, reset_password

    await ada(units)
    [token] = await mailed_tokens(units, "ada@lovelace.example", "verify")
    for action in (reset_password, accept_invitation):
        with pytest.raises(Invalid):
            await do(units, PUBLIC, action, token=token, password="another password")


async def test_a_member_changes_their_own_name(units: UnitsOfWork, tenant: TenantAccount) -> None:
    await do(units, tenant.principal, update_profile, name=" Countess of Lovelace ")
    await do(units, tenant.principal, update_profile, name="Countess of Lovelace")
    await do(units, tenant.principal, update_profile)
    assert (await user(units, tenant.email)).name == "Countess of Lovelace"
    change = {"name": {"from": "Acme Owner", "to": "Countess of Lovelace"}}
    assert await audited(units, tenant.id) == [(tenant.email, "user.update", public_id("user", tenant.user_id), change)]


async def test_a_key_has_no_account_of_its_own(units: UnitsOfWork, tenant: TenantAccount) -> None:
    key = Principal("api_key", tenant.id, tenant.user_id, scopes=ALL_SCOPES)
    for action in (update_profile, resend_verification):
        with pytest.raises(Forbidden):
            await do(units, key, action)
    async with units.read(key) as reading:
        with pytest.raises(Forbidden):
            await get_me(reading)
    assert (await counts(units, (User,)))["users"] == 1


async def test_a_tenant_changes_its_name_and_plan(units: UnitsOfWork) -> None:
    signed_in = await ada(units)
    owner = await caller(units, signed_in)
    await do(units, owner, update_tenant, name=" Analytical Engines ", plan="professional")
    assert (await audited(units, signed_in.tenant_id))[-1] == (
        "ada@lovelace.example",
        "tenant.update",
        public_id("tenant", signed_in.tenant_id),
        {
            "name": {"from": "Engines", "to": "Analytical Engines"},
            "plan": {"from": "free", "to": "professional"},
        },
    )
    assert (await caller(units, signed_in)).plan == "professional"


async def test_the_plan_is_for_owners_and_admins_only(units: UnitsOfWork, tenant: TenantAccount) -> None:
    key = Principal("api_key", tenant.id, tenant.user_id, scopes=ALL_SCOPES)
    with pytest.raises(Forbidden):
        await do(units, key, update_tenant, name="Sold", plan="free")
    marketer = Principal("member", tenant.id, tenant.user_id, role=Role.MARKETER, scopes={Scope.TENANT_WRITE})
    with pytest.raises(Forbidden):
        await do(units, marketer, update_tenant, plan="free")
    for wrong in ({"plan": "gold"}, {"name": " "}):
        with pytest.raises(Invalid) as refusal:
            await do(units, tenant.principal, update_tenant, **wrong)
        assert refusal.value.field == next(iter(wrong))
    assert await audited(units, tenant.id) == []
    await do(units, key, update_tenant, name="Bought")
    assert len(await audited(units, tenant.id)) == 1
