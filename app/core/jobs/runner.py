"""The runner: claims due jobs, runs their handlers, keeps the leases alive, and writes down how each run ended.

It looks when it is nudged and every :data:`SWEEP_S` seconds anyway, so a lost nudge delays work and loses none. A
handler may run twice (a crash between its effect and its end), so handlers are idempotent.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.core import clock, logging, metrics
from app.core.access import system
from app.core.jobs import rows
from app.core.jobs.rows import Claim

if TYPE_CHECKING:
    from app.core.tx import UnitsOfWork

log = logging.logger(__name__)

SWEEP_S = 1.0
CONCURRENCY = 8
RUN_TIMEOUT_S = 300.0
STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Work:
    """What to do for one kind of job: ``run(payload, tenant_id)``; with ``every``, again and again at that pace."""

    run: Callable[[Mapping[str, Any], UUID | None], Awaitable[None]]
    every: timedelta | None = None


class JobRunner:
    """Runs the jobs of the kinds in ``works``, up to ``concurrency`` at once. :attr:`held` are those in its hands."""

    def __init__(
        self,
        units: "UnitsOfWork",
        works: Mapping[str, Work],
        *,
        concurrency: int = CONCURRENCY,
        lease: timedelta = rows.LEASE,
    ) -> None:
        self._units = units
        self._works = dict(works)
        self._concurrency = concurrency
        self._lease = lease
        self._nudged = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._stopping = False
        self.held: dict[asyncio.Task[None], Claim] = {}

    async def start(self, *, alone: bool = False) -> None:
        """Ensures the periodic jobs and begins to look for work.

        ``alone`` says that no other process runs jobs of this database: what one left behind is taken up at once.
        """
        if self._loops or not self._works:
            return
        async with self._units.write(system()) as tx:
            await rows.ensure_periodic(tx.session, [kind for kind, work in self._works.items() if work.every], tx.now)
            if alone:
                await rows.release_lost(tx.session, tx.now, everything=True)
        self._stopping = False
        self._loops = [
            asyncio.create_task(self._look_for_work(), name="job sweep"),
            asyncio.create_task(self._keep_leases(), name="job leases"),
        ]

    def nudge(self) -> None:
        """Says that there may be due work. Never blocks; many nudges are one look."""
        self._nudged.set()

    async def stop(self, within_s: float = STOP_S) -> None:
        """Claims nothing more, lets what runs finish within the time, and gives back the rest. May be called twice."""
        self._stopping = True
        self.nudge()
        if self.held:
            await asyncio.wait(self.held, timeout=within_s)
        for task in self.held:
            task.cancel()
        ending = [*self.held, *self._loops]
        for loop in self._loops:
            loop.cancel()
        if ending:
            await asyncio.wait(ending, timeout=within_s)
        self._loops = []

    async def _look_for_work(self) -> None:
        while not self._stopping:
            self._nudged.clear()
            try:
                more = await self._look()
            except Exception as failure:
                log.warning("jobs could not be claimed", error=repr(failure))
                more = False
            if not more:
                await self._wait_for_nudge()

    async def _wait_for_nudge(self) -> None:
        try:
            async with asyncio.timeout(SWEEP_S):
                await self._nudged.wait()
        except TimeoutError:
            return

    async def _look(self) -> bool:
        """Claims as much as there are hands for. True when there may be more and hands are free."""
        free = self._concurrency - len(self.held)
        if free <= 0:
            return False
        now = clock.now()
        async with self._units.read(system()) as reading:
            if not await rows.anything_to_do(reading.session, self._works.keys(), now):
                return False
        async with self._units.write(system()) as tx:
            if lost := await rows.release_lost(tx.session, now):
                log.warning("jobs were left behind by a lost worker", jobs=lost)
            claims = await rows.claim(tx.session, self._works.keys(), free, clock.now(), self._lease)
        for claim in claims:
            task = asyncio.create_task(self._run(claim), name=f"job {claim.kind}")
            self.held[task] = claim
            task.add_done_callback(self._let_go)
        return len(claims) == free and len(self.held) < self._concurrency

    def _let_go(self, task: asyncio.Task[None]) -> None:
        self.held.pop(task, None)
        # With half the hands free a claim takes several jobs; one commit for each single job would be the bottleneck.
        if len(self.held) <= self._concurrency // 2:
            self.nudge()

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            held = dict(self.held)
            if not held:
                continue
            try:
                async with self._units.write(system()) as tx:
                    ours = await rows.renew(tx.session, held.values(), clock.now() + self._lease)
            except Exception as failure:
                log.warning("leases of jobs could not be renewed", error=repr(failure))
                continue
            for task, claim in held.items():
                if claim.id not in ours and not task.done():
                    log.warning("the lease of a job was lost", kind=claim.kind, job=claim.id.hex)
                    task.cancel()

    async def _run(self, claim: Claim) -> None:
        work = self._works[claim.kind]
        began = time.perf_counter()
        tenant = claim.tenant_id.hex if claim.tenant_id else None
        with logging.bound(job=claim.id.hex, kind=claim.kind, tenant=tenant):
            try:
                async with asyncio.timeout(RUN_TIMEOUT_S):
                    await work.run(claim.payload, claim.tenant_id)
            except asyncio.CancelledError:
                await asyncio.shield(asyncio.create_task(self._end(claim, "given back", None)))
                raise
            except Exception as failure:
                log.warning("a job failed", attempt=claim.attempts, exc_info=failure)
                await self._end(claim, "failed", failure)
            else:
                await self._end(claim, "done", None)
            finally:
                metrics.JOB_SECONDS.labels(claim.kind).observe(time.perf_counter() - began)

    async def _end(self, claim: Claim, outcome: str, failure: Exception | None) -> None:
        try:
            async with self._units.write(system()) as tx:
                outcome = await _write_end(tx.session, claim, outcome, failure, self._works[claim.kind].every)
        except Exception as trouble:
            # The row still says "running": its lease ends, and somebody takes it up.
            log.warning("the end of a job could not be written", job=claim.id.hex, error=repr(trouble))
            outcome = "unwritten"
        metrics.JOBS.labels(claim.kind, outcome).inc()


async def _write_end(
    session: Any, claim: Claim, outcome: str, failure: Exception | None, every: timedelta | None
) -> str:
    now = clock.now()
    if outcome == "given back":
        return outcome if await rows.give_back(session, claim) else "lost"
    if failure is None:
        ended = await (
            rows.complete_until(session, claim, now + every) if every else rows.complete(session, claim, now)
        )
        return outcome if ended else "lost"
    error = f"{type(failure).__name__}: {failure}"
    if every and claim.attempts >= claim.max_attempts:
        return outcome if await rows.complete_until(session, claim, now + every, error) else "lost"
    state = await rows.fail(session, claim, error, now)
    return {"dead": "dead", "due": "failed", None: "lost"}[state]
