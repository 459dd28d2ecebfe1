"""How often what happened: hourly counters, and the series made of them."""

from app.core.counters import Count, add_counts

__all__ = ["Count", "add_counts"]
