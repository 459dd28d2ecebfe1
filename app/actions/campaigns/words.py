"""The words of campaigns, and the moves between their statuses."""

from typing import Final

from app.core.errors import Conflict
from models import Campaign

ONE_OFF, RECURRING, TRIGGERED, TRANSACTIONAL = "one_off", "recurring", "triggered", "transactional"
KINDS: Final = (ONE_OFF, RECURRING, TRIGGERED, TRANSACTIONAL)
PLANNED: Final = frozenset({ONE_OFF, RECURRING})
"""Kinds that begin by the clock and need an audience."""
CALLED: Final = frozenset({TRIGGERED, TRANSACTIONAL})
"""Kinds that send when somebody calls them."""

CHANNELS: Final = ("email", "sms", "push", "in_app", "whatsapp", "webhook")

DRAFT, SCHEDULED, SENDING, PAUSED = "draft", "scheduled", "sending", "paused"
COMPLETED, CANCELLED, FAILED, ARCHIVED = "completed", "cancelled", "failed", "archived"
STATUSES: Final = (DRAFT, SCHEDULED, SENDING, PAUSED, COMPLETED, CANCELLED, FAILED, ARCHIVED)
ENDED: Final = frozenset({COMPLETED, CANCELLED, ARCHIVED})
PREPARING: Final = "preparing"
"""A run whose deliveries are being made. Its other states have the words of campaigns."""
UNFINISHED: Final = frozenset({PREPARING, SENDING, PAUSED})
"""States of a run that may still send."""

MOVES: Final = {
    "launched": frozenset({DRAFT, SCHEDULED, FAILED}),
    "paused": frozenset({SCHEDULED, SENDING}),
    "resumed": frozenset({PAUSED}),
    "cancelled": frozenset({SCHEDULED, SENDING, PAUSED}),
    "archived": frozenset({DRAFT, COMPLETED, CANCELLED, FAILED}),
    "deleted": frozenset({DRAFT, SCHEDULED, COMPLETED, CANCELLED, FAILED, ARCHIVED}),
}
"""In which statuses a campaign can be moved so."""


def check_move(campaign: Campaign, move: str) -> None:
    """Raises :class:`Conflict` unless a campaign with this status can be moved so."""
    if campaign.status not in MOVES[move]:
        raise Conflict(f"A campaign that is {campaign.status} cannot be {move}.", "status")
