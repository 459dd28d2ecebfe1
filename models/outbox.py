"""Messages kept instead of sent: the channel of the embedded default."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from models.base import TenantRow


class OutboxMessage(TenantRow, table=True):
    """One message to one recipient. ``purpose`` says why it was written (verify, reset, invite, transcript)."""

    __tablename__ = "outbox_messages"

    id: UUID = Field(primary_key=True)
    channel: str = Field(max_length=20)
    purpose: str = Field(max_length=30)
    recipient: str = Field(max_length=320)
    subject: str = Field(max_length=300)
    body: str
    created_at: datetime
