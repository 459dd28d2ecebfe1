"""Short-lived signed links to files, and what they lead to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlmodel import col

from app.actions.conversations.visibility import theirs
from app.actions.files.kinds import INLINE
from app.actions.files.senders import seeing_scope
from app.core import clock
from app.core.access import system
from app.core.errors import Forbidden, Invalid, NotFound, Unauthenticated
from app.core.ids import public_id
from app.core.services import Services
from app.core.tx import Reading, UnitsOfWork
from models import Conversation, File, Message, MessageFile

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
    return [link_to(reading.services, file) for file in await _visible(reading, file_ids, "file_ids")]


def link_to(services: Services, file: File) -> FileLink:
    """A link to a file that the caller was found to be allowed to see."""
    token = services.tokens.seal(PURPOSE, {"tenant": file.tenant_id.hex, "file": file.id.hex}, LIFE)
    place = f"/files/{public_id('file', file.id)}/{quote(file.name, safe='')}"
    return FileLink(file.id, f"{services.settings.base_url}{place}?token={token}", clock.now() + LIFE)


async def follow_link(units: UnitsOfWork, *, file_id: UUID, token: str) -> File:
    """The file to which a link with this ``token`` leads. Raises :class:`Forbidden` when it has run out, or is not
    ours or another file's, and :class:`NotFound` when the file is no more."""
    try:
        named = units.services.tokens.unseal(PURPOSE, token)
        tenant_id, linked_id = UUID(hex=named["tenant"]), UUID(hex=named["file"])
    except (Unauthenticated, KeyError, ValueError) as refused:
        raise Forbidden("The link is not valid or has run out.") from refused
    if linked_id != file_id:
        raise Forbidden("The link is another file's.")
    async with units.read(system(tenant_id)) as reading:
        found = await reading.session.execute(select(File).where(col(File.id) == file_id))
        file = found.scalar_one_or_none()
    if file is None:
        raise NotFound("file")
    return file


def may_show(file: File) -> bool:
    """Whether a browser may show the file in its place: pictures of pixels, and nothing that could act."""
    return file.mime_type in INLINE


async def _visible(reading: Reading, file_ids: Sequence[UUID], field: str) -> list[File]:
    wanted = select(File).where(col(File.id).in_(file_ids), *_seen_by(reading))
    found = {file.id: file for file in (await reading.session.execute(wanted)).scalars()}
    if not found.keys() >= set(file_ids):
        raise NotFound("file", field)
    return [found[id] for id in file_ids]


def _seen_by(reading: Reading) -> list[ColumnElement[bool]]:
    """A visitor sees their own uploads and what was sent in their conversations, but no notes and nothing deleted."""
    visitor_id = reading.principal.id
    if reading.principal.kind != "visitor" or visitor_id is None:
        return []
    carried = and_(
        col(MessageFile.tenant_id) == col(Message.tenant_id),
        col(MessageFile.message_id) == col(Message.id),
        col(MessageFile.tenant_id) == col(File.tenant_id),
        col(MessageFile.file_id) == col(File.id),
    )
    within = and_(
        col(Message.tenant_id) == col(Conversation.tenant_id), col(Message.conversation_id) == col(Conversation.id)
    )
    told = and_(col(Message.kind) != "note", col(Message.deleted_at).is_(None))
    sent = exists().where(carried, within, told, theirs(reading.tenant_id, visitor_id))
    return [or_(col(File.visitor_id) == visitor_id, sent)]
