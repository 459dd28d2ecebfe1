"""What a call brings along for one message or for all: how a delivery and a run keep it, and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from app.actions.content import checked_headers
from app.core.errors import Invalid

MAX_DATA = 100_000
"""Bytes of JSON that a call may bring along."""
MAX_CONTENT = 4_000_000
"""Bytes of JSON of a content that a call brings along, attachments included."""
CONTENT_KEYS: Final = frozenset(
    {"subject", "preheader", "body", "plain", "from_address", "reply_to", "headers", "fields"}
)
"""What of a content a call may say otherwise; each as in :class:`models.Content`."""
OPTION_KEYS: Final = frozenset({"is_tracked", "is_retained", "sends_to_unsubscribed", "inlines_css", "is_test"})
"""What of a campaign's settings a call may say otherwise; ``is_test``: counted nowhere."""


@dataclass(frozen=True, slots=True)
class CallOfDelivery:
    """``Delivery.data`` in its parts. ``data`` is what Liquid sees as ``trigger``, besides the run's own data, and
    ``event`` what it sees by that name.

    ``content`` takes the place of what the delivery's content says, key by key (of ``fields`` each by itself);
    ``language`` that of the customer's; ``options`` that of the campaign's settings. ``devices`` of a push: ``all``,
    ``last_used`` or a token; ``device``: one that is not stored (token, platform, attributes).
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)
    language: str | None = None
    options: Mapping[str, bool] = field(default_factory=dict)
    devices: str = ""
    device: Mapping[str, Any] | None = None
    event: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> "CallOfDelivery":
        """From what the delivery keeps."""
        return cls(**document) if document else cls()

    def document(self) -> dict[str, Any] | None:
        """What the delivery keeps: only what was said; None for nothing."""
        said = {
            "data": dict(self.data),
            "content": dict(self.content),
            "language": self.language,
            "options": dict(self.options),
            "devices": self.devices,
            "device": self.device and dict(self.device),
            "event": dict(self.event),
        }
        return {key: value for key, value in said.items() if value} or None


def check_data(data: Mapping[str, Any], path: str = "data", *, most: int = MAX_DATA) -> dict[str, Any]:
    """The data, if it is JSON that can be stored and of at most ``most`` bytes. Raises :class:`Invalid` at ``path``."""
    if not isinstance(data, Mapping):
        raise Invalid.at(path, "must be an object")
    try:
        written = orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError, RecursionError) as broken:
        raise Invalid.at(path, "must be JSON") from broken
    if len(written) > most:
        raise Invalid.at(path, f"must be at most {most} bytes of JSON")
    if b"\\u0000" in written:
        raise Invalid.at(path, "contains a character that cannot be stored")
    read: dict[str, Any] = orjson.loads(written)
    return read


def check_content(content: Mapping[str, Any], path: str = "content") -> dict[str, Any]:
    """What a call says otherwise than the content. Raises :class:`Invalid` below ``path``."""
    unknown = sorted(set(content) - CONTENT_KEYS)
    if unknown:
        raise Invalid.at(f"{path}.{unknown[0]}", "is nothing that a content has")
    clean = {key: value for key, value in content.items() if value is not None}
    for key, value in clean.items():
        kind: Any = {"headers": list, "fields": dict}.get(key, str)
        if not isinstance(value, kind):
            raise Invalid.at(f"{path}.{key}", "is not of the right type")
        if key not in ("body", "plain", "headers", "fields") and len(value) > 2000:
            raise Invalid.at(f"{path}.{key}", "must be at most 2000 characters long")
    if "headers" in clean:
        clean["headers"] = checked_headers(clean["headers"], f"{path}.headers")
    return check_data(clean, path, most=MAX_CONTENT)
