"""Making campaigns, changing, copying and putting them away."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Unpack
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.campaigns.checks import CampaignChanges, CampaignSettings, checked_settings
from app.actions.campaigns.store import CampaignStore
from app.actions.campaigns.words import (
    ARCHIVED,
    CALLED,
    DRAFT,
    ENDED,
    FAILED,
    ONE_OFF,
    RECURRING,
    check_move,
)
from app.actions.content import copy_contents
from app.actions.deliveries.telling import tell_campaign
from app.core.access import Scope
from app.core.errors import Conflict
from app.core.ids import new_id, public_id
from app.core.locks import lock_names
from app.core.numbers import next_number
from app.core.tx import Tx
from models import Campaign, Experiment, TestGroup

LABELS: Final = frozenset({"name", "description", "tags"})
"""What may be changed at any time."""
SHAPE: Final = frozenset({"channels", "audience", "exclusions", "schedule", "control_share"})
"""What the launch has gone by. Only drafts change it, and what failed; and whatever sends when it is called."""
AUDIENCE: Final = frozenset({"audience", "exclusions", "control_share"})
"""What each occurrence of a recurring campaign goes by anew."""
COPIED: Final = (
    "description", "kind", "channels", "topic_id", "audience", "exclusions", "schedule", "goal", "tags", "priority",
    "throttle_per_s", "control_share", "ignores_caps", "ignores_quiet_hours", "sends_to_unsubscribed", "is_tracked",
    "is_retained", "inlines_css",
)  # fmt: skip


async def create_campaign(
    tx: Tx, *, name: str, channels: Sequence[str], kind: str = ONE_OFF, **settings: Unpack[CampaignSettings]
) -> UUID:
    """A new draft. Raises :class:`Invalid` at what is wrong (rules below ``audience`` and ``exclusions``),
    :class:`NotFound` at ``topic_id``, and :class:`Conflict` for a ``trigger_name`` that another campaign has."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    clean = await checked_settings(tx, kind, {"name": name, "channels": channels, **settings})
    await _refuse_taken_name(tx, clean.get("trigger_name"), None)
    campaign = Campaign(
        tenant_id=tx.tenant_id,
        id=new_id(),
        number=await next_number(tx, Campaign),
        kind=kind,
        source=tx.principal.source,
        created_by_id=tx.principal.id if tx.principal.kind == "member" else None,
        created_at=tx.now,
        updated_at=tx.now,
        **clean,
    )
    tx.session.add(campaign)
    await tx.session.flush()
    tx.audit("campaign.create", public_id("campaign", campaign.id), {"name": campaign.name, "kind": kind})
    return campaign.id


async def update_campaign(
    tx: Tx, *, campaign_id: UUID, expected_updated_at: datetime | None = None, **changes: Unpack[CampaignChanges]
) -> None:
    """Changes what is named. Name, description and tags may always be changed; channels, audience, exclusions, schedule
    and control share of drafts and failed campaigns (of triggered and transactional ones always, of recurring ones the
    audience); the rest until the campaign has ended.

    Raises :class:`Conflict` at what may not be changed any more, and at ``expected_updated_at`` if that is given and
    the campaign has changed since; else as :func:`create_campaign` does.
    """
    tx.require(Scope.CAMPAIGNS_WRITE)
    campaign = await CampaignStore(tx).get(campaign_id, locked=True)
    if expected_updated_at is not None and expected_updated_at != campaign.updated_at:
        raise Conflict("The campaign was changed meanwhile.", "expected_updated_at")
    clean = await checked_settings(tx, campaign.kind, dict(changes))
    changed = {key: value for key, value in clean.items() if getattr(campaign, key) != value}
    for key in changed:
        if not _may_change(campaign, key):
            raise Conflict(f"The campaign is {campaign.status}: this can no longer be changed.", key)
    if "trigger_name" in changed:
        await _refuse_taken_name(tx, changed["trigger_name"], campaign_id)
    if changed:
        for key, value in changed.items():
            setattr(campaign, key, value)
        campaign.updated_at = tx.now
        await tx.session.flush()
        tx.audit("campaign.update", public_id("campaign", campaign_id), {"changed": sorted(changed)})


