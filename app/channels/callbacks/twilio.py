"""What Twilio tells: status callbacks, signed with the account's token (``X-Twilio-Signature``)."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from app.channels.callbacks.feedback import Callback, Fate, Feedback, Unreadable, Unverified

DELIVERED = frozenset({"delivered", "read"})
FAILED = frozenset({"undelivered", "failed"})
NOBODY_THERE = frozenset({"21211", "21610", "21614", "30004", "30005", "30006", "63024"})
"""Twilio's error codes: no number, they said STOP, no mobile, blocked, unknown, a landline, not on WhatsApp."""


def read_twilio(callback: Callback, settings: Mapping[str, Any], credentials: Mapping[str, Any]) -> list[Feedback]:
    """The news in a status callback; none in one of a message that is still on its way.

    Raises :class:`Unverified` and :class:`Unreadable`.
    """
    try:
        form = parse_qsl(callback.body.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError as wrong:
        raise Unverified("the body is not a form") from wrong
    expected = signature(callback.url, form, str(credentials.get("auth_token", "")))
    given = callback.headers.get("x-twilio-signature", "")
    if not credentials.get("auth_token") or not hmac.compare_digest(expected.encode(), given.encode()):
        raise Unverified("the signature is not Twilio's")
    said = dict(form)
    name, status = said.get("MessageSid") or said.get("SmsSid"), said.get("MessageStatus") or said.get("SmsStatus")
    if not name or not status:
        raise Unreadable("there is no MessageSid and MessageStatus")
    code, words = said.get("ErrorCode", ""), said.get("ErrorMessage", "")
    recipient = said.get("To", "").removeprefix("whatsapp:") or None
    if status in DELIVERED:
        return [Feedback.of(Fate.DELIVERED, name, recipient=recipient)]
    if status in FAILED:
        fate = Fate.HARD if code in NOBODY_THERE else Fate.SOFT
        return [Feedback.of(fate, name, f"{status} {code} {words}".strip(), recipient)]
    return []


def signature(url: str, form: list[tuple[str, str]], token: str) -> str:
    """HMAC-SHA1 over the address and every field's name and value, by name."""
    said = url + "".join(name + value for name, value in sorted(set(form)))
    return b64encode(hmac.digest(token.encode(), said.encode(), hashlib.sha1)).decode()
