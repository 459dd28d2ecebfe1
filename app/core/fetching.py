"""Outgoing HTTP to addresses that others have chosen: webhooks, data files, push services.

No request goes to an address that is not public. That is asked after DNS, of every answer, for each connection (so for
each redirect too), and the connection goes to the address that was asked about: a name that changes between the
question and the connection gains nothing. ``RAPPORT_ALLOWED_PRIVATE_HOSTS`` lets named hosts through.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property

import httpcore2
import httpx2

from app.core.resolving import resolve
from app.core.settings import Settings

WEB_PORTS = frozenset({80, 443, 8080, 8443})
MAX_BYTES = 1 << 20
TIMEOUT_S = 15.0
CONNECTIONS = 200
IDLE_S = 30.0
CONNECTING_SHARE = 0.75
"""Of the time for a request: then a slow connection is known to have failed before anything was sent."""
WAITING_SHARE = 0.2
"""For a free connection: who waits longer is told that nothing was sent."""
MAX_REDIRECTS = 5
NAT64 = ipaddress.ip_network("64:ff9b::/96")
LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
HINT = " (RAPPORT_ALLOWED_PRIVATE_HOSTS names exceptions)"
"""For whoever runs the server: a relay or a receiver of their own is refused until they name it."""
BEFORE_SENDING = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
"""Failures before anything was sent."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host name, as text."""


class FetchFailed(Exception):
    """There is no answer. ``was_sent``: the request may have arrived all the same."""

    def __init__(self, message: str, *, was_sent: bool) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class AddressRefused(FetchFailed):
    """The address is not one to which requests may go. Nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, was_sent=False)


class AnswerTooLarge(FetchFailed):
    """The answer has more bytes than are wanted. The request did arrive."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer has more than {limit} bytes", was_sent=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: httpx2.Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class AnswerStream:
    """What a server says, while it says it. ``chunks`` may be gone over once."""

    status: int
    headers: httpx2.Headers
    chunks: AsyncIterator[bytes]


def is_public(address: str) -> bool:
    """Whether the IP address is one of the open internet. IPv4 inside IPv6 (mapped, NAT64, 6to4, Teredo) counts as the
    IPv4 address that it leads to."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _inner(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local or ip in LOCAL_NAT64:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if ip in NAT64 or int(ip) >> 32 == 0:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


@dataclass(frozen=True)
class Guard:
    """Says to which addresses we may connect. ``exceptions``: host names, addresses or networks that are let through
    whatever they are and whatever the port."""

    exceptions: Collection[str] = ()
    resolve: Resolve = field(default=resolve)

    async def addresses(self, host: str, port: int, ports: Collection[int]) -> list[str]:
        """The addresses of ``host`` to connect to. Raises :class:`AddressRefused` if one of them is not public or the
        port is none of ``ports``, and OSError for a name that is unknown."""
        host = host.strip("[]").rstrip(".").lower()
        found = await self.resolve(host, port)
        if host in self._names or (found and all(map(self._is_excepted, found))):
            return found
        if port not in ports:
            raise AddressRefused(f"port {port} of {host} is not one to which requests may go{HINT}")
        if not found or not all(map(is_public, found)):
            raise AddressRefused(f"{host} is not a public address{HINT}")
        return found

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(name.strip("[]").rstrip(".").lower() for name in self.exceptions)

    @cached_property
    def _networks(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        networks = []
        for name in self._names:
            try:
                networks.append(ipaddress.ip_network(name, strict=False))
            except ValueError:
                continue
        return networks

    def _is_excepted(self, address: str) -> bool:
        ip = ipaddress.ip_address(address.partition("%")[0])
        return any(ip.version == network.version and ip in network for network in self._networks)


async def connected_socket(guard: Guard, host: str, port: int, ports: Collection[int]) -> socket.socket:
    """A connection for what is not HTTP. Raises :class:`AddressRefused`, and OSError."""
    failure = OSError(f"{host} has no address")
    for address in await guard.addresses(host, port, ports):
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
        except OSError as refused:
            sock.close()
            failure = refused
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens the connections of an HTTP client, to addresses that the guard has let through."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (the signature is httpcore's)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        began = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._guard.addresses(host, port, WEB_PORTS)
        except TimeoutError as slow:
            raise httpcore2.ConnectTimeout(f"the addresses of {host} were not told in time") from slow
        except (OSError, UnicodeError) as unknown:
            raise httpcore2.ConnectError(f"{host} has no address") from unknown
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in addresses:
            left = None if timeout is None else max(timeout - (time.monotonic() - began), 0.001)
            try:
                return await self._inner.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as refused:
                failure = refused
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise AddressRefused("requests do not go to local sockets")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """The usual transport, with a guarded pool: it has no argument for the backend, httpcore's pool does."""

    def __init__(self, guard: Guard, context: ssl.SSLContext, *, http2: bool) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS // 4,
            keepalive_expiry=IDLE_S,
            http2=http2,
            network_backend=GuardedBackend(guard),
        )


