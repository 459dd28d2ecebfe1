"""Series of what is counted, over all of a tenant's messages or some campaigns', contents' or links'."""

from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry

from app.actions import metrics as actions
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.ids import parse_any_id
from resolvers.context import Info
from resolvers.scalars import DateTime, enum_value

SUBJECTS = ("campaign", "content", "link")


@strawberry.enum(description="Something that is counted. Messages count once each, clicks of links every time.")
class Metric(Enum):
    """As stored, in capitals."""

    CREATED = enum_value("created", description="Messages that were made.")
    DRAFTED = enum_value("drafted", description="Messages that wait for somebody to send them.")
    ATTEMPTED = enum_value("attempted", description="Messages that we tried to hand over.")
    SENT = enum_value("sent", description="Messages that a provider took.")
    DELIVERED = enum_value("delivered", description="Messages of which a provider said that they arrived.")
    DEFERRED = enum_value("deferred", description="Messages that were put off to be tried again.")
    OPENED = enum_value("opened", description="Messages that were opened, also by machines.")
    HUMAN_OPENED = enum_value("human_opened", description="Messages that people opened.")
    CLICKED = enum_value("clicked", description="Messages, or of a link clicks, also by machines.")
    HUMAN_CLICKED = enum_value("human_clicked", description="Messages, or of a link clicks, by people.")
    CONVERTED = enum_value("converted", description="Messages that reached their campaign's goal.")
    BOUNCED = enum_value("bounced", description="Messages that came back.")
    COMPLAINED = enum_value("complained", description="Messages that were called spam.")
    UNSUBSCRIBED = enum_value("unsubscribed", description="Messages that made somebody unsubscribe.")
    TOPIC_UNSUBSCRIBED = enum_value(
        "topic_unsubscribed", description="Topics from which somebody unsubscribed by a message."
    )
    SUPPRESSED = enum_value("suppressed", description="Messages not sent because their address is suppressed.")
    SKIPPED = enum_value("skipped", description="Messages that another gate stopped.")
    FAILED = enum_value("failed", description="Messages that could not be sent.")
    IN_DOUBT = enum_value("in_doubt", description="Messages of which it was not known whether they were sent.")
    CANCELLED = enum_value("cancelled", description="Messages that were cancelled before they were sent.")
    ANSWERED_2XX = enum_value("answered_2xx", description="Attempts at a webhook that were answered with a success.")
    ANSWERED_3XX = enum_value("answered_3xx", description="Attempts at a webhook that were answered with a redirect.")
    ANSWERED_4XX = enum_value("answered_4xx", description="Attempts at a webhook that were answered with a refusal.")
    ANSWERED_5XX = enum_value("answered_5xx", description="Attempts at a webhook that the server failed to answer.")
    CLICKED_ONCE = enum_value("clicked_once", description="Of a link: messages in which it was followed.")
    HUMAN_CLICKED_ONCE = enum_value("human_clicked_once", description="Of a link: messages in which a person did.")
    MACHINE_CLICKED = enum_value("machine_clicked", description="Of a link: clicks of machines.")


@strawberry.enum(description="How long the steps of a series are.")
class MetricStep(Enum):
    """As the actions call it."""

    HOUR = enum_value("hour", description="An hour.")
    DAY = enum_value("day", description="A day of the calendar.")
    WEEK = enum_value("week", description="A week, from Monday.")
    MONTH = enum_value("month", description="A month of the calendar.")


@strawberry.type(description="What happened in one step of a series.")
class MetricPoint:
    """A point of a series."""

    at: DateTime = strawberry.field(description="When the step began.")
    count: int = strawberry.field(description="How often it happened.")
    amount: float = strawberry.field(description="The revenue of it.")


@strawberry.type(description="One metric over time.")
class MetricSeries:
    """A metric, its points and their sum."""

    metric: Metric = strawberry.field(description="What was counted.")
    total: int = strawberry.field(description="How often it happened in all steps.")
    amount: float = strawberry.field(description="The revenue of all steps.")
    points: list[MetricPoint] = strawberry.field(description="Every step, also those in which nothing happened.")

    @classmethod
    def of(cls, series: actions.MetricSeries) -> "MetricSeries":
        """In the graph's words."""
        points = [
            MetricPoint(at=DateTime(point.at), count=point.count, amount=float(point.amount)) for point in series.points
        ]
        total = series.total
        return cls(metric=Metric(series.metric), total=total.count, amount=float(total.amount), points=points)


@strawberry.type
class MetricQuery:
    """Root fields about metrics."""

    @strawberry.field(description="How often things happened, step by step.")
    async def metric_series(
        self,
        info: Info,
        metrics: Annotated[list[Metric], strawberry.argument(description="What to count.")],
        start: Annotated[DateTime, strawberry.argument(description="From the step in which this moment lies.")],
        end: Annotated[DateTime, strawberry.argument(description="Up to this moment.")],
        step: Annotated[MetricStep, strawberry.argument(description="How long a step is.")] = MetricStep.DAY,
        timezone: Annotated[
            str, strawberry.argument(description="Whose calendar says when days, weeks and months begin.")
        ] = "UTC",
        subjects: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description="Campaigns, contents or links, added up; all messages if left out."),
        ] = None,
    ) -> list[MetricSeries]:
        info.context.principal.require(Scope.METRICS_READ)
        async with info.context.read() as reading:
            found = await actions.metric_series(
                reading,
                metrics=[metric.value for metric in metrics],
                start=start,
                end=end,
                step=step.value,
                timezone=timezone,
                subjects=None if subjects is None else [_subject(text) for text in subjects],
            )
        return [MetricSeries.of(series) for series in found]


def _subject(text: str) -> UUID:
    noun, key = parse_any_id(text, "subjects")
    if noun not in SUBJECTS:
        raise Invalid.at("subjects", "must be campaigns, contents or links")
    return key