async def duplicate_campaign(tx: Tx, *, campaign_id: UUID, name: str | None = None) -> UUID:
    """A new draft with the same settings, contents and experiment, called ``name`` or as the first one with "(copy)".

    A schedule keeps its rule and timezone, not its moment; a trigger name stays with the first. Raises
    :class:`NotFound` and :class:`Invalid`.
    """
    tx.require(Scope.CAMPAIGNS_WRITE)
    store = CampaignStore(tx)
    first = await store.get(campaign_id)
    settings: dict[str, Any] = {key: getattr(first, key) for key in COPIED}
    settings["schedule"] = {key: value for key, value in first.schedule.items() if key != "at"}
    copied = await create_campaign(tx, name=name or f"{first.name[:190]} (copy)", **settings)
    await copy_contents(tx, from_campaign_id=campaign_id, to_campaign_id=copied)
    await _copy_experiment(tx, store, campaign_id, copied)
    return copied


async def _copy_experiment(tx: Tx, store: CampaignStore, campaign_id: UUID, copied: UUID) -> None:
    first = await store.experiment(campaign_id)
    if first is None:
        return
    kept = {key: getattr(first, key) for key in ("name", "sample_share", "metric", "confidence", "automatic")}
    experiment_id, number = new_id(), await next_number(tx, Experiment)
    stamps = {"decides_after_s": first.decides_after_s, "created_at": tx.now, "updated_at": tx.now, "state": DRAFT}
    await tx.insert(Experiment, [{"id": experiment_id, "number": number, "campaign_id": copied, **kept, **stamps}])
    groups = [{"position": one.position, "name": one.name, "share": one.share} for one in await store.groups(first.id)]
    await tx.insert(TestGroup, [{"experiment_id": experiment_id, **group} for group in groups])


async def archive_campaign(tx: Tx, *, campaign_id: UUID) -> None:
    """Puts away a draft, or a campaign that has ended. Raises :class:`NotFound`, and :class:`Conflict` for others."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    campaign = await CampaignStore(tx).get(campaign_id, locked=True)
    check_move(campaign, "archived")
    campaign.status, campaign.updated_at = ARCHIVED, tx.now
    await tx.session.flush()
    tell_campaign(tx, campaign_id, "campaign.status", {"status": ARCHIVED})
    tx.audit("campaign.archive", public_id("campaign", campaign_id))


async def delete_campaign(tx: Tx, *, campaign_id: UUID) -> None:
    """Takes a campaign away; what was sent of it stays. Raises :class:`NotFound`, and :class:`Conflict` for one that is
    sending or paused, which must be cancelled first."""
    tx.require(Scope.CAMPAIGNS_WRITE)
    campaign = await CampaignStore(tx).get(campaign_id, locked=True)
    check_move(campaign, "deleted")
    campaign.deleted_at = campaign.updated_at = tx.now
    campaign.trigger_name = None
    await tx.session.flush()
    tx.audit("campaign.delete", public_id("campaign", campaign_id), {"name": campaign.name})


def _may_change(campaign: Campaign, key: str) -> bool:
    if campaign.status == ARCHIVED:
        return False
    if key in LABELS or campaign.status in (DRAFT, FAILED) or campaign.kind in CALLED:
        return True
    if key in SHAPE:
        return key in AUDIENCE and campaign.kind == RECURRING and campaign.status not in ENDED
    return campaign.status not in ENDED


async def _refuse_taken_name(tx: Tx, trigger_name: str | None, campaign_id: UUID | None) -> None:
    if trigger_name is None:
        return
    await lock_names(tx.session, tx.tenant_id, [trigger_name], kind="trigger")
    taken = select(col(Campaign.id)).where(col(Campaign.trigger_name) == trigger_name)
    found = (await tx.session.execute(taken)).scalar_one_or_none()
    if found is not None and found != campaign_id:
        raise Conflict("Another campaign has this trigger name.", "trigger_name")
