"""The DNS of domains for mail is looked at unasked: a record that is set proves, one that is gone does so no longer."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.actions.integrations import unchecked_domains
from app.core.access import system
from app.runtime import Runtime
from app.runtime.probing import recheck_domain
from workers.registry import handles

AT_ONCE = 8
MOST = 100
"""Domains that are looked at in one go; the others have their turn a quarter of an hour later."""


@handles("domains.check", every=timedelta(minutes=15))
async def check(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Looks at the domains that nobody has looked at for some time."""
    async with runtime.read(system()) as reading:
        due = await unchecked_domains(reading, limit=MOST)
    hands = asyncio.Semaphore(AT_ONCE)

    async def one(owner_id: UUID, domain_id: UUID) -> None:
        async with hands:
            await recheck_domain(runtime, tenant_id=owner_id, domain_id=domain_id, is_sure=False)

    await asyncio.gather(*(one(owner_id, domain_id) for owner_id, domain_id in due))


@handles("domains.confirm")
async def confirm(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Looks again at a domain whose records were not seen, and believes it. When no name server answers, nothing is
    known, and the next round asks again."""
    assert tenant_id is not None
    await recheck_domain(runtime, tenant_id=tenant_id, domain_id=UUID(hex=payload["domain"]), is_sure=True)
