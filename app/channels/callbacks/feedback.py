"""What providers tell us of messages that they took: one form for all of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

OWN_MESSAGE_ID = re.compile(r"<?([0-9a-f]{32})@[^\s<>@]+>?")
MAX_DETAIL = 1000
MAX_FEEDBACK = 1000
"""Pieces of news in one request."""


class Fate(StrEnum):
    """What became of a message: it was ``delivered``; it came back because nobody is there (``hard``) or for another
    reason (``soft``); or its recipient ``complained``."""

    DELIVERED = "delivered"
    HARD = "hard"
    SOFT = "soft"
    COMPLAINED = "complained"


class Unverified(Exception):
    """The request is not the provider's: answer it with 401, and believe none of it."""


class Unreadable(Exception):
    """The request is the provider's, but not in a form that we know."""


@dataclass(frozen=True, slots=True)
class Callback:
    """A request of a provider. ``url`` is the address under which it was given to the provider, with its query (some
    sign it); the names of ``headers`` are in lower case."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Feedback:
    """News of one message, which is found by ``delivery_id``, or by the provider's own name for it."""

    fate: Fate
    delivery_id: UUID | None = None
    provider_message_id: str | None = None
    recipient: str | None = None
    detail: str = ""
    at: datetime | None = None

    @classmethod
    def of(cls, fate: Fate, message_id: str | None, detail: str = "", recipient: str | None = None) -> "Feedback":
        """By a name for the message, which may be a Message-ID of ours."""
        return cls(fate, delivery_of(message_id or ""), message_id or None, recipient, detail[:MAX_DETAIL])


def delivery_of(message_id: str) -> UUID | None:
    """The delivery whose e-mail has this Message-ID, if it is one of ours."""
    found = OWN_MESSAGE_ID.fullmatch(message_id.strip())
    return UUID(found[1]) if found else None
