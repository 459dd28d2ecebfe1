"""Devices of which a platform says that nobody has them any more are taken away."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.actions.customers import forget_devices
from app.core.access import system
from app.runtime import Runtime
from workers.registry import handles


@handles("devices.forget")
async def forget(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Takes away the devices with these tokens, whosever they are."""
    async with runtime.write(system(tenant_id)) as tx:
        await forget_devices(tx, tokens=payload["tokens"])
