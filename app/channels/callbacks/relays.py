"""What mail relays tell: our own small form, signed as Standard Webhooks has it, or a report as it came.

    {"events": [{"type": "bounced", "message_id": "…@shop.example", "recipient": "ada@example.com",
                 "bounce": "hard", "reason": "550 5.1.1 no such mailbox", "at": "2026-11-21T20:00:00Z"}]}

``type``: ``delivered``, ``bounced`` (``bounce``: ``hard`` or ``soft``; left out, its ``reason`` says which) or
``complained``; others are passed over. A mail (``Content-Type: message/rfc822``) is read as a report. Who cannot sign,
such as a pipe of a mail server, may show the secret itself: ``Authorization: Bearer whsec_…``.
"""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from standardwebhooks import Webhook, WebhookVerificationError

from app.channels.callbacks.feedback import MAX_DETAIL, MAX_FEEDBACK, Callback, Fate, Feedback, Unreadable, Unverified
from app.channels.callbacks.feedback import delivery_of as own
from app.channels.callbacks.reports import NOBODY_THERE, read_report

STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


def read_relay(callback: Callback, settings: Mapping[str, Any], credentials: Mapping[str, Any]) -> list[Feedback]:
    """The news in a relay's request. Raises :class:`Unverified` and :class:`Unreadable`."""
    verify(callback, str(credentials.get("callback_secret", "")))
    if callback.headers.get("content-type", "").partition(";")[0].strip().lower() == "message/rfc822":
        return read_report(callback.body)
    try:
        events = orjson.loads(callback.body)["events"]
        if not isinstance(events, list) or len(events) > MAX_FEEDBACK:
            raise Unreadable(f"events must be a list of at most {MAX_FEEDBACK}")
        return [news for event in events if (news := _news(event)) is not None]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as wrong:
        raise Unreadable("this is not a list of events") from wrong


def verify(callback: Callback, secret: str) -> None:
    """Raises :class:`Unverified` unless the request is signed with the secret, or shows it."""
    if not secret:
        raise Unverified("the integration has no callback_secret")
    shown = callback.headers.get("authorization", "")
    if hmac.compare_digest(shown.encode(), f"Bearer {secret}".encode()):
        return
    try:
        Webhook(secret).verify(callback.body, dict(callback.headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as wrong:
        raise Unverified("the signature is not that of callback_secret") from wrong


def _news(event: Mapping[str, Any]) -> Feedback | None:
    kind, reason = event["type"], str(event.get("reason") or "")[:MAX_DETAIL]
    if kind == "bounced":
        fate = Fate(event["bounce"]) if event.get("bounce") in {"hard", "soft"} else _fate_of(reason)
    elif kind in {"delivered", "complained"}:
        fate = Fate(kind)
    else:
        return None
    name = str(event["message_id"]).strip("<> ")
    recipient = event.get("recipient")
    said_at = datetime.fromisoformat(event["at"]) if event.get("at") else None
    at = said_at.replace(tzinfo=said_at.tzinfo or UTC) if said_at else None
    return Feedback(fate, own(name), name, str(recipient) if recipient else None, reason, at)


def _fate_of(reason: str) -> Fate:
    status = STATUS.search(reason)
    return Fate.HARD if status and NOBODY_THERE.match(status[0]) else Fate.SOFT
