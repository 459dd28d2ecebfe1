"""The published JavaScript packages against our endpoint: graphql-http's audits, graphql-ws and graphql-sse."""

import asyncio
import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.transport.conftest import Door

HERE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory outside the tree with the scripts and their packages; skips where they cannot be had."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node: no node and npm found")
    directory = tmp_path_factory.mktemp("node")
    for file in HERE.iterdir():
        shutil.copy(file, directory)
    command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error"]
    installed = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=90)
    if installed.returncode != 0:
        pytest.skip(f"Node: npm could not install the packages ({installed.stderr.strip()[-200:]})")
    return directory


async def run(node: Path, *arguments: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        "node", *arguments, cwd=node, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            told, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()
    return orjson.loads(told)


async def test_every_audit_of_graphql_over_http_passes(node: Path, door: Door) -> None:
    results = await run(node, "audits.js", door.url, door.key.key_text)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61


@pytest.mark.parametrize(("kind", "refused"), [("ws", 4403), ("sse", 401)])
async def test_the_client_subscribes_asks_leaves_and_is_refused(
    node: Path, door: Door, kind: str, refused: int
) -> None:
    told = await run(node, "clients.js", kind, door.url, door.key.key_text)
    assert told["subscription"] == {"results": [{"data": {"count": number}} for number in (1, 2, 3)]}
    assert told["query"] == {"results": [{"data": {"hello": "hello world"}}]}
    assert told["mutation"] == {"results": [{"data": {"shout": "A"}}]}
    assert told["left"] == {"results": [{"data": {"forever": "x"}}] * 3}
    assert told["stranger"]["code"] == refused
    message = "Cannot query field 'unknown' on type 'Subscription'."
    if kind == "ws":
        assert told["invalid"]["errors"] == [message]
    else:
        assert [error["message"] for error in told["invalid"]["results"][0]["errors"]] == [message]
    await door.settled()
