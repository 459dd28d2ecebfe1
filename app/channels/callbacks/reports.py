"""Mails that say what became of a mail: delivery reports (RFC 3464) and complaints (RFC 5965)."""

import re
from collections.abc import Iterator
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from uuid import UUID

from app.channels.callbacks.feedback import Fate, Feedback, Unreadable, delivery_of

NOBODY_THERE = re.compile(r"5\.1\.(?:1|2|3|6|10)|5\.2\.1")
RETURN_PATH = re.compile(r"[+=-]([0-9a-f]{32})@")
"""The delivery in the address to which a report came back (``return_path`` with ``{delivery}``)."""
MAX_PARTS = 50


def read_report(raw: bytes) -> list[Feedback]:
    """The news in a mail; none in one that says only that something takes longer. Raises :class:`Unreadable` for a
    mail that is no report."""
    try:
        mail = BytesParser(policy=compat32).parsebytes(raw)
        parts = list(_parts(mail))
        delivery_id, message_id = _about(mail, parts)
        kinds = {part.get_content_type(): part for part in reversed(parts)}
        if "message/feedback-report" in kinds:
            return _complaint(kinds["message/feedback-report"], delivery_id, message_id)
        if "message/delivery-status" in kinds:
            return list(_statuses(kinds["message/delivery-status"], delivery_id, message_id))
    except (MessageError, LookupError, ValueError, AttributeError, TypeError) as wrong:
        raise Unreadable(f"the mail cannot be read: {wrong}") from wrong
    raise Unreadable("the mail is neither a delivery report nor a complaint")


def _parts(mail: Message) -> Iterator[Message]:
    for number, part in enumerate(mail.walk()):
        if number >= MAX_PARTS:
            return
        yield part


def _about(mail: Message, parts: list[Message]) -> tuple[UUID | None, str | None]:
    """Which message it is about: the Message-ID of the original that it carries, else where the report came back to."""
    for part in parts[1:]:
        original: Message | None = None
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            original = BytesParser(policy=compat32).parsebytes(payload) if isinstance(payload, bytes) else None
        elif part.get_content_type() == "message/rfc822":
            inside = part.get_payload()
            original = inside[0] if isinstance(inside, list) and isinstance(inside[0], Message) else None
        found = _header(original, "Message-ID") if original is not None else ""
        if found:
            return delivery_of(found), found.strip("<>")
    for name in ("To", "Delivered-To", "X-Original-To"):
        returned = RETURN_PATH.search(_header(mail, name))
        if returned:
            return UUID(returned[1]), None
    return None, None


def _statuses(part: Message, delivery_id: UUID | None, message_id: str | None) -> Iterator[Feedback]:
    """Of each recipient's block what became of the mail to them."""
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if not isinstance(block, Message):
            continue
        action = _header(block, "Action").lower()
        status = _header(block, "Status")
        recipient = _address(block, "Original-Recipient") or _address(block, "Final-Recipient")
        detail = f"{status} {_header(block, 'Diagnostic-Code').partition(';')[2].strip()}".strip()
        if action in {"delivered", "relayed", "expanded"}:
            yield Feedback(Fate.DELIVERED, delivery_id, message_id, recipient, detail[:1000])
        elif action == "failed":
            fate = Fate.HARD if NOBODY_THERE.match(status) else Fate.SOFT
            yield Feedback(fate, delivery_id, message_id, recipient, detail[:1000])


def _address(block: Message, name: str) -> str | None:
    """Whom a block is about. The original recipient is the one we wrote to, whoever it was forwarded to."""
    kind, _, address = _header(block, name).partition(";")
    return (address.strip().strip("<>") or None) if kind.strip().lower() == "rfc822" else None


def _complaint(part: Message, delivery_id: UUID | None, message_id: str | None) -> list[Feedback]:
    blocks = part.get_payload()
    said = blocks[0] if isinstance(blocks, list) and isinstance(blocks[0], Message) else None
    if said is None:
        text = blocks if isinstance(blocks, str) else ""
        said = BytesParser(policy=compat32).parsebytes(text.encode("utf-8", "replace"))
    kind = _header(said, "Feedback-Type").lower()
    if kind == "not-spam":
        return []
    recipient = _header(said, "Original-Rcpt-To").strip("<>") or None
    return [Feedback(Fate.COMPLAINED, delivery_id, message_id, recipient, kind)]


def _header(message: Message, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())
