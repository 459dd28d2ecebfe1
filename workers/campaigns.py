"""Campaigns that begin by the clock, and the deliveries that are made of their audiences in the background."""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.actions.campaigns import data_files, launching, moving, preparing
from app.actions.campaigns import experiments as deciding
from app.actions.campaigns.preparing import Plan
from app.core import logging
from app.core.access import system
from app.core.errors import Conflict, Invalid, NotFound, RapportError
from app.core.fetching import Fetcher, FetchFailed
from app.runtime import Runtime
from workers.registry import handles

log = logging.logger(__name__)

FIRST_PORTION, LARGEST_PORTION = 50, 1000
PORTION_S = 0.025
"""How long a portion should take: half of what others may be made to wait."""
RUN_S = 200.0
"""After this, preparing goes on as another job, so that a very large one is not taken for one that hangs."""
WAITING = timedelta(seconds=1)
"""After this it is looked again whether the segments of a run are ready."""
FETCH_S = 60.0
FOUND = 100
"""Campaigns and runs that one sweep looks at."""
CANCELLED = 200
"""Deliveries that are cancelled in one unit of work."""


@handles("campaigns.start")
async def start(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Begins the run of a scheduled campaign whose moment has come."""
    await _start(runtime, tenant_id, UUID(hex=payload["campaign"]), payload["version"])


@handles("campaigns.prepare")
async def prepare(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Makes the deliveries of a run."""
    if tenant_id is not None:
        await _Preparation(runtime, tenant_id, UUID(hex=payload["run"])).run()


@handles("campaigns.fetch")
async def fetch(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Fetches the data file of a call, which names the people of its run."""
    run_id, caller = UUID(hex=payload["run"]), system(tenant_id)
    async with runtime.read(caller) as reading:
        url = await data_files.file_of_run(reading, run_id=run_id)
    if url is None:
        return
    try:
        body = await _fetched(runtime, url)
        named = await asyncio.to_thread(data_files.read_people, body)
    except (FetchFailed, Invalid) as failure:
        async with runtime.write(caller) as tx:
            await data_files.refuse_file(tx, run_id=run_id, detail=str(failure))
        return
    async with runtime.read(caller) as reading:
        people, problems = await data_files.find_people(reading, people=named)
    portions = data_files.portions_of(people)
    for place, portion in enumerate(portions):
        async with runtime.write(caller) as tx:
            began = time.monotonic()
            if not await data_files.keep_portion(tx, run_id=run_id, people=portion, is_first=place == 0):
                return
        await asyncio.sleep(time.monotonic() - began)
    async with runtime.write(caller) as tx:
        await data_files.take_people(tx, run_id=run_id, portions=len(portions), problems=problems)


async def _fetched(runtime: Runtime, url: str) -> bytes:
    """The bytes of a file. Raises :class:`FetchFailed`."""
    fetcher = Fetcher(runtime.settings)
    try:
        answer = await fetcher.fetch(
            "GET",
            url,
            headers={"accept-encoding": "gzip, identity"},
            timeout_s=FETCH_S,
            max_bytes=data_files.MAX_FILE,
            follows_redirects=True,
        )
    finally:
        await fetcher.close()
    if answer.status != 200:
        raise FetchFailed(f"the server answered {answer.status}", was_sent=True)
    return answer.body


@handles("campaigns.decide")
async def decide(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Decides an automatic experiment whose moment has come."""
    await _decide(runtime, tenant_id, UUID(hex=payload["experiment"]))


@handles("campaigns.cancel")
async def cancel(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Cancels what is still queued of a cancelled campaign."""
    campaign_id, cancelled = UUID(hex=payload["campaign"]), CANCELLED
    while cancelled == CANCELLED:
        async with runtime.write(system(tenant_id)) as tx:
            began = time.monotonic()
            cancelled = await moving.cancel_portion(tx, campaign_id=campaign_id, limit=CANCELLED)
        await asyncio.sleep(time.monotonic() - began)


@handles("campaigns.sweep", every=timedelta(seconds=15))
async def sweep(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Finds campaigns whose moment has passed and runs that nobody prepares: what no job has seen."""
    async with runtime.read(system()) as reading:
        overdue = await launching.overdue_campaigns(reading, limit=FOUND)
        experiments = await deciding.due_experiments(reading, limit=FOUND)
        runs = await preparing.idle_runs(reading, limit=FOUND)
    for campaign in overdue:
        try:
            await _start(runtime, campaign.tenant_id, campaign.id, campaign.version)
        except RapportError as refusal:
            log.warning("a campaign could not be started", campaign=campaign.id.hex, error=repr(refusal))
    for experiment in experiments:
        await _decide(runtime, experiment.tenant_id, experiment.id)
    for run in runs:
        async with runtime.write(system(run.tenant_id)) as tx:
            await preparing.take_up(tx, run=run)


async def _start(runtime: Runtime, tenant_id: UUID | None, campaign_id: UUID, version: int) -> None:
    try:
        async with runtime.write(system(tenant_id)) as tx:
            await launching.start_occurrence(tx, campaign_id=campaign_id, version=version)
    except NotFound:
        return


async def _decide(runtime: Runtime, tenant_id: UUID | None, experiment_id: UUID) -> None:
    try:
        async with runtime.write(system(tenant_id)) as tx:
            await deciding.decide_if_due(tx, experiment_id=experiment_id)
    except NotFound:
        return


class _Preparation:
    """One go at preparing a run."""

    def __init__(self, runtime: Runtime, tenant_id: UUID, run_id: UUID) -> None:
        self._runtime = runtime
        self._caller = system(tenant_id)
        self._run_id = run_id
        self._size = FIRST_PORTION
        self._began = time.monotonic()

    async def run(self) -> None:
        while True:
            try:
                async with self._runtime.read(self._caller) as reading:
                    plan = await preparing.plan_preparation(reading, run_id=self._run_id)
            except NotFound:
                return
            if plan is not None and plan.waits:
                await self._go_on(after=WAITING)
            if plan is None or plan.waits or not await self._carry_out(plan):
                return
            if plan.is_whole:
                break
        after = plan.recipients[-1].customer_id if plan.recipients else plan.run.cursor
        async with self._runtime.write(self._caller) as tx:
            await preparing.finish_preparation(tx, run_id=self._run_id, after=after)

    async def _carry_out(self, plan: Plan) -> bool:
        """Makes the deliveries of everybody in the plan. False: the run has moved on, or another job goes on."""
        done, after, made = 0, plan.run.cursor, plan.run.prepared
        while done < len(plan.recipients):
            if time.monotonic() - self._began > RUN_S:
                await self._go_on()
                return False
            portion = plan.recipients[done : done + self._size]
            try:
                async with self._runtime.write(self._caller) as tx:
                    began = time.monotonic()
                    made += await preparing.prepare_portion(tx, plan=plan, after=after, made=made, recipients=portion)
            except Conflict:
                return False
            done += len(portion)
            after = portion[-1].customer_id
            await self._rest(len(portion), time.monotonic() - began)
        return True

    async def _go_on(self, after: timedelta = timedelta()) -> None:
        """Has another job go on."""
        async with self._runtime.write(self._caller) as tx:
            tx.enqueue("campaigns.prepare", {"run": self._run_id.hex}, run_at=tx.now + after)

    async def _rest(self, made: int, took: float) -> None:
        """As long as the portion took: meanwhile others write. The next portion is sized by it."""
        fitting = int(made * PORTION_S / max(took, 0.001))
        self._size = max(FIRST_PORTION, min(LARGEST_PORTION, fitting, 2 * self._size))
        await asyncio.sleep(took)
