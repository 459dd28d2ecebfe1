"""Passwords: changing, forgetting, resetting, and how they are hashed."""

import asyncio
import time
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import event

from app.actions.accounts import change_password, forgot_password, reset_password
from app.core import clock
from app.core.access import ALL_SCOPES, PUBLIC, Principal
from app.core.database import Database
from app.core.errors import Forbidden, Invalid, Overloaded, RateLimited, Unauthenticated
from app.core.ids import public_id
from app.core.passwords import DECOY, Passwords
from app.core.tx import UnitsOfWork
from models import EmailToken, OutboxMessage
from tests.actions.accounts import (
    PASSWORD,
    ada,
    audited,
    caller,
    counts,
    do,
    mailed_tokens,
    mails,
    refreshed,
    sign_in,
    user,
)
from tests.tenants import TenantAccount

ADA = "ada@lovelace.example"
NEW = "staple battery horse"


async def test_changing_the_password_ends_the_other_sessions(units: UnitsOfWork) -> None:
    other = await ada(units)
    mine = await sign_in(units, ADA)
    await do(units, PUBLIC, forgot_password, email=ADA)
    [mailed] = await mailed_tokens(units, ADA, "reset")

    await do(units, await caller(units, mine), change_password, current=PASSWORD, new=NEW)

    await caller(units, mine)
    await refreshed(units, mine.refresh_token)
    with pytest.raises(Unauthenticated):
        await caller(units, other)
    with pytest.raises(Unauthenticated):
        await refreshed(units, other.refresh_token)
    with pytest.raises(Unauthenticated):
        await sign_in(units, ADA)
    await sign_in(units, ADA, NEW)
    with pytest.raises(Invalid):
        await do(units, PUBLIC, reset_password, token=mailed, password="a third password")
    changes = [entry for entry in await audited(units, mine.tenant_id) if entry[1] == "user.change_password"]
    assert changes == [(ADA, "user.change_password", public_id("user", mine.user_id), {})]


async def test_one_address_gets_few_mails(units: UnitsOfWork) -> None:
    await ada(units)
    for _ in range(5):
        await do(units, PUBLIC, forgot_password, email=ADA)
        await do(units, PUBLIC, forgot_password, email="nobody@known.example")
    before = await counts(units)
    for address in (ADA, "nobody@known.example"):
        with pytest.raises(RateLimited):
            await do(units, PUBLIC, forgot_password, email=address)
    assert await counts(units) == before


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong password", NEW, "current"),
        (PASSWORD, "short", "new"),
        (PASSWORD, "Ada@Lovelace.example", "new"),
        (PASSWORD, "p" * 201, "new"),
    ],
)
async def test_a_refused_change_changes_nothing(units: UnitsOfWork, current: str, new: str, field: str) -> None:
    signed_in = await ada(units)
    before, stored = await counts(units), (await user(units, ADA)).password_hash
    with pytest.raises(Invalid) as refusal:
        await do(units, await caller(units, signed_in), change_password, current=current, new=new)
    assert refusal.value.field == field
    assert (await counts(units), (await user(units, ADA)).password_hash) == (before, stored)


async def test_only_a_member_has_a_password(units: UnitsOfWork, tenant: TenantAccount) -> None:
    key = Principal("api_key", tenant.id, tenant.user_id, scopes=ALL_SCOPES)
    with pytest.raises(Forbidden):
        await do(units, key, change_password, current=PASSWORD, new=NEW)
    with pytest.raises(Invalid) as refusal:
        await do(units, tenant.principal, change_password, current="", new=NEW)
    assert refusal.value.field == "current"


async def test_a_forgotten_password_is_chosen_anew_by_mail(units: UnitsOfWork) -> None:
    signed_in = await ada(units)
    await do(units, PUBLIC, forgot_password, email="Ada@Lovelace.example")
    await do(units, PUBLIC, forgot_password, email=ADA)
    first, second = await mailed_tokens(units, ADA, "reset")
    mail = (await mails(units, ADA))[-1]
    assert (mail.tenant_id, mail.subject) == (signed_in.tenant_id, "Choose a new password")
    assert (
        f"within 60 minutes; the link works once:\n\nhttp://127.0.0.1:8000/console/#/reset?token={second}\n"
        in mail.body
    )
    await caller(units, signed_in)

    with pytest.raises(Invalid) as refusal:
        await do(units, PUBLIC, reset_password, token=first, password="short")
    assert refusal.value.field == "password"
    assert await do(units, PUBLIC, reset_password, token=first, password=NEW) == signed_in.user_id

    with pytest.raises(Unauthenticated):
        await caller(units, signed_in)
    with pytest.raises(Unauthenticated):
        await refreshed(units, signed_in.refresh_token)
    for token in (first, second):
        with pytest.raises(Invalid) as used:
            await do(units, PUBLIC, reset_password, token=token, password="a third password")
        assert used.value.field == "token"
    await sign_in(units, ADA, NEW)
    row = await user(units, ADA)
    assert row.email_verified_at is not None
    assert [entry[:2] for entry in await audited(units, signed_in.tenant_id)] == [
        (ADA, "tenant.create"),
        (ADA, "user.reset_password"),
        (ADA, "session.open"),
    ]


