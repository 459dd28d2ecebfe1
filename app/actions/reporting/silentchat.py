"""What SilentChat says of conversations, contacts, visitors and widgets (``contracts/silentchat.md``, webhooks)."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.reporting.events import Owed, event_id
from app.actions.reporting.people import PeopleNames
from app.core.access import Scope
from app.core.batches import among
from app.core.clock import iso
from app.core.ids import public_id
from app.core.tx import Reading
from models import Conversation, FeedEntry, Message, ReportingWebhook

CONTACT = "con"
"""What SilentChat's ids of customers begin with."""
TALKS = ("conversation.created", "conversation.closed", "conversation.assigned", "message.created")
CONTACTS = ("contact.created", "contact.updated")


async def silentchat_calls(reading: Reading, webhook: ReportingWebhook, entries: Sequence[FeedEntry]) -> list[Owed]:
    """The calls that these entries make, in their order. Notes and lines of the system are no messages here."""
    reading.require(Scope.WEBHOOKS_READ)
    wanted = [entry for entry in entries if entry.kind in webhook.events and not _is_unassigning(entry)]
    talks = [entry for entry in wanted if entry.kind in TALKS]
    conversations = await _rows(reading, Conversation, {entry.subject_id for entry in talks})
    messages = await _rows(reading, Message, {UUID(hex=said) for entry in talks if (said := entry.data.get("message"))})
    people = await PeopleNames.read(reading, {entry.subject_id for entry in wanted if entry.kind in CONTACTS})
    owed = []
    for entry in wanted:
        if entry.kind in TALKS:
            data = _of_talk(entry, conversations, messages)
        elif entry.kind in CONTACTS:
            data = _of_contact(entry, people)
        elif entry.kind == "visitor.identified":
            known = {name: entry.data.get(name) for name in ("name", "email")}
            data = {"visitor_id": public_id("visitor", entry.subject_id), "user_id": entry.data.get("user"), **known}
        else:
            data = {"widget_id": public_id("widget", entry.subject_id), "origin": entry.data.get("origin")}
        if data is not None:
            owed.append(Owed(entry, entry.subject_id, entry.kind, _event(entry, data)))
    return owed


def _is_unassigning(entry: FeedEntry) -> bool:
    return entry.kind == "conversation.assigned" and entry.data.get("name") is None


def _event(entry: FeedEntry, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"evt_{event_id(entry)}",
        "type": entry.kind,
        "tenant_id": public_id("tenant", entry.tenant_id),
        "created_at": iso(entry.created_at),
        "data": data,
    }


def _of_talk(
    entry: FeedEntry, conversations: dict[UUID, Conversation], messages: dict[UUID, Message]
) -> dict[str, Any] | None:
    conversation = conversations.get(entry.subject_id)
    if conversation is None:
        return None
    named: dict[str, Any] = {"conversation_id": public_id("conversation", conversation.id)}
    if entry.kind == "message.created":
        said = entry.data.get("message")
        message = messages.get(UUID(hex=said)) if said else None
        if message is None or message.kind != "text":
            return None
        by = {"message_id": public_id("message", message.id), "sender_type": message.sender_kind}
        return named | by | {"text": message.text}
    visitor, assignee, customer = conversation.visitor_id, conversation.assignee_id, conversation.customer_id
    return named | {
        "status": conversation.status,
        "visitor_id": public_id("visitor", visitor) if visitor else None,
        "contact_id": f"{CONTACT}_{customer.hex}" if customer else None,
        "assigned_to": public_id("user", assignee) if assignee else None,
    }


def _of_contact(entry: FeedEntry, people: PeopleNames) -> dict[str, Any]:
    names = people.of(entry.subject_id)
    contact = {"contact_id": f"{CONTACT}_{entry.subject_id.hex}", "external_id": names.external_id}
    return contact | {"email": names.email, "phone": names.phone}


async def _rows(reading: Reading, table: Any, ids: Collection[UUID]) -> dict[UUID, Any]:
    if not ids:
        return {}
    statement = select(table).where(among(reading.session, col(table.id), ids))
    return {row.id: row for row in (await reading.session.execute(statement)).scalars()}
