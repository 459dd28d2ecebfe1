"""The rules of sending in the graph."""
