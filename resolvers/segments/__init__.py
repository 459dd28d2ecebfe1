"""Segments in the graph: their :mod:`rules` as typed input, :mod:`types`, :mod:`queries`, :mod:`mutations`, and live in
:mod:`subscriptions`."""
