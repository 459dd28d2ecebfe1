"""Campaigns, their runs and experiments, as the graph shows them."""

from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import Text, cast, func

import models
from app.core.access import Scope
from resolvers.accounts.users import User, user_of
from resolvers.consent.types import SubscriptionTopic
from resolvers.content.types import Content, contents_of
from resolvers.deliveries.queries import WhichDeliveries, deliveries_matching
from resolvers.deliveries.types import Delivery
from resolvers.integrations.types import MessageChannel
from resolvers.metrics.types import MetricTotals, same_row
from resolvers.nodes import Node, feed_cursor
from resolvers.planner.declare import Order, Rows, column, connection, many, one, rows, table_type
from resolvers.scalars import JSON, Connection, DateTime, enum_value
from resolvers.tracking.types import Link, links_of

RUNS = Order("rn", "number", counts=True)
GROUPS = Order("tg", "position", descending=False, counts=True)


@strawberry.enum(description="How a campaign is sent.")
class CampaignKind(Enum):
    """As stored, in capitals."""

    ONE_OFF = enum_value("one_off", description="Once, to its audience.")
    RECURRING = enum_value("recurring", description="Again and again, by a rule of the calendar.")
    TRIGGERED = enum_value("triggered", description="To many, whenever it is called.")
    TRANSACTIONAL = enum_value("transactional", description="To one person, whenever it is called.")


@strawberry.enum(description="Where a campaign is in its life.")
class CampaignStatus(Enum):
    """As stored, in capitals."""

    DRAFT = enum_value("draft", description="It is being made.")
    SCHEDULED = enum_value("scheduled", description="It waits for its moment.")
    SENDING = enum_value("sending", description="It sends, or sends when it is called.")
    PAUSED = enum_value("paused", description="It waits to be resumed.")
    COMPLETED = enum_value("completed", description="Nothing of it is unsent.")
    CANCELLED = enum_value("cancelled", description="It was broken off.")
    FAILED = enum_value("failed", description="It could not be sent; failure says why.")
    ARCHIVED = enum_value("archived", description="It was put away.")


@strawberry.enum(description="How far one sending of a campaign is.")
class CampaignRunState(Enum):
    """As stored, in capitals."""

    PREPARING = enum_value("preparing", description="Its deliveries are being made, and sent meanwhile.")
    SENDING = enum_value("sending", description="All its deliveries are made.")
    PAUSED = enum_value("paused", description="It waits to be resumed.")
    COMPLETED = enum_value("completed", description="Nothing of it is unsent.")
    CANCELLED = enum_value("cancelled", description="It was broken off.")
    FAILED = enum_value("failed", description="It was not sent; its problems say why.")


@strawberry.enum(description="How far an experiment is.")
class ExperimentState(Enum):
    """As stored, in capitals."""

    DRAFT = enum_value("draft", description="Its campaign has not begun.")
    RUNNING = enum_value("running", description="Its groups get their contents.")
    DECIDED = enum_value("decided", description="It is known which group has won, or that none has.")


@strawberry.enum(
    description="The rate by which the groups of an experiment are compared. What machines did is left out."
)
class ExperimentMetric(Enum):
    """As stored, in capitals."""

    OPENED = enum_value("opened", description="How many of those who were sent a message opened it.")
    CLICKED = enum_value("clicked", description="How many of them clicked a link.")
    CONVERTED = enum_value("converted", description="How many of them reached the campaign's goal.")


@table_type(models.TestGroup, noun="test_group", scope=Scope.CAMPAIGNS_READ)
class TestGroup:
    """One of the groups of an experiment."""

    __test__ = False

    position: int = column("Its place, from 0. Contents name their group by it.")
    name: str = column("What it is called.")
    share: int = column("Its share of the sample, in per mille.")

    @one(lambda: MetricTotals, "What came of its messages.", graphql_type=MetricTotals, scope=Scope.METRICS_READ)
    def metrics(self: Any) -> Rows:
        group = rows(models.TestGroup)
        return group.where(group.c.experiment_id == self.c.experiment_id, group.c.position == self.c.position)


@table_type(models.Experiment, noun="experiment", scope=Scope.CAMPAIGNS_READ)
class Experiment(Node):
    """Groups of a campaign's audience that get different contents, to find out which is better."""

    number: int = column("Its small number in the tenant, for systems that need one.")
    name: str = column("What it is called.")
    state: ExperimentState = column("How far it is.")
    sample_share: int = column("The share of the audience who take part, in per mille; the others get what won.")
    metric: ExperimentMetric = column("Which rate decides.")
    confidence: int = column("How sure one must be that a group is better, in per mille.")
    automatic: bool = column("Whether the statistic decides by itself, at decidesAt.")
    decides_after_seconds: int = column(
        "How long after its beginning it is decided.", lambda row: row.c.decides_after_s
    )
    decides_at: DateTime | None = column("When that is; null before it runs.")
    winner: int | None = column("The position of the group that won; null while there is none.")
    result: JSON | None = column("What the statistic said of each group when it was decided.")
    decided_at: DateTime | None = column("When it was decided.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")

    @many(lambda: TestGroup, "Its groups, in their order.", graphql_type=list[TestGroup], size=3)
    def groups(self: Any) -> Rows:
        group = rows(models.TestGroup)
        return group.where(group.c.experiment_id == self.c.id).ordered(GROUPS)

    @one(
        lambda: Campaign,
        "The campaign whose contents are compared; null if it was deleted.",
        graphql_type=Annotated["Campaign", strawberry.lazy(__name__)] | None,
    )
    def campaign(self: Any) -> Rows:
        campaign = rows(models.Campaign)
        return campaign.where(campaign.c.id == self.c.campaign_id)


