"""The outbox: the channel that keeps messages instead of sending them. People read it on the console.

This server's own mails are always kept there. They are sent too where the tenant's relay has a ``system_sender``.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col

from app.core.ids import new_id
from app.core.tx import Reading, Tx
from models import Integration, OutboxMessage


@dataclass(frozen=True, slots=True)
class Mail:
    """One plain text message to one address. ``purpose``: verify, reset, invite or transcript."""

    purpose: str
    recipient: str
    subject: str
    body: str


async def post(tx: Tx, mail: Mail) -> None:
    """Writes the mail into the outbox of the caller's tenant, in the caller's transaction; it is sent after that."""
    message_id = new_id()
    row = {
        "id": message_id,
        "channel": "email",
        "purpose": mail.purpose,
        "recipient": mail.recipient,
        "subject": mail.subject[:300],
        "body": mail.body,
        "created_at": tx.now,
    }
    await tx.insert(OutboxMessage, [row])
    if await system_sender(tx):
        tx.enqueue("mails.send", {"message": message_id.hex})


async def system_sender(reading: Reading) -> str:
    """From whom the tenant's relay sends this server's own mails; empty where it does not."""
    relay = select(col(Integration.settings)).where(
        col(Integration.tenant_id) == reading.tenant_id,
        col(Integration.channel) == "email",
        col(Integration.kind) == "smtp",
        col(Integration.is_default),
        col(Integration.is_enabled),
        col(Integration.deleted_at).is_(None),
    )
    settings = (await reading.session.execute(relay)).scalar_one_or_none()
    return str(settings.get("system_sender") or "") if settings else ""
