"""What the tests of conversations share: a tenant with a widget, whose agents and visitors each speak in few words."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.actions.conversations import Said, add_note, get_conversation, list_messages, send_message, visitor_says
from app.core import clock
from app.core.access import ALL_SCOPES, Principal, Role, Scope, system
from app.core.errors import RapportError
from app.core.ids import new_id
from app.core.tx import UnitsOfWork
from models import (
    Conversation,
    ConversationTag,
    Customer,
    FeedEntry,
    File,
    Job,
    Member,
    Message,
    MessageRevision,
    User,
    Visitor,
    Widget,
)
from tests.actions.people import People


class Visiting(People):
    """A visitor, who does each thing in a unit of work of its own."""

    @property
    def id(self) -> UUID:
        assert self.principal.id is not None
        return self.principal.id

    async def says(self, text: str, **named: Any) -> Said:
        return await self.do(visitor_says, text=text, **named)

    async def topic(self) -> list[tuple[str, dict[str, Any]]]:
        return await heard(self, f"visitor:{self.id.hex}")


class Agents(People):
    """An agent, who does each thing in a unit of work of its own."""

    async def says(self, conversation_id: UUID, text: str, **named: Any) -> Said:
        return await self.do(send_message, conversation_id=conversation_id, text=text, **named)

    async def notes(self, conversation_id: UUID, text: str, **named: Any) -> Said:
        return await self.do(add_note, conversation_id=conversation_id, text=text, **named)

    async def conversation(self, conversation_id: UUID) -> Conversation:
        return await self.read(get_conversation, conversation_id=conversation_id)

    async def messages(self, conversation_id: UUID) -> list[Message]:
        rows, total = await self.read(list_messages, conversation_id=conversation_id, limit=1000)
        assert len(rows) == total
        return rows

    async def inbox(self) -> list[tuple[str, dict[str, Any]]]:
        return await heard(self, "inbox")


async def heard(people: People, topic: str) -> list[tuple[str, dict[str, Any]]]:
    """The kinds and data of everything told on a topic, in order."""
    rows = [row for row in await people.rows(FeedEntry) if row["topic"] == topic]
    return [(row["kind"], row["data"]) for row in sorted(rows, key=lambda row: row["position"])]


async def refused(attempt: Awaitable[Any], kind: type[RapportError], field: str | None = None) -> RapportError:
    """The refusal of an attempt."""
    with pytest.raises(kind) as caught:
        await attempt
    assert caught.value.field == field
    return caught.value


async def everything(people: People) -> dict[str, Any]:
    """What conversations leave behind, to compare."""
    tables = (Conversation, ConversationTag, Message, MessageRevision, FeedEntry, Job)
    return {table.__tablename__: await people.rows(table) for table in tables}


class Office:
    """A tenant with one widget and an owner; colleagues and visitors come as needed."""

    def __init__(self, units: UnitsOfWork, owner: Principal) -> None:
        assert owner.tenant_id is not None
        self.units = units
        self.tenant_id = owner.tenant_id
        self.owner = Agents(units, owner)
        self.widget_id = new_id()
        self.opened_at = clock.now()

    async def open(self) -> "Office":
        now = clock.now()
        row = {"id": self.widget_id, "key": self.widget_id.hex, "name": "Site", "settings": {}}
        await self.insert(Widget, {**row, "created_at": now, "updated_at": now})
        return self

    async def insert(self, table: Any, *rows: dict[str, Any]) -> None:
        async with self.units.write(system(self.tenant_id)) as tx:
            await tx.insert(table, rows)

    async def customer(self) -> UUID:
        customer_id, now = new_id(), clock.now()
        row = {"id": customer_id, "status": "active", "attributes": {}, "created_at": now, "updated_at": now}
        await self.insert(Customer, row)
        return customer_id

    async def visitor(self, name: str = "Vera", **values: Any) -> Visiting:
        visitor_id, now = new_id(), clock.now()
        row = {"id": visitor_id, "widget_id": self.widget_id, "name": name, "created_at": now, "seen_at": now}
        await self.insert(Visitor, row | values)
        principal = Principal(
            "visitor", self.tenant_id, visitor_id, name, frozenset({Scope.VISITOR}), plan="visitor", source="widget"
        )
        return Visiting(self.units, principal)

    async def colleague(self, name: str, role: Role = Role.AGENT) -> Agents:
        user_id, now = new_id(), clock.now()
        stamps = {"created_at": now, "updated_at": now}
        await self.insert(User, {"id": user_id, "email": f"{user_id.hex}@example.com", "name": name, **stamps})
        await self.insert(Member, {"id": new_id(), "user_id": user_id, "role": role, "created_at": now})
        scopes = ALL_SCOPES
        return Agents(self.units, replace(self.owner.principal, id=user_id, label=name, scopes=scopes, role=role))

    async def file(self, visitor: Visiting, name: str) -> UUID:
        file_id = new_id()
        row = {"id": file_id, "name": name, "size": 1, "mime_type": "text/plain", "sha256": "0" * 64}
        sender = {"uploader_kind": "visitor", "visitor_id": visitor.id}
        await self.insert(File, {**row, **sender, "storage_key": file_id.hex, "created_at": clock.now()})
        return file_id
