"""An e-mail as bytes (RFC 5322 and MIME).

Written here because the standard library's ``EmailMessage`` takes 2 ms for one, which is most of what a message may
cost; the tests read what is written with the library's parser.
"""

import binascii
import mimetypes
import re
from base64 import b64decode, encodebytes
from collections.abc import Mapping
from datetime import datetime
from email.utils import encode_rfc2231, format_datetime
from typing import Any

from app.channels.carrying import Outgoing
from app.channels.mail.headers import (
    CONTROL,
    LONGEST_LINE,
    Unwritable,
    address_header,
    bare_address,
    bare_addresses,
    listed,
    text_header,
)
from app.core.message import Message

MAX_ATTACHED_BYTES = 15_000_000
MAX_COPIES = 50
MAX_URL = 950
BASE64_SHARE = 5
"""Where more than a fifth of a text is not ASCII, base64 is shorter than quoted-printable."""
NEWLINE = re.compile(rb"\r\n|\r|\n")
OURS = frozenset(
    {
        "from",
        "to",
        "cc",
        "bcc",
        "reply-to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "sender",
        "return-path",
        "received",
        "dkim-signature",
    }
)
"""Headers that a content cannot name: they are made here."""


def written(outgoing: Outgoing, *, message_id: str, date: datetime) -> bytes:
    """The whole e-mail, lines ending in CRLF; ``message_id`` is without brackets. Raises :class:`Unwritable`."""
    message = outgoing.message
    lines = [address_header("From", message.from_address), address_header("To", outgoing.recipient)]
    if cc := listed(message.fields.get("cc")):
        lines.append(address_header("Cc", *cc))
    if message.reply_to:
        lines.append(address_header("Reply-To", message.reply_to))
    lines += [
        text_header("Subject", message.subject),
        f"Date: {format_datetime(date)}",
        f"Message-ID: <{message_id}>",
        "MIME-Version: 1.0",
        *_given_headers(message),
        *_unsubscribe_headers(outgoing),
    ]
    boundary = f"=_{outgoing.delivery_id.hex}"
    return "\r\n".join(lines).encode() + b"\r\n" + _mixed(message, boundary)


def recipients(outgoing: Outgoing) -> list[str]:
    """The addresses of the envelope: the recipient's, and those of open and blind copies. Raises
    :class:`Unwritable`."""
    fields = outgoing.message.fields
    copies = [text for name in ("cc", "bcc") if name in fields for text in listed(fields[name])]
    found = [bare_address(outgoing.recipient), *(address for text in copies for address in bare_addresses(text))]
    if len(found) > MAX_COPIES:
        raise Unwritable(f"there are more than {MAX_COPIES} recipients")
    return list(dict.fromkeys(found))


def _given_headers(message: Message) -> list[str]:
    for name, _ in message.headers:
        if name.lower() in OURS:
            raise Unwritable(f"the header {name} is made by us and cannot be given")
    return [text_header(name, value) for name, value in message.headers]


def _unsubscribe_headers(outgoing: Outgoing) -> list[str]:
    url = outgoing.unsubscribe_url
    if not url or any(name.lower() == "list-unsubscribe" for name, _ in outgoing.message.headers):
        return []
    if CONTROL.search(url) or not url.isascii() or len(url) > MAX_URL or ">" in url:
        raise Unwritable("the address for unsubscribing is not a URL")
    return [f"List-Unsubscribe: <{url}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]


def _mixed(message: Message, boundary: str) -> bytes:
    """The body, and what is attached to it."""
    attached = message.fields.get("attachments")
    body = _alternatives(message, f"{boundary}_a")
    if not attached:
        return body
    return _multipart("mixed", f"{boundary}_m", [body, *_attachments(attached)])


def _alternatives(message: Message, boundary: str) -> bytes:
    """The same in plain text, AMP and HTML: what is richest comes last."""
    texts = [("plain", message.plain), ("x-amp-html", message.fields.get("amp") or ""), ("html", message.body)]
    parts = [_text(kind, text) for kind, text in texts if text]
    if len(parts) == 1:
        return parts[0]
    return _multipart("alternative", boundary, parts) if parts else _text("plain", "")


def _multipart(kind: str, boundary: str, parts: list[bytes]) -> bytes:
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    fence = f"--{boundary}\r\n".encode()
    return b"".join([head, *(piece for part in parts for piece in (fence, part, b"\r\n")), fence[:-2], b"--\r\n"])


def _text(kind: str, text: str) -> bytes:
    raw = NEWLINE.sub(b"\r\n", text.encode("utf-8", "replace"))
    if raw.isascii() and b"\x00" not in raw and max(map(len, raw.split(b"\n"))) <= LONGEST_LINE:
        coding, coded = b"7bit", raw
    elif (len(raw) - len(text)) * BASE64_SHARE > len(text):
        coding, coded = b"base64", encodebytes(raw).replace(b"\n", b"\r\n")
    else:
        coding, coded = b"quoted-printable", binascii.b2a_qp(raw, istext=True)
        if b"\n" not in raw:
            coded = coded.replace(b"\n", b"\r\n")  # where it finds no line break to copy, it has its own
    head = b"Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n" % (kind.encode(), coding)
    return head + coded


def _attachments(attached: Any) -> list[bytes]:
    if not isinstance(attached, Mapping):
        raise Unwritable("attachments must be an object from file name to content in base64")
    parts, size = [], 0
    for name, content in attached.items():
        try:
            raw = b64decode(content, validate=False)
        except (binascii.Error, ValueError, TypeError) as wrong:
            raise Unwritable(f"the attachment {str(name)[:100]!r} is not in base64") from wrong
        size += len(raw)
        if size > MAX_ATTACHED_BYTES:
            raise Unwritable(f"attachments have more than {MAX_ATTACHED_BYTES} bytes")
        parts.append(_attachment(str(name), raw))
    return parts


def _attachment(name: str, raw: bytes) -> bytes:
    if CONTROL.search(name) or not 0 < len(name) <= 200:
        raise Unwritable("the name of an attachment is empty, too long, or has a control character in it")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    head = (
        f"Content-Type: {kind}\r\n"
        f"Content-Disposition: attachment;\r\n filename*={encode_rfc2231(name, 'utf-8')}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode("ascii") + encodebytes(raw).replace(b"\n", b"\r\n")
