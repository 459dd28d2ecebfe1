"""Moments as SiloCDP's clients write them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator


def _explicit_zone(value: Any) -> Any:
    if isinstance(value, str) and not value.lstrip("-").replace(".", "", 1).isdigit():
        return value
    raise ValueError("must be an ISO 8601 moment with a time zone")


Moment = Annotated[datetime, BeforeValidator(_explicit_zone, json_schema_input_type=str)]
