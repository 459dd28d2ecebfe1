"""What Telnyx tells: webhooks signed with its key (``telnyx-signature-ed25519`` over the time and the body)."""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.channels.callbacks.feedback import Callback, Fate, Feedback, Unreadable, Unverified
from app.core import clock

TOLERANCE_S = 300
SECONDS = re.compile(r"[0-9]{1,12}")
FAILED = frozenset({"delivery_failed", "sending_failed", "expired"})
NOBODY_THERE = frozenset({"40001", "40012", "40300", "40310"})
"""Telnyx's error codes: not routable, no number to the carrier, they said STOP, no number. What was taken for spam
(40002, 40003) says nothing of the address."""


def read_telnyx(callback: Callback, settings: Mapping[str, Any], credentials: Mapping[str, Any]) -> list[Feedback]:
    """The news in a webhook; none in one of a message that is still on its way.

    Raises :class:`Unverified` and :class:`Unreadable`.
    """
    verify(callback, str(settings.get("public_key", "")))
    try:
        event = orjson.loads(callback.body)["data"]
        if event["event_type"] not in {"message.finalized", "message.sent"}:
            return []
        payload = event["payload"]
        name, to = str(payload["id"]), payload["to"][0]
        status, recipient = str(to["status"]), str(to.get("phone_number") or "") or None
        errors = [error for error in payload.get("errors") or [] if isinstance(error, dict)]
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError) as wrong:
        raise Unreadable("this is not an event of a message") from wrong
    detail = "; ".join(f"{error.get('code')} {error.get('detail') or error.get('title')}" for error in errors)
    if status == "delivered":
        return [Feedback.of(Fate.DELIVERED, name, recipient=recipient)]
    if status in FAILED:
        is_hard = any(str(error.get("code")) in NOBODY_THERE for error in errors)
        return [Feedback.of(Fate.HARD if is_hard else Fate.SOFT, name, detail or status, recipient)]
    return []


def verify(callback: Callback, public_key: str) -> None:
    """Raises :class:`Unverified` unless Telnyx's key signed this request in the last five minutes."""
    said_at = callback.headers.get("telnyx-timestamp", "")
    try:
        if not SECONDS.fullmatch(said_at) or abs(clock.now().timestamp() - int(said_at)) > TOLERANCE_S:
            raise Unverified("the request is too old, or says not when it was made")
        key = Ed25519PublicKey.from_public_bytes(b64decode(public_key, validate=True))
        signature = b64decode(callback.headers.get("telnyx-signature-ed25519", ""), validate=True)
        key.verify(signature, f"{said_at}|".encode() + callback.body)
    except (InvalidSignature, ValueError, binascii.Error) as wrong:
        raise Unverified("the signature is not Telnyx's") from wrong
