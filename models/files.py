"""Files that were uploaded. Their bytes are in a storage, under ``storage_key``."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from models.base import TenantRow, belongs_to


class File(TenantRow, table=True):
    """An upload. ``mime_type`` is what its bytes are, whatever the sender called it.

    ``uploader_kind``: ``visitor`` (with ``visitor_id``), ``member`` or ``api_key`` (with ``uploader_id``).
    ``attached_at`` is set once a message carries it; what never was is removed after a day.
    """

    __tablename__ = "files"
    __table_args__ = (
        belongs_to("visitors", "visitor_id"),
        Index("ix_files_unattached", "attached_at", "created_at"),
    )

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=255)
    size: int
    mime_type: str = Field(max_length=100)
    sha256: str = Field(max_length=64)
    storage_key: str = Field(max_length=200)
    uploader_kind: str = Field(max_length=10)
    uploader_id: UUID | None = None
    visitor_id: UUID | None = None
    width: int | None = None
    height: int | None = None
    created_at: datetime
    attached_at: datetime | None = None
