"""Making and moving campaigns."""

from typing import Any
from uuid import UUID

import strawberry

from app.actions import campaigns as actions
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from resolvers.campaigns.inputs import (
    CampaignInput,
    CreateCampaignInput,
    DuplicateCampaignInput,
    LaunchCampaignInput,
    UpdateCampaignInput,
)
from resolvers.campaigns.types import Campaign
from resolvers.context import Info
from resolvers.leave import mutation
from resolvers.planner.declare import Ref


@strawberry.type(description="A campaign after a change.")
class CampaignPayload:
    """The campaign as it is now."""

    campaign: Campaign = strawberry.field(description="The campaign as it is now.")


@strawberry.type(description="Which campaign was deleted.")
class DeleteCampaignPayload:
    """The id that was."""

    campaign_id: strawberry.ID = strawberry.field(description="The campaign that was deleted.")


def payload(key: UUID) -> CampaignPayload:
    """The campaign of this key, as it is when the answer is read."""
    return CampaignPayload(campaign=Ref(Campaign, key))  # type: ignore[arg-type]


@strawberry.type
class CampaignMutation:
    """Changes to campaigns."""

    @mutation(Scope.CAMPAIGNS_WRITE, "Makes a campaign, as a draft.")
    async def create_campaign(self, info: Info, input: CreateCampaignInput) -> CampaignPayload:
        settings: Any = input.values()
        channels = [channel.value for channel in input.channels]
        async with info.context.write() as tx:
            key = await actions.create_campaign(
                tx, name=input.name, kind=input.kind.value, channels=channels, **settings
            )
        return payload(key)

    @mutation(
        Scope.CAMPAIGNS_WRITE,
        "Changes a campaign. Name, description and tags may always be changed, what the launch goes by "
        "only of drafts (and of what sends when it is called), the rest until it has ended.",
    )
    async def update_campaign(self, info: Info, input: UpdateCampaignInput) -> CampaignPayload:
        key = parse_id("campaign", input.campaign_id, "campaign_id")
        changes: Any = input.values()
        if input.name is not None:
            changes["name"] = input.name
        if input.channels is not None:
            changes["channels"] = [channel.value for channel in input.channels]
        async with info.context.write() as tx:
            await actions.update_campaign(tx, campaign_id=key, expected_updated_at=input.expected_updated_at, **changes)
        return payload(key)

    @mutation(Scope.CAMPAIGNS_WRITE, "Makes a draft with the same settings, contents and experiment.")
    async def duplicate_campaign(self, info: Info, input: DuplicateCampaignInput) -> CampaignPayload:
        key = input.key()
        async with info.context.write() as tx:
            copied = await actions.duplicate_campaign(tx, campaign_id=key, name=input.name)
        return payload(copied)

    @mutation(
        Scope.CAMPAIGNS_SEND,
        "Sets a draft going: a one-off campaign sends at its moment or now, a recurring one from its next "
        "occurrence on, the others whenever they are called. A template that does not render stops it.",
    )
    async def launch_campaign(self, info: Info, input: LaunchCampaignInput) -> CampaignPayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.launch_campaign(tx, campaign_id=key, at=input.at)
        return payload(key)

    @mutation(Scope.CAMPAIGNS_SEND, "Stops a campaign that is scheduled or sending, until it is resumed.")
    async def pause_campaign(self, info: Info, input: CampaignInput) -> CampaignPayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.pause_campaign(tx, campaign_id=key)
        return payload(key)

    @mutation(Scope.CAMPAIGNS_SEND, "Lets a paused campaign go on where it was.")
    async def resume_campaign(self, info: Info, input: CampaignInput) -> CampaignPayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.resume_campaign(tx, campaign_id=key)
        return payload(key)

    @mutation(Scope.CAMPAIGNS_SEND, "Breaks a campaign off: what is not in a provider's hands yet is cancelled.")
    async def cancel_campaign(self, info: Info, input: CampaignInput) -> CampaignPayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.cancel_campaign(tx, campaign_id=key)
        return payload(key)

    @mutation(Scope.CAMPAIGNS_WRITE, "Puts away a draft, or a campaign that has ended.")
    async def archive_campaign(self, info: Info, input: CampaignInput) -> CampaignPayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.archive_campaign(tx, campaign_id=key)
        return payload(key)

    @mutation(
        Scope.CAMPAIGNS_WRITE, "Deletes a campaign that is neither sending nor paused. What was sent of it stays."
    )
    async def delete_campaign(self, info: Info, input: CampaignInput) -> DeleteCampaignPayload:
        key = input.key()
        async with info.context.write() as tx:
            await actions.delete_campaign(tx, campaign_id=key)
        return DeleteCampaignPayload(campaign_id=strawberry.ID(public_id("campaign", key)))
