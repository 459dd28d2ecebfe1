"""Real servers for the tests: a private Postgres and a private Redis on free ports, each started when first asked for.

``RAPPORT_TEST_POSTGRES_URL`` (a role that may create databases and is no superuser) and ``RAPPORT_TEST_REDIS_URL``
name servers to use instead. Where neither a server nor its program is found, the tests that need it are skipped and
the summary says so; ``RAPPORT_TEST_REQUIRE=postgres,redis`` makes that a failure.
"""

import asyncio
import contextlib
import ctypes
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import asyncpg

POSTGRES_URL = "RAPPORT_TEST_POSTGRES_URL"
REDIS_URL = "RAPPORT_TEST_REDIS_URL"
REQUIRE = "RAPPORT_TEST_REQUIRE"
ROLE = "rapport"
START_S = 30
PR_SET_PDEATHSIG = 1
PORTS = (15_000, 32_000)
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "256MB"}
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that must be free in memory for anything to be put there; a run holds less than a quarter of it."""
PREFIX = "rapport-tests-"


class ServerMissing(Exception):
    """Neither a URL nor a program to start; the message says which."""


class Servers:
    """The servers of one test session. Those it started end with it, or with its process.

    A Postgres started here forgets what a power cut would take, and lies in memory where there is room, unless it is
    to be ``durable``.
    """

    def __init__(self, given: Mapping[str, str], *, durable: bool = False) -> None:
        self._durable = durable
        self._urls = {name: given[name] for name in (POSTGRES_URL, REDIS_URL) if given.get(name)}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._directories: list[str] = []

    @property
    def postgres_url(self) -> str:
        """``postgresql://role@host:port/postgres``. Raises :class:`ServerMissing`."""
        return self._url(POSTGRES_URL, self._start_postgres)

    @property
    def redis_url(self) -> str:
        """``redis://host:port``, without a database number. Raises :class:`ServerMissing`."""
        return self._url(REDIS_URL, self._start_redis)

    def urls(self) -> dict[str, str]:
        """Starts what can be started and returns the URLs there are, to be handed to another process."""
        found = {}
        for name, start in ((POSTGRES_URL, self._start_postgres), (REDIS_URL, self._start_redis)):
            try:
                found[name] = self._url(name, start)
            except ServerMissing:
                continue
        return found

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.send_signal(signal.SIGINT)
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for directory in self._directories:
            shutil.rmtree(directory, ignore_errors=True)
        self._processes.clear()
        self._directories.clear()

    def _url(self, name: str, start: Callable[[], str]) -> str:
        if name not in self._urls:
            self._urls[name] = start()
        return self._urls[name]

    def directory_in_memory(self) -> str | None:
        """A directory that ends with the session; None where memory has no room for one."""
        return self._directory(None) if memory() else None

    def _directory(self, owner: str | None) -> str:
        directory = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=None if self._durable else memory())
        self._directories.append(directory)
        if owner is not None:
            os.chown(directory, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
        return directory

    def _run(self, command: list[str], directory: str, owner: str | None = None) -> None:
        with Path(directory, "log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    cwd=directory,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    user=owner,
                    group=pwd.getpwnam(owner).pw_gid if owner else None,
                    extra_groups=[] if owner else None,
                    start_new_session=True,
                    preexec_fn=_end_with_parent,
                )
            )

    def _start_postgres(self) -> str:
        programs = _postgres_programs()
        if programs is None:
            raise ServerMissing("Postgres: no initdb and postgres found")
        owner = _unprivileged_user()
        directory = self._directory(owner)
        subprocess.run(
            [
                programs / "initdb",
                "-D",
                f"{directory}/data",
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
            ],
            check=True,
            cwd=directory,
            stdout=subprocess.DEVNULL,
            user=owner,
            group=pwd.getpwnam(owner).pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )
        port = free_port()
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 300,
        } | ({} if self._durable else FORGETFUL)
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self._run([str(programs / "postgres"), "-D", f"{directory}/data", *settings], directory, owner)
        asyncio.run(_create_role(f"postgresql://postgres@127.0.0.1:{port}/postgres"))
        return f"postgresql://{ROLE}@127.0.0.1:{port}/postgres"

    def _start_redis(self) -> str:
        program = shutil.which("redis-server")
        if program is None:
            raise ServerMissing("Redis: no redis-server found")
        port = free_port()
        directory = self._directory(None)
        self._run([program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], directory)
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return f"redis://127.0.0.1:{port}"


def required(environment: Mapping[str, str]) -> set[str]:
    """The servers that may not be missing."""
    return {name.strip() for name in environment.get(REQUIRE, "").split(",") if name.strip()}


def memory() -> Path | None:
    """Where files cost the least; None (the usual place) where memory is no file system, or a small one.

    A new database is some 300 files, and there are disks on which each of them is a millisecond of a processor.
    """
    if not os.access(MEMORY, os.W_OK):
        return None
    found = os.statvfs(MEMORY)
    return MEMORY if found.f_bavail * found.f_frsize >= ROOM else None


def forget_the_killed() -> None:
    """Removes from memory what sessions have left there that were killed."""
    for left in MEMORY.glob(f"{PREFIX}*"):
        process = left.name.removeprefix(PREFIX).partition("-")[0]
        if process.isdigit() and not Path("/proc", process).exists():
            shutil.rmtree(left, ignore_errors=True)


def free_port() -> int:
    """A port on which nobody listens at this moment.

    Not one that the kernel gives to outgoing connections: it could be taken while a server of ours is down, even by
    its own client, whose attempts to reconnect may meet themselves.
    """
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _postgres_programs() -> Path | None:
    """The newest directory that holds both programs; Debian keeps them off the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    found = shutil.which("initdb")
    for directory in [*versions, *([Path(found).resolve().parent] if found else [])]:
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    return None


def _unprivileged_user() -> str | None:
    """Whom to run Postgres as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _end_with_parent() -> None:
    """Even a killed test run leaves no server behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


async def _create_role(superuser_url: str) -> None:
    """The role of the tests owns its databases but is no superuser: row-level security binds it."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            connection = await asyncpg.connect(superuser_url)
            break
        except (OSError, asyncpg.CannotConnectNowError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
    await connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS")
    await connection.close()
