"""UUIDv7 keys and their typed public form (``cust_018f…``: a prefix and 32 hex digits)."""

import re
import secrets
from datetime import datetime
from uuid import UUID

import uuid_utils.compat

from app.core.errors import Invalid

PREFIXES = {
    "tenant": "tn",
    "user": "usr",
    "member": "mem",
    "api_key": "key",
    "audit_entry": "aud",
    "customer": "cust",
    "identity": "idn",
    "device": "dev",
    "merge": "mrg",
    "event": "evt",
    "outbox_message": "out",
    "job": "job",
    "segment": "seg",
    "widget": "wid",
    "domain": "dom",
    "visitor": "vis",
    "team": "team",
    "conversation": "conv",
    "message": "msg",
    "file": "file",
    "canned_response": "can",
    "saved_view": "view",
    "sender": "snd",
    "layout": "lay",
    "snippet": "snip",
    "content": "cnt",
    "campaign": "cmp",
    "campaign_run": "run",
    "experiment": "exp",
    "delivery": "dlv",
    "link": "lnk",
    "engagement": "eng",
    "subscription_topic": "top",
    "suppression": "sup",
    "integration": "int",
    "frequency_cap": "cap",
    "reporting_webhook": "hook",
    "webhook_call": "call",
}
"""The public prefix of every noun that has an id of its own."""

NOUNS = {prefix: noun for noun, prefix in PREFIXES.items()}
PUBLIC_ID = re.compile(r"([a-z]+)_([0-9a-f]{32})\Z")


def new_id() -> UUID:
    """A fresh UUIDv7: sorts by the moment it was made."""
    return uuid_utils.compat.uuid7()


def first_id_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 of ``moment``'s millisecond: a bound for scans by key."""
    return UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62))


def public_id(noun: str, key: UUID) -> str:
    """``public_id("customer", key)`` is ``cust_`` and the key's 32 hex digits."""
    return f"{PREFIXES[noun]}_{key.hex}"


def parse_id(noun: str, text: str, field: str = "id") -> UUID:
    """The key in a public id of ``noun``. Raises :class:`Invalid` at ``field`` when it is not one."""
    match = PUBLIC_ID.match(text) if isinstance(text, str) else None
    if match is None or match[1] != PREFIXES[noun]:
        article = "an" if noun[0] in "aeio" else "a"
        raise Invalid.at(field, f"is not the id of {article} {noun.replace('_', ' ')} ({PREFIXES[noun]}_…)")
    return UUID(match[2])


def parse_any_id(text: str, field: str = "id") -> tuple[str, UUID]:
    """The noun and the key of any public id. Raises :class:`Invalid` at ``field``."""
    match = PUBLIC_ID.match(text) if isinstance(text, str) else None
    if match is None or match[1] not in NOUNS:
        raise Invalid.at(field, "is not an id")
    return NOUNS[match[1]], UUID(match[2])


def new_secret() -> str:
    """256 random bits as URL-safe text (43 characters)."""
    return secrets.token_urlsafe(32)
