"""The range of moments that rules know: the years 1000 to 8999."""

from datetime import UTC, datetime

OLDEST_SECOND = int(datetime(1000, 1, 1, tzinfo=UTC).timestamp())
LATEST_SECOND = int(datetime(8999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
"""As Unix seconds."""
