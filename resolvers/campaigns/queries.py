"""Finding campaigns, and asking what a launch would meet."""

from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import Text, cast

import models
from app.actions import campaigns as actions
from app.actions.campaigns import AudienceEstimate
from app.core.access import Scope
from app.core.ids import parse_id
from resolvers.campaigns.types import Campaign, CampaignKind, CampaignStatus, Experiment
from resolvers.context import Info
from resolvers.integrations.types import MessageChannel
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, connection, one, rows
from resolvers.scalars import Connection, enum_value
from resolvers.segments.rules import RuleInput, document_of


@strawberry.enum(description="How campaigns are ordered.")
class CampaignOrder(Enum):
    """By a moment; then by id."""

    CREATED_NEWEST = enum_value("created_newest", description="Those made last come first.")
    CREATED_OLDEST = enum_value("created_oldest", description="Those made first come first.")
    UPDATED_NEWEST = enum_value("updated_newest", description="Those changed last come first.")


ORDERS = {
    CampaignOrder.CREATED_NEWEST: Order("cn", "created_at"),
    CampaignOrder.CREATED_OLDEST: Order("co", "created_at", descending=False),
    CampaignOrder.UPDATED_NEWEST: Order("un", "updated_at"),
}
EXPERIMENTS = Order("ex", "number", counts=True)


@strawberry.input(description="Which campaigns. Everything given must hold.")
class CampaignFilter:
    """Conditions on campaigns."""

    search: str | None = strawberry.field(default=None, description="Part of the name or the description.")
    kind: CampaignKind | None = strawberry.field(default=None, description="Only of this kind.")
    status: CampaignStatus | None = strawberry.field(default=None, description="Only with this status.")
    channel: MessageChannel | None = strawberry.field(default=None, description="Only those that go over it.")


@strawberry.type(description="How many a campaign would reach over one channel, and which gate would stop the others.")
class ChannelEstimate:
    """Who is stopped by one gate is not counted by the next."""

    channel: MessageChannel = strawberry.field(description="The channel.")
    no_address: int = strawberry.field(description="How many have no address or device for it.")
    suppressed: int = strawberry.field(description="How many are suppressed, themselves or their address.")
    not_consenting: int = strawberry.field(description="How many do not want it, by the channel or by the topic.")
    capped: int = strawberry.field(description="How many have had as many messages as they may.")
    reachable: int = strawberry.field(description="How many are left.")


@strawberry.type(name="AudienceEstimate", description="Whom a campaign would reach if it were sent now.")
class AudienceEstimateType:
    """Gate by gate."""

    targeted: int = strawberry.field(description="How many are in the audience and not excluded.")
    excluded: int = strawberry.field(description="How many are in the audience and excluded.")
    control: int = strawberry.field(description="How many of the targeted are in the control group.")
    channels: list[ChannelEstimate] = strawberry.field(description="What becomes of the others, by channel.")

    @classmethod
    def of(cls, found: AudienceEstimate) -> "AudienceEstimateType":
        """In the graph's words."""
        channels = [
            ChannelEstimate(
                channel=MessageChannel(one.channel),
                no_address=one.no_address,
                suppressed=one.suppressed,
                not_consenting=one.not_consenting,
                capped=one.capped,
                reachable=one.reachable,
            )
            for one in found.channels
        ]
        return cls(targeted=found.targeted, excluded=found.excluded, control=found.control, channels=channels)


@strawberry.type(description="What the statistic says of one group of an experiment.")
class GroupResult:
    """A rate and how sure it is."""

    position: int = strawberry.field(description="The group's position.")
    sent: int = strawberry.field(description="How many messages were sent.")
    hits: int = strawberry.field(description="How many of them did what counts.")
    rate: float = strawberry.field(description="The share of those, 0 to 1.")
    low: float = strawberry.field(description="The true rate is hardly lower than this (Wilson's interval).")
    high: float = strawberry.field(description="Nor higher than this.")
    p_value: float | None = strawberry.field(
        description="How probable chance alone makes it so much worse than the best one, corrected for the number of "
        "pairs; null for the best one itself."
    )


