"""Headers of an e-mail: addresses, and text in any language (RFC 5322 and RFC 2047).

Everything is written in ASCII but one thing, for which there is no way to do so: letters before the @ of an address
(RFC 6532).

No value can begin a header of its own: one with a control character in it is refused, as is an address that is none.
"""

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterator, Sequence
from email.utils import getaddresses
from functools import lru_cache
from typing import Any

import idna

LONGEST_LINE = 998
"""Octets of a line without its end (RFC 5322, 2.1.1)."""
GOOD_LINE = 78
WORD_BYTES = 45
"""Octets of text in one encoded word, which may have 75 characters (RFC 2047, 2)."""

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,76}")
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
PLAIN_ADDRESS = re.compile(rf"{LOCAL_PART.pattern}@{DOMAIN.pattern}")
PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


class Unwritable(Exception):
    """The message cannot be written as an e-mail: a line break in a header, an address that is none."""


def text_header(name: str, value: str) -> str:
    """A header of words, folded, in ASCII. Raises :class:`Unwritable`."""
    if not HEADER_NAME.fullmatch(name):
        raise Unwritable(f"{name[:80]!r} is not the name of a header")
    if CONTROL.search(value):
        raise Unwritable(f"the header {name} has a line break or another control character in it")
    value = value.strip()
    if value.isascii() and "=?" not in value:
        lines = _folded(f"{name}:", value.split(" "))
        if max(map(len, lines)) < LONGEST_LINE:
            return "\r\n ".join(lines)
    return f"{name}: " + "\r\n ".join(_encoded_words(value))


def address_header(name: str, *texts: str) -> str:
    """A header of addresses (``Shop <news@shop.example>``). Raises :class:`Unwritable`."""
    each = [address for text in texts for address in _written_addresses(text)]
    if not each:
        raise Unwritable(f"there is no address for {name}")
    return f"{name}: " + ",\r\n ".join(each)


@lru_cache(maxsize=16_384)
def bare_address(text: str) -> str:
    """The one address in ``text``, without the name, its domain in ASCII. Raises :class:`Unwritable`."""
    if PLAIN_ADDRESS.fullmatch(text):
        return text
    found = _parsed(text)
    if len(found) != 1:
        raise Unwritable(f"{text[:100]!r} is not one address")
    return found[0][1]


def listed(value: Any) -> list[str]:
    """The texts of a field that is one text of addresses, or a list of them. Raises :class:`Unwritable`."""
    texts = [value] if isinstance(value, str) else value or []
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise Unwritable("copies must be a text or a list of texts")
    return [text for text in texts if text.strip()]


def bare_addresses(text: str) -> list[str]:
    """All addresses in ``text``, as :func:`bare_address` gives one. Raises :class:`Unwritable`."""
    return [address for _, address in _parsed(text)]


@lru_cache(maxsize=16_384)
def _written_addresses(text: str) -> tuple[str, ...]:
    if PLAIN_ADDRESS.fullmatch(text):
        return (text,)
    return tuple(f"{_phrase(name)} <{address}>" if name else address for name, address in _parsed(text))


def _parsed(text: str) -> list[tuple[str, str]]:
    if CONTROL.search(text):
        raise Unwritable("an address has a line break or another control character in it")
    return [(name, _normal_address(address)) for name, address in getaddresses([text])]


def _normal_address(address: str) -> str:
    local, _, domain = address.rpartition("@")
    try:
        host = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as wrong:
        raise Unwritable(f"{address[:100]!r} is not an address") from wrong
    local = unicodedata.normalize("NFC", local)
    if not _is_local_part(local) or not DOMAIN.fullmatch(host):
        raise Unwritable(f"{address[:100]!r} is not an address")
    return f"{local}@{host}"


def _is_local_part(local: str) -> bool:
    """What may stand before the @. Letters beyond ASCII need a server that speaks SMTPUTF8 (RFC 6531)."""
    if local.isascii():
        return bool(LOCAL_PART.fullmatch(local))
    plain = "".join(letter if letter.isascii() else "x" for letter in local)
    return bool(LOCAL_PART.fullmatch(plain)) and local.isprintable() and len(local.encode()) <= 64


def _phrase(name: str) -> str:
    if PLAIN_PHRASE.fullmatch(name) and "=?" not in name:
        return name
    if name.isascii() and "=?" not in name and len(name) <= GOOD_LINE:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return "\r\n ".join(_encoded_words(name))


def _folded(start: str, words: Sequence[str]) -> list[str]:
    """The words in lines of a good length; put together again with a blank for each break they are the same text."""
    lines, line = [], f"{start} {words[0]}"
    for word in words[1:]:
        if word and len(line) + len(word) >= GOOD_LINE:
            lines.append(line)
            line = word
        else:
            line += f" {word}"
    return [*lines, line]


def _encoded_words(text: str) -> Iterator[str]:
    taken = bytearray()
    for character in text:
        encoded = character.encode()
        if len(taken) + len(encoded) > WORD_BYTES:
            yield _encoded_word(bytes(taken))
            taken.clear()
        taken += encoded
    yield _encoded_word(bytes(taken))


def _encoded_word(text: bytes) -> str:
    return f"=?utf-8?b?{b64encode(text).decode()}?="
