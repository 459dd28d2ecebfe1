"""How Uvicorn serves us: the settings that keep sockets cheap, dead peers short-lived and stops quick."""

import socket
from collections.abc import Callable
from ipaddress import ip_address

import uvicorn
from uvicorn._types import ASGIApplication

from app.core.garbage import rest_collector
from app.core.settings import Settings

FRAME_BYTES = 64 * 1024
PING_S = 20.0
DEAD_PEER_S = 30
"""How long bytes may lie unacknowledged, or a reader keep its window shut, before the kernel drops the connection."""
GRACE_S = 20
BACKLOG = 2048


def server_config(settings: Settings, app: ASGIApplication) -> uvicorn.Config:
    """The configuration of the web process. Serve it on :func:`listening_socket`.

    No compression of websocket messages: it doubles the memory of an idle socket. Event streams and sockets end by
    themselves when the hub drains; ``GRACE_S`` bounds what does not.
    """
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="auto",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=FRAME_BYTES,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_S,
    )


class Server(uvicorn.Server):
    """A server that says that it is stopping (``on_stop``, such as draining the hub) before it waits for open
    connections: an event stream would otherwise hold the stop up until ``GRACE_S``."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        rest_collector()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)


def listening_socket(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say; port 0 takes a free one.

    Connections inherit ``TCP_USER_TIMEOUT``: without it a peer that stops reading is never let go, because a closing
    connection waits for its unsent bytes.
    """
    listening = socket.create_server(
        (settings.host, settings.port), family=_family(settings.host), backlog=BACKLOG, reuse_port=False
    )
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_S * 1000)
    listening.set_inheritable(True)
    return listening


def _family(host: str) -> socket.AddressFamily:
    try:
        return socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
