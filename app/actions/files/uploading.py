"""Taking in a file: streamed into the storage, measured and recognised on the way, and only then a row."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from app.actions.files.kinds import HEAD_BYTES, Sniffed, sniff
from app.actions.files.limits import (
    MEGABYTE,
    MOST_PIXELS,
    VISITOR_DAY,
    VISITOR_UNSENT,
    VISITOR_UPLOADS,
    FileLimits,
    limits_of,
)
from app.actions.files.names import clean_name
from app.actions.files.senders import sending_scope
from app.core.access import Principal
from app.core.errors import Conflict, FileTooLarge, Invalid, RateLimited
from app.core.ids import new_id
from app.core.storage import Storage
from app.core.tx import Reading, Tx, UnitsOfWork
from models import File, Tenant

DAY = timedelta(days=1)
LATER_S = 3600


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """Bytes that are in the storage, and what they are. They are nobody's until :func:`save_file`."""

    id: UUID
    name: str
    size: int
    sha256: str
    storage_key: str
    kind: Sniffed


async def upload(units: UnitsOfWork, principal: Principal, *, name: str, chunks: AsyncIterator[bytes]) -> File:
    """Takes in the file that ``chunks`` bring, which its sender calls ``name``. To be called with no unit of work open.

    Raises :class:`FileTooLarge` as soon as it is larger than the plan has it; :class:`Invalid` at ``file`` when it is
    empty, or of a kind that is not taken; for a visitor :class:`RateLimited`, or :class:`Conflict` when too many
    files wait to be sent. Whatever it raises, neither a row nor a byte stays.
    """
    principal.require(sending_scope(principal))
    services = units.services
    if principal.kind == "visitor":
        allowance = await services.limiter.take(principal.caller, VISITOR_UPLOADS)
        if allowance.refused:
            raise RateLimited(allowance.retry_after)
    async with units.read(principal) as reading:
        limits = await upload_limits(reading)
    stored = await _store(services.storage, principal, name, chunks, limits)
    try:
        async with units.write(principal) as tx:
            return await save_file(tx, stored=stored)
    except BaseException:
        await services.storage.remove([stored.storage_key])
        raise


async def upload_limits(reading: Reading) -> FileLimits:
    """What the caller may upload now. Raises what :func:`upload` raises for a visitor who has had enough."""
    reading.require(sending_scope(reading.principal))
    plan = (
        await reading.session.execute(select(col(Tenant.plan)).where(col(Tenant.id) == reading.tenant_id))
    ).scalar_one()
    limits = limits_of(plan)
    if reading.principal.kind == "visitor":
        await _check_visitor(reading, limits)
    return limits


async def save_file(tx: Tx, *, stored: StoredUpload) -> File:
    """Makes a file of stored bytes: the caller's, and carried by no message yet."""
    tx.require(sending_scope(tx.principal))
    caller = tx.principal
    file = File(
        tenant_id=tx.tenant_id,
        id=stored.id,
        name=stored.name,
        size=stored.size,
        mime_type=stored.kind.mime_type,
        sha256=stored.sha256,
        storage_key=stored.storage_key,
        uploader_kind=caller.kind,
        uploader_id=None if caller.kind == "visitor" else caller.id,
        visitor_id=caller.id if caller.kind == "visitor" else None,
        width=stored.kind.width,
        height=stored.kind.height,
        created_at=tx.now,
    )
    tx.session.add(file)
    return file


async def _check_visitor(reading: Reading, limits: FileLimits) -> None:
    mine = col(File.visitor_id) == reading.principal.id
    unsent = select(func.count()).select_from(File).where(mine, col(File.attached_at).is_(None)).scalar_subquery()
    today = (
        select(func.coalesce(func.sum(File.size), 0))
        .where(mine, col(File.created_at) > reading.now - DAY)
        .scalar_subquery()
    )
    waiting, sent = (await reading.session.execute(select(unsent, today))).one()
    if waiting >= VISITOR_UNSENT:
        raise Conflict(f"{waiting} files wait to be sent. Send some of them first.", "file")
    if sent >= VISITOR_DAY * limits.largest:
        raise RateLimited(LATER_S)


async def _store(
    storage: Storage, principal: Principal, name: str, chunks: AsyncIterator[bytes], limits: FileLimits
) -> StoredUpload:
    """Reads the head, decides by it what this is, and streams the head and the rest into the storage."""
    if principal.tenant_id is None:
        raise RuntimeError("an upload needs a tenant")
    measured = _Measured(chunks, limits.largest)
    head = await measured.head()
    kind = _recognised(head, name, limits)
    file_id = new_id()
    key = f"{principal.tenant_id.hex}/{file_id.hex}"
    await storage.write(key, measured.all())
    return StoredUpload(file_id, clean_name(name, kind.mime_type), measured.size, measured.sha256, key, kind)


def _recognised(head: bytes, name: str, limits: FileLimits) -> Sniffed:
    if not head:
        raise Invalid.at("file", "is empty")
    kind = sniff(head, name)
    if kind is None:
        raise Invalid.at("file", "is not of a kind that can be sent")
    if kind.mime_type not in limits.kinds:
        raise Invalid.at("file", f"is of a kind ({kind.mime_type}) that your plan does not include")
    if kind.width is not None and kind.height is not None and kind.width * kind.height > MOST_PIXELS:
        raise Invalid.at("file", f"is a picture of more than {MOST_PIXELS // 1_000_000} megapixels")
    return kind


class _Measured:
    """The chunks of an upload, counted and hashed as they pass, and cut off where there are too many."""

    def __init__(self, chunks: AsyncIterator[bytes], largest: int) -> None:
        self._chunks = chunks
        self._largest = largest
        self._head = b""
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def head(self) -> bytes:
        """The first bytes, enough of them to recognise the file. To be called once, before :meth:`all`."""
        head = bytearray()
        async for chunk in self._chunks:
            head += self._counted(chunk)
            if len(head) >= HEAD_BYTES:
                break
        self._head = bytes(head)
        return self._head

    async def all(self) -> AsyncIterator[bytes]:
        yield self._head
        async for chunk in self._chunks:
            yield self._counted(chunk)

    def _counted(self, chunk: bytes) -> bytes:
        self.size += len(chunk)
        if self.size > self._largest:
            raise FileTooLarge(self._largest, f"is larger than {self._largest // MEGABYTE} MB")
        self._hash.update(chunk)
        return chunk
