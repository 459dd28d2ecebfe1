"""What providers tell us: whether a request is theirs, and what it says. No database, no network."""

from collections.abc import Callable, Mapping
from typing import Any

from app.channels.callbacks.feedback import Callback, Fate, Feedback, Unreadable, Unverified
from app.channels.callbacks.relays import read_relay
from app.channels.callbacks.reports import read_report
from app.channels.callbacks.telnyx import read_telnyx
from app.channels.callbacks.twilio import read_twilio

__all__ = ["Callback", "Fate", "Feedback", "Unreadable", "Unverified", "read_callback", "read_report"]

READERS: dict[str, Callable[[Callback, Mapping[str, Any], Mapping[str, Any]], list[Feedback]]] = {
    "smtp": read_relay,
    "telnyx": read_telnyx,
    "twilio": read_twilio,
}


def read_callback(
    kind: str, settings: Mapping[str, Any], credentials: Mapping[str, Any], callback: Callback
) -> list[Feedback]:
    """The news in a request to the callback of an integration of ``kind``, with its settings and its opened
    credentials (:func:`app.actions.integrations.open_credentials`).

    Raises :class:`Unverified` when the request is not the provider's (also where the kind has none to tell), and
    :class:`Unreadable` when it is, but says nothing that we know.
    """
    reader = READERS.get(kind)
    if reader is None:
        raise Unverified(f"an integration of the kind {kind} has no callback")
    return reader(callback, settings, credentials)
