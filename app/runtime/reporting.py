"""Reports to webhooks: turns what the feed says into calls that are owed, and makes those calls.

Each webhook is a lane of its own: one that hangs or refuses holds up nobody else's. While one refuses, only one call at
a time is tried there. Every process that runs jobs does this; rows and leases keep them apart.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from uuid import UUID

from app.actions.reporting import (
    CallResult,
    ClaimedCall,
    Lane,
    Target,
    claim_calls,
    lanes_behind,
    lanes_due,
    owe_calls,
    plan_calls,
    record_calls,
    signed_request,
)
from app.core import clock, logging
from app.core.access import system
from app.core.fetching import Fetcher, FetchFailed
from app.core.settings import Settings
from app.core.tx import UnitsOfWork

log = logging.logger(__name__)

SWEEP_S = 1.0
GATHER_S = 0.05
"""A busy feed is looked at in one go, not entry by entry."""
TIMEOUT_S = 4.0
"""How long a webhook may take to answer (``contracts/customerio.md``)."""
ANSWER_BYTES = 1024
LANES = 32
"""Webhooks that are called at once by one process."""
CALLS = 8
"""Calls that are under way at once to one webhook."""
PORTIONS = 10
"""Portions of one webhook's backlog that are worked off before the next webhook's turn."""
FIRST_REST_S, LAST_REST_S = 0.1, 30.0
STOP_S = 5.0


class Reporter:
    """Follows the feed and calls webhooks, until it is stopped."""

    def __init__(self, units: UnitsOfWork, settings: Settings) -> None:
        self._units = units
        self._fetcher = Fetcher(settings)
        self._nudged = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._lanes: dict[Lane, asyncio.Task[None]] = {}
        self._stopped = asyncio.Event()
        self._told: frozenset[UUID] | None = None
        """The tenants that have webhooks, as of the last look; None: nobody has looked since something changed."""

    async def start(self) -> None:
        """Begins to look for what is to be reported."""
        if self._loop is None:
            self._stopped.clear()
            self._loop = asyncio.create_task(self._watch(), name="reporting")

    def nudge(self, tenant_id: UUID | None = None) -> None:
        """Says that something may be there to report, of this tenant. Never blocks, and costs nothing where the tenant
        has no webhook; one that another process has just made is seen within a second all the same."""
        if tenant_id is None or self._told is None or tenant_id in self._told:
            self._nudged.set()

    def forget(self) -> None:
        """Somebody may have made a webhook, or switched one on."""
        self._told = None

    async def stop(self) -> None:
        """Lets calls that are under way end, and starts no more. May be called twice."""
        self._stopped.set()
        self.nudge()
        ending = [*self._lanes.values(), *([self._loop] if self._loop else [])]
        self._loop = None
        if ending:
            await asyncio.wait(ending, timeout=STOP_S)
        for task in ending:
            task.cancel()
        await self._fetcher.close()

    async def owe(self) -> None:
        """Turns everything that the feed says by now into calls that are owed."""
        async with self._units.read(system()) as reading:
            behind = await lanes_behind(reading)
        self._told = behind.tenants
        for lane in behind.lanes:
            try:
                await self._owe_one(lane)
            except Exception as failure:
                log.warning("a webhook's calls could not be planned", tenant=lane.tenant_id.hex, error=repr(failure))

    async def _owe_one(self, lane: Lane) -> None:
        for _ in range(PORTIONS):
            async with self._units.read(system(lane.tenant_id)) as reading:
                plan = await plan_calls(reading, webhook_id=lane.webhook_id)
            if plan is None or self._stopped.is_set():
                return
            async with self._units.write(system(lane.tenant_id)) as tx:
                await owe_calls(tx, plan=plan)
        self.nudge()

    async def _watch(self) -> None:
        while not self._stopped.is_set():
            self._nudged.clear()
            try:
                await self.owe()
                await self._open_lanes()
            except Exception as failure:
                log.warning("webhooks could not be looked after", error=repr(failure))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_S):
                    await self._nudged.wait()
            await asyncio.sleep(GATHER_S)

    async def _open_lanes(self) -> None:
        async with self._units.read(system()) as reading:
            due = await lanes_due(reading)
        for lane in due:
            if lane in self._lanes or len(self._lanes) >= LANES or self._stopped.is_set():
                continue
            task = asyncio.create_task(self._drive(lane), name="webhook lane")
            self._lanes[lane] = task
            task.add_done_callback(lambda _, lane=lane: self._lanes.pop(lane, None))  # type: ignore[misc]

    async def _drive(self, lane: Lane) -> None:
        """Makes the calls of one webhook until none can go out now. While all fail, it tries one at a time, ever more
        slowly."""
        try:
            async with self._units.write(system(lane.tenant_id)) as tx:
                claimed = await claim_calls(tx, webhook_id=lane.webhook_id, limit=CALLS)
            failures = 0
            while claimed is not None:
                results = await self._call_all(*claimed)
                failures = failures + 1 if all(result.error is not None for result in results) else 0
                async with self._units.write(system(lane.tenant_id)) as tx:
                    await record_calls(tx, webhook_id=lane.webhook_id, results=results)
                await self._rest(failures)
                if self._stopped.is_set():
                    return
                async with self._units.write(system(lane.tenant_id)) as tx:
                    claimed = await claim_calls(tx, webhook_id=lane.webhook_id, limit=1 if failures else CALLS)
        except Exception as failure:
            log.warning("a webhook's lane broke off", tenant=lane.tenant_id.hex, error=repr(failure))

    async def _rest(self, failures: int) -> None:
        if failures:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(FIRST_REST_S * 2 ** min(failures - 1, 20), LAST_REST_S)):
                    await self._stopped.wait()

    async def _call_all(self, target: Target, calls: Sequence[ClaimedCall]) -> list[CallResult]:
        return list(await asyncio.gather(*(self._call(target, call) for call in calls)))

    async def _call(self, target: Target, call: ClaimedCall) -> CallResult:
        headers, body = signed_request(
            target.dialect, target.secret, call_id=call.id, event=call.event, payload=call.payload, at=clock.now()
        )
        try:
            answer = await self._fetcher.fetch(
                "POST",
                target.endpoint,
                headers=headers,
                content=body,
                timeout_s=TIMEOUT_S,
                max_bytes=ANSWER_BYTES,
                wants_status=True,
            )
        except FetchFailed as failure:
            return CallResult(call, None, str(failure))
        refused = None if 200 <= answer.status < 300 else f"answered {answer.status}"
        return CallResult(call, answer.status, refused)
