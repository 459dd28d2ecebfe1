"""Where bytes are kept: a directory, memory, and a bucket of a server that speaks S3. All three behave the same."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import obstore.exceptions
import pytest

from app.core import clock
from app.core.errors import Overloaded
from app.core.settings import Settings
from app.core.storage import S3_PART_BYTES, Storage
from tests.bucket import BUCKET, Bucket, serve_bucket

LARGE = bytes(range(256)) * (48 << 10)
"""12 MB: three parts."""


@pytest.fixture
async def bucket(tmp_path: Path) -> AsyncIterator[Bucket]:
    async with serve_bucket(tmp_path / "bucket") as bucket:
        yield bucket


@pytest.fixture(params=["directory", "memory", "bucket"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    if request.param == "bucket":
        async with serve_bucket(tmp_path / "bucket") as bucket:
            yield Storage.of(Settings(data_dir=tmp_path, **bucket.settings))
    else:
        yield Storage.in_memory() if request.param == "memory" else Storage.of(Settings(data_dir=tmp_path))


async def chunks(content: bytes, size: int = 1 << 20) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(storage: Storage, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in storage.read(key, start, end)])


async def keys(storage: Storage) -> list[str]:
    return sorted([found.key async for portion in storage.listed() for found in portion])


async def test_bytes_come_back_whole_and_in_part(storage: Storage) -> None:
    await storage.write("tenant/large", chunks(LARGE))
    await storage.write("tenant/small", chunks(b"0123456789", 3))
    assert await read(storage, "tenant/large") == LARGE
    assert await read(storage, "tenant/small") == b"0123456789"
    assert await read(storage, "tenant/small", 2, 5) == b"234"
    assert await read(storage, "tenant/small", 7) == b"789"
    assert await read(storage, "tenant/large", S3_PART_BYTES - 2, S3_PART_BYTES + 2) == b"\xfe\xff\x00\x01"
    assert await keys(storage) == ["tenant/large", "tenant/small"]


async def test_what_is_removed_is_gone(storage: Storage) -> None:
    for name in ("a", "b", "c"):
        await storage.write(f"tenant/{name}", chunks(b"x"))
    await storage.remove(["tenant/a", "tenant/never", "tenant/b"])
    await storage.remove(["tenant/a"])
    assert await keys(storage) == ["tenant/c"]
    with pytest.raises(FileNotFoundError):
        await read(storage, "tenant/a")


async def test_a_write_that_fails_leaves_nothing(storage: Storage) -> None:
    async def broken(content: bytes) -> AsyncIterator[bytes]:
        async for chunk in chunks(content):
            yield chunk
        raise ConnectionError("gone")

    async def hanging() -> AsyncIterator[bytes]:
        yield LARGE
        await asyncio.sleep(30)

    for content in (b"", b"a few", LARGE):
        with pytest.raises(ConnectionError, match="gone"):
            await storage.write("tenant/a", broken(content))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await storage.write("tenant/b", hanging())
    assert await keys(storage) == []


async def test_a_failed_write_leaves_no_parts_in_a_bucket(bucket: Bucket, tmp_path: Path) -> None:
    storage = Storage.of(Settings(data_dir=tmp_path, **bucket.settings))

    async def broken() -> AsyncIterator[bytes]:
        yield LARGE
        raise ConnectionError("gone")

    async def hanging() -> AsyncIterator[bytes]:
        yield LARGE
        await asyncio.sleep(30)

    with pytest.raises(ConnectionError):
        await storage.write("tenant/a", broken())
    assert bucket.objects() == []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await storage.write("tenant/a", hanging())
    assert bucket.objects() == []
    await storage.write("tenant/a", chunks(LARGE))
    assert bucket.objects() == [f"{BUCKET}/tenant/a"]


async def test_a_folder_of_a_bucket_is_all_that_is_seen(bucket: Bucket, tmp_path: Path) -> None:
    ours, others = (
        Storage.of(Settings(data_dir=tmp_path, s3_prefix=prefix, **bucket.settings)) for prefix in ("ours", "theirs")
    )
    await ours.write("tenant/a", chunks(b"ours"))
    await others.write("tenant/b", chunks(b"theirs"))
    assert bucket.objects() == [f"{BUCKET}/ours/tenant/a", f"{BUCKET}/theirs/tenant/b"]
    assert (await keys(ours), await keys(others)) == (["tenant/a"], ["tenant/b"])
    assert (ours.exclusive, Storage.of(Settings(data_dir=tmp_path)).exclusive) == (False, True)


async def test_no_more_is_written_at_once_than_fits_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.storage.WRITES_AT_ONCE", 2)
    storage, go_on = Storage.in_memory(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await go_on.wait()

    writing = [asyncio.create_task(storage.write(f"tenant/{name}", slow())) for name in "ab"]
    await asyncio.sleep(0.05)
    with pytest.raises(Overloaded):
        await storage.write("tenant/c", chunks(b"x"))
    go_on.set()
    await asyncio.gather(*writing)
    await storage.write("tenant/c", chunks(b"x"))
    assert await keys(storage) == ["tenant/a", "tenant/b", "tenant/c"]


async def test_a_wrong_secret_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    wrong = bucket.settings | {"s3_secret_access_key": "guessed"}
    storage = Storage.of(Settings(data_dir=tmp_path, **wrong))
    with pytest.raises(obstore.exceptions.PermissionDeniedError):
        await storage.write("tenant/a", chunks(b"x"))
    assert bucket.objects() == []


async def test_what_a_crash_cut_off_is_removed(tmp_path: Path) -> None:
    storage, reached = Storage.of(Settings(data_dir=tmp_path)), asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield LARGE
        reached.set()
        await asyncio.sleep(30)

    await storage.write("tenant/kept", chunks(b"x"))
    writing = asyncio.create_task(storage.write("tenant/cut", hanging()))
    await reached.wait()
    (left,) = (tmp_path / "files/tenant").glob("cut*")
    left.rename(left.with_name(left.name.replace("cut", "crashed")))
    writing.cancel()
    await asyncio.wait([writing])
    crashed = left.with_name(left.name.replace("cut", "crashed"))
    assert await storage.remove_unfinished(clock.now() - timedelta(hours=1)) == 0
    assert crashed.exists()
    assert await storage.remove_unfinished(clock.now() + timedelta(seconds=1)) == 1
    assert [path.name for path in (tmp_path / "files/tenant").iterdir()] == ["kept"]


async def test_what_stores_nothing_needs_no_directory(tmp_path: Path) -> None:
    storage = Storage.of(Settings(data_dir=tmp_path / "data"))
    assert not (tmp_path / "data").exists()
    await storage.write("tenant/a", chunks(b"x"))
    assert (tmp_path / "data/files/tenant/a").read_bytes() == b"x"
