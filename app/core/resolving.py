"""Addresses of host names, as this machine knows them."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

RESOLVE_S = 5.0
RESOLVING = 32
"""Names that are asked about at once."""


def _look_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Resolver:
    """The system's resolver (``/etc/hosts``, search domains and all), in threads of its own: a name server that hangs
    holds up nobody who wants a thread for something else, and each name that hangs takes one thread only."""

    def __init__(
        self, threads: int = RESOLVING, within_s: float = RESOLVE_S, look_up: Callable[[str], list[str]] = _look_up
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._within_s = within_s
        self._look_up = look_up
        self._asked: dict[str, Future[list[str]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """The addresses of a name. Raises OSError when there are none, or none are told in time."""
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        asked = self._asked.get(host)
        if asked is None:
            asked = self._asked[host] = self._threads.submit(self._look_up, host)
            asked.add_done_callback(lambda _: self._asked.pop(host, None))
        try:
            async with asyncio.timeout(self._within_s):
                return await asyncio.shield(asyncio.wrap_future(asked))
        except TimeoutError as slow:
            raise OSError(f"the addresses of {host} were not told within {self._within_s:g} s") from slow


_resolver = Resolver()


async def resolve(host: str, port: int) -> list[str]:
    """What the system's resolver says, within five seconds. Raises OSError."""
    return await _resolver.addresses(host)
