"""What is said, in the graph."""
