"""Sending: a loop per lane looks for due messages of all tenants and sends them batch by batch.

A lane looks when it is nudged after a commit, when the next message is due, and every second anyway. Transactional
messages have a lane of their own, and every tenant's channel is a stream of its own: neither waits behind others.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.actions.deliveries import CAMPAIGNS, TRANSACTIONAL, due_streams, lost_tenants, release_lost
from app.core import clock, logging
from app.core.access import system
from app.core.settings import Settings
from app.core.streams import Stream
from app.core.tx import UnitsOfWork
from app.runtime.providers import Providers
from app.runtime.sending.batch import Batch
from app.runtime.sending.renderer import Renderer
from app.runtime.sending.templates import Templates
from app.runtime.sending.tools import Tools
from app.runtime.sending.urgency import Urgency

log = logging.logger(__name__)

SWEEP_S = 1.0
LOST_S = 5.0
"""How often it is asked whether some worker was lost."""
STOP_S = 10.0
LONGEST_REST_S = 60.0
UNCARRIED_REST_S = 5.0
"""How soon it is looked again whether somebody has mended what keeps a channel from carrying anything."""
Key = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Lane:
    """How a lane works: messages of a batch, batches of one tenant's channel at a time, and of all."""

    number: int
    batch: int
    depth: int
    most: int


LANES = (Lane(TRANSACTIONAL, 64, 8, 32), Lane(CAMPAIGNS, 500, 2, 8))


class _Loop:
    """Works off one lane."""

    def __init__(self, lane: Lane, tools: Tools) -> None:
        self._lane = lane
        self._tools = tools
        self._nudged = asyncio.Event()
        self._running: dict[asyncio.Task[None], tuple[Key, Batch]] = {}
        self._served: dict[Key, float] = {}
        self._rests: dict[Key, tuple[float, float]] = {}
        self._claiming: set[Key] = set()
        self._has_left = False
        self._stopping = False

    def nudge(self) -> None:
        """There may be something due. Never blocks."""
        self._nudged.set()

    async def run(self) -> None:
        """Looks and begins batches until it is stopped."""
        while not self._stopping:
            self._nudged.clear()
            wait_s = SWEEP_S
            try:
                wait_s = await self._look()
            except Exception as failure:
                log.warning("due messages could not be looked for", lane=self._lane.number, error=repr(failure))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._nudged.wait()

    async def stop(self) -> None:
        """Begins nothing more, and lets what is being sent be sent; the rest of a batch is given back."""
        self._stopping = True
        self.nudge()
        for _, batch in self._running.values():
            batch.is_stopping = True
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_S)
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_S)

    async def _look(self) -> float:
        """Begins a batch for every stream that has something due and a free place. Returns when to look again."""
        if len(self._running) >= self._lane.most:
            self._has_left = True
            return SWEEP_S
        self._has_left = False
        async with self._tools.units.read(system()) as reading:
            streams = await due_streams(reading, lane=self._lane.number)
            now = reading.now
        due: dict[Key, Stream] = {}
        next_s = SWEEP_S
        for stream in streams:
            if stream.due_at > now:
                next_s = min(next_s, (stream.due_at - now).total_seconds())
            elif (best := due.get((stream.tenant_id, stream.channel))) is None or stream.priority > best.priority:
                due[stream.tenant_id, stream.channel] = stream
        for key in sorted(due, key=lambda key: self._served.get(key, 0.0)):
            if len(self._running) < self._lane.most and self._has_place(key):
                self._begin(key, due[key])
            else:
                self._has_left = True
        self._served = {key: at for key, at in self._served.items() if key in due}
        return max(next_s, 0.001)

    def _has_place(self, key: Key) -> bool:
        """Whether another batch of the stream may begin: not while one claims, for it would find nothing."""
        until, _ = self._rests.get(key, (0.0, 0.0))
        if key in self._claiming or until > time.monotonic():
            return False
        return sum(other == key for other, _ in self._running.values()) < self._lane.depth

    def _begin(self, key: Key, stream: Stream) -> None:
        batch = Batch(self._tools, stream, self._lane.number)
        self._served[key] = time.monotonic()
        self._claiming.add(key)
        task = asyncio.create_task(self._work(key, batch), name=f"batch {self._lane.number}")
        self._running[task] = (key, batch)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._nudge_for_the_rest()

    def _nudge_for_the_rest(self) -> None:
        if self._has_left:
            self.nudge()

    async def _work(self, key: Key, batch: Batch) -> None:
        try:
            with batch.hurry():
                if await self._claimed(key, batch):
                    await batch.run()
                    self._rest(key, failing=batch.failing)
        except Exception as failure:
            log.warning("a batch was broken off", channel=key[1], tenant=key[0].hex, exc_info=failure)
            self._rest(key, failing=True)

    async def _claimed(self, key: Key, batch: Batch) -> int:
        """How many messages were taken in hand: none of a channel that nothing carries."""
        try:
            if await self._tools.providers.rests(*key):
                self._rests[key] = (time.monotonic() + UNCARRIED_REST_S, 0.5)
                return 0
            claimed = await batch.claim(self._lane.batch)
        finally:
            self._claiming.discard(key)
        if claimed == self._lane.batch:
            self.nudge()
        else:
            self._nudge_for_the_rest()
        return claimed

    def _rest(self, key: Key, *, failing: bool) -> None:
        """A provider that takes nothing is left alone, twice as long each time."""
        if not failing:
            self._rests.pop(key, None)
            return
        _, last_s = self._rests.get(key, (0.0, 0.5))
        rest_s = min(2 * last_s, LONGEST_REST_S)
        self._rests[key] = (time.monotonic() + rest_s, rest_s)


