"""How often what happened: hourly counters, and the series made of them."""

from app.actions.metrics.links import Hours, clicks_of_content, clicks_of_links, links_of_campaign
from app.actions.metrics.series import (
    METRICS,
    OF_DELIVERIES,
    OF_LINKS,
    STEPS,
    MetricPoint,
    MetricSeries,
    Total,
    metric_series,
    metric_totals,
)
from app.core.counters import Count, add_counts

__all__ = [
    "METRICS",
    "OF_DELIVERIES",
    "OF_LINKS",
    "STEPS",
    "Count",
    "Hours",
    "MetricPoint",
    "MetricSeries",
    "Total",
    "add_counts",
    "clicks_of_content",
    "clicks_of_links",
    "links_of_campaign",
    "metric_series",
    "metric_totals",
]
