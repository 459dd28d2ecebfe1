"""Measured side by side in one run: ratios of Rapport and its peers on the same machine, database and load."""