class Sending:
    """Both lanes of this process, and the net under them."""

    def __init__(self, units: UnitsOfWork, settings: Settings, providers: Providers) -> None:
        self._units = units
        self._settings = settings
        self._providers = providers
        self._renderer: Renderer | None = None
        self._loops: list[_Loop] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, *, alone: bool = False) -> None:
        """Begins to send. ``alone``: no other process sends from this database, so that what was in somebody's hands
        is taken up at once."""
        if self._tasks:
            return
        if alone:
            await self._release(everything=True)
        settings = self._settings
        self._renderer = Renderer(settings.signing_secret, processes=settings.render_processes)
        templates = Templates(self._units, self._renderer)
        lease = timedelta(seconds=settings.send_lease_s)
        urgency = Urgency(one_writer=settings.embedded)
        tools = Tools(self._units, self._providers, self._renderer, templates, settings.base_url, lease, urgency)
        self._loops = [_Loop(lane, tools) for lane in LANES]
        self._tasks = [asyncio.create_task(loop.run(), name="sending") for loop in self._loops]
        self._tasks.append(asyncio.create_task(self._watch(), name="lost deliveries"))

    def nudge(self) -> None:
        """There may be something due. Never blocks; many nudges are one look."""
        for loop in self._loops:
            loop.nudge()

    async def stop(self) -> None:
        """Lets what is in providers' hands be recorded, and gives back the rest. May be called twice."""
        tasks, self._tasks = self._tasks, []
        if tasks:
            await asyncio.gather(*(loop.stop() for loop in self._loops))
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=STOP_S)
        self._loops = []
        if self._renderer is not None:
            await self._renderer.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOST_S)
            try:
                await self._release()
            except Exception as failure:
                log.warning("lost deliveries could not be looked for", error=repr(failure))

    async def _release(self, *, everything: bool = False) -> None:
        async with self._units.read(system()) as reading:
            tenants = await lost_tenants(reading, everything=everything)
        for tenant_id in tenants:
            async with self._units.write(system(tenant_id)) as tx:
                released = await release_lost(tx, everything=everything)
            log.warning(
                "a worker was lost while sending",
                tenant=tenant_id.hex,
                queued=released.queued,
                in_doubt=released.in_doubt,
                at=clock.iso(clock.now()),
            )
