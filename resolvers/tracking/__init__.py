"""Engagements and links in the graph."""
