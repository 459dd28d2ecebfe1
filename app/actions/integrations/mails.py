"""This server's own mails (verification, invitation, transcript), where the tenant's relay sends them."""

from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.channels import Outgoing
from app.channels.outbox import system_sender
from app.core.access import Scope
from app.core.message import Message
from app.core.tx import Reading
from models import OutboxMessage


async def own_mail(reading: Reading, *, message_id: UUID) -> Outgoing | None:
    """A mail of the outbox as it is to be sent; None if it is gone, or the relay sends such mails no longer."""
    reading.require(Scope.OUTBOX_READ)
    found = select(OutboxMessage).where(col(OutboxMessage.id) == message_id, col(OutboxMessage.delivery_id).is_(None))
    kept = (await reading.session.execute(found)).scalar_one_or_none()
    sender = await system_sender(reading)
    if kept is None or not sender:
        return None
    message = Message(body="", plain=kept.body, subject=kept.subject, from_address=sender)
    return Outgoing(kept.id, kept.tenant_id, "email", kept.recipient, message, idempotency_key=kept.id.hex, lane=0)
