"""Segments that are built in the background, in portions that hold the writer only for moments."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.actions.segments import building
from app.actions.segments.building import Plan
from app.core.access import system
from app.runtime import Runtime
from workers.registry import handles

FIRST_PORTION, LARGEST_PORTION = 20, 500
PORTION_S = 0.025
"""How long a portion should take: half of what others may be made to wait."""
MARK_S = 0.5
RUN_S = 200.0
"""After this a build goes on as another job, so that a very large one is not taken for one that hangs."""


@handles("segments.build")
async def build_segment(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Makes the members of a segment those whom its rule finds, or lets everybody leave a deleted one."""
    if tenant_id is None:
        return
    build = _Build(runtime, tenant_id, UUID(hex=payload["segment"]))
    try:
        await build.run()
    except Exception:
        async with runtime.write(system(tenant_id)) as tx:
            await building.fail_build(tx, segment_id=build.segment_id)
        raise


class _Build:
    """One run of a build."""

    def __init__(self, runtime: Runtime, tenant_id: UUID, segment_id: UUID) -> None:
        self._runtime = runtime
        self._caller = system(tenant_id)
        self.segment_id = segment_id
        self._size = FIRST_PORTION
        self._began = self._marked = time.monotonic()

    async def run(self) -> None:
        while True:
            async with self._runtime.read(self._caller) as reading:
                plan = await building.plan_build(reading, segment_id=self.segment_id)
            if plan is None:
                return
            finished = await self._carry_out(plan)
            if not finished:
                return
            if plan.is_whole:
                break
        await self._mark(plan, 1000)

    async def _carry_out(self, plan: Plan) -> bool:
        """Decides everybody in the plan. False: there was no time, and another job goes on."""
        done = 0
        while done < len(plan.customers):
            if time.monotonic() - self._began > RUN_S:
                async with self._runtime.write(self._caller) as tx:
                    tx.enqueue("segments.build", {"segment": self.segment_id.hex})
                return False
            portion = plan.customers[done : done + self._size]
            await self._decide(plan, portion)
            done += len(portion)
            if time.monotonic() - self._marked > MARK_S:
                await self._mark(plan, min(999, 1000 * done // len(plan.customers)))
        return True

    async def _decide(self, plan: Plan, portion: Sequence[UUID]) -> None:
        """One portion, and a rest as long as it took: meanwhile others write. The next one is sized by it."""
        action = building.empty_portion if plan.is_deleted else building.build_portion
        async with self._runtime.write(self._caller) as tx:
            began = time.monotonic()
            await action(tx, segment_id=self.segment_id, customers=portion)
        took = time.monotonic() - began
        fitting = int(len(portion) * PORTION_S / max(took, 0.001))
        self._size = max(FIRST_PORTION, min(LARGEST_PORTION, fitting, 2 * self._size))
        await asyncio.sleep(took)

    async def _mark(self, plan: Plan, progress: int) -> None:
        self._marked = time.monotonic()
        async with self._runtime.write(self._caller) as tx:
            await building.mark_build(tx, segment_id=self.segment_id, version=plan.version, progress=progress)
