"""Uploading, sending and linking files, and what becomes of those that nobody sends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.actions.conversations import delete_message
from app.actions.customers import erase_customer
from app.actions.files import (
    FileLink,
    file_links,
    follow_link,
    get_file,
    limits,
    nobodys_keys,
    purge_unsent_files,
    upload,
)
from app.core import clock
from app.core.access import Scope, system
from app.core.errors import Conflict, FileTooLarge, Forbidden, Invalid, NotFound, RateLimited
from app.core.ids import new_id
from app.core.settings import Settings
from app.core.storage import Storage
from app.runtime import Runtime
from models import File, Job, Message, MessageFile, Tenant
from tests.actions.people import People, by_id
from tests.actions.talking import Office
from tests.tenants import TenantAccount
from tests.uploads import PNG, TAKEN, pieces
from workers import files as work


async def send(people: People, content: bytes = PNG, name: str = "a.png") -> File:
    return await upload(people.units, people.principal, name=name, chunks=pieces(content))


async def keys(storage: Storage) -> list[str]:
    return sorted([found.key async for portion in storage.listed() for found in portion])


async def link(people: People, *file_ids: UUID) -> list[FileLink]:
    return await people.read(file_links, file_ids=file_ids)


async def test_what_is_uploaded_is_kept_with_its_sender(office: Office) -> None:
    visitor = await office.visitor()
    mine, theirs = await send(office.owner), await send(visitor, name="b.png")
    rows = await office.owner.rows(File)
    assert [
        (row["name"], row["size"], row["mime_type"], row["uploader_kind"], row["uploader_id"], row["visitor_id"])
        for row in rows
    ] == [
        ("a.png", len(PNG), "image/png", "member", office.owner.principal.id, None),
        ("b.png", len(PNG), "image/png", "visitor", None, visitor.id),
    ]
    storage = office.units.services.storage
    assert await keys(storage) == sorted(f"{office.tenant_id.hex}/{file.id.hex}" for file in (mine, theirs))
    assert b"".join([piece async for piece in storage.read(theirs.storage_key)]) == PNG
    assert b"".join([piece async for piece in storage.read(theirs.storage_key, 1, 4)]) == b"PNG"


async def test_a_message_carries_files_once(office: Office, strangers: People) -> None:
    visitor, other = await office.visitor(), await office.visitor("Otto")
    first, second, others, agents, foreign = [
        await send(who) for who in (visitor, visitor, other, office.owner, strangers)
    ]
    said = await visitor.says("", file_ids=[second.id, first.id])
    talk = said.conversation.id
    rows = sorted(await office.owner.rows(MessageFile), key=lambda row: row["place"])
    assert [(row["message_id"], row["file_id"]) for row in rows] == [
        (said.message.id, second.id),
        (said.message.id, first.id),
    ]
    before = await office.owner.rows(Message), await office.owner.rows(File)
    for file_ids, refusal, why in (
        ([first.id], Conflict, "sent with another message"),
        ([others.id], NotFound, "No such file"),
        ([agents.id], NotFound, "No such file"),
        ([foreign.id], NotFound, "No such file"),
        ([new_id()], NotFound, "No such file"),
        ([first.id, first.id], Invalid, "names a file twice"),
        ([new_id() for _ in range(11)], Invalid, "more than 10"),
    ):
        with pytest.raises(refusal, match=why):
            await visitor.says("Hm", file_ids=file_ids)
    for file_id in (others.id, foreign.id):
        with pytest.raises(NotFound):
            await office.owner.says(talk, "Hm", file_ids=[file_id])
    assert (await office.owner.rows(Message), await office.owner.rows(File)) == before
    colleague = await office.colleague("Ann")
    assert (await colleague.says(talk, "From the owner", file_ids=[agents.id])).message.text == "From the owner"


async def test_of_two_messages_with_one_file_one_is_refused(office: Office) -> None:
    file = await send(office.owner)
    talks = [(await (await office.visitor()).says("Hello")).conversation.id for _ in range(2)]
    sent = await asyncio.gather(
        *(office.owner.says(talk, "Look", file_ids=[file.id]) for talk in talks), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in sent) == ["Conflict", "Said"]
    assert len(await office.owner.rows(MessageFile)) == 1


async def test_links_go_to_who_may_see_the_file(office: Office, strangers: People) -> None:
    visitor, proven, other = [
        await office.visitor(name, proven_id=proof)
        for name, proof in (("Vera", "v1"), ("Vera at home", "v1"), ("Otto", None))
    ]
    asked, answer, noted, unsent = [await send(who) for who in (visitor, *[office.owner] * 3)]
    talk = (await visitor.says("", file_ids=[asked.id])).conversation.id
    answered = await office.owner.says(talk, "Here", file_ids=[answer.id])
    await office.owner.notes(talk, "Between us", file_ids=[noted.id])

    every = [asked.id, answer.id, noted.id, unsent.id]
    assert [one.file_id for one in await link(office.owner, *reversed(every))] == every[::-1]
    assert [one.file_id for one in await link(visitor, asked.id, answer.id)] == every[:2]
    assert [one.file_id for one in await link(proven, asked.id, answer.id)] == every[:2]
    assert (await proven.read(get_file, file_id=answer.id)).id == answer.id
    for who, hidden in ((visitor, every[2:]), (proven, every[2:]), (other, every), (strangers, every)):
        for file_id in hidden:
            with pytest.raises(NotFound):
                await link(who, file_id)
    for count in (0, 101):
        with pytest.raises(Invalid, match="1 to 100"):
            await link(office.owner, *[asked.id] * count)
    await office.owner.do(delete_message, message_id=answered.message.id)
    with pytest.raises(NotFound):
        await link(visitor, answer.id)


async def test_a_link_leads_to_one_file_for_five_minutes(office: Office, strangers: People, settings: Settings) -> None:
    file, another = await send(office.owner, name="Grüße 1.png"), await send(office.owner)
    now = clock.now()
    with time_machine.travel(now, tick=False) as travelling:
        (given,) = await link(office.owner, file.id)
        place, _, token = given.url.partition("?token=")
        assert place == f"{settings.base_url}/files/file_{file.id.hex}/Gr%C3%BC%C3%9Fe%201.png"
        assert given.expires_at == now + timedelta(minutes=5)
        travelling.shift(timedelta(minutes=4, seconds=58))
        assert (await follow_link(office.units, file_id=file.id, token=token)).id == file.id
        for file_id, wrong in ((another.id, token), (file.id, token[:-2]), (file.id, "")):
            with pytest.raises(Forbidden):
                await follow_link(office.units, file_id=file_id, token=wrong)
        seal = office.units.services.tokens.seal
        named: dict[str, Any] = {"tenant": strangers.principal.tenant_id.hex, "file": file.id.hex}  # type: ignore[union-attr]
        with pytest.raises(NotFound):
            await follow_link(office.units, file_id=file.id, token=seal("file", named, timedelta(minutes=5)))
        with pytest.raises(Forbidden):
            await follow_link(office.units, file_id=file.id, token=seal("other", named, timedelta(minutes=5)))
        travelling.shift(timedelta(seconds=3))
        with pytest.raises(Forbidden, match="run out"):
            await follow_link(office.units, file_id=file.id, token=token)


async def test_plans_say_how_large_and_of_which_kind(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {plan: limits.limits_of(plan).largest >> 20 for plan in ("free", "starter", "professional", "enterprise")}
    assert sizes == {"free": 5, "starter": 10, "professional": 25, "enterprise": 100}
    assert limits.limits_of("unheard of") == limits.limits_of("free")
    async with office.units.write(system(office.tenant_id)) as tx:
        await tx.session.execute(update(Tenant).where(col(Tenant.id) == office.tenant_id).values(plan="free"))
    visitor = await office.visitor()
    for name in ("x.mp3", "y.mp4", "p.zip"):
        with pytest.raises(Invalid, match="that your plan does not include"):
            await send(visitor, TAKEN[name][0], name)
    with pytest.raises(FileTooLarge, match="larger than 5 MB"):
        await send(office.owner, PNG + b"x" * (5 << 20))
    with pytest.raises(Forbidden):
        reader = replace(office.owner.principal, scopes=frozenset({Scope.CONVERSATIONS_READ}))
        await send(People(office.units, reader))
    assert (await keys(office.units.services.storage), await office.owner.rows(File)) == ([], [])


async def test_an_upload_that_fails_leaves_nothing(office: Office) -> None:
    storage = office.units.services.storage

    async def broken() -> AsyncIterator[bytes]:
        async for piece in pieces(PNG + b"x" * (3 << 20), 1 << 18):
            yield piece
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await upload(office.units, office.owner.principal, name="a.png", chunks=broken())
    erased = replace((await office.visitor()).principal, id=new_id())
    with pytest.raises(IntegrityError):
        await send(People(office.units, erased))
    assert (await keys(storage), await office.owner.rows(File)) == ([], [])


async def test_one_visitor_cannot_fill_the_storage(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    hasty, patient = await office.visitor(), await office.visitor()
    refused = 0
    for _ in range(12):
        try:
            await send(hasty)
        except RateLimited as limited:
            refused += 1
            assert 1 <= limited.retry_after <= 4
    assert 1 <= refused <= 2
    monkeypatch.setattr("app.actions.files.uploading.VISITOR_UNSENT", 2)
    sent = [await send(patient) for _ in range(2)]
    with pytest.raises(Conflict, match="2 files wait to be sent"):
        await send(patient)
    await patient.says("", file_ids=[file.id for file in sent])
    await send(patient)
    monkeypatch.setattr("app.actions.files.uploading.VISITOR_DAY", 0)
    with pytest.raises(RateLimited):
        await send(patient)
    assert (await send(office.owner)).size == len(PNG)


async def test_what_nobody_sends_goes_after_a_day(runtime: Runtime, tenant: TenantAccount) -> None:
    office = await Office(runtime.units, tenant.principal).open()
    storage, visitor = runtime.services.storage, await office.visitor()
    sent, taken_back, unsent = [await send(visitor, name=f"{name}.png") for name in "abc"]
    await visitor.says("", file_ids=[sent.id])
    gone = await visitor.says("", file_ids=[taken_back.id])
    await visitor.do(delete_message, message_id=gone.message.id)
    with pytest.raises(Forbidden):
        await office.owner.do(purge_unsent_files, limit=10)
    await work.purge_files(runtime, {}, None)
    await work.sweep_storage(runtime, {}, None)
    assert len(await keys(storage)) == len(await office.owner.rows(File)) == 3

    await runtime.jobs.stop()  # else the day that passes wakes the house's own sweep in the midst of a write
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1)):
        await work.purge_files(runtime, {}, None)
        assert [row["id"] for row in await office.owner.rows(File)] == [sent.id]
        (job,) = [row for row in await jobs(runtime) if row.kind == "files.erase"]
        assert sorted(job.payload["keys"]) == sorted([taken_back.storage_key, unsent.storage_key])
        for _ in range(2):
            await work.erase_files(runtime, job.payload, None)
        assert await keys(storage) == [sent.storage_key]

        lost = f"{tenant.id.hex}/{new_id().hex}"
        unknown = f"{new_id().hex}/{new_id().hex}"
        for key in (lost, unknown, "somebody/else"):
            await storage.write(key, pieces(b"bytes"))
        async with runtime.read(system()) as reading:
            everything = await keys(storage)
            assert await nobodys_keys(reading, keys=everything, exclusive=False) == [lost]
            assert sorted(await nobodys_keys(reading, keys=everything, exclusive=True)) == sorted([lost, unknown])
        await work.sweep_storage(runtime, {}, None)
        assert await keys(storage) == sorted([sent.storage_key, "somebody/else"])
        with pytest.raises(Forbidden):
            await office.owner.read(nobodys_keys, keys=[], exclusive=True)


async def test_an_erased_person_leaves_no_bytes(runtime: Runtime, tenant: TenantAccount) -> None:
    office = await Office(runtime.units, tenant.principal).open()
    customer_id = await office.customer()
    visitor, other = await office.visitor(customer_id=customer_id), await office.visitor("Otto")
    theirs, unsent, kept = [await send(who) for who in (visitor, visitor, other)]
    talk = (await visitor.says("", file_ids=[theirs.id])).conversation.id
    await office.owner.says(talk, "", file_ids=[(await send(office.owner)).id])
    await other.says("", file_ids=[kept.id])
    receipt = await office.owner.do(erase_customer, customer=by_id(customer_id))
    assert (receipt.counts["file"], unsent.visitor_id) == (3, visitor.id)
    assert [row["id"] for row in await office.owner.rows(File)] == [kept.id]
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1)):
        await work.sweep_storage(runtime, {}, None)
    assert await keys(runtime.services.storage) == [kept.storage_key]


async def jobs(runtime: Runtime) -> list[Job]:
    async with runtime.read(system()) as reading:
        return list((await reading.session.execute(select(Job))).scalars())
