"""A real S3-compatible server for the tests, which listens on 127.0.0.1 and checks every signature."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from nanio.app import build_app
from nanio.auth.credentials import StaticCredentialResolver
from nanio.config import Settings as ServerSettings

from tests.servers import free_port

BUCKET, KEY_ID, KEY_SECRET = "rapport-files", "test-key", "test-secret"


@dataclass(frozen=True)
class Bucket:
    """A running server with one bucket, whose objects are files below ``directory``."""

    endpoint: str
    directory: Path

    @property
    def settings(self) -> dict[str, Any]:
        """Our settings for this bucket."""
        return {
            "s3_bucket": BUCKET,
            "s3_endpoint": self.endpoint,
            "s3_access_key_id": KEY_ID,
            "s3_secret_access_key": KEY_SECRET,
        }

    def objects(self) -> list[str]:
        """Everything that is stored, finished or not, but for what the server notes of objects."""
        stored = [path.relative_to(self.directory) for path in self.directory.rglob("*") if path.is_file()]
        return sorted(str(path) for path in stored if ".nanio-meta" not in path.parts)


@asynccontextmanager
async def serve_bucket(directory: Path) -> AsyncIterator[Bucket]:
    """Serves a bucket below ``directory`` on a free port while the block runs."""
    (directory / BUCKET).mkdir(parents=True)
    port = free_port()
    app = build_app(
        ServerSettings(data_dir=directory, port=port, credentials=StaticCredentialResolver({KEY_ID: KEY_SECRET}))
    )
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield Bucket(f"http://127.0.0.1:{port}", directory)
    finally:
        server.should_exit = True
        await serving
