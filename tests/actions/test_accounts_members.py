"""Inviting, joining, roles, and the last owner."""

import asyncio
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import delete
from sqlmodel import col

from app.actions.accounts import (
    accept_invitation,
    add_member,
    change_member_role,
    forgot_password,
    get_me,
    remove_member,
    reset_password,
    verify_email,
)
from app.core import clock
from app.core.access import ALL_SCOPES, PUBLIC, ROLE_SCOPES, Principal, Role, Scope, system
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from app.core.ids import public_id
from app.core.tx import UnitsOfWork
from models import Session, User
from tests.actions.accounts import (
    PASSWORD,
    ada,
    audited,
    caller,
    counts,
    do,
    joined,
    mailed_tokens,
    mails,
    member,
    refreshed,
    sign_in,
    user,
)
from tests.tenants import TenantAccount

BOB = "bob@lovelace.example"
NEW = "staple battery horse"


async def test_somebody_new_joins_by_invitation(units: UnitsOfWork, tenant: TenantAccount) -> None:
    member_id = await do(units, tenant.principal, add_member, email="Bob@Lovelace.example", role="agent", name=" Bob ")
    [mail] = await mails(units, BOB)
    [token] = await mailed_tokens(units, BOB, "invite")
    assert (mail.tenant_id, mail.purpose, mail.subject) == (tenant.id, "invite", "You are invited to Acme")
    assert "to join Acme on Rapport as agent." in mail.body
    assert f"\n\nhttp://127.0.0.1:8000/console/#/invitation?token={token}\n\n" in mail.body
    assert token.endswith(f".{member_id.hex}")
    with pytest.raises(Unauthenticated):
        await sign_in(units, BOB, "")

    signed_in = await do(units, PUBLIC, accept_invitation, token=token, password=PASSWORD, name="Bobby")
    principal = await caller(units, signed_in)
    assert (principal.tenant_id, principal.role, principal.scopes) == (tenant.id, Role.AGENT, ROLE_SCOPES[Role.AGENT])
    async with units.read(principal) as reading:
        me = await get_me(reading)
    assert (me.user.name, me.member.id, me.member.invited_at) == ("Bobby", member_id, None)
    assert me.user.email_verified_at is not None
    await sign_in(units, BOB)
    place = public_id("member", member_id)
    assert await audited(units, tenant.id) == [
        (tenant.email, "member.invite", place, {"email": BOB, "role": "agent"}),
        (BOB, "member.join", place, {}),
        (BOB, "session.open", public_id("user", signed_in.user_id), {"with": "password"}),
    ]
    with pytest.raises(Invalid) as used:
        await do(units, PUBLIC, accept_invitation, token=token, password=PASSWORD)
    assert used.value.field == "token"


async def test_an_invitation_expires_and_can_be_withdrawn(units: UnitsOfWork, tenant: TenantAccount) -> None:
    member_id = await do(units, tenant.principal, add_member, email=BOB, role="agent")
    [token] = await mailed_tokens(units, BOB, "invite")
    with time_machine.travel(clock.now() + timedelta(hours=48, seconds=1)), pytest.raises(Invalid):
        await do(units, PUBLIC, accept_invitation, token=token, password=PASSWORD)
    forged = token.replace(member_id.hex, tenant.user_id.hex)
    with pytest.raises(Invalid):
        await do(units, PUBLIC, accept_invitation, token=forged, password=PASSWORD)
    await do(units, tenant.principal, remove_member, member_id=member_id)
    before = await counts(units)
    with pytest.raises(Invalid) as refusal:
        await do(units, PUBLIC, accept_invitation, token=token, password=PASSWORD)
    assert refusal.value.field == "token"
    assert await counts(units) == before
    assert (await user(units, BOB)).password_hash is None


