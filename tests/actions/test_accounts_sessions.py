"""Logging in, refreshing, reuse detection and logging out."""

import asyncio
from contextvars import Context
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from argon2 import PasswordHasher
from sqlalchemy import select, update
from sqlmodel import col

from app.actions.accounts import log_in_with_oidc, remove_member, revoke, verify_email
from app.core import clock
from app.core.access import PUBLIC, Role, system
from app.core.errors import Forbidden, Invalid, NotFound, RapportError, RateLimited, Unauthenticated
from app.core.ids import new_id, public_id
from app.core.passwords import Passwords
from app.core.tx import UnitsOfWork
from models import RefreshToken, Session, User
from tests.actions.accounts import (
    PASSWORD,
    ada,
    audited,
    caller,
    counts,
    do,
    joined,
    mailed_tokens,
    member,
    refreshed,
    sign_in,
    user,
)

ADA = "ada@lovelace.example"


async def test_logging_in_begins_another_session(units: UnitsOfWork) -> None:
    first = await ada(units)
    second = await sign_in(units, "ADA@lovelace.example")
    assert (second.user_id, second.tenant_id) == (first.user_id, first.tenant_id)
    assert second.refresh_token != first.refresh_token
    principals = [await caller(units, first), await caller(units, second)]
    assert principals[0].session_id != principals[1].session_id
    assert (await audited(units, first.tenant_id))[-1] == (
        ADA, "session.open", public_id("user", first.user_id), {"with": "password"}
    )  # fmt: skip


async def test_one_account_cannot_be_guessed_at_without_end(units: UnitsOfWork) -> None:
    await ada(units)
    refusals: list[type[Exception]] = []
    while RateLimited not in refusals and len(refusals) < 20:
        spelling = ADA.upper() if len(refusals) % 2 else ADA
        with pytest.raises((Unauthenticated, RateLimited)) as refused:
            await sign_in(units, spelling, "no such password")
        refusals.append(refused.type)
    assert refusals == [Unauthenticated] * 10 + [RateLimited]
    before = await counts(units)
    with pytest.raises(RateLimited) as limited:
        await sign_in(units, ADA)
    assert 1 <= limited.value.retry_after <= 6
    assert await counts(units) == before
    with pytest.raises(Unauthenticated):
        await sign_in(units, "somebody@else.example")


