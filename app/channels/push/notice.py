"""What a notification says, in one form for every platform, and which platform a device is of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from app.channels.carrying import Outcome, Outgoing, Target

TTL_S = 4 * 7 * 86_400
"""For how long a device that is away is waited for, if the content does not say: four weeks, the longest there is."""
APPLE = frozenset({"ios", "ipados", "macos", "apple"})
WEB = frozenset({"web", "browser", "webpush", "web_push", "chrome", "firefox", "safari", "edge"})


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification. ``key`` makes one that arrives twice be shown once. ``data`` is for the app itself."""

    key: str
    title: str
    body: str
    image_url: str = ""
    link: str = ""
    sound: str = ""
    badge: int | None = None
    ttl_s: int = TTL_S
    data: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, outgoing: Outgoing) -> "Notice":
        """What the message says (``fields`` as :class:`models.Content` has them); what cannot be read is left out."""
        message = outgoing.message
        fields = message.fields
        return cls(
            key=outgoing.delivery_id.hex,
            title=_text(fields, "title") or message.subject,
            body=message.body,
            image_url=_text(fields, "image_url"),
            link=_text(fields, "link"),
            sound=_text(fields, "sound"),
            badge=_number(fields.get("badge")),
            ttl_s=_number(fields.get("ttl")) or TTL_S,
            data=_data(fields.get("custom_data")),
        )


class Platform(Protocol):
    """Sends to devices of one kind."""

    async def send_to(self, target: Target, notice: Notice) -> Outcome:
        """Hands a notification over for one device. Raises nothing for what the other side does."""


def platform_of(target: Target) -> str:
    """The kind of integration that reaches the device: ``web_push``, ``apns`` or ``fcm``.

    By its token where that shows (a subscription is an address; Apple's tokens are hex), because apps that use
    Firebase on Apple's phones have Firebase's tokens there too.
    """
    if target.token.startswith(("https://", "http://", "{")) or target.platform.lower() in WEB:
        return "web_push"
    is_hex = len(target.token) >= 64 and all(letter in "0123456789abcdefABCDEF" for letter in target.token)
    return "apns" if is_hex and target.platform.lower() in APPLE else "fcm"


def origin_of(url: str) -> str:
    """The scheme and host of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    text = str(value).strip() if value is not None and not isinstance(value, bool) else ""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _data(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str) and value.strip():
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    return value if isinstance(value, Mapping) else {}
