"""Moments as the clients of JSON dialects write them: ISO 8601, never a number."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator


def _written_out(value: Any) -> Any:
    if isinstance(value, str) and not value.lstrip("-").replace(".", "", 1).isdigit():
        return value
    raise ValueError("must be an ISO 8601 moment with a time zone")


def _in_utc(value: datetime) -> datetime:
    """The actions say of a moment without a time zone that it needs one."""
    try:
        return value if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be in the years 1 to 9999") from None


Moment = Annotated[datetime, BeforeValidator(_written_out, json_schema_input_type=str), AfterValidator(_in_utc)]
