"""Campaigns of the tests of doors: rows, so that no test of a door depends on how campaigns are drafted."""

from typing import Any

from app.core import clock
from app.core.ids import new_id
from app.runtime import Runtime
from models import Campaign, Content
from tests.tenants import TenantAccount


async def make_campaign(
    runtime: Runtime,
    tenant: TenantAccount,
    number: int,
    kind: str,
    *,
    channels: tuple[str, ...] = ("email",),
    status: str = "sending",
    content: dict[str, Any] | None = None,
    **more: Any,
) -> Campaign:
    """A campaign with one content for each channel, whose number is ten times the campaign's, and so on."""
    now = clock.now()
    stamps: dict[str, Any] = {"tenant_id": tenant.id, "created_at": now, "updated_at": now}
    campaign = Campaign(
        id=new_id(), number=number, name=f"{kind} {number}", kind=kind, status=status, channels=list(channels), **stamps
    )
    for name, value in more.items():
        setattr(campaign, name, value)
    said = {"subject": "News", "body": "<p>Hello {{customer.id}}</p>", "from_address": "Shop <shop@example.com>"}
    contents = [
        Content(
            id=new_id(),
            number=10 * number + place,
            campaign_id=campaign.id,
            channel=channel,
            **(said | (content or {})),
            **stamps,
        )
        for place, channel in enumerate(channels)
    ]
    async with runtime.write(tenant.principal) as tx:
        tx.session.add(campaign)
        await tx.session.flush()
        tx.session.add_all(contents)
    return campaign
