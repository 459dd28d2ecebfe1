"""Secrets at rest: providers' credentials and private keys, encrypted with a key derived from the signing secret.

A sealed text is ``v1.<key>.<nonce and ciphertext>``: AES-256-GCM, and eight hex digits that say which secret it was
sealed under. To rotate, set the new ``RAPPORT_SECRET`` and put the old one among ``RAPPORT_FORMER_SECRETS``: what was
sealed under it can still be read, and is sealed under the new one when next written, or by ``rapport reseal``.
"""

import binascii
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.settings import Settings

VERSION = "v1"
NONCE_BYTES = 12


class Unsealable(Exception):
    """A sealed text was changed, belongs elsewhere, or was sealed under a secret that we no longer have."""


def seal(settings: Settings, text: str, *, about: str = "") -> str:
    """The text, encrypted. ``about`` names what it belongs to, and must be the same to open it: a sealed text that is
    copied to another row cannot be read there."""
    name, cipher = _key(settings.signing_secret)
    nonce = os.urandom(NONCE_BYTES)
    hidden = nonce + cipher.encrypt(nonce, text.encode(), about.encode())
    return f"{VERSION}.{name}.{urlsafe_b64encode(hidden).decode()}"


def unseal(settings: Settings, sealed: str, *, about: str = "") -> str:
    """The text that was sealed for ``about``. Raises :class:`Unsealable`."""
    version, _, rest = sealed.partition(".")
    name, _, hidden = rest.partition(".")
    keys = dict(map(_key, (settings.signing_secret, *settings.former_secrets)))
    if version != VERSION or name not in keys:
        raise Unsealable("was sealed under a secret that is neither RAPPORT_SECRET nor among RAPPORT_FORMER_SECRETS")
    try:
        raw = urlsafe_b64decode(hidden)
        return keys[name].decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], about.encode()).decode()
    except (InvalidTag, binascii.Error, ValueError) as changed:
        raise Unsealable("was changed, or belongs elsewhere") from changed


def is_current(settings: Settings, sealed: str) -> bool:
    """Whether the text is sealed under the present secret; one that is not should be sealed anew."""
    return sealed.startswith(current_prefix(settings))


def current_prefix(settings: Settings) -> str:
    """How every text begins that is sealed under the present secret."""
    return f"{VERSION}.{_key(settings.signing_secret)[0]}."


@lru_cache(maxsize=16)
def _key(secret: str) -> tuple[str, AESGCM]:
    derived = HKDF(SHA256(), length=36, salt=None, info=b"rapport sealing v1").derive(secret.encode())
    return derived[32:].hex(), AESGCM(derived[:32])
