"""Messages kept instead of sent: the channel of the embedded default."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from models.base import TenantRow, belongs_to


class OutboxMessage(TenantRow, table=True):
    """One message to one recipient. ``purpose`` says why it was written (verify, reset, invite, transcript, delivery).

    Of a delivery only the head is here: its body is the :class:`models.ArchivedMessage`.
    """

    __tablename__ = "outbox_messages"
    __table_args__ = (belongs_to("deliveries", "delivery_id"),)

    id: UUID = Field(primary_key=True)
    channel: str = Field(max_length=20)
    purpose: str = Field(max_length=30)
    recipient: str = Field(max_length=1000)
    subject: str = Field(max_length=300)
    body: str
    delivery_id: UUID | None = None
    created_at: datetime
