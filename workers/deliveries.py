"""Messages that were parked with their campaign, and the net under the end of runs."""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.actions.campaigns import finish_run
from app.actions.deliveries import ended_runs, parked_campaigns, release_portion
from app.core import logging
from app.core.access import system
from app.core.errors import RapportError
from app.runtime import Runtime
from workers.registry import handles

log = logging.logger(__name__)


@handles("deliveries.release")
async def release(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Lets the parked messages of a campaign that was resumed go on."""
    await _release(runtime, tenant_id, UUID(hex=payload["campaign"]))


@handles("deliveries.sweep", every=timedelta(seconds=15))
async def sweep(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Ends runs whose last message was sent by somebody who was lost before they could say so, and releases what was
    parked while its campaign was being resumed."""
    async with runtime.read(system()) as reading:
        ended = await ended_runs(reading)
        parked = await parked_campaigns(reading)
    for of_tenant, run_id in ended:
        try:
            async with runtime.write(system(of_tenant)) as tx:
                await finish_run(tx, run_id=run_id)
        except RapportError as refusal:
            log.warning("a run could not be ended", run=run_id.hex, error=repr(refusal))
    for of_tenant, campaign_id in parked:
        await _release(runtime, of_tenant, campaign_id)


async def _release(runtime: Runtime, tenant_id: UUID | None, campaign_id: UUID) -> None:
    released = 1
    while released:
        async with runtime.write(system(tenant_id)) as tx:
            began = time.monotonic()
            released = await release_portion(tx, campaign_id=campaign_id)
        await asyncio.sleep(time.monotonic() - began)
