"""Totals of what came of campaigns, contents and links, as fields of their rows."""

from typing import Any

from sqlalchemy import Float, func, select
from sqlalchemy.sql import ColumnElement

import models
from app.core.access import Scope
from resolvers.nodes import lookup, values_of
from resolvers.planner.declare import Rows, column, rows, table_type


def _sum(row: Rows, metric: str, value: str) -> ColumnElement[Any]:
    count = rows(models.HourlyCount)
    found = (
        select(func.sum(count.c[value]))
        .select_from(count.table)
        .where(*count.conditions, _is_subject(count.c.subject_id, row), count.c.metric == metric)
    )
    return func.coalesce(found.correlate_except(count.table).scalar_subquery(), 0)


def _is_subject(column: ColumnElement[Any], row: Rows) -> ColumnElement[bool]:
    """Whether counts are of a row. A test group is nobody's subject: it is the sum over its contents."""
    if row.model is not models.TestGroup:
        is_it: ColumnElement[bool] = column == row.c.id
        return is_it
    experiment, content = rows(models.Experiment), rows(models.Content)
    campaign = lookup(experiment.where(experiment.c.id == row.c.experiment_id), experiment.c.campaign_id)
    of_group = content.where(content.c.campaign_id == campaign, content.c.test_group == row.c.position)
    return column.in_(values_of(of_group, content.c.id))


def _counted(metric: str, description: str) -> Any:
    """A field that says how often something happened to its row."""
    return column(description, lambda row: _sum(row, metric, "count"))


def _revenue(row: Rows) -> ColumnElement[Any]:
    return _sum(row, "converted", "amount").cast(Float())


@table_type(models.Campaign, noun="metric_totals", scope=Scope.METRICS_READ)
class MetricTotals:
    """What came of the messages of a campaign or a content. Each message counts once; test messages do not count."""

    created: int = _counted("created", "Messages that were made.")
    drafted: int = _counted("drafted", "Messages that wait for somebody to send them.")
    attempted: int = _counted("attempted", "Messages that we tried to hand over.")
    sent: int = _counted("sent", "Messages that a provider took.")
    delivered: int = _counted("delivered", "Messages of which a provider said that they arrived.")
    deferred: int = _counted("deferred", "Messages that were put off to be tried again.")
    opened: int = _counted("opened", "Messages that were opened, also by machines.")
    human_opened: int = _counted("human_opened", "Messages that people opened.")
    clicked: int = _counted("clicked", "Messages of which a link was followed, also by machines.")
    human_clicked: int = _counted("human_clicked", "Messages of which people followed a link.")
    converted: int = _counted("converted", "Messages that reached their campaign's goal.")
    revenue: float = column("What the events that reached the goal were worth.", _revenue)
    bounced: int = _counted("bounced", "Messages that came back.")
    complained: int = _counted("complained", "Messages that were called spam.")
    unsubscribed: int = _counted("unsubscribed", "Messages that made somebody unsubscribe.")
    topic_unsubscribed: int = _counted("topic_unsubscribed", "Topics from which somebody unsubscribed by a message.")
    suppressed: int = _counted("suppressed", "Messages not sent because their address is suppressed.")
    skipped: int = _counted("skipped", "Messages that another gate stopped.")
    failed: int = _counted("failed", "Messages that could not be sent.")
    in_doubt: int = _counted("in_doubt", "Messages of which it was not known whether they were sent.")
    cancelled: int = _counted("cancelled", "Messages that were cancelled before they were sent.")


@table_type(models.Link, noun="link_totals", scope=Scope.METRICS_READ)
class LinkTotals:
    """How often a link was followed."""

    clicked: int = _counted("clicked", "Clicks, also by machines.")
    clicked_once: int = _counted("clicked_once", "Messages in which it was followed, also by machines.")
    human_clicked: int = _counted("human_clicked", "Clicks of people.")
    human_clicked_once: int = _counted("human_clicked_once", "Messages in which people followed it.")
    machine_clicked: int = _counted("machine_clicked", "Clicks of machines.")


def same_row(model: Any, row: Rows) -> Rows:
    """The same row again, for another type that shows more of it."""
    found = rows(model)
    return found.where(found.c.id == row.c.id)
