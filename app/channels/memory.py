"""A provider in memory, for any channel: what stands in for the real ones where no other side is wanted."""

import asyncio
from collections.abc import Callable
from typing import ClassVar

from app.channels.carrying import Outcome, Outgoing


class MemoryProvider:
    """Keeps what it is given in ``sent``, in order, and takes everything unless ``answer`` says otherwise.

    ``delay_s`` is how long it takes for one message. What it refuses is not in ``sent``.
    """

    kind: ClassVar[str] = "memory"
    is_idempotent: ClassVar[bool] = True

    def __init__(
        self,
        answer: Callable[[Outgoing], Outcome | None] = lambda _: None,
        *,
        delay_s: float = 0,
        concurrency: int = 32,
    ) -> None:
        self.sent: list[Outgoing] = []
        self.concurrency = concurrency
        self._answer = answer
        self._delay_s = delay_s
        self._keys: dict[str, str] = {}

    async def send(self, outgoing: Outgoing) -> Outcome:
        """What ``answer`` says, or acceptance. The same key is taken once, and answered the same."""
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        outcome = self._answer(outgoing)
        if outcome is not None:
            return outcome
        key = outgoing.idempotency_key or outgoing.delivery_id.hex
        if key not in self._keys:
            self._keys[key] = f"memory-{len(self._keys) + 1}"
            self.sent.append(outgoing)
        return Outcome.accepted(self._keys[key])

    async def close(self) -> None:
        """There is nothing to close."""
