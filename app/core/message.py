"""A message as it goes out: what templates make and channels carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person, ready to be sent.

    ``body`` is HTML of an e-mail and the text of every other channel; ``plain`` is the text of an e-mail. ``headers``
    are those a content names, without line breaks. ``fields`` is what else the channel has (see
    :class:`models.Content`).
    """

    body: str
    subject: str = ""
    preheader: str = ""
    plain: str = ""
    from_address: str = ""
    reply_to: str = ""
    headers: Sequence[tuple[str, str]] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
