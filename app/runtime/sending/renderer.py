"""Renders batches beside the event loop: large ones in a process of their own, small ones in a thread.

The process is started when it is first needed and again whenever it dies. One that does not answer in time is ended:
whatever a template does, it costs its own messages and no others.
"""

import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.core import logging
from app.templates import Recipe
from app.templates.rendering import LARGEST, LENGTH, Compiled, Kitchen, Order, Rendered, frame, unframe

log = logging.logger(__name__)

ANSWER_S = 30.0
ALONE_S = 5.0
"""How long one message may take, once the batch it was in did not end."""
SMALL = 8
"""Messages that are rendered in this process: to start another takes longer."""
LOST = "The template takes too long, or more memory than there is."


class RendererLost(Exception):
    """The process died or did not answer in time."""


class _Process:
    """The other process, one request at a time."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, request: tuple[Any, ...], within_s: float) -> Any:
        """The answer. Raises :class:`RendererLost`; then the process is gone, and the next request starts another."""
        async with self._turn:
            try:
                async with asyncio.timeout(within_s):
                    process = self._process or await self._start()
                    assert process.stdin and process.stdout
                    process.stdin.write(frame(request))
                    await process.stdin.drain()
                    size = int.from_bytes(await process.stdout.readexactly(LENGTH))
                    return unframe(await process.stdout.readexactly(size))
            except (TimeoutError, OSError, EOFError, asyncio.IncompleteReadError) as failure:
                log.warning("the renderer was lost", error=repr(failure))
                await self._end()
                raise RendererLost from failure
            except asyncio.CancelledError:
                await self._end()  # its answer would be taken for the next one's
                raise

    async def close(self) -> None:
        await self._end()

    async def _start(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            f"import sys; sys.path[:] = {sys.path!r}; from app.templates.rendering import main; main()",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LARGEST,
        )
        assert process.stdin
        process.stdin.write(frame(self._secret))
        self._process = process
        return process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()


class Renderer:
    """Compiles and renders. ``processes`` 0: always in this process."""

    def __init__(self, secret: str, *, processes: int = 1) -> None:
        self._process = _Process(secret) if processes else None
        self._kitchen = Kitchen(secret)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="renderer")

    async def compile(self, key: str, recipe: Recipe, *, apart: bool) -> Compiled:
        """Makes a template ready under ``key``; ``apart``: in the other process, for :meth:`render` there."""
        if not apart or self._process is None:
            return await self._here(self._kitchen.compile, key, recipe)  # type: ignore[no-any-return]
        try:
            return await self._process.ask(("compile", key, recipe), ANSWER_S)  # type: ignore[no-any-return]
        except RendererLost:
            return Compiled(problem=LOST)

    async def render(self, orders: Sequence[Order], *, apart: bool) -> list[Rendered]:
        """The messages, in the same order. One whose template is missing has to be ordered again."""
        if not orders:
            return []
        if not apart or self._process is None:
            return await self._here(self._kitchen.render, orders)  # type: ignore[no-any-return]
        try:
            return await self._process.ask(("render", orders), ANSWER_S)  # type: ignore[no-any-return]
        except RendererLost:
            if len(orders) == 1:
                return [Rendered(None, problem=LOST)]
            return [await self._alone(order) for order in orders]

    async def close(self) -> None:
        """Ends the process and the thread."""
        if self._process is not None:
            await self._process.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _alone(self, order: Order) -> Rendered:
        assert self._process is not None
        try:
            [rendered] = await self._process.ask(("render", [order]), ALONE_S)
        except RendererLost:
            return Rendered(None, problem=LOST)
        return rendered  # type: ignore[no-any-return]

    async def _here(self, run: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, run, *arguments)
