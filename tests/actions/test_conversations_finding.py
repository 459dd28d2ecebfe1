"""Conversations are found by what they are and by what was said in them, the same on both databases."""

from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlmodel import col

from app.actions.conversations import (
    close_conversation,
    delete_message,
    edit_message,
    list_conversations,
    list_messages,
    update_conversation,
)
from app.core.errors import Invalid
from app.core.fulltext import message_search, words_of
from app.core.ids import new_id
from models import Conversation, Team
from tests.actions.talking import Office, refused
from tests.tenants import TenantAccount


async def found(office: Office, **wanted: Any) -> list[UUID]:
    rows, total = await office.owner.read(list_conversations, limit=1000, **wanted)
    assert len(rows) == total
    return [row.id for row in rows]


async def test_what_is_asked_for_is_listed_latest_first(office: Office) -> None:
    customer_id, owner = await office.customer(), office.owner
    visitors = [await office.visitor(), await office.visitor(customer_id=customer_id), await office.visitor()]
    a, b, c = [(await visitor.says("Hi")).conversation.id for visitor in visitors]
    team_id = new_id()
    stamps = {"created_at": office.opened_at, "updated_at": office.opened_at}
    await office.insert(Team, {"id": team_id, "name": "Sales", "routing": "manual", **stamps})
    async with office.units.write(owner.principal) as tx:
        assigned = update(Conversation).where(col(Conversation.id) == b)
        await tx.session.execute(assigned.values(assignee_id=owner.principal.id, team_id=team_id))
    assert await found(office) == [c, b, a]
    await visitors[0].says("Hello")
    await owner.do(update_conversation, conversation_id=b, tags=["vip", "late"], status="pending")
    await owner.do(close_conversation, conversation_id=c)
    assert await found(office) == [a, c, b]
    assert await found(office, status="pending") == [b]
    assert await found(office, status="closed") == [c]
    assert await found(office, assignee_id=owner.principal.id) == [b]
    assert await found(office, assignee_id=new_id()) == []
    assert await found(office, unassigned=True) == [a, c]
    assert await found(office, unassigned=False) == [b]
    assert await found(office, team_id=team_id) == [b]
    assert await found(office, visitor_id=visitors[0].id) == [a]
    assert await found(office, customer_id=customer_id) == [b]
    assert await found(office, tag="vip") == [b]
    assert await found(office, tag="vi") == []
    assert await found(office, tag="vip", status="open") == []
    rows, total = await owner.read(list_conversations, limit=1, offset=1)
    assert ([row.id for row in rows], total) == ([c], 3)
    await refused(found(office, status="gone"), Invalid, "status")
    await refused(found(office, offset=-1), Invalid, "offset")
    await refused(found(office, search="x" * 301), Invalid, "search")


async def test_messages_are_listed_in_the_order_in_which_they_were_said(office: Office) -> None:
    visitor = await office.visitor()
    said = [await visitor.says(f"{n}") for n in range(5)]
    conversation_id = said[0].conversation.id

    async def texts(**window: Any) -> list[str]:
        rows, total = await office.owner.read(list_messages, conversation_id=conversation_id, **window)
        assert total == 5
        return [row.text for row in rows]

    assert await texts(limit=2) == ["0", "1"]
    assert await texts(limit=9, offset=3) == ["3", "4"]
    assert await texts(limit=2, offset=1, newest_first=True) == ["3", "2"]
    await refused(texts(limit=0), Invalid, "limit")


async def test_a_search_finds_words_by_their_beginnings(office: Office, other_tenant: TenantAccount) -> None:
    visitor, owner = await office.visitor(), office.owner
    asked = (await visitor.says("Wo ist meine **Größenänderung**? ann.lee@example.com, order-4711")).message
    a = asked.conversation_id
    note = (await owner.notes(a, "Ask accounting, they're slow 你好世界")).message
    b = (await (await office.visitor()).says("Ordinary question")).conversation.id
    await owner.do(update_conversation, conversation_id=b, subject="Überweisung verloren")
    strangers = await Office(office.units, other_tenant.principal).open()
    await (await strangers.visitor()).says("Ordinary order")

    for search, ids in {
        "GROSSEN": [a],
        "größenänd": [a],
        "grossenanderung wo": [a],
        "lee example": [a],
        "ann.lee@example.com": [a],
        "order-47": [a],
        "ord": [b, a],
        "ord quest": [b],
        "wo accounting": [],
        "acc they": [a],
        "世界": [a],
        "uberw quest": [b],
        "verloren accounting": [],
        "rder": [],
        "?!": [],
        "' OR 1": [],
        '"ord" *': [b, a],
    }.items():
        assert (search, sorted(await found(office, search=search))) == (search, sorted(ids))
    assert len(await found(office, search="  ")) == 2
    assert await found(office, search="ord", visitor_id=visitor.id) == [a]

    await visitor.do(edit_message, message_id=asked.id, text="Never mind")
    assert await found(office, search="order 4711") == []
    assert await found(office, search="never m") == [a]
    await owner.do(update_conversation, conversation_id=a, subject="Resizing")
    await owner.do(delete_message, message_id=note.id)
    await visitor.do(delete_message, message_id=asked.id)
    assert await found(office, search="accounting") == await found(office, search="never") == []
    assert await found(office, search="resiz") == [a]
    await owner.do(update_conversation, conversation_id=a, subject="")
    assert await found(office, search="resiz") == []

    async with office.units.write(owner.principal) as tx:
        await tx.session.execute(delete(Conversation))
        left = select(func.count()).select_from(message_search).where(message_search.c.tenant_id == office.tenant_id)
        assert (await tx.session.execute(left)).scalar_one() == 0
    assert await strangers.owner.read(list_conversations, search="ordinary", limit=1) != ([], 0)


ALPHABET = ["ä", "a", "A", "ß", "ss", "-", "'", " ", " ", "1", "é", "e", "界", ".", "_", "İ", "ﬁ", '"', ":*", "&"]


async def test_a_search_is_what_its_words_say_whatever_they_are(office: Office) -> None:
    chance, visitor = Random(7), await office.visitor()
    conversation_id = (await visitor.says("begin")).conversation.id

    def text(length: int) -> str:
        return "".join(chance.choices(ALPHABET, k=length))

    said = [text(12) + "x" for _ in range(10)]
    for one in said:
        await office.owner.notes(conversation_id, one)
    for _ in range(60):
        search = text(chance.randint(1, 4))
        wanted = words_of(search)
        is_there = any(
            all(any(word.startswith(part) for word in words_of(one)) for part in wanted) for one in [*said, "begin"]
        )
        expected = not search.strip() or (bool(wanted) and is_there)
        assert (search, bool(await found(office, search=search))) == (search, expected)
