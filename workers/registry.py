"""Which handler works off which kind of job."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from app.runtime import Handler

HANDLERS: dict[str, Handler] = {}
"""Every kind of job and its one handler."""

Run = TypeVar("Run")


def handles(kind: str, *, every: timedelta | None = None) -> Callable[[Run], Run]:
    """Registers ``async def handler(runtime, payload, tenant_id)`` for a kind of job, periodic with ``every``."""

    def register(run: Run) -> Run:
        if kind in HANDLERS:
            raise RuntimeError(f"two handlers for {kind}")
        HANDLERS[kind] = Handler(run, every)  # type: ignore[arg-type]
        return run

    return register
