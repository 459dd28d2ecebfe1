"""The gates, without a database."""
