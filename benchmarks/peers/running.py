"""Starting peers: a server of another kind in a process of its own, and the packages of Node."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import httpx2

from tests.servers import free_port

PEERS = Path(__file__).parent
READY_S = 20


@dataclass(frozen=True)
class Peer:
    """A running peer."""

    url: str
    pid: int


@contextmanager
def python_peer(app: str, environment: Mapping[str, str] = os.environ) -> Iterator[Peer]:
    """An ASGI application (``module:name``) on Uvicorn as it comes."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    with _running(command, PEERS.parents[1], port, environment) as peer:
        yield peer


@contextmanager
def node_peer(script: str, environment: Mapping[str, str] = os.environ) -> Iterator[Peer]:
    """A script of this directory on Node, with its packages."""
    port = free_port()
    with _running(["node", script], _node_modules(), port, {**environment, "PORT": str(port)}) as peer:
        yield peer


def missing_npm() -> bool:
    return shutil.which("npm") is None


@contextmanager
def _running(command: list[str], directory: Path, port: int, environment: Mapping[str, str]) -> Iterator[Peer]:
    process = subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _await(url)
        yield Peer(url, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _node_modules() -> Path:
    """The Node peers with their packages, outside the tree."""
    directory = Path(mkdtemp(prefix="rapport-peers-"))
    for file in (PEERS / "package.json", *PEERS.glob("*.mjs")):
        shutil.copy(file, directory)
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"], cwd=directory, check=True
    )
    return directory


def _await(url: str) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            httpx2.post(f"{url}/graphql", json={"query": "{ __typename }"}).raise_for_status()
        except httpx2.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
