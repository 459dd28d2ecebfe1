"""Visitors in the graph: as agents see them, and what they see themselves."""
