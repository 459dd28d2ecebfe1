"""Short-lived signed links to files, and what they lead to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.files.senders import seeing_scope
from app.core.errors import Invalid, NotFound
from app.core.ids import public_id
from app.core.tx import Reading
from models import File

PURPOSE = "file"
LIFE = timedelta(minutes=5)
MOST_LINKS = 100


@dataclass(frozen=True, slots=True)
class FileLink:
    """Where a file can be fetched by whoever has the address, until ``expires_at``."""

    file_id: UUID
    url: str
    expires_at: datetime


async def get_file(reading: Reading, *, file_id: UUID) -> File:
    """A file that the caller may see. Raises :class:`NotFound`."""
    reading.require(seeing_scope(reading.principal))
    return (await _visible(reading, [file_id], "file_id"))[0]


async def file_links(reading: Reading, *, file_ids: Sequence[UUID]) -> list[FileLink]:
    """A link to each file, in this order (1 to 100 of them).

    A visitor may see what they uploaded, and what was sent in their conversations; agents everything of their tenant.
    Raises :class:`NotFound` at ``file_ids`` when one of them is not to be seen.
    """
    reading.require(seeing_scope(reading.principal))
    if not 1 <= len(file_ids) <= MOST_LINKS:
        raise Invalid.at("file_ids", f"must name 1 to {MOST_LINKS} files")
    return [link_to(reading, file) for file in await _visible(reading, file_ids, "file_ids")]


def link_to(reading: Reading, file: File) -> FileLink:
    """A link to a file that the caller was found to be allowed to see."""
    services = reading.services
    token = services.tokens.seal(PURPOSE, {"tenant": file.tenant_id.hex, "file": file.id.hex}, LIFE)
    place = f"/files/{public_id('file', file.id)}/{quote(file.name, safe='')}"
    return FileLink(file.id, f"{services.settings.base_url}{place}?token={token}", reading.now + LIFE)


async def _visible(reading: Reading, file_ids: Sequence[UUID], field: str) -> list[File]:
    wanted = select(File).where(col(File.id).in_(file_ids), *_seen_by(reading))
    found = {file.id: file for file in (await reading.session.execute(wanted)).scalars()}
    if not found.keys() >= set(file_ids):
        raise NotFound("file", field)
    return [found[id] for id in file_ids]


def _seen_by(reading: Reading) -> list[Any]:
    if reading.principal.kind != "visitor":
        return []
    return [col(File.visitor_id) == reading.principal.id]
