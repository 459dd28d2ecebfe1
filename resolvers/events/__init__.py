"""Events in the graph: :mod:`types` with their queries, :mod:`mutations`, and live in :mod:`subscriptions`."""
