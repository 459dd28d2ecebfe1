"""Teams and agents in the graph."""
