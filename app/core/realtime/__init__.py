"""Hints to subscribers: a supervised hub (:mod:`hub`) over a wire that may die at any time (:mod:`wire`)."""
