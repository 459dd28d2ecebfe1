"""The rules of sending, as the graph shows them."""

from typing import Any

import strawberry

import models
from app.actions import sending as actions
from app.core.access import Scope
from resolvers.context import Info
from resolvers.integrations.types import MessageChannel
from resolvers.nodes import Node
from resolvers.planner.declare import Order, Ref, Rows, column, many, rows, table_type
from resolvers.scalars import JSON, DateTime
from resolvers.widgets.types import Domain

OLDEST = Order("fc", "created_at", descending=False)


@strawberry.type(description="When nobody is sent anything over some channels, in their own timezone.")
class QuietHours:
    """Two times of day."""

    begin: str = strawberry.field(name="from", description="From this time of day, as 21:00.")
    end: str = strawberry.field(name="to", description="To this time of day, as 08:00.")
    channels: list[MessageChannel] = strawberry.field(description="Over these channels.")


@strawberry.type(description="A tenant's rules of sending.")
class SendingPolicy:
    """What holds for all campaigns."""

    quiet_hours: QuietHours | None = strawberry.field(description="When nobody is disturbed; null: there are none.")
    timezone: str = strawberry.field(description="The timezone of people who have none.")
    in_doubt: JSON = strawberry.field(
        description="By channel keep or resend: what becomes of messages that may or may not have been sent."
    )
    soft_bounce_limit: int = strawberry.field(description="Soft bounces in a row that suppress an address.")
    tracks_opens: bool = strawberry.field(description="Whether openings are noted.")
    tracks_clicks: bool = strawberry.field(description="Whether clicks are noted.")
    tracking_domain: Domain | None = strawberry.field(
        description="On whose host the links of messages stand; null: on this server's."
    )

    @classmethod
    def of(cls, policy: models.SendingPolicy) -> "SendingPolicy":
        """In the graph's words."""
        quiet = policy.quiet_hours
        domain: Any = None if policy.tracking_domain_id is None else Ref(Domain, policy.tracking_domain_id)
        return cls(
            quiet_hours=None if quiet is None else _quiet_hours(quiet),
            timezone=policy.timezone,
            in_doubt=JSON(policy.in_doubt),
            soft_bounce_limit=policy.soft_bounce_limit,
            tracks_opens=policy.tracks_opens,
            tracks_clicks=policy.tracks_clicks,
            tracking_domain=domain,
        )


def _quiet_hours(quiet: dict[str, Any]) -> QuietHours:
    channels = [MessageChannel(channel) for channel in quiet["channels"]]
    return QuietHours(begin=quiet["from"], end=quiet["to"], channels=channels)


@table_type(models.FrequencyCap, noun="frequency_cap", scope=Scope.CAMPAIGNS_READ)
class FrequencyCap(Node):
    """How many messages one person gets at most in a window of time, over all campaigns."""

    name: str = column("What it is called.")
    channel: MessageChannel | None = column("Over which channel; null: over all of them.")
    messages: int = column("How many messages.")
    window_seconds: int = column("In any so many seconds.", lambda row: row.c.window_s)
    created_at: DateTime = column("When it was made.")


@strawberry.type
class SendingQuery:
    """Root fields about the rules of sending."""

    @strawberry.field(description="The tenant's rules of sending.")
    async def sending_policy(self, info: Info) -> SendingPolicy:
        async with info.context.read() as reading:
            return SendingPolicy.of(await actions.get_sending_policy(reading))

    @many(lambda: FrequencyCap, "All frequency caps, by age.", graphql_type=list[FrequencyCap])
    def frequency_caps(self: Any) -> Rows:
        return rows(models.FrequencyCap).ordered(OLDEST)
