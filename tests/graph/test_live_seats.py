"""Taking and leaving seats in live streams, over a feed in memory, in thousands of orders of events."""

import asyncio
import random
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

import pytest

from app.actions.feed import FeedStart
from resolvers import live
from resolvers.live import Approach, Course, LiveStreams, Result, Seat

HEAD = 40
SCHEDULES = 120


class Feed:
    """Positions from 1 on. Every fifth is told to nobody; below ``floor`` everything is trimmed."""

    def __init__(self, chance: random.Random) -> None:
        self.head = self.floor = 0
        self.chance = chance

    async def pause(self) -> None:
        for _ in range(self.chance.randrange(3)):
            await asyncio.sleep(0)

    async def grow(self) -> None:
        while self.head < HEAD:
            await self.pause()
            self.head += self.chance.randrange(1, 4)

    async def follow(self, course: Course, after: int) -> AsyncGenerator[bytes, None]:
        """As :meth:`resolvers.feed.Follower.follow` does it: a chunk at a time, gaps said, the rest in order."""
        place = course.start or FeedStart("topic", "epoch", after, None)
        while place.offset < self.head or self.head < HEAD:
            await self.pause()
            first, last = max(place.offset, self.floor) + 1, min(self.head, place.offset + 5)
            for position in range(first, last + 1):
                if position != place.offset + 1:
                    course.at = position - 1
                    yield b"gap %d" % course.at
                course.at = position
                place = FeedStart("topic", "epoch", position, None)
                if position % 5:
                    await self.pause()
                    yield b"%d" % position
            if course.hands_over(place, idle=first > last):
                return
            await asyncio.sleep(0)


class Ears(Seat):
    """Hears, reading alone or seated."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after
        self.heard: list[str] = []
        self.gone = False
        self.wrong: list[object] = []

    def hear(self, result: Result) -> None:
        if self.gone:
            self.wrong.append("told after it has left")
        self.heard.append(result.body.decode())

    def over(self, failure: Exception | None) -> None:
        if failure is not None:
            self.wrong.append(failure)

    async def listen(self, feed: Feed, streams: LiveStreams) -> None:
        course = Approach(self, streams, lambda: "anybody", lambda again: feed.follow(again, 0))
        async for body in feed.follow(course, self.after):
            self.heard.append(body.decode())
            await feed.pause()


def expected(after: int, until: int) -> list[str]:
    return [str(position) for position in range(after + 1, until + 1) if position % 5]


async def listener(feed: Feed, streams: LiveStreams) -> list[str]:
    """Comes and goes until it has everything; each time after the last that it has heard."""
    everything: list[str] = []
    everybody = []
    while len(everything) < len(expected(0, HEAD)):
        ears = Ears(int(everything[-1]) if everything else 0)
        everybody.append(ears)
        task = asyncio.create_task(ears.listen(feed, streams))
        for _ in range(feed.chance.randrange(60)):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        ears.leave()
        ears.gone = True
        everything += ears.heard
    await asyncio.sleep(0.001)
    assert [ears.wrong for ears in everybody if ears.wrong] == []
    return everything


@pytest.mark.parametrize("turn", [1, 128])
async def test_everybody_hears_everything_once_and_in_order(monkeypatch: pytest.MonkeyPatch, turn: int) -> None:
    """Also where the stream pauses after every single seat, and seats are taken and left meanwhile."""
    monkeypatch.setattr(live, "TURN", turn)
    for seed in range(SCHEDULES):
        feed, streams = Feed(random.Random(seed)), LiveStreams()
        async with asyncio.timeout(5):
            growing = asyncio.create_task(feed.grow())
            heard = await asyncio.gather(*(listener(feed, streams) for _ in range(5)))
            await growing
        for everything in heard:
            told = expected(0, int(everything[-1]))
            assert everything == told, f"schedule {seed}"
        assert len(streams) == 0


async def test_seats_that_stay_hear_the_same() -> None:
    for seed in range(50):
        feed, streams = Feed(random.Random(seed)), LiveStreams()
        everybody = [Ears(after) for after in (0, 0, 0, 3, 9)]
        reading = [asyncio.create_task(ears.listen(feed, streams)) for ears in everybody]
        async with asyncio.timeout(5):
            await feed.grow()
            await asyncio.wait(reading)
            while len(streams):
                await asyncio.sleep(0)
        for ears in everybody:
            assert ears.heard == expected(ears.after, feed.head)


async def test_a_gap_is_said_to_who_lacks_what_is_gone() -> None:
    feed, streams = Feed(random.Random(1)), LiveStreams()
    feed.head = 2
    behind, ahead = Ears(0), Ears(2)
    reading = [asyncio.create_task(ears.listen(feed, streams)) for ears in (behind, ahead)]
    while behind.stream is None or ahead.stream is None:
        await asyncio.sleep(0)
    assert behind.stream is ahead.stream
    feed.floor, feed.head = 6, 7
    late = Ears(6)
    reading.append(asyncio.create_task(late.listen(feed, streams)))
    while len(behind.heard) < 4 or late.stream is None:
        await asyncio.sleep(0)
    feed.head = HEAD
    await asyncio.wait(reading)
    while len(streams):
        await asyncio.sleep(0)
    assert behind.heard == ["1", "2", "gap 6", *expected(6, HEAD)]
    assert ahead.heard == ["gap 6", *expected(6, HEAD)]
    assert late.heard == expected(6, HEAD)


async def test_what_is_kept_lasts_as_long_as_each_follows() -> None:
    feed, streams = Feed(random.Random(1)), LiveStreams()
    feed.head = 3
    here: list[str] = []

    @contextmanager
    def being(name: str) -> Iterator[None]:
        here.append(name)
        yield
        here.remove(name)

    async def run(course: Course, name: str) -> AsyncGenerator[bytes, None]:
        course.keep(being(name))
        try:
            async for body in feed.follow(course, 0):
                yield body
        finally:
            course.close()

    async def listen(ears: Ears, name: str) -> None:
        course = Approach(ears, streams, lambda: "anybody", lambda again: run(again, "the stream"))
        async for _ in run(course, name):
            pass

    first, second = Ears(0), Ears(0)
    await asyncio.gather(listen(first, "first"), listen(second, "second"))
    assert first.stream is second.stream is not None
    assert sorted(here) == ["first", "second"]
    first.leave()
    first.leave()
    assert here == ["second"]
    feed.head = HEAD
    while len(streams):
        await asyncio.sleep(0)
    assert here == []
    third = Ears(0)
    feed.head = 3
    reading = asyncio.create_task(listen(third, "third"))
    while not here:
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait({reading})
    assert (here, third.stream) == ([], None), "who leaves while reading alone is gone too"