@table_type(models.CampaignRun, noun="campaign_run", scope=Scope.CAMPAIGNS_READ)
class CampaignRun(Node):
    """One sending of a campaign: its launch, one occurrence of a recurring one, or one call of a triggered one."""

    number: int = column("Its number within the campaign.")
    version: int = column("Of which launch of the campaign it is.")
    occurrence: str = column("What makes it once: launch, a moment, or the key of a call.")
    state: CampaignRunState = column("How far it is.")
    data: JSON = column("What the call brought along: trigger in Liquid.")
    targeted: int = column("How many people have deliveries, the control group among them.")
    prepared: int = column("How many deliveries were made.")
    control: int = column("How many people are in the control group, who get nothing.")
    awaits_winner: bool = column("Whether those outside the sample still wait for the experiment.")
    problems: JSON = column("Who could not be found, or why it failed: objects with kind, value and detail.")
    due_at: DateTime = column("The moment for which it is.")
    prepared_at: DateTime | None = column("When its last delivery was made.")
    started_at: DateTime | None = column("When it began.")
    finished_at: DateTime | None = column("When it ended.")
    created_at: DateTime = column("When it was made.")

    @one(
        lambda: Campaign,
        "Of which campaign; null if it was deleted.",
        graphql_type=Annotated["Campaign", strawberry.lazy(__name__)] | None,
    )
    def campaign(self: Any) -> Rows:
        campaign = rows(models.Campaign)
        return campaign.where(campaign.c.id == self.c.campaign_id)


@table_type(models.Campaign, noun="campaign", scope=Scope.CAMPAIGNS_READ)
class Campaign(Node):
    """Something that is said to many, or again and again."""

    number: int = column("Its small number in the tenant, for systems that need one.")
    name: str = column("What it is called.")
    description: str = column("What it is for.")
    kind: CampaignKind = column("How it is sent.")
    status: CampaignStatus = column("Where it is in its life.")
    channels: list[MessageChannel] = column(
        "Over which channels it goes: everybody gets it over each of them.",
        lambda row: func.upper(cast(row.c.channels, Text())),
    )
    audience: JSON | None = column("For whom it is: a rule as of a segment, which can be sent again; null for nobody.")
    exclusions: JSON | None = column("Who gets nothing although they are in the audience: a rule.")
    schedule: JSON = column("When it goes: at, timezone, in_recipients_timezone, rrule.")
    goal: JSON | None = column("What it is to achieve: event, within_s, after, revenue_property.")
    tags: list[str] = column("Words to find it by.")
    trigger_name: str | None = column("The name by which it is called.")
    priority: int = column("0 to 9; when much is due, the highest goes first.")
    throttle_per_second: int | None = column("At most so many messages a second.", lambda row: row.c.throttle_per_s)
    control_share: int = column("The share of the audience who get nothing, in per mille.")
    ignores_caps: bool = column("Whether it goes although somebody has had enough messages.")
    ignores_quiet_hours: bool = column("Whether it goes in the night.")
    sends_to_unsubscribed: bool = column("Whether it goes to those who do not want to be told.")
    is_tracked: bool = column("Whether openings and clicks are counted.")
    is_retained: bool = column("Whether the messages are kept.")
    inlines_css: bool = column("Whether styles are written into the elements, as mail programs need it.")
    version: int = column("How often it was launched.")
    failure: str | None = column("Why it failed.")
    source: str = column("Through which door it came.")
    scheduled_at: DateTime | None = column("When it begins next.")
    started_at: DateTime | None = column("When it first began.")
    completed_at: DateTime | None = column("When it was completed or cancelled.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")
    snapshot_cursor: str = column(
        "Where this campaign's feed stands in the very moment of this answer: subscribe with it as after and nothing "
        "is missed or doubled.",
        lambda campaign: feed_cursor("campaign", campaign),
    )

    @one(lambda: User, "Who made it; null for an API key.", graphql_type=User | None)
    def created_by(self: Any) -> Rows:
        return user_of(self.c.created_by_id)

    @one(
        lambda: SubscriptionTopic,
        "About which topic it is; null: about none that one could leave.",
        graphql_type=SubscriptionTopic | None,
    )
    def topic(self: Any) -> Rows:
        topic = rows(models.SubscriptionTopic)
        return topic.where(topic.c.id == self.c.topic_id)

    @many(lambda: Content, "What it says, by number.", graphql_type=list[Content], size=5)
    def contents(self: Any) -> Rows:
        return contents_of(self)

    @one(lambda: MetricTotals, "What came of its messages.", graphql_type=MetricTotals, scope=Scope.METRICS_READ)
    def metrics(self: Any) -> Rows:
        return same_row(models.Campaign, self)

    @many(lambda: Link, "The links in its messages, by number.", graphql_type=list[Link], size=10)
    def links(self: Any) -> Rows:
        return links_of(self)

    @one(lambda: Experiment, "What it tries out, if anything.", graphql_type=Experiment | None)
    def experiment(self: Any) -> Rows:
        experiment = rows(models.Experiment)
        return experiment.where(experiment.c.campaign_id == self.c.id)

    @connection(lambda: CampaignRun, "Its sendings, the last one first.", graphql_type=Connection[CampaignRun])
    def runs(self: Any) -> Rows:
        run = rows(models.CampaignRun)
        return run.where(run.c.campaign_id == self.c.id).ordered(RUNS)

    @connection(
        lambda: Delivery,
        "Its messages, those made last first.",
        graphql_type=Connection[Delivery],
        scope=Scope.DELIVERIES_READ,
    )
    def deliveries(self: Any, filter: WhichDeliveries = None) -> Rows:
        delivery = rows(models.Delivery)
        return deliveries_matching(delivery.where(delivery.c.campaign_id == self.c.id), filter)