class Fetcher:
    """Our HTTP client for addresses that others have chosen. One per process; close it at the end.

    It connects when first used. ``http2``: speak it where the server does.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        http2: bool = False,
        resolve: Resolve = resolve,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.guard = Guard(settings.allowed_private_hosts, resolve)
        self._http2 = http2
        self._context = context

    @cached_property
    def _client(self) -> httpx2.AsyncClient:
        context = self._context or httpx2.create_ssl_context(trust_env=False)
        transport = GuardedTransport(self.guard, context, http2=self._http2)
        return httpx2.AsyncClient(transport=transport, trust_env=False, max_redirects=MAX_REDIRECTS)

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = MAX_BYTES,
        follows_redirects: bool = False,
        wants_status: bool = False,
    ) -> Answer:
        """One request and its whole answer, within ``timeout_s`` seconds in all. A redirect is an answer like others
        unless it ``follows_redirects`` (at most five). Raises :class:`FetchFailed`.

        Who ``wants_status`` above all gets as much of the body as there may be, and none of one that is compressed.
        """
        async with self.stream(
            method,
            url,
            headers=headers,
            content=content,
            timeout_s=timeout_s,
            follows_redirects=follows_redirects,
            takes_any_coding=wants_status,
        ) as stream:
            body = bytearray()
            async for chunk in stream.chunks:
                body += chunk
                if len(body) > max_bytes:
                    if not wants_status:
                        raise AnswerTooLarge(max_bytes)
                    break
            return Answer(stream.status, stream.headers, bytes(body[:max_bytes]))

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_s: float = TIMEOUT_S,
        follows_redirects: bool = False,
        takes_any_coding: bool = False,
    ) -> AsyncIterator[AnswerStream]:
        """An answer that is read while it arrives; the whole block has ``timeout_s`` seconds. It comes as it was sent:
        compressed, if an ``accept-encoding`` among the headers lets it be; with ``takes_any_coding`` one that is
        compressed all the same has no body. Raises :class:`FetchFailed`, also while the body is read."""
        wanted = re.split(r"[,\s]+", f"identity,{(headers or {}).get('accept-encoding', '')}")
        limit = httpx2.Timeout(timeout_s, connect=timeout_s * CONNECTING_SHARE, pool=timeout_s * WAITING_SHARE)
        try:
            async with asyncio.timeout(timeout_s):
                request = self._client.build_request(
                    method, _checked(url), headers=_plain(headers), content=content, timeout=limit
                )
                response = await self._client.send(request, stream=True, follow_redirects=follows_redirects)
                try:
                    chunks: AsyncIterator[bytes] = response.aiter_raw()
                    if response.headers.get("content-encoding", "identity").lower() not in wanted:
                        if not takes_any_coding:
                            raise FetchFailed("the answer is compressed, which was not asked for", was_sent=True)
                        chunks = _nothing()
                    yield AnswerStream(response.status_code, response.headers, chunks)
                finally:
                    await response.aclose()
        except TimeoutError as late:
            raise FetchFailed(f"no answer within {timeout_s:g} s", was_sent=True) from late
        except BEFORE_SENDING as failure:
            raise FetchFailed(f"no connection: {failure}", was_sent=False) from failure
        except httpx2.UnsupportedProtocol as wrong:
            raise AddressRefused(str(wrong)) from wrong
        except (httpx2.HTTPError, httpx2.InvalidURL) as failure:
            raise FetchFailed(f"{type(failure).__name__}: {failure}", was_sent=True) from failure

    async def close(self) -> None:
        """Closes the connections."""
        if "_client" in self.__dict__:
            await self._client.aclose()


async def _nothing() -> AsyncIterator[bytes]:
    none: tuple[bytes, ...] = ()
    for chunk in none:
        yield chunk


def _plain(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {"accept-encoding": "identity", "user-agent": "Rapport"} | dict(headers or {})


def _checked(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as wrong:
        raise AddressRefused(f"is not a URL: {wrong}") from wrong
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise AddressRefused("is not an http or https URL")
    return parsed
