"""Where the bytes of files are: a local directory, or a bucket of an S3-compatible server if the settings name one.

Objects are written once under a key of ours and never changed. Nothing is ever held whole in memory.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import obstore
from obstore.store import LocalStore, MemoryStore, S3Store

from app.core.errors import Overloaded
from app.core.settings import Settings

PART_BYTES = 1 << 20
S3_PART_BYTES = 5 << 20
"""How much is written at once; S3 takes no smaller parts. An upload holds two of them at most."""
READ_BYTES = 1 << 20
LISTED_AT_ONCE = 500
UNFINISHED = re.compile(r"#\d+\Z")
"""How obstore names a local file that is being written."""
WRITES_AT_ONCE = 32
"""Each holds a part or two in memory."""
GIVE_UP_S = 10.0
REQUEST_S = timedelta(seconds=60)
RETRY_S = timedelta(seconds=20)
"""Somebody waits for the answer meanwhile."""

Store = LocalStore | MemoryStore | S3Store


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A key that has bytes, and since when."""

    key: str
    written_at: datetime


class Storage:
    """Bytes by key. What the storage itself refuses or fails at is raised as obstore has it, but for
    FileNotFoundError."""

    def __init__(self, make: Callable[[], Store]) -> None:
        self._make = make
        self._writing = 0

    @classmethod
    def of(cls, settings: Settings) -> "Storage":
        """The storage that ``settings`` name: ``data_dir/files``, or the bucket of ``s3_bucket``."""
        if settings.s3_bucket:
            return cls(lambda: _bucket(settings))
        return cls(lambda: LocalStore(prefix=settings.data_dir / "files", mkdir=True))

    @classmethod
    def in_memory(cls) -> "Storage":
        """A storage that forgets everything with the process."""
        return cls(MemoryStore)

    @cached_property
    def _store(self) -> Store:
        """Made when it is first used: what stores no files needs neither the directory nor the bucket."""
        return self._make()

    @property
    def exclusive(self) -> bool:
        """Whether nobody else keeps anything here, as others may in a bucket."""
        return not isinstance(self._store, S3Store)

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Stores what ``chunks`` brings. When it raises or is cancelled, so is this, and nothing is under ``key``.

        Raises :class:`Overloaded`, before it reads anything, while too much else is being written.
        """
        if self._writing >= WRITES_AT_ONCE:
            raise Overloaded("Too many files are being stored. Please try again shortly.")
        self._writing += 1
        try:
            await self._write(key, chunks)
        finally:
            self._writing -= 1

    async def _write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        part = S3_PART_BYTES if isinstance(self._store, S3Store) else PART_BYTES
        source = _Source(chunks)
        writing = asyncio.ensure_future(
            obstore.put_async(self._store, key, source.pieces(), use_multipart=True, chunk_size=part, max_concurrency=1)
        )
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # Cancelling the write itself would leave the parts that a bucket has already: it must see an error.
            source.stop()
            await asyncio.wait([writing], timeout=GIVE_UP_S)
            if writing.done():
                writing.exception()
            raise
        if isinstance(self._store, LocalStore) and self._store.prefix is not None:
            await asyncio.to_thread(_flush, Path(self._store.prefix, key))

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``end``, in pieces. Raises FileNotFoundError at the first of them.

        Each piece is a request of its own: whoever reads slowly would run into the time limit of a single one.
        """
        if end is None:
            end = (await obstore.head_async(self._store, key))["size"]
        while start < end:
            piece = await obstore.get_range_async(self._store, key, start=start, end=min(end, start + READ_BYTES))
            yield bytes(piece)
            start += len(piece)

    async def remove(self, keys: Collection[str]) -> None:
        """Forgets what is under ``keys``; a key that has nothing is no error."""
        for key in keys:
            with suppress(FileNotFoundError):
                await obstore.delete_async(self._store, key)

    async def remove_unfinished(self, before: datetime) -> int:
        """Removes what writes left that a crash cut off before that moment. Returns how much.

        Only a directory needs it: a bucket has a rule of its own for uploads that were never completed.
        """
        if not isinstance(self._store, LocalStore) or self._store.prefix is None:
            return 0
        return await asyncio.to_thread(_remove_unfinished, Path(self._store.prefix), before)

    async def listed(self) -> AsyncIterator[list[StoredObject]]:
        """Everything that is stored, in portions."""
        async for portion in obstore.list(self._store, chunk_size=LISTED_AT_ONCE):
            yield [StoredObject(found["path"], found["last_modified"]) for found in portion]


class _Source:
    """Chunks that can be made to end in an error."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._stopped = False
        self._waiting: asyncio.Task[Any] | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        while not self._stopped:
            self._waiting = asyncio.current_task()
            try:
                piece = await anext(self._chunks)
            except StopAsyncIteration:
                return
            self._waiting = None
            yield piece
        raise InterruptedError("the write was given up")

    def stop(self) -> None:
        self._stopped = True
        if self._waiting is not None:
            self._waiting.cancel()


def _flush(path: Path) -> None:
    """Makes a file outlive a power cut, as the row that will name it does."""
    for place in (path, path.parent):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_unfinished(directory: Path, before: datetime) -> int:
    removed = 0
    for path in directory.glob("*/*#*"):
        if UNFINISHED.search(path.name) and path.stat().st_mtime < before.timestamp():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _bucket(settings: Settings) -> S3Store:
    """The bucket. Without keys in the settings they are looked for where AWS's own clients look (machine roles)."""
    given = {
        "endpoint": settings.s3_endpoint,
        "access_key_id": settings.s3_access_key_id,
        "secret_access_key": settings.s3_secret_access_key,
    }
    return S3Store(
        settings.s3_bucket,
        prefix=settings.s3_prefix or None,
        region=settings.s3_region,
        virtual_hosted_style_request=settings.s3_virtual_hosts,
        client_options={"allow_http": settings.s3_endpoint.startswith("http://"), "timeout": REQUEST_S},
        retry_config={"max_retries": 3, "retry_timeout": RETRY_S},
        **{name: value for name, value in given.items() if value},  # type: ignore[arg-type]
    )