async def test_whoever_registered_an_address_first_does_not_join_for_its_owner(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    squatter = await ada(units, BOB, "Squat")
    member_id = await do(units, tenant.principal, add_member, email=BOB, role="admin")
    with pytest.raises(NotFound):
        await sign_in(units, BOB, tenant_id=tenant.id)
    assert (await sign_in(units, BOB)).tenant_id == squatter.tenant_id

    [token] = await mailed_tokens(units, BOB, "invite")
    signed_in = await do(units, PUBLIC, accept_invitation, token=token, password=NEW)
    assert signed_in.tenant_id == tenant.id
    for refused in (caller(units, squatter), refreshed(units, squatter.refresh_token), sign_in(units, BOB)):
        with pytest.raises(Unauthenticated):
            await refused
    await sign_in(units, BOB, NEW, tenant_id=tenant.id)
    place = await member(units, tenant.id, signed_in.user_id)
    assert place is not None
    assert (place.id, place.role) == (member_id, "admin")


async def test_the_owner_of_a_verified_account_joins_with_its_password(
    units: UnitsOfWork, tenant: TenantAccount
) -> None:
    home = await ada(units, BOB, "Home")
    await do(units, PUBLIC, verify_email, token=(await mailed_tokens(units, BOB, "verify"))[0])
    stored = (await user(units, BOB)).password_hash
    await do(units, tenant.principal, add_member, email=BOB, role="viewer", name="Not Bob")
    [token] = await mailed_tokens(units, BOB, "invite")

    before = await counts(units)
    with pytest.raises(Unauthenticated):
        await do(units, PUBLIC, accept_invitation, token=token, password=NEW)
    assert await counts(units) == before
    signed_in = await do(units, PUBLIC, accept_invitation, token=token, password=PASSWORD)

    assert (signed_in.user_id, signed_in.tenant_id) == (home.user_id, tenant.id)
    row = await user(units, BOB)
    assert (row.password_hash, row.name) == (stored, "Ada")
    await caller(units, home)
    await refreshed(units, home.refresh_token)


async def test_somebody_only_invited_gets_no_reset_mail(units: UnitsOfWork, tenant: TenantAccount) -> None:
    await do(units, tenant.principal, add_member, email=BOB, role="agent")
    await do(units, PUBLIC, forgot_password, email=BOB)
    assert await mailed_tokens(units, BOB, "reset") == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"email": "bob"}, "email"),
        ({"role": "king"}, "role"),
        ({"role": ""}, "role"),
        ({"name": "Bob\nBcc: x"}, "name"),
    ],
)
async def test_a_refused_invitation_leaves_no_trace(
    units: UnitsOfWork, tenant: TenantAccount, values: dict[str, str], field: str
) -> None:
    before = await counts(units)
    with pytest.raises(Invalid) as refusal:
        await do(units, tenant.principal, add_member, **({"email": BOB, "role": "agent"} | values))
    assert refusal.value.field == field
    assert await counts(units) == before


async def test_nobody_is_invited_twice(units: UnitsOfWork, tenant: TenantAccount) -> None:
    await do(units, tenant.principal, add_member, email=BOB, role="agent")
    before = await counts(units)
    for email in (BOB, tenant.email):
        with pytest.raises(Conflict) as refusal:
            await do(units, tenant.principal, add_member, email=email, role="agent")
        assert refusal.value.field == "email"
    assert await counts(units) == before


@pytest.mark.parametrize("role", [Role.MARKETER, Role.AGENT, Role.VIEWER])
async def test_weak_roles_manage_nobody(units: UnitsOfWork, tenant: TenantAccount, role: Role) -> None:
    weak = Principal("member", tenant.id, tenant.user_id, role=role, scopes=ROLE_SCOPES[role])
    owner = await member(units, tenant.id, tenant.user_id)
    assert owner is not None
    for action, values in (
        (add_member, {"email": BOB, "role": "viewer"}),
        (change_member_role, {"member_id": owner.id, "role": "viewer"}),
        (remove_member, {"member_id": owner.id}),
    ):
        with pytest.raises(Forbidden) as refusal:
            await do(units, weak, action, **values)
        assert refusal.value.scope == "members:write"


async def test_nobody_gives_or_takes_a_role_stronger_than_their_own(units: UnitsOfWork, tenant: TenantAccount) -> None:
    admin = await caller(units, await joined(units, tenant.principal, BOB, Role.ADMIN))
    mine = await member(units, tenant.id, admin.id)  # type: ignore[arg-type]
    owner = await member(units, tenant.id, tenant.user_id)
    assert mine is not None
    assert owner is not None
    before = await counts(units)
    for action, values in (
        (add_member, {"email": "eve@lovelace.example", "role": "owner"}),
        (change_member_role, {"member_id": mine.id, "role": "owner"}),
        (change_member_role, {"member_id": owner.id, "role": "viewer"}),
        (remove_member, {"member_id": owner.id}),
    ):
        with pytest.raises(Forbidden):
            await do(units, admin, action, **values)
    assert await counts(units) == before
    await do(units, admin, add_member, email="eve@lovelace.example", role="admin")


async def test_a_key_gives_no_role_with_a_scope_it_lacks(units: UnitsOfWork, tenant: TenantAccount) -> None:
    scopes = ROLE_SCOPES[Role.AGENT] | {Scope.MEMBERS_WRITE}
    key = Principal("api_key", tenant.id, tenant.user_id, scopes=scopes)
    await do(units, key, add_member, email=BOB, role="agent")
    for role in ("marketer", "admin", "owner"):
        with pytest.raises(Forbidden):
            await do(units, key, add_member, email="eve@lovelace.example", role=role)
    strong = Principal("api_key", tenant.id, tenant.user_id, scopes=ALL_SCOPES)
    with pytest.raises(Forbidden):
        await do(units, strong, add_member, email="eve@lovelace.example", role="owner")