@strawberry.type(description="What the statistic says of an experiment now.")
class ExperimentResult:
    """Whether a group is better, and how sure that is."""

    winner: int | None = strawberry.field(description="The position of the group that is better; null for none.")
    confidence: float = strawberry.field(description="The confidence reached, 0 to 1.")
    groups: list[GroupResult] = strawberry.field(description="The groups, in their order.")


CampaignId = Annotated[strawberry.ID, strawberry.argument(description="The campaign.")]
ExperimentId = Annotated[strawberry.ID, strawberry.argument(description="The experiment.")]


@strawberry.type
class CampaignQuery:
    """Root fields about campaigns."""

    @one(lambda: Campaign, "One campaign, or null.", graphql_type=Campaign | None, scope=Scope.CAMPAIGNS_READ)
    def campaign(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The campaign's public id.")]
    ) -> Rows:
        campaign = rows(models.Campaign)
        return campaign.where(campaign.c.id == given.key("campaign", id))

    @connection(
        lambda: Campaign, "Campaigns, page by page.", graphql_type=Connection[Campaign], scope=Scope.CAMPAIGNS_READ
    )
    def campaigns(
        self: Any,
        filter: Annotated[CampaignFilter | None, strawberry.argument(description="Which campaigns.")] = None,
        order_by: Annotated[
            CampaignOrder, strawberry.argument(description="Which come first.")
        ] = CampaignOrder.CREATED_NEWEST,
    ) -> Rows:
        campaign = rows(models.Campaign).ordered(ORDERS[order_by])
        if filter is None:
            return campaign
        for value, column in ((filter.kind, campaign.c.kind), (filter.status, campaign.c.status)):
            if value is not None:
                campaign = campaign.where(column == value.value)
        if filter.channel is not None:
            campaign = campaign.where(cast(campaign.c.channels, Text()).contains(f'"{filter.channel.value}"'))
        return campaign.where(given.contains([campaign.c.name, campaign.c.description], filter.search))

    @one(lambda: Experiment, "One experiment, or null.", graphql_type=Experiment | None, scope=Scope.CAMPAIGNS_READ)
    def experiment(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The experiment's public id.")]
    ) -> Rows:
        experiment = rows(models.Experiment)
        return experiment.where(experiment.c.id == given.key("experiment", id))

    @connection(
        lambda: Experiment,
        "The experiments of campaigns, the last one first.",
        graphql_type=Connection[Experiment],
        scope=Scope.CAMPAIGNS_READ,
    )
    def experiments(self: Any) -> Rows:
        return rows(models.Experiment).ordered(EXPERIMENTS)

    @strawberry.field(
        description="How many a campaign would reach if it were sent now, and which gate would stop how many others."
    )
    async def estimate_audience(
        self,
        info: Info,
        campaign_id: CampaignId,
        recipients: Annotated[
            RuleInput | None, strawberry.argument(description="For these instead of its audience.")
        ] = None,
    ) -> AudienceEstimateType:
        info.context.principal.require(Scope.CAMPAIGNS_READ)
        info.context.ask_much()
        key = parse_id("campaign", campaign_id, "campaign_id")
        rule = None if recipients is None else document_of(recipients)
        async with info.context.read() as reading:
            found = await actions.estimate_audience(reading, campaign_id=key, recipients=rule)
        return AudienceEstimateType.of(found)

    @strawberry.field(description="What the statistic says of an experiment's groups now.")
    async def experiment_result(self, info: Info, experiment_id: ExperimentId) -> ExperimentResult:
        info.context.principal.require(Scope.CAMPAIGNS_READ)
        key = parse_id("experiment", experiment_id, "experiment_id")
        async with info.context.read() as reading:
            found = await actions.experiment_result(reading, experiment_id=key)
        groups = [
            GroupResult(
                position=one.position,
                sent=one.sent,
                hits=one.hits,
                rate=one.rate,
                low=one.low,
                high=one.high,
                p_value=one.p_value,
            )
            for one in found.groups
        ]
        return ExperimentResult(winner=found.winner, confidence=found.confidence, groups=groups)
