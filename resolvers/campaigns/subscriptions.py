"""Campaigns, live."""

from collections.abc import AsyncGenerator
from enum import Enum
from functools import partial
from typing import Annotated

import strawberry

from app.actions.feed import start_following_campaign
from app.core.access import Scope
from app.core.ids import parse_id
from models import FeedEntry
from resolvers.campaigns.types import Campaign
from resolvers.context import Info
from resolvers.customers.subscriptions import After
from resolvers.feed import FeedGap, FeedItem, Follower, shown, version
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON, DateTime, enum_value


@strawberry.enum(description="What is told of a campaign.")
class CampaignNewsKind(Enum):
    """The kinds of the feed's entries."""

    PROGRESS = enum_value("campaign.progress", description="It has come further.")
    STATUS = enum_value("campaign.status", description="It has another status.")


@strawberry.type(description="A campaign has come further, or has another status.")
class CampaignProgress(FeedItem):
    """What is new of it."""

    kind: CampaignNewsKind = strawberry.field(description="What is told.")
    told_at: DateTime = strawberry.field(description="When.")
    data: JSON = strawberry.field(description="What is new, such as how many deliveries are prepared or sent.")
    campaign: Campaign | None = strawberry.field(description="The campaign as it is now; null if deleted since.")


CampaignProgressItem = Annotated[
    CampaignProgress | FeedGap, strawberry.union("CampaignProgressItem", description="News, or a gap in what is told.")
]


@strawberry.type
class CampaignSubscription:
    """Following a campaign."""

    @strawberry.subscription(description="How far a campaign has come, batch by batch, and every change of its status.")
    async def campaign_progress(
        self,
        info: Info,
        campaign_id: Annotated[strawberry.ID, strawberry.argument(description="Which campaign to follow.")],
        after: After = None,
    ) -> AsyncGenerator[CampaignProgressItem, None]:
        info.context.principal.require(Scope.CAMPAIGNS_READ)
        key = parse_id("campaign", campaign_id, "campaign_id")
        begin = partial(start_following_campaign, campaign_id=key)
        follower = Follower(info.context, begin, Scope.CAMPAIGNS_READ, shared=True)
        async for item in follower.follow(after, _news):
            yield item


def _news(entry: FeedEntry, cursor: str) -> CampaignProgress:
    return CampaignProgress(
        cursor=cursor,
        kind=CampaignNewsKind(entry.kind),
        told_at=DateTime(entry.created_at),
        data=shown(entry.data),
        campaign=Ref(Campaign, entry.subject_id, version(entry)),  # type: ignore[arg-type]
    )
