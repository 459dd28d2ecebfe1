"""What an address, a password, a name and a role must look like."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from app.core.access import ROLE_SCOPES, Principal, Role
from app.core.errors import Forbidden, Invalid
from app.core.passwords import LONGEST

SHORTEST = 10
LONGEST_EMAIL = 320
STRENGTH = {role: rank for rank, role in enumerate(reversed(Role))}
"""Roles by how much they may do: a greater number is a stronger role."""


def normal_email(text: str, field: str = "email") -> str:
    """The address in its one spelling, in lower case. Raises :class:`Invalid` at ``field``."""
    try:
        normalised = validate_email(text, check_deliverability=False).normalized.lower()
    except (EmailNotValidError, UnicodeError) as refused:
        raise Invalid.at(field, "is not an e-mail address") from refused
    if len(normalised) > LONGEST_EMAIL:
        raise Invalid.at(field, f"has more than {LONGEST_EMAIL} characters")
    return normalised


def check_password(password: str, email: str, field: str = "password") -> None:
    """Raises :class:`Invalid` at ``field`` for a password that may not be chosen by the owner of ``email``."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid.at(field, f"must have {SHORTEST} to {LONGEST} characters")
    if password.strip().casefold() == email.casefold():
        raise Invalid.at(field, "must not be the e-mail address")


def checked_name(text: str, field: str = "name", *, longest: int = 200, required: bool = False) -> str:
    """The name without surrounding space. Raises :class:`Invalid` at ``field``; control characters are refused because
    names stand in the headers of mails."""
    name = text.strip()
    if required and not name:
        raise Invalid.at(field, "must not be empty")
    if len(name) > longest:
        raise Invalid.at(field, f"has more than {longest} characters")
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in name):
        raise Invalid.at(field, "must not contain control characters")
    return name


def checked_role(text: str, field: str = "role") -> Role:
    """The role called ``text``. Raises :class:`Invalid` at ``field``."""
    try:
        return Role(text)
    except ValueError as unknown:
        raise Invalid.at(field, f"is not one of {', '.join(Role)}") from unknown


def require_authority(caller: Principal, role: Role) -> None:
    """Raises :class:`Forbidden` unless the caller may give ``role``, or take it from somebody.

    A member: no role stronger than their own. A key: no role with a scope that the key lacks, and never owner.
    """
    if caller.kind == "system":
        return
    if caller.role is not None:
        allowed = STRENGTH[role] <= STRENGTH[caller.role]
    else:
        allowed = role is not Role.OWNER and ROLE_SCOPES[role] <= caller.scopes
    if not allowed:
        raise Forbidden(f"This needs more rights than the role {role.value} has, or as many.")
