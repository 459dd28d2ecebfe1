"""Deliveries in the graph: what was sent to whom, and why not."""
