"""Topics, preferences and suppressed addresses in the graph."""
