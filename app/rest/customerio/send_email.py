"""Customer.io ``/v1/send/email``."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from email.utils import getaddresses
from typing import Any

import orjson
from pydantic import Field

from app.core.contact import normalise_email
from app.core.errors import Invalid
from app.rest.customerio.sends import Queued, Sending, queue, send_endpoint
from app.rest.customerio.wire import Text
from app.rest.door import Call

MOST_RECIPIENTS = 15
MOST_ATTACHED = 2_000_000
"""Bytes of all attachments."""
BODY_LIMIT = 4 << 20


class Email(Sending):
    """An e-mail. Without a transactional message, `body`, `subject` and `from` are needed."""

    to: Text = Field(description="Addresses, with commas between them: 15 at most, with those of `cc` and `bcc`.")
    from_: str | None = Field(None, alias="from")
    subject: str | None = None
    preheader: str | None = None
    body: str | None = Field(None, description="HTML.")
    body_plain: str | None = None
    plaintext_body: str | None = Field(None, description="What `body_plain` was called until 2022.")
    body_amp: str | None = None
    reply_to: str | None = None
    cc: str | None = None
    bcc: str | None = None
    fake_bcc: bool | None = None
    headers: str | dict[str, Any] | list[Any] | None = Field(
        None, description="By name; or a list of `name` and `value`; or either as JSON text."
    )
    attachments: dict[str, str] = Field(default_factory=dict, description="Base64 by file name; 2 MB in all.")
    disable_css_preprocessing: bool | None = None


async def send_email(call: Call[Email, None]) -> Queued:
    said = call.body
    _check_addresses(said)
    fields: dict[str, Any] = {"cc": said.cc, "bcc": said.bcc, "fake_bcc": said.fake_bcc, "amp": said.body_amp}
    fields["attachments"] = _checked_attachments(said.attachments)
    content = {
        "subject": said.subject,
        "preheader": said.preheader,
        "body": said.body,
        "plain": said.body_plain if said.body_plain is not None else said.plaintext_body,
        "from_address": said.from_,
        "reply_to": said.reply_to,
        "headers": _read_headers(said.headers),
        "fields": {name: value for name, value in fields.items() if value},
    }
    inlines = None if said.disable_css_preprocessing is None else not said.disable_css_preprocessing
    return await queue(call, "email", to=said.to, content=content, options={"inlines_css": inlines})


def _check_addresses(said: Email) -> None:
    count = 0
    for field, text in (("to", said.to), ("cc", said.cc), ("bcc", said.bcc)):
        found = [address for _, address in getaddresses([text])] if text else []
        for address in found:
            normalise_email(address, field)
        count += len(found)
    if count > MOST_RECIPIENTS:
        raise Invalid.at("to", f"has more than {MOST_RECIPIENTS} recipients, with those of cc and bcc")


def _checked_attachments(attachments: Mapping[str, str]) -> dict[str, str]:
    total = 0
    for name, content in attachments.items():
        try:
            total += len(b64decode(content, validate=True))
        except (binascii.Error, ValueError):
            raise Invalid.at(f"attachments.{name}", "is not base64") from None
    if total > MOST_ATTACHED:
        raise Invalid.at("attachments", f"have more than {MOST_ATTACHED} bytes")
    return dict(attachments)


def _read_headers(said: Any) -> list[dict[str, str]]:
    if isinstance(said, str):
        try:
            said = orjson.loads(said) if said.strip() else None
        except orjson.JSONDecodeError:
            raise Invalid.at("headers", "is not JSON") from None
    if not said:
        return []
    pairs = list(said.items()) if isinstance(said, dict) else [_pair(one) for one in said] if _is_list(said) else None
    if pairs is None:
        raise Invalid.at("headers", "must be an object, or a list of names and values")
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, str):
            raise Invalid.at("headers", "must have texts as names and values")
    return [{"name": name, "value": value} for name, value in pairs]


def _is_list(said: Any) -> bool:
    return isinstance(said, list)


def _pair(one: Any) -> tuple[Any, Any]:
    """A name and its value; ``{"X": "y"}`` is understood too."""
    if isinstance(one, dict) and len(one) == 1:
        return next(iter(one.items()))
    return (one.get("name"), one.get("value")) if isinstance(one, dict) else (None, None)


ENDPOINTS = (
    send_endpoint(
        "email",
        send_email,
        "Send an e-mail",
        body=Email,
        body_limit=BODY_LIMIT,
    ),
)
