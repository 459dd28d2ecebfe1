"""What a text message says."""

from collections.abc import Sequence

from app.channels.carrying import Outgoing

MAX_TEXT = 1600
"""Characters: ten parts of a text message, beyond which carriers refuse."""


class Unsendable(Exception):
    """The message cannot be sent as a text message."""


def text_of_message(outgoing: Outgoing) -> str:
    """The text. Raises :class:`Unsendable` when there is none, or too much."""
    text = outgoing.message.body.strip()
    if not text:
        raise Unsendable("the message has no text")
    if len(text) > MAX_TEXT:
        raise Unsendable(f"the message has more than {MAX_TEXT} characters")
    return text


def pictures_of(outgoing: Outgoing) -> Sequence[str]:
    """The addresses of pictures that go with it (``media_urls``, at most ten)."""
    found = outgoing.message.fields.get("media_urls") or []
    urls = [found] if isinstance(found, str) else found
    return [url for url in urls if isinstance(url, str) and url][:10]


def sender_of(outgoing: Outgoing, default: str) -> str:
    """The content's own number, or the integration's."""
    return outgoing.message.from_address.strip() or default
