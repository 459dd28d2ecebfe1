"""Campaigns in the graph."""
