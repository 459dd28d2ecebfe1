"""Password hashes: argon2id in two threads of its own, so that the event loop never waits for one."""

import asyncio
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.errors import Overloaded

# OWASP Password Storage Cheat Sheet: argon2id with at least 19 MiB, two passes, one lane.
MEMORY_KIB = 19_456
PASSES = 2
LANES = 1
WORKERS = 2
QUEUE = 64
"""Hashes that may be waiting or running at once: about a second and a half of work on two cores."""
LONGEST = 200
"""No stored password is longer, so that a longer one is wrong without being read."""

Result = TypeVar("Result")


def _unpadded(raw: bytes) -> str:
    return b64encode(raw).decode().rstrip("=")


_NO_SALT, _NO_DIGEST = _unpadded(bytes(16)), _unpadded(bytes(32))
DECOY = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${_NO_SALT}${_NO_DIGEST}"
"""A hash of no password. Verifying against it takes as long as against a real one."""


class Passwords:
    """Hashes and verifies. Every call raises :class:`Overloaded` when too many are waiting already."""

    def __init__(self, queue: int = QUEUE) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="passwords")
        self._room = BoundedSemaphore(queue)

    async def hash(self, password: str) -> str:
        """The encoded hash, which carries its salt and its parameters."""
        text = _canonical(password)
        return await self._run(lambda: self._hasher.hash(text))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether ``password`` is the one behind ``stored``. Takes the same work when nothing is stored."""
        readable = len(password) <= LONGEST
        text = _canonical(password if readable else "")
        matches = await self._run(lambda: self._matches(stored or DECOY, text))
        return matches and readable and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether ``stored`` was made with other parameters than today's and should be made again."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Ends the threads; hashes that wait are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, stored: str, text: bytes) -> bool:
        try:
            return self._hasher.verify(stored, text)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        if not self._room.acquire(blocking=False):
            raise Overloaded("Too many people are signing in at once. Please try again shortly.")
        future = self._threads.submit(work)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _: Future[Result]) -> None:
        self._room.release()


def _canonical(password: str) -> bytes:
    """One spelling of what looks the same on every keyboard (NIST SP 800-63B, 5.1.1.2); never fails."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
