"""What stands in the links of a message: who was sent it and which link it is, signed, compact, and no secret.

A token is read without a database, and never runs out: messages are opened years later. Its bytes are the version and
kind, the tenant, the delivery, for a click the number of the link and its address, and a keyed BLAKE2b: a message has
many links, and five HMACs would take longer than the rest of it.
"""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

from app.core.errors import Invalid
from app.core.settings import Settings

VERSION = 1
KINDS = {"open": 0, "click": 1, "preferences": 2}
NAMES = {code: kind for kind, code in KINDS.items()}
HEAD = 33
"""Bytes before what only a click has: the version and kind, and two ids."""
SIGNATURE = 16
NUMBER = 4
LONGEST_TOKEN = 8_000
LONGEST_ADDRESS = 5_500
"""Bytes of an address that fits into a token. A longer one cannot be followed."""
TRAP = 0
"""The number of the link that no person can see. Whoever follows it is a machine."""


@dataclass(frozen=True, slots=True)
class LinkToken:
    """What a token says. ``kind``: ``open``, ``click`` or ``preferences``.

    Of a click ``link_number`` is the :class:`models.Link`'s number (or :data:`TRAP`), and ``url`` is where it leads, if
    the link's own address does not say that.
    """

    kind: str
    tenant_id: UUID
    delivery_id: UUID
    link_number: int | None = None
    url: str | None = None


class LinkTokens:
    """Makes tokens under a key derived from ``secret``, and reads those of the ``former`` ones too."""

    def __init__(self, secret: str, *former: str) -> None:
        self._key, *self._former = (hmac.digest(one.encode(), b"rapport:links", "sha256") for one in (secret, *former))

    @classmethod
    def of(cls, settings: Settings) -> "LinkTokens":
        """Those of this server."""
        return cls(settings.signing_secret, *settings.former_secrets)

    def open(self, tenant_id: UUID, delivery_id: UUID) -> str:
        """The token of a message's pixel."""
        return self._sign(_head("open", tenant_id, delivery_id))

    def click(self, tenant_id: UUID, delivery_id: UUID, link_number: int, url: str | None = None) -> str:
        """The token of a link. ``url`` is where it leads; it may be left out where that is the link's own address."""
        head = _head("click", tenant_id, delivery_id) + link_number.to_bytes(NUMBER)
        return self._sign(head + url.encode() if url else head)

    def preferences(self, tenant_id: UUID, delivery_id: UUID) -> str:
        """The token with which the recipient of a message unsubscribes, or changes what they are told about."""
        return self._sign(_head("preferences", tenant_id, delivery_id))

    def read(self, token: str) -> LinkToken:
        """What ``token`` says. Raises :class:`Invalid` at ``token`` when it is not one of ours."""
        signed = _bytes(token)
        body, signature = signed[:-SIGNATURE], signed[-SIGNATURE:]
        keys = (self._key, *self._former)
        if len(body) < HEAD or not any(hmac.compare_digest(_signature(key, body), signature) for key in keys):
            raise _not_ours()
        version, code = divmod(body[0], 16)
        kind = NAMES.get(code)
        if version != VERSION or kind is None:
            raise _not_ours()
        tenant_id, delivery_id = UUID(bytes=body[1:17]), UUID(bytes=body[17:HEAD])
        if kind != "click":
            return LinkToken(kind, tenant_id, delivery_id)
        number, url = body[HEAD : HEAD + NUMBER], body[HEAD + NUMBER :]
        return LinkToken(kind, tenant_id, delivery_id, int.from_bytes(number), url.decode() or None)

    def _sign(self, body: bytes) -> str:
        return _text(body + _signature(self._key, body))


@dataclass(frozen=True, slots=True)
class LinkAddresses:
    """The addresses that stand in messages, below ``base_url`` (no trailing slash): the tenant's own host or ours."""

    base_url: str
    tokens: LinkTokens

    @classmethod
    def of(cls, settings: Settings, host: str | None = None) -> "LinkAddresses":
        """Those of a tenant whose links lead to ``host``, or to this server's own."""
        return cls(f"https://{host}" if host else settings.base_url, LinkTokens.of(settings))

    def pixel(self, tenant_id: UUID, delivery_id: UUID) -> str:
        """The picture that says that a message was opened."""
        return f"{self.base_url}/t/o/{self.tokens.open(tenant_id, delivery_id)}.gif"

    def click(self, tenant_id: UUID, delivery_id: UUID, link_number: int, url: str | None = None) -> str:
        """The address that notes a click and leads on."""
        return f"{self.base_url}/t/c/{self.tokens.click(tenant_id, delivery_id, link_number, url)}"

    def unsubscribe(self, tenant_id: UUID, delivery_id: UUID) -> str:
        """Where a POST unsubscribes at once (RFC 8058), and a GET asks."""
        return f"{self.base_url}/t/u/{self.tokens.preferences(tenant_id, delivery_id)}"

    def preferences(self, tenant_id: UUID, delivery_id: UUID) -> str:
        """Where the recipient says what they want to be told about."""
        return f"{self.base_url}/t/p/{self.tokens.preferences(tenant_id, delivery_id)}"


def _signature(key: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(body, key=key, digest_size=SIGNATURE).digest()


def _head(kind: str, tenant_id: UUID, delivery_id: UUID) -> bytes:
    return bytes((VERSION * 16 + KINDS[kind],)) + tenant_id.bytes + delivery_id.bytes


def _bytes(token: str) -> bytes:
    if len(token) > LONGEST_TOKEN:
        raise _not_ours()
    try:
        decoded = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError) as broken:
        raise _not_ours() from broken
    # The decoder passes over strange characters and spare bits: one token has one spelling.
    if _text(decoded) != token:
        raise _not_ours()
    return decoded


def _text(signed: bytes) -> str:
    return urlsafe_b64encode(signed).rstrip(b"=").decode()


def _not_ours() -> Invalid:
    return Invalid.at("token", "is not one of this server's links")
