"""The graph of what is counted: series over time."""
