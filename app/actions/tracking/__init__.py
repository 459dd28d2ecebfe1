"""What comes back of messages: openings and clicks with their verdicts, and what providers tell of them."""

from app.actions.tracking.destinations import find_callback, link_destination, tracking_addresses
from app.actions.tracking.feedback import Told, record_feedback
from app.actions.tracking.recording import Seen, record_click, record_engagements, record_open

__all__ = [
    "Seen",
    "Told",
    "find_callback",
    "link_destination",
    "record_click",
    "record_engagements",
    "record_feedback",
    "record_open",
    "tracking_addresses",
]
