"""Campaigns of the tests of doors: rows, so that no test of a door depends on how campaigns are drafted."""

from typing import Any
from uuid import UUID

from app.core import clock
from app.core.ids import new_id
from app.runtime import Runtime
from models import ArchivedMessage, Campaign, Content, Delivery
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


async def make_delivery(runtime: Runtime, tenant: TenantAccount, customer_id: UUID, **more: Any) -> UUID:
    """A message that was sent just now, with what it said."""
    now = clock.now()
    row: dict[str, Any] = {"id": new_id(), "customer_id": customer_id, "occurrence_id": new_id(), "channel": "email"}
    row |= {"state": "sent", "recipient": "ann@example.com", "subject": "News", "attempted_at": now, "sent_at": now}
    row |= {"due_at": now, "created_at": now, **more}
    said = {"body": "<p>Hello</p>", "subject": "News", "from_address": "shop@example.com", "preheader": "Soon"}
    said |= {"headers": [{"name": "X-A", "value": "b"}], "fields": {"bcc": "c@example.com"}}
    async with runtime.write(tenant.principal) as tx:
        tx.session.add(Delivery(tenant_id=tenant.id, **row))
        await tx.session.flush()
        tx.session.add(ArchivedMessage(tenant_id=tenant.id, delivery_id=row["id"], **said, created_at=now))
    return UUID(str(row["id"]))
