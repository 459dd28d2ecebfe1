"""``rapport serve`` and ``rapport worker``: the two processes of Rapport."""

import contextlib
import os
import signal
import socket
from typing import Any

import anyio
import typer

from app.cli.roof import from_roof
from app.core import logging
from app.core.garbage import rest_collector
from app.core.settings import Settings
from app.demo import EMAIL, DemoSignIn, prepare_demo
from app.runtime import Runtime
from app.serving import Server, listening_socket, server_config


def serve() -> None:
    """Serve the graph, the doors and the console. Prints how to sign in when it is ready."""
    settings = Settings()
    logging.configure(settings)
    try:
        listening = listening_socket(settings)
    except OSError as taken:
        typer.echo(f"cannot listen on {settings.host}:{settings.port}: {os.strerror(taken.errno or 0)}", err=True)
        raise typer.Exit(1) from taken
    application = from_roof("create_app")(settings)
    server = _Announcing(settings, application)
    # Uvicorn ends by the signal that stopped it, once it has shut down; an orderly stop is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    if not server.started:
        raise typer.Exit(3)


def worker() -> None:
    """Run jobs that other processes made due. Needs Postgres; with Redis it hears of them at once."""
    settings = Settings()
    logging.configure(settings)
    if settings.embedded:
        typer.echo("The embedded database belongs to the web process, which runs its own jobs.", err=True)
        raise typer.Exit(1)
    anyio.run(_work, settings)


async def _work(settings: Settings) -> None:
    runtime: Runtime = from_roof("create_runtime")(settings, runs_jobs=True)
    await runtime.start()
    rest_collector()
    try:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                break
    finally:
        await runtime.stop()


class _Announcing(Server):
    """A server that makes the demo of a new database and says how to sign in, once it listens."""

    def __init__(self, settings: Settings, application: Any) -> None:
        super().__init__(server_config(settings, application), self._drain)
        self._settings = settings
        self._application = application

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            demo = await prepare_demo(self._application.state.runtime)
            if demo is not None:
                self._application.state.graph.show_demo_key(demo.api_key)
            for line in sign_in_lines(self._settings, demo):
                typer.echo(line)

    def _drain(self) -> None:
        self._application.state.runtime.drain()


def sign_in_lines(settings: Settings, demo: DemoSignIn | None) -> list[str]:
    """What a person needs to get in: for a new demo everything, else where to go and how to get a key."""
    console = f"console: {settings.base_url}/console"
    if demo is not None:
        return [console, f"email: {demo.email}", f"password: {demo.password}", f"api key: {demo.api_key}"]
    email = EMAIL if settings.embedded and settings.demo else "YOU@EXAMPLE.COM"
    stopped = " (with the server stopped)" if settings.embedded else ""
    return [console, f"new key: in the console, or{stopped}: rapport api-key create --email {email}"]
