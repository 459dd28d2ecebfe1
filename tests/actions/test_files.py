"""Uploading, attaching and linking files."""

from collections.abc import AsyncIterator

from app.actions.files import upload
from app.core.tx import UnitsOfWork
from tests.tenants import TenantAccount
from tests.uploads import PNG


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_x(units: UnitsOfWork, tenant: TenantAccount) -> None:
    file = await upload(units, tenant.principal, name="a/b\u202e.png", chunks=chunks(PNG[:10], PNG[10:]))
    assert (file.name, file.size, file.width, file.height) == ("b.png", len(PNG), 3, 2)
    read = [piece async for piece in units.services.storage.read(file.storage_key)]
    assert b"".join(read) == PNG
