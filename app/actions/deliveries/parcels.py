"""One message on its way through the engine: what was claimed, what the gates said, and what is handed over."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.actions.deliveries.claiming import Claim
from app.channels import Target
from app.core.message import Message
from app.gates import Decision


@dataclass(slots=True)
class Parcel:
    """``recipient`` is the address, for people's eyes where the channel has none. ``is_retained``: whether what was
    sent is kept once it is sent."""

    claim: Claim
    decision: Decision
    content_id: UUID | None = None
    recipient: str = ""
    message: Message | None = None
    devices: tuple[Target, ...] = ()
    unsubscribe_url: str | None = None
    integration_id: UUID | None = None
    is_retained: bool = True
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The subject, as it fits the delivery's row."""
        return "" if self.message is None else self.message.subject[:1000]

    def archived(self) -> dict[str, Any]:
        """The row of the :class:`models.ArchivedMessage`, but for its moment."""
        message = self.message
        if message is None:
            raise RuntimeError("nothing was rendered")
        return {
            "delivery_id": self.claim.id,
            "from_address": message.from_address,
            "reply_to": message.reply_to,
            "subject": message.subject,
            "preheader": message.preheader,
            "body": message.body,
            "plain": message.plain,
            "headers": [{"name": name, "value": value} for name, value in message.headers],
            "fields": dict(message.fields),
        }
