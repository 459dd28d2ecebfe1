"""Reporting webhooks in the graph."""