async def test_a_wrong_password_and_an_unknown_address_are_the_same_refusal(
    units: UnitsOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada(units)
    before = await counts(units)
    verified: list[bool] = []
    verify = Passwords.verify

    async def counted(self: Passwords, password: str, stored: str | None) -> bool:
        verified.append(stored is None)
        return await verify(self, password, stored)

    monkeypatch.setattr(Passwords, "verify", counted)
    refusals = []
    for email, password in ((ADA, "wrong password"), ("nobody@lovelace.example", PASSWORD), (ADA, "p" * 100_000)):
        with pytest.raises(Unauthenticated) as refusal:
            await sign_in(units, email, password)
        refusals.append((type(refusal.value), refusal.value.message, refusal.value.issues))
    assert set(refusals) == {(Unauthenticated, "The e-mail address or the password is wrong.", ())}
    assert verified == [False, True, False]
    assert await counts(units) == before


async def test_a_malformed_address_is_invalid(units: UnitsOfWork) -> None:
    with pytest.raises(Invalid) as refusal:
        await sign_in(units, "nobody")
    assert refusal.value.field == "email"


async def test_logging_in_does_not_hold_the_writer_while_it_hashes(
    units: UnitsOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in = await ada(units)
    hashing, go_on = asyncio.Event(), asyncio.Event()
    verify = Passwords.verify

    async def slow(self: Passwords, password: str, stored: str | None) -> bool:
        hashing.set()
        await go_on.wait()
        return await verify(self, password, stored)

    monkeypatch.setattr(Passwords, "verify", slow)
    login = asyncio.create_task(sign_in(units, ADA))
    await hashing.wait()
    async with asyncio.timeout(5):
        await refreshed(units, signed_in.refresh_token)
    go_on.set()
    await login


async def test_a_password_changed_meanwhile_does_not_sign_in(
    units: UnitsOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada(units)
    before = await counts(units)
    verify = Passwords.verify

    async def replace_the_hash() -> None:
        async with units.write(system()) as tx:
            await tx.session.execute(update(User).values(password_hash="$argon2id$other"))

    async def overtaken(self: Passwords, password: str, stored: str | None) -> bool:
        await asyncio.create_task(replace_the_hash(), context=Context())
        return await verify(self, password, stored)

    monkeypatch.setattr(Passwords, "verify", overtaken)
    with pytest.raises(Unauthenticated):
        await sign_in(units, ADA)
    assert await counts(units) == before


async def test_a_hash_with_old_parameters_is_made_again(units: UnitsOfWork) -> None:
    await ada(units)
    outdated = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    async with units.write(system()) as tx:
        await tx.session.execute(update(User).values(password_hash=outdated))
    await sign_in(units, ADA)
    renewed = (await user(units, ADA)).password_hash
    assert renewed is not None
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await sign_in(units, ADA)
    assert (await user(units, ADA)).password_hash == renewed


async def test_a_tenant_is_chosen_when_logging_in(units: UnitsOfWork) -> None:
    home = await ada(units)
    other = await ada(units, "grace@hopper.example", "Compilers")
    owner = await caller(units, other)
    await do(units, PUBLIC, verify_email, token=(await mailed_tokens(units, ADA, "verify"))[0])
    await joined(units, owner, ADA, Role.AGENT)

    assert (await sign_in(units, ADA)).tenant_id == home.tenant_id
    there = await sign_in(units, ADA, tenant_id=other.tenant_id)
    principal = await caller(units, there)
    assert (principal.tenant_id, principal.role) == (other.tenant_id, Role.AGENT)
    with pytest.raises(NotFound) as refusal:
        await sign_in(units, "grace@hopper.example", tenant_id=home.tenant_id)
    assert refusal.value.field == "tenant_id"

    place = await member(units, other.tenant_id, home.user_id)
    assert place is not None
    await do(units, owner, remove_member, member_id=place.id)
    with pytest.raises(NotFound):
        await sign_in(units, ADA, tenant_id=other.tenant_id)


async def test_somebody_without_a_tenant_cannot_sign_in(units: UnitsOfWork) -> None:
    owner = await caller(units, await ada(units))
    agent = await joined(units, owner, "bob@lovelace.example", Role.AGENT)
    place = await member(units, agent.tenant_id, agent.user_id)
    assert place is not None
    await do(units, owner, remove_member, member_id=place.id)
    with pytest.raises(Forbidden):
        await sign_in(units, "bob@lovelace.example")


async def test_a_refresh_token_rotates(units: UnitsOfWork) -> None:
    first = await ada(units)
    second = await refreshed(units, first.refresh_token)
    third = await refreshed(units, second.refresh_token)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert all(len(signed_in.refresh_token) == 43 for signed_in in (first, second, third))
    sessions = {(await caller(units, signed_in)).session_id for signed_in in (first, second, third)}
    assert len(sessions) == 1
    assert (await counts(units, (Session, RefreshToken))) == {"sessions": 1, "refresh_tokens": 3}


async def test_a_reused_refresh_token_revokes_its_family_and_no_other(units: UnitsOfWork) -> None:
    first = await ada(units)
    elsewhere = await sign_in(units, ADA)
    second = await refreshed(units, first.refresh_token)
    third = await refreshed(units, second.refresh_token)

    with pytest.raises(Unauthenticated) as reuse:
        await refreshed(units, first.refresh_token)
    assert reuse.value.message == "The refresh token is not valid."
    with pytest.raises(Unauthenticated):
        await refreshed(units, third.refresh_token)
    for signed_in in (first, second, third):
        with pytest.raises(Unauthenticated):
            await caller(units, signed_in)
    assert (await audited(units, first.tenant_id))[-1] == (
        "public", "session.reuse_detected", public_id("user", first.user_id), {}
    )  # fmt: skip
    before = await counts(units)
    with pytest.raises(Unauthenticated):
        await refreshed(units, first.refresh_token)
    assert await counts(units) == before
    await caller(units, elsewhere)
    await refreshed(units, elsewhere.refresh_token)


async def test_of_many_who_refresh_at_once_one_succeeds_and_the_family_ends(units: UnitsOfWork) -> None:
    first = await ada(units)
    outcomes = await asyncio.gather(*(refreshed(units, first.refresh_token) for _ in range(8)), return_exceptions=True)
    winners = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(winners) == 1
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)] == [Unauthenticated] * 7
    assert (await counts(units, (RefreshToken,)))["refresh_tokens"] == 2
    with pytest.raises(Unauthenticated):
        await refreshed(units, winners[0].refresh_token)
    with pytest.raises(Unauthenticated):
        await caller(units, winners[0])
    assert [entry[1] for entry in await audited(units, first.tenant_id)] == ["tenant.create", "session.reuse_detected"]


async def test_a_refresh_token_expires_after_thirty_days_of_disuse(units: UnitsOfWork) -> None:
    signed_in = await ada(units)
    with time_machine.travel(clock.now() + timedelta(days=29, hours=23)):
        signed_in = await refreshed(units, signed_in.refresh_token)
    before = await counts(units)
    with time_machine.travel(clock.now() + timedelta(days=60)), pytest.raises(Unauthenticated):
        await refreshed(units, signed_in.refresh_token)
    assert await counts(units) == before
    async with units.read(system()) as reading:
        revoked = (await reading.session.execute(select(col(Session.revoked_at)))).scalars().all()
    assert revoked == [None]


@pytest.mark.parametrize("token", ["", "guess", "\ud800", "x" * 100_000])
async def test_a_made_up_refresh_token_is_refused(units: UnitsOfWork, token: str) -> None:
    await ada(units)
    before = await counts(units)
    with pytest.raises(Unauthenticated):
        await refreshed(units, token)
    await do(units, PUBLIC, revoke, refresh_token=token)
    assert await counts(units) == before


async def test_logging_out_ends_the_session_at_once(units: UnitsOfWork) -> None:
    signed_in = await ada(units)
    await caller(units, signed_in)
    await do(units, PUBLIC, revoke, refresh_token=signed_in.refresh_token)
    with pytest.raises(Unauthenticated):
        await caller(units, signed_in)
    with pytest.raises(Unauthenticated):
        await refreshed(units, signed_in.refresh_token)
    await do(units, PUBLIC, revoke, refresh_token=signed_in.refresh_token)
    assert [entry[:2] for entry in await audited(units, signed_in.tenant_id)] == [
        (ADA, "tenant.create"),
        (ADA, "session.revoke"),
    ]


async def test_a_refusal_that_commits_keeps_what_was_written(units: UnitsOfWork) -> None:
    tenant_id: UUID = (await ada(units)).tenant_id
    refusal = Unauthenticated("no")
    with pytest.raises(Unauthenticated) as raised:
        async with units.write(system(tenant_id)) as tx:
            tx.audit("test.kept", public_id("tenant", tenant_id))
            raise tx.commit_despite(refusal)
    assert raised.value is refusal
    with pytest.raises(RapportError):
        async with units.write(system(tenant_id)) as tx:
            tx.commit_despite(refusal)
            tx.audit("test.lost", public_id("tenant", tenant_id))
            raise NotFound("tenant")
    assert [entry[1] for entry in await audited(units, tenant_id)] == ["tenant.create", "test.kept"]


async def test_sign_in_with_openid_connect_is_for_verified_members_only(units: UnitsOfWork) -> None:
    owner = await ada(units)
    refused = ["nobody@lovelace.example", ADA]
    async with units.write(system()) as tx:
        row = {"id": new_id(), "email": "idle@lovelace.example", "email_verified_at": tx.now}
        await tx.insert(User, [row | {"name": "", "created_at": tx.now, "updated_at": tx.now}])
    before = await counts(units)
    for email in [*refused, "idle@lovelace.example"]:
        with pytest.raises(Unauthenticated) as refusal:
            await do(units, PUBLIC, log_in_with_oidc, email=email, name="Ada King")
        assert refusal.value.message == "No member signs in with this address."
    assert await counts(units) == before

    await do(units, PUBLIC, verify_email, token=(await mailed_tokens(units, ADA, "verify"))[0])
    signed_in = await do(units, PUBLIC, log_in_with_oidc, email="Ada@Lovelace.example", name="Ada King")
    assert (signed_in.user_id, signed_in.tenant_id) == (owner.user_id, owner.tenant_id)
    assert (await user(units, ADA)).name == "Ada"
    assert (await audited(units, owner.tenant_id))[-1][1::2] == ("session.open", {"with": "oidc"})
