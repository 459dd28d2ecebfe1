"""Customers in the graph: :mod:`types` and :mod:`queries`, :mod:`mutations`, and live in :mod:`subscriptions`."""