async def test_a_reset_token_expires_after_an_hour(units: UnitsOfWork) -> None:
    await ada(units)
    await do(units, PUBLIC, forgot_password, email=ADA)
    [token] = await mailed_tokens(units, ADA, "reset")
    with time_machine.travel(clock.now() + timedelta(minutes=61)), pytest.raises(Invalid):
        await do(units, PUBLIC, reset_password, token=token, password=NEW)
    await sign_in(units, ADA)


async def test_of_two_who_reset_at_once_one_succeeds(units: UnitsOfWork) -> None:
    await ada(units)
    await do(units, PUBLIC, forgot_password, email=ADA)
    [token] = await mailed_tokens(units, ADA, "reset")
    outcomes = await asyncio.gather(
        *(do(units, PUBLIC, reset_password, token=token, password=f"password number {i}") for i in range(4)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Invalid"] * 3 + ["UUID"]


async def test_forgetting_says_and_does_the_same_for_an_unknown_address(units: UnitsOfWork, database: Database) -> None:
    await ada(units)
    statements: list[str] = []
    event.listen(database.writer.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    work = []
    for email in (ADA, "nobody@lovelace.example"):
        statements.clear()
        before = await counts(units, (EmailToken, OutboxMessage))
        assert await do(units, PUBLIC, forgot_password, email=email) is None
        after = await counts(units, (EmailToken, OutboxMessage))
        work.append(([text for text in statements if "SAVEPOINT" not in text], after["email_tokens"]))
        expected = 1 if email == ADA else 0
        assert {table: after[table] - before[table] for table in after} == {
            "email_tokens": expected,
            "outbox_messages": expected,
        }
    assert work[0][0] == work[1][0]
    assert len(work[0][0]) > 2
    assert await mails(units, "nobody@lovelace.example") == []
    with pytest.raises(Invalid) as malformed:
        await do(units, PUBLIC, forgot_password, email="nobody")
    assert malformed.value.field == "email"


async def test_nobody_to_remember_is_no_error(units: UnitsOfWork) -> None:
    await do(units, PUBLIC, forgot_password, email=ADA)
    assert set((await counts(units)).values()) == {0}


class TestHashing:
    """The hashes themselves, which know no database."""

    async def test_the_same_password_typed_on_another_keyboard_matches(self) -> None:
        passwords = Passwords()
        stored = await passwords.hash("caf\u00e9 au lait \ud800")
        assert await passwords.verify("cafe\u0301 au lait \ud800", stored)
        assert not await passwords.verify("cafe au lait \ud800", stored)
        assert not passwords.is_outdated(stored)
        passwords.close()

    async def test_nothing_stored_costs_as_much_as_a_hash_and_never_matches(self) -> None:
        passwords = Passwords()
        assert not passwords.is_outdated(DECOY)
        stored = await passwords.hash(PASSWORD)

        async def seconds(against: str | None) -> float:
            begun = time.perf_counter()
            assert not await passwords.verify("wrong password", against)
            return time.perf_counter() - begun

        real = min([await seconds(stored) for _ in range(5)])
        nobody = min([await seconds(None) for _ in range(5)])
        assert 0.5 < nobody / real < 2
        assert not await passwords.verify("", None)
        passwords.close()

    async def test_more_than_the_queue_holds_is_refused_and_room_comes_back(self) -> None:
        passwords = Passwords(queue=3)
        outcomes = await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(5)), return_exceptions=True)
        assert [type(outcome).__name__ for outcome in outcomes] == ["str"] * 3 + ["Overloaded"] * 2
        waiting = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await passwords.hash(PASSWORD)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        async with asyncio.timeout(30):
            while True:
                try:
                    await passwords.hash(PASSWORD)
                    break
                except Overloaded:
                    await asyncio.sleep(0.01)
        passwords.close()

    async def test_a_damaged_hash_matches_nothing(self) -> None:
        passwords = Passwords()
        assert not await passwords.verify(PASSWORD, "$argon2id$damaged")
        passwords.close()
