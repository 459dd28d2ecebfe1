"""The whole web process in a thread of the test, on a port of its own."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from app.core.settings import Settings
from app.serving import Server, listening_socket, server_config
from asgi import create_app

STARTS_WITHIN_S = 30.0


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """Yields the URL at which the process answers."""
    settings = settings.model_copy(update={"port": 0, "rate_limits": False, "access_token_minutes": 600})
    listening = listening_socket(settings)
    house = create_app(settings)
    server = Server(server_config(settings, cast(Any, house)), house.state.runtime.drain)
    started = threading.Event()
    thread = threading.Thread(target=asyncio.run, args=[_serve(server, listening, started)], daemon=True)
    thread.start()
    if not started.wait(STARTS_WITHIN_S):
        raise AssertionError("the server did not start")
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(STARTS_WITHIN_S)


async def _serve(server: Server, listening: socket.socket, started: threading.Event) -> None:
    async def watch() -> None:
        while not server.started:
            await asyncio.sleep(0.02)
        started.set()

    watching = asyncio.create_task(watch())
    await server.serve(sockets=[listening])
    watching.cancel()
