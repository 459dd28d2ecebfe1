"""Widgets in the graph."""
