"""Giving uploaded files to the message that carries them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlmodel import col

from app.actions.files.limits import MOST_FILES
from app.actions.files.senders import sending_scope
from app.core.errors import Conflict, Invalid, NotFound
from app.core.tx import Tx
from models import File, MessageFile


async def attach(tx: Tx, *, message_id: UUID, file_ids: Sequence[UUID]) -> list[File]:
    """Makes a message of the caller's, written in this unit, carry these files in this order; once for ever.

    A visitor sends files of their own, an agent those that any agent or key of the tenant uploaded. Raises
    :class:`NotFound` at ``file_ids`` for others', :class:`Conflict` for one that was sent already, and
    :class:`Invalid` for more than ten or the same twice.
    """
    tx.require(sending_scope(tx.principal))
    if len(file_ids) > MOST_FILES:
        raise Invalid.at("file_ids", f"has more than {MOST_FILES} files")
    if len(set(file_ids)) < len(file_ids):
        raise Invalid.at("file_ids", "names a file twice")
    if not file_ids:
        return []
    theirs = (col(File.id).in_(file_ids), _uploaded_by_caller(tx))
    unsent = update(File).where(*theirs, col(File.attached_at).is_(None)).values(attached_at=tx.now)
    # One statement finds them unsent and marks them: of two messages with one file, the second finds it sent.
    taken = await tx.session.execute(unsent.returning(col(File.id)).execution_options(synchronize_session=False))
    files = (await tx.session.execute(select(File).where(*theirs).execution_options(populate_existing=True))).scalars()
    found = {file.id: file for file in files}
    if len(found) < len(file_ids):
        raise NotFound("file", "file_ids")
    if len(taken.all()) < len(file_ids):
        raise Conflict("A file was sent with another message already.", "file_ids")
    rows = [{"message_id": message_id, "file_id": id, "place": place} for place, id in enumerate(file_ids)]
    await tx.session.flush()
    await tx.insert(MessageFile, rows)
    return [found[id] for id in file_ids]


def _uploaded_by_caller(tx: Tx) -> ColumnElement[bool]:
    if tx.principal.kind == "visitor":
        return col(File.visitor_id) == tx.principal.id
    return col(File.visitor_id).is_(None)