async def test_a_changed_role_counts_at_once(units: UnitsOfWork, tenant: TenantAccount) -> None:
    signed_in = await joined(units, tenant.principal, BOB, Role.AGENT)
    place = await member(units, tenant.id, signed_in.user_id)
    assert place is not None
    await do(units, tenant.principal, change_member_role, member_id=place.id, role="marketer")
    principal = await caller(units, signed_in)
    assert (principal.role, principal.scopes) == (Role.MARKETER, ROLE_SCOPES[Role.MARKETER])
    await do(units, tenant.principal, change_member_role, member_id=place.id, role="marketer")
    changes = [entry for entry in await audited(units, tenant.id) if entry[1] == "member.change_role"]
    assert changes == [
        (
            tenant.email,
            "member.change_role",
            public_id("member", place.id),
            {"role": {"from": "agent", "to": "marketer"}},
        )
    ]


async def test_a_removed_member_is_out_at_once_and_only_here(units: UnitsOfWork, tenant: TenantAccount) -> None:
    home = await ada(units, BOB, "Home")
    await do(units, PUBLIC, verify_email, token=(await mailed_tokens(units, BOB, "verify"))[0])
    here = await joined(units, tenant.principal, BOB, Role.AGENT)
    place = await member(units, tenant.id, home.user_id)
    assert place is not None
    await caller(units, here)

    await do(units, tenant.principal, remove_member, member_id=place.id)
    for refused in (caller(units, here), refreshed(units, here.refresh_token)):
        with pytest.raises(Unauthenticated):
            await refused
    await caller(units, home)
    assert (await audited(units, tenant.id))[-1] == (
        tenant.email, "member.remove", public_id("member", place.id), {"email": BOB, "role": "agent"}
    )  # fmt: skip
    with pytest.raises(NotFound):
        await do(units, tenant.principal, remove_member, member_id=place.id)


async def test_the_last_owner_stays(units: UnitsOfWork, tenant: TenantAccount) -> None:
    owner = await member(units, tenant.id, tenant.user_id)
    assert owner is not None
    # Somebody who is only invited is no owner yet.
    await do(units, tenant.principal, add_member, email=BOB, role="owner")
    before = await counts(units)
    for refused in (
        do(units, tenant.principal, change_member_role, member_id=owner.id, role="admin"),
        do(units, tenant.principal, remove_member, member_id=owner.id),
    ):
        with pytest.raises(Conflict) as refusal:
            await refused
        assert refusal.value.field == "member_id"
    assert await counts(units) == before
    [token] = await mailed_tokens(units, BOB, "invite")
    await do(units, PUBLIC, accept_invitation, token=token, password=PASSWORD)
    await do(units, tenant.principal, change_member_role, member_id=owner.id, role="admin")
    assert (await member(units, tenant.id, tenant.user_id)).role == "admin"  # type: ignore[union-attr]


async def test_two_owners_cannot_remove_each_other_at_once(units: UnitsOfWork, tenant: TenantAccount) -> None:
    bob = await caller(units, await joined(units, tenant.principal, BOB, Role.OWNER))
    mine = await member(units, tenant.id, tenant.user_id)
    his = await member(units, tenant.id, bob.id)  # type: ignore[arg-type]
    assert mine is not None
    assert his is not None
    outcomes = await asyncio.gather(
        do(units, tenant.principal, remove_member, member_id=his.id),
        do(units, bob, remove_member, member_id=mine.id),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "NoneType"]
    left = [await member(units, tenant.id, person) for person in (tenant.user_id, his.user_id)]
    assert [place.role for place in left if place is not None] == ["owner"]


async def test_another_tenants_members_are_not_found(
    units: UnitsOfWork, tenant: TenantAccount, other_tenant: TenantAccount
) -> None:
    theirs = await member(units, other_tenant.id, other_tenant.user_id)
    assert theirs is not None
    for refused in (
        do(units, tenant.principal, change_member_role, member_id=theirs.id, role="viewer"),
        do(units, tenant.principal, remove_member, member_id=theirs.id),
    ):
        with pytest.raises(NotFound) as refusal:
            await refused
        assert refusal.value.field == "member_id"
    assert (await member(units, other_tenant.id, other_tenant.user_id)) == theirs


async def test_a_reset_by_mail_ends_sessions_in_every_tenant(units: UnitsOfWork, tenant: TenantAccount) -> None:
    home = await ada(units, BOB, "Home")
    await do(units, PUBLIC, verify_email, token=(await mailed_tokens(units, BOB, "verify"))[0])
    here = await joined(units, tenant.principal, BOB, Role.AGENT)
    await do(units, PUBLIC, forgot_password, email=BOB)
    assert [mail.tenant_id for mail in await mails(units, BOB) if mail.purpose == "reset"] == [home.tenant_id]
    [token] = await mailed_tokens(units, BOB, "reset")
    await do(units, PUBLIC, reset_password, token=token, password=NEW)
    for signed_in in (home, here):
        with pytest.raises(Unauthenticated):
            await caller(units, signed_in)


async def test_a_deleted_user_takes_their_sessions_along(units: UnitsOfWork) -> None:
    signed_in = await ada(units)
    async with units.write(system()) as tx:
        await tx.session.execute(delete(User).where(col(User.id) == signed_in.user_id))
    assert (await counts(units, (Session,))) == {"sessions": 0}
    with pytest.raises(Unauthenticated):
        await caller(units, signed_in)
