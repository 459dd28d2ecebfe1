"""Every refusal Rapport can give.

    RapportError
    |-- Unauthenticated      nobody we know
    |   `-- WidgetKeyInvalid no widget has this public key
    |-- Forbidden            known, but the scope is missing
    |   |-- DomainNotAllowed the page's site is not one on which the tenant's widgets may stand
    |   `-- PlanLimitExceeded the tenant's plan has no room for more
    |-- NotFound             no such thing for this tenant (another tenant's things are not found)
    |-- Invalid              the input is wrong; ``issues`` says where
    |   `-- FileTooLarge     an upload has more bytes than the plan allows
    |-- Conflict             the input is fine, the world disagrees
    |   `-- IdentityConflict the given names belong to different people
    |-- RateLimited          too many requests; ``retry_after`` seconds
    `-- Overloaded           a bounded resource is full; try again

Doors word them; an error knows no HTTP status.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with the input. ``path`` is dotted, in the words of the action: ``attributes.plan``."""

    path: str
    message: str


class RapportError(Exception):
    """The root: an expected refusal with a stable ``code`` and a sentence for people."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, issues: Iterable[Issue] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.issues = tuple(issues)

    @property
    def field(self) -> str | None:
        """The path of the first offending field, if any."""
        return self.issues[0].path if self.issues else None


class Unauthenticated(RapportError):
    """The caller gave no credential or one we do not know."""

    code = "UNAUTHENTICATED"


class Forbidden(RapportError):
    """The caller is known but lacks ``scope``."""

    code = "FORBIDDEN"

    def __init__(self, message: str, scope: str | None = None) -> None:
        super().__init__(message)
        self.scope = scope


class WidgetKeyInvalid(Unauthenticated):
    """No widget has the public key that a page gave."""

    code = "WIDGET_KEY_INVALID"


class DomainNotAllowed(Forbidden):
    """The page's site is not among those on which the tenant's widgets may stand."""

    code = "WIDGET_DOMAIN_NOT_ALLOWED"


class PlanLimitExceeded(Forbidden):
    """The tenant's plan has no room for one more."""

    code = "PLAN_LIMIT_EXCEEDED"


class NotFound(RapportError):
    """There is no such thing for this tenant."""

    code = "NOT_FOUND"

    def __init__(self, noun: str, field: str | None = None) -> None:
        message = f"No such {noun}."
        super().__init__(message, [Issue(field, message)] if field else ())
        self.noun = noun


class Invalid(RapportError):
    """The input is wrong. At least one issue says where and why."""

    code = "INVALID"

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(f"{i.path}: {i.message}" for i in issues), issues)

    @classmethod
    def at(cls, path: str, message: str) -> "Invalid":
        """The common case: one issue."""
        return cls(Issue(path, message))


class FileTooLarge(Invalid):
    """An upload has more than ``limit`` bytes."""

    code = "FILE_TOO_LARGE"

    def __init__(self, limit: int, message: str) -> None:
        super().__init__(Issue("file", message))
        self.limit = limit


class Conflict(RapportError):
    """The input is well-formed, but what exists stands against it."""

    code = "CONFLICT"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message, [Issue(field, message)] if field else ())


class IdentityConflict(Conflict):
    """The given names belong to different people, or one belongs to somebody else. Nothing was changed."""

    code = "IDENTITY_CONFLICT"


class RateLimited(RapportError):
    """Too many requests. Try again after ``retry_after`` whole seconds."""

    code = "RATE_LIMITED"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests. Please retry after {retry_after} seconds.")
        self.retry_after = retry_after


class Overloaded(RapportError):
    """A bounded resource of this server is full. Nothing was done; try again shortly."""

    code = "OVERLOADED"
