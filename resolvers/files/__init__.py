"""Files in the graph."""
