"""The outbox: the channel that keeps messages instead of sending them. People read it on the console."""

from dataclasses import dataclass

from app.core.ids import new_id
from app.core.tx import Tx
from models import OutboxMessage


@dataclass(frozen=True, slots=True)
class Mail:
    """One plain text message to one address. ``purpose``: verify, reset, invite or transcript."""

    purpose: str
    recipient: str
    subject: str
    body: str


async def post(tx: Tx, mail: Mail) -> None:
    """Writes the mail into the outbox of the caller's tenant, in the caller's transaction."""
    row = {
        "id": new_id(),
        "channel": "email",
        "purpose": mail.purpose,
        "recipient": mail.recipient,
        "subject": mail.subject[:300],
        "body": mail.body,
        "created_at": tx.now,
    }
    await tx.insert(OutboxMessage, [row])
