"""Conversations in the graph, for agents."""
