"""Providers in the graph."""
