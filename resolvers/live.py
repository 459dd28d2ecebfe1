"""Live streams: sockets that follow the same read the feed once, run their selection once and share every result.

Each subscription begins alone, from its own cursor and with its own permissions (an :class:`Approach`). Once it has
caught up, its place in the feed is one number, and the socket takes a :class:`Seat` in the stream of its kind. A seat
may be taken where the stream has not yet told anything that the socket lacks; what the socket has already is skipped.
So a stream tells each seat everything after its place, in order, once; who comes too late for that reads on alone.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any

from app.actions.feed import FeedStart
from app.core.logging import logger

log = logger(__name__)
TURN = 128
"""How many seats are told before others on the event loop have their turn."""


class Course:
    """How far one run of a subscription has come. This one is nobody's but its own."""

    __slots__ = ("_kept", "at", "start")

    def __init__(self, start: FeedStart | None = None) -> None:
        self._kept: ExitStack | None = None
        self.start = start
        """Where to go on, for who need not ask where to begin."""
        self.at = 0
        """The position of the feed that stands behind what is being told."""

    def hands_over(self, place: FeedStart, *, idle: bool) -> bool:
        """Called where everything up to ``place`` has been told; ``idle`` when there was nothing more. True: somebody
        else goes on from there."""
        return False

    def keep(self, lasting: AbstractContextManager[None]) -> None:
        """Enters what is to last as long as the caller follows, by themselves or in a seat: that they are here."""
        self._kept = self._kept or ExitStack()
        self._kept.enter_context(lasting)

    def close(self) -> None:
        """The run has ended, and with it what was kept."""
        if self._kept is not None:
            self._kept.close()


class Result:
    """One result for many seats. ``frames`` keeps what seats have made of it, by whatever makes them differ."""

    __slots__ = ("body", "frames")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.frames: dict[str, Any] = {}


class Seat(ABC):
    """One who is told a live stream. ``hear`` and ``over`` must neither wait nor raise."""

    __slots__ = ("kept", "offset", "stream")

    def __init__(self) -> None:
        self.stream: LiveStream | None = None
        self.offset = 0
        self.kept: ExitStack | None = None

    @abstractmethod
    def hear(self, result: Result) -> None:
        """The next result."""

    @abstractmethod
    def over(self, failure: Exception | None) -> None:
        """The stream has ended by itself, or by a failure. The seat is left already."""

    def leave(self) -> None:
        """Hears no more. May be called where no seat is taken."""
        stream, self.stream = self.stream, None
        if stream is not None:
            stream.dismiss(self)
        self.release()

    def release(self) -> None:
        """Ends what was to last as long as the seat was taken."""
        kept, self.kept = self.kept, None
        if kept is not None:
            kept.close()


Run = Callable[[Course], AsyncGenerator[bytes, None]]


class LiveStream:
    """One run of a subscription and who is told it. ``position``: what is up to there, it will not tell any more."""

    def __init__(self, place: FeedStart, run: Run, on_end: Callable[[], None]) -> None:
        self.position = place.offset
        self._seats: dict[Seat, None] = {}
        self._on_end = on_end
        self._course = _Live(self, place)
        self._task = asyncio.create_task(self._tell(run(self._course)), name="live stream")

    def __len__(self) -> int:
        return len(self._seats)

    def take(self, seat: Seat, offset: int) -> None:
        """Tells ``seat`` everything after ``offset``, which must not lie before :attr:`position`."""
        seat.stream, seat.offset = self, offset
        self._seats[seat] = None

    def dismiss(self, seat: Seat) -> None:
        """Forgets a seat. Without seats the stream ends."""
        self._seats.pop(seat, None)
        if not self._seats:
            self._on_end()
            self._task.cancel()

    async def _tell(self, results: AsyncGenerator[bytes, None]) -> None:
        failure: Exception | None = None
        try:
            async for body in results:
                await self._publish(body)
        except Exception as caught:
            log.warning("graph.live_stream_failed", exc_info=caught)
            failure = caught
        finally:
            await results.aclose()
        self._on_end()
        seats, self._seats = self._seats, {}
        for seat in seats:
            seat.stream = None
            seat.release()
            seat.over(failure)

    async def _publish(self, body: bytes) -> None:
        self.position = position = self._course.at
        result = Result(body)
        for number, seat in enumerate(list(self._seats), 1):
            if seat.offset < position and seat.stream is self:
                seat.hear(result)
            if not number % TURN:
                await asyncio.sleep(0)


class _Live(Course):
    """The course of a live stream."""

    __slots__ = ("_stream",)

    def __init__(self, stream: LiveStream, place: FeedStart) -> None:
        super().__init__(place)
        self._stream = stream

    def hands_over(self, place: FeedStart, *, idle: bool) -> bool:
        self._stream.position = place.offset
        return False

    def keep(self, lasting: AbstractContextManager[None]) -> None:
        """Nothing: the stream is nobody, each seat keeps its own."""


class LiveStreams:
    """The live streams of this process, by who may share them and where they are in the feed."""

    def __init__(self) -> None:
        self._open: dict[Hashable, LiveStream] = {}

    def __iter__(self) -> Iterator[LiveStream]:
        return iter(self._open.values())

    def __len__(self) -> int:
        return len(self._open)

    def join(self, seat: Seat, kind: Hashable, place: FeedStart, run: Run, *, idle: bool) -> bool:
        """Seats somebody who has everything up to ``place``, in a new stream if need be, which begins there. False
        when the stream is further already, and when there is none and more to read alone."""
        key = (kind, place.topic, place.epoch)
        stream = self._open.get(key)
        if stream is None:
            if not idle:
                return False
            stream = self._open[key] = LiveStream(place, run, lambda: self._forget(key, stream))
        elif stream.position > place.offset:
            return False
        stream.take(seat, place.offset)
        return True

    def _forget(self, key: Hashable, stream: LiveStream | None) -> None:
        if self._open.get(key) is stream:
            del self._open[key]


class Approach(Course):
    """The course of one who reads alone until a seat can be taken.

    ``kind`` says who may share a stream, None if nobody may; ``run`` runs the same subscription once more.
    """

    __slots__ = ("_kind", "_run", "_seat", "_streams")

    def __init__(self, seat: Seat, streams: LiveStreams, kind: Callable[[], Hashable | None], run: Run) -> None:
        super().__init__()
        self._seat = seat
        self._streams = streams
        self._kind = kind
        self._run = run

    def hands_over(self, place: FeedStart, *, idle: bool) -> bool:
        kind = self._kind()
        return kind is not None and self._streams.join(self._seat, kind, replace(place, gap=None), self._run, idle=idle)

    def close(self) -> None:
        """What was kept lasts on where a seat is taken."""
        if self._seat.stream is None:
            super().close()
        else:
            self._seat.kept = self._kept
