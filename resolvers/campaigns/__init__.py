"""Campaigns in the graph: :mod:`types`, :mod:`queries`, what is given in :mod:`inputs`, :mod:`mutations` of campaigns,
:mod:`calls` of them and :mod:`experiments`; live in :mod:`subscriptions`."""
