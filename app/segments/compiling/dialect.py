"""What the two databases say differently. Everything else about a rule's SQL is the same on both."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, ColumnExpressionArgument, Select, case, literal, true

from app.segments.compiling.binds import Clock
from app.segments.rules import Compares, Number, Path, Scalar

Condition = ColumnElement[bool]
Expression = ColumnElement[Any]


def certain(condition: ColumnExpressionArgument[bool]) -> Condition:
    """The condition with unknown made false."""
    found: Any = condition
    return found.is_(true())  # type: ignore[no-any-return]


def constant(value: bool) -> Condition:
    """A condition that is always so."""
    return literal(value, Boolean()).is_(true())


def compared(left: Any, how: str, right: Any) -> Condition:
    """``left`` compared with ``right`` as :class:`app.segments.rules.Compares` says."""
    found: Condition
    match how:
        case "lessThan":
            found = left < right
        case "atMost":
            found = left <= right
        case "moreThan":
            found = left > right
        case _:
            found = left >= right
    return found


class Dialect(ABC):
    """One database's words. ``document`` is a column of JSON, ``path`` the way to a value in it.

    Conditions may be unknown (null) where the value is missing or of another type, but never true, and never an error.
    """

    @abstractmethod
    def equals(self, document: Any, path: Path, value: Scalar) -> Condition:
        """The value is this one."""

    @abstractmethod
    def one_of(self, document: Any, path: Path, values: Sequence[Scalar]) -> Condition:
        """The value is one of these, which are of one type."""

    @abstractmethod
    def text(self, document: Any, path: Path) -> Expression:
        """The value if it is a text, else null."""

    @abstractmethod
    def has(self, document: Any, path: Path, value: Scalar) -> Condition:
        """The value is a list with this item."""

    @abstractmethod
    def compares(self, document: Any, path: Path, test: Compares) -> Condition:
        """The value is a number that compares so."""

    @abstractmethod
    def between(self, document: Any, path: Path, low: Number, high: Number) -> Condition:
        """The value is a number in this range."""

    @abstractmethod
    def exists(self, document: Any, path: Path) -> Condition:
        """There is a value, and it is not null."""

    @abstractmethod
    def empty(self, document: Any, path: Path) -> Condition:
        """There is no value, or an empty one."""

    @abstractmethod
    def moment(self, document: Any, path: Path) -> ColumnElement[datetime]:
        """The value as a moment, null where it is none."""

    @abstractmethod
    def number(self, document: Any, path: Path) -> Expression:
        """The value if it is a number, else null."""

    @abstractmethod
    def distinct_key(self, document: Any, path: Path) -> Expression:
        """Something that is equal for equal texts, numbers and booleans, and null for other values."""

    @abstractmethod
    def shown(self, document: Any, path: Path) -> Expression:
        """The value as the text of its JSON."""

    @abstractmethod
    def json_list(self, values: Sequence[Any]) -> Expression:
        """The text of a list in JSON; the last value is itself such a text."""

    @abstractmethod
    def rows_as_json(self, rows: Any) -> Expression:
        """The rows of a subquery as the text of a list of lists."""

    @abstractmethod
    def matches(self, text: Any, how: str, part: str) -> Condition:
        """``text`` contains, starts with or ends with ``part``."""

    @abstractmethod
    def among(self, text: Any, values: Sequence[str]) -> Condition:
        """``text`` is one of these."""

    @abstractmethod
    def total(self, numbers: Any) -> Expression:
        """The sum of numbers to six decimals, 0 of none."""

    @abstractmethod
    def times(self, number: Number, count: Any) -> Expression:
        """``number`` times a count, to six decimals."""

    @abstractmethod
    def figure(self, number: Number) -> Expression:
        """A number to compare a figure with."""

    @abstractmethod
    def shifted(self, moment: Any, seconds: int) -> ColumnElement[datetime]:
        """``moment``, so many seconds later; a whole number of minutes."""

    @abstractmethod
    def earliest(self, moments: Sequence[Any]) -> ColumnElement[datetime]:
        """The earliest of one or more moments, any of which may be null."""

    @abstractmethod
    def return_of(self, moment: Any, clock: Clock) -> Expression:
        """The day, today or later, on which the month and day of ``moment`` come round next."""

    @abstractmethod
    def day_start(self, day: Any, ahead: int) -> ColumnElement[datetime]:
        """The first moment of the day ``ahead`` days after ``day``."""

    @abstractmethod
    def any_row(self, person: Any, rows: Select[Any], *, whole: bool) -> Condition:
        """``person`` is among ``rows``, a select of one column of people without nulls."""

    def future(self, moment: Any, when: Any, then: Any) -> Any:
        """``then`` where ``moment`` is later than ``when``, else null."""
        return case((moment > when, then))
