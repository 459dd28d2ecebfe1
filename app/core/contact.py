"""How a person is reached and addressed: e-mail, phone, locale, timezone, and text that both databases can hold.

Each ``normalise_*`` gives the one form that is stored and compared, and raises :class:`app.core.errors.Invalid` at
``field`` when the text is not what it should be.
"""

import re
import zoneinfo
from functools import cache, lru_cache

import email_validator
import phonenumbers

from app.core.errors import Invalid

LOCALE = re.compile(
    r"(?P<language>[A-Za-z]{2,3})"
    r"(?:[-_](?P<script>[A-Za-z]{4}))?"
    r"(?:[-_](?P<region>[A-Za-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:[-_](?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)\Z"
)
MAX_LOCALE = 35


def check_text(text: object, field: str, *, longest: int, shortest: int = 0) -> str:
    """``text``, if it is text of ``shortest`` to ``longest`` characters that can be stored (no NUL, valid Unicode)."""
    if not isinstance(text, str):
        raise Invalid.at(field, "must be text")
    if not is_storable(text):
        raise Invalid.at(field, "contains a character that cannot be stored")
    if len(text) > longest:
        raise Invalid.at(field, f"must be at most {longest} characters long")
    if len(text) < shortest or (shortest and not text.strip()):
        raise Invalid.at(field, "must not be empty")
    return text


def is_storable(text: str) -> bool:
    """Whether both databases can keep ``text``: Postgres refuses NUL, and UTF-8 has no lone surrogates."""
    if "\x00" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable(text: str) -> str:
    """``text`` without the characters that cannot be stored: for what others say, which must not stop us."""
    return text if is_storable(text) else text.replace("\x00", "").encode("utf-8", "replace").decode()


def normalise_email(text: object, field: str = "email") -> str:
    """The address in lower case with its domain normalised. Whether it can be delivered to is not asked."""
    address = check_text(text, field, longest=320, shortest=1).strip()
    normal = _email(address)
    if normal is None:
        raise Invalid.at(field, "is not an e-mail address")
    return normal


@lru_cache(maxsize=16_384)
def _email(address: str) -> str | None:
    try:
        checked = email_validator.validate_email(address, check_deliverability=False, test_environment=True)
    except email_validator.EmailNotValidError:
        return None
    return checked.normalized.lower()


def normalise_phone(text: object, field: str = "phone") -> str:
    """The number in E.164 (``+14155552671``). It must be given internationally, with a leading ``+``."""
    number = check_text(text, field, longest=100, shortest=1).strip()
    normal = _phone(number)
    if normal is None:
        raise Invalid.at(field, "is not an international phone number (+ and the country code first)")
    return normal


@lru_cache(maxsize=16_384)
def _phone(number: str) -> str | None:
    if not number.startswith("+"):
        return None
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if parsed.extension or not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def normalise_locale(text: object, field: str = "locale") -> str:
    """A BCP 47 language tag in its usual spelling: ``en``, ``en-US``, ``zh-Hant-TW``. ``en_US`` is understood."""
    found = LOCALE.match(check_text(text, field, longest=100).strip())
    if found is None:
        raise Invalid.at(field, "is not a locale such as en or en-US")
    script, region = found["script"], found["region"]
    tag = found["language"].lower()
    tag += f"-{script.title()}" if script else ""
    tag += f"-{region.upper()}" if region else ""
    tag += found["variants"].replace("_", "-").lower()
    return check_text(tag, field, longest=MAX_LOCALE)


def normalise_timezone(text: object, field: str = "timezone") -> str:
    """A name of the IANA time zone database: ``Europe/Berlin``."""
    name = check_text(text, field, longest=100).strip()
    if name not in _timezones():
        raise Invalid.at(field, "is not an IANA time zone such as Europe/Berlin")
    return name


@cache
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
