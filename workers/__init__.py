"""The handlers of background jobs. Each translates a job into calls of actions, in units of work of its own."""

from workers import (
    campaigns,
    conversations,
    deliveries,
    devices,
    domains,
    files,
    mails,
    maintenance,
    reporting,
    segments,
)
from workers.registry import HANDLERS, handles

__all__ = [
    "HANDLERS",
    "campaigns",
    "conversations",
    "deliveries",
    "devices",
    "domains",
    "files",
    "handles",
    "mails",
    "maintenance",
    "reporting",
    "segments",
]
