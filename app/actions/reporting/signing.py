"""The request of a call: its body, and the headers by which its receiver knows that it is ours."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from app.actions.reporting.events import SILENTCHAT, unix


def signed_request(
    dialect: str, secret: str, *, call_id: UUID, event: str, payload: Mapping[str, Any], at: datetime
) -> tuple[dict[str, str], bytes]:
    """The headers and the body of an attempt that is made ``at`` this moment."""
    body = orjson.dumps(payload)
    if dialect == SILENTCHAT:
        own = {
            "X-SilentChat-Signature": _digest(secret, body),
            "X-SilentChat-Event": event,
            "X-SilentChat-Delivery": call_id.hex,
        }
    else:
        timestamp = str(unix(at))
        own = {
            "X-CIO-Timestamp": timestamp,
            "X-CIO-Signature": _digest(secret, b"v0:" + timestamp.encode() + b":" + body),
        }
    return {"Content-Type": "application/json", "User-Agent": "Rapport-Webhook/1", **own}, body


def _digest(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
