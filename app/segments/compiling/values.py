"""The tests of a value in SQL, and when the clock alone may change their answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, literal

from app.segments.compiling.binds import MOMENT, Clock
from app.segments.compiling.dialect import Condition, Dialect, compared
from app.segments.moments import end_of, start_of
from app.segments.rules import (
    RELATIVE,
    After,
    AnniversaryWithin,
    Before,
    Between,
    Compares,
    Empty,
    Equals,
    Exists,
    Has,
    InTheLast,
    LongerAgoThan,
    Matches,
    MomentTest,
    On,
    OneOf,
    Path,
    Scalar,
    Test,
    WithinTheNext,
)


@dataclass(frozen=True, slots=True)
class Words:
    """A dialect and the clock of the rule that is compiled. ``whole``: for all customers rather than a handful."""

    dialect: Dialect
    clock: Clock
    whole: bool

    # ---- values in documents ----------------------------------------------------------------------------------------

    def of_document(self, document: Any, path: Path, test: Test) -> Condition:
        """A test of the value at ``path`` in a document; may be unknown, never fails."""
        speak = self.dialect
        match test:
            case Equals(value):
                return speak.equals(document, path, value)
            case OneOf(values):
                return speak.one_of(document, path, values)
            case Matches(how, text):
                return speak.matches(speak.text(document, path), how, text)
            case Has(value):
                return speak.has(document, path, value)
            case Compares():
                return speak.compares(document, path, test)
            case Between(low, high):
                return speak.between(document, path, low, high)
            case Exists(wanted):
                found = speak.exists(document, path)
                return found if wanted else ~found
            case Empty(wanted):
                found = speak.empty(document, path)
                return found if wanted else ~found
            case _:
                return self.of_moment(speak.moment(document, path), test)

    def flip_of_document(self, document: Any, path: Path, test: Test) -> ColumnElement[datetime] | None:
        """When the answer of :meth:`of_document` may change by itself; None: never."""
        return self.flip_of_moment(self.dialect.moment(document, path), test) if isinstance(test, RELATIVE) else None

    # ---- texts ------------------------------------------------------------------------------------------------------

    def of_text(self, text: Any, test: Test) -> Condition:
        """A test of a column of text."""
        match test:
            case Equals(value):
                return text == value  # type: ignore[no-any-return]
            case OneOf(values):
                return self.dialect.among(text, _texts(values))
            case Matches(how, part):
                return self.dialect.matches(text, how, part)
            case Exists(wanted):
                return text.is_not(None) if wanted else text.is_(None)  # type: ignore[no-any-return]
        raise TypeError(f"{test} is no test of a text")

    # ---- moments ----------------------------------------------------------------------------------------------------

    def of_moment(self, moment: Any, test: Any) -> Condition:
        """A test of a moment."""
        now = self.clock.now
        match test:
            case Before(when):
                return moment < _bound(start_of(when))  # type: ignore[no-any-return]
            case After(when):
                end = _bound(end_of(when))
                return moment > end if isinstance(when, datetime) else moment >= end  # type: ignore[no-any-return]
            case On(day):
                return and_(moment >= _bound(start_of(day)), moment < _bound(end_of(day)))
            case InTheLast(span):
                return and_(moment > now(-span.seconds), moment <= now())
            case LongerAgoThan(span):
                return moment <= now(-span.seconds)  # type: ignore[no-any-return]
            case WithinTheNext(span):
                return and_(moment > now(), moment <= now(span.seconds))
            case AnniversaryWithin(days):
                return self.dialect.return_of(moment, self.clock) <= self.clock.day(days)
        raise TypeError(f"{test} is no test of a moment")

    def flip_of_moment(self, moment: Any, test: MomentTest | Test) -> ColumnElement[datetime] | None:
        """The earliest moment after now at which the answer of :meth:`of_moment` changes; null where it stays."""
        now, shifted = self.clock.now, self.dialect.shifted
        match test:
            case InTheLast(span):
                back = span.seconds
                return case((moment > now(), moment), (moment > now(-back), shifted(moment, back)))
            case LongerAgoThan(span):
                return case((moment > now(-span.seconds), shifted(moment, span.seconds)))
            case WithinTheNext(span):
                ahead = span.seconds
                return case((moment > now(ahead), shifted(moment, -ahead)), (moment > now(), moment))
            case AnniversaryWithin(days):
                day = self.dialect.return_of(moment, self.clock)
                start = self.dialect.day_start
                return case((day <= self.clock.day(days), start(day, 1)), else_=start(day, -days))
        return None

    # ---- figures ----------------------------------------------------------------------------------------------------

    def of_number(self, figure: Any, test: Any) -> Condition:
        """A test of a count or another figure."""
        number: Any = self.dialect.figure
        match test:
            case Equals(value):
                return figure == number(value)  # type: ignore[no-any-return]
            case Compares(how, value):
                return compared(figure, how, number(value))
            case Between(low, high):
                return and_(figure >= number(low), figure <= number(high))
        raise TypeError(f"{test} is no test of a number")


def _bound(moment: datetime) -> ColumnElement[datetime]:
    return literal(moment, MOMENT)


def _texts(values: tuple[Scalar, ...]) -> list[str]:
    return [str(value) for value in values]
