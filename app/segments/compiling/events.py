"""Conditions about what a customer did, in SQL.

For all customers the matching events are gathered once and grouped by customer; for a handful each customer's events
are read by their index. Both say the same measure.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, not_, or_, select, true

from app.segments.compiling.binds import MOMENT, table_of, tenant
from app.segments.compiling.dialect import Condition, certain, compared
from app.segments.compiling.values import Words
from app.segments.moments import end_of, start_of
from app.segments.numbers import passes, thresholds
from app.segments.rules import (
    AT_LEAST_ONCE,
    RELATIVE,
    Amount,
    And,
    Between,
    Compares,
    Count,
    Did,
    Equals,
    LastWindow,
    Measure,
    Not,
    Occurrence,
    Or,
    PropertyIs,
    PropertyRule,
    Window,
)
from models import Event

EVENTS = table_of(Event)
MEASURED: dict[str, Any] = {"minimum": func.min, "maximum": func.max}


class Doing:
    """One condition about events, over a table of people."""

    def __init__(self, words: Words, people: Any, did: Did) -> None:
        self._words = words
        self._people = people
        self._did = did
        self._events = EVENTS.alias()

    def condition(self) -> Condition:
        """Whether the customer's events measure so; never unknown."""
        did, events = self._did, self._events
        if did.measure == AT_LEAST_ONCE or _is_none(did.measure):
            found = self._any()
            return found if did.measure == AT_LEAST_ONCE else not_(found)
        if not self._words.whole:
            return certain(self._mine(self._measured(), *self._in_window()).scalar_subquery())
        by_default = holds_of_nothing(did.measure)
        test = not_(certain(self._measured())) if by_default else self._measured()
        rows = select(events.c.customer_id).where(events.c.customer_id.is_not(None), *self._matching())
        grouped = rows.where(*self._in_window()).group_by(events.c.customer_id).having(test)
        found = self._words.dialect.any_row(self._people.c.id, grouped, whole=True)
        return not_(found) if by_default else found

    def flip(self) -> ColumnElement[datetime] | None:
        """When the clock alone may change the verdict: exactly for counts, never too late for the other measures."""
        candidates = [*self._flips_of_window(), *self._flips_of_measure()]
        return self._words.dialect.earliest(candidates) if candidates else None

    def measured(self) -> ColumnElement[Any] | None:
        """The figure or moment that is compared, as a scalar; null where there is nothing to measure."""
        return self._mine(self._figure(), *self._in_window()).scalar_subquery()

    def newest(self, limit: int) -> Select[Any]:
        """The newest of the events that count: their ids and moments."""
        events = self._events
        rows = self._mine([events.c.id, events.c.occurred_at], *self._in_window())
        return rows.order_by(events.c.occurred_at.desc(), events.c.id.desc()).limit(limit)

    # ---- which events -----------------------------------------------------------------------------------------------

    def _any(self) -> Condition:
        events = self._events
        rows = select(events.c.customer_id).where(events.c.customer_id.is_not(None), *self._matching())
        rows = rows.where(*self._in_window())
        return self._words.dialect.any_row(self._people.c.id, rows, whole=self._words.whole)

    def _mine(self, what: Any, *conditions: Condition) -> Select[Any]:
        """A select of this customer's matching events."""
        events = self._events
        columns = what if isinstance(what, list) else [what]
        rows = select(*columns).where(events.c.customer_id == self._people.c.id, *self._matching(), *conditions)
        return rows.select_from(events).correlate(self._people)

    def _matching(self) -> list[Condition]:
        """The tenant's events of this name with these properties, whenever."""
        events = self._events
        conditions = [events.c.tenant_id == tenant(), events.c.name == self._did.name]
        return [*conditions, *(self._property(rule) for rule in self._did.where)]

    def _property(self, rule: PropertyRule) -> Condition:
        match rule:
            case And(rules):
                return and_(true(), *(self._property(inner) for inner in rules))  # type: ignore[arg-type]
            case Or(rules):
                return or_(false(), *(self._property(inner) for inner in rules))  # type: ignore[arg-type]
            case Not(inner):
                return not_(self._property(inner))  # type: ignore[arg-type]
            case PropertyIs(path, test):
                return certain(self._words.of_document(self._events.c.properties, path, test))

    def _in_window(self) -> list[Condition]:
        moment, now = self._events.c.occurred_at, self._words.clock.now
        match self._did.within:
            case LastWindow(span):
                return [moment > now(-span.seconds), moment <= now()]
            case Window(start, end):
                since = [] if start is None else [moment >= literal(start_of(start), MOMENT)]
                return since + ([] if end is None else [moment < literal(end_of(end), MOMENT)])
        return []

    # ---- how they measure -------------------------------------------------------------------------------------------

    def _measured(self) -> Condition:
        """The test over the gathered events."""
        words, measure = self._words, self._did.measure
        match measure:
            case Count(test):
                return counted(self._figure(), test)
            case Occurrence(_, test):
                return words.of_moment(self._figure(), test)
            case Amount("average", path, test):
                numbers = words.dialect.number(self._events.c.properties, path)
                return self._averaged(numbers, test)
            case Amount("distinct", _, test):
                return counted(self._figure(), test)
            case Amount(_, _, test):
                return words.of_number(self._figure(), test)

    def _figure(self) -> Any:
        """What the test is about."""
        events, dialect = self._events, self._words.dialect
        match self._did.measure:
            case Count():
                return func.count()
            case Occurrence(which, _):
                return (func.min if which == "first" else func.max)(events.c.occurred_at)
            case Amount("distinct", path, _):
                return func.count(dialect.distinct_key(events.c.properties, path).distinct())
            case Amount(function, path, _):
                numbers = dialect.number(events.c.properties, path)
                if function in MEASURED:
                    return MEASURED[function](numbers)
                return dialect.total(numbers) if function == "sum" else func.avg(numbers)

    def _averaged(self, numbers: Any, test: Any) -> Condition:
        """Compares the sum with the number times the count: a quotient would be rounded, and not alike everywhere."""
        count, dialect = func.count(numbers), self._words.dialect
        times: Any = dialect.times
        total = dialect.total(numbers)
        match test:
            case Equals(value):
                fits = total == times(value, count)
            case Between(low, high):
                fits = and_(total >= times(low, count), total <= times(high, count))
            case _:
                fits = compared(total, test.how, times(test.number, count))
        return and_(count > 0, fits)

    # ---- when it changes by itself ----------------------------------------------------------------------------------

    def _flips_of_window(self) -> list[Any]:
        did, moment = self._did, self._events.c.occurred_at
        if not isinstance(did.within, LastWindow):
            return []
        seconds, shifted = did.within.span.seconds, self._words.dialect.shifted
        entering = self._mine(func.min(moment), moment > self._words.clock.now()).scalar_subquery()
        if not isinstance(did.measure, Count):
            is_last = isinstance(did.measure, Occurrence) and did.measure.which == "last"
            leaving = shifted(func.max(moment) if is_last else func.min(moment), seconds)
            return [entering, self._mine(leaving, *self._in_window()).scalar_subquery()]
        newest_first = self._mine(shifted(moment, seconds), *self._in_window()).order_by(moment.desc()).limit(1)
        places = thresholds(did.measure.test)
        return [entering, *(newest_first.offset(place - 1).scalar_subquery() for place in places)]

    def _flips_of_measure(self) -> list[Any]:
        measure = self._did.measure
        if not isinstance(measure, Occurrence) or not isinstance(measure.test, RELATIVE):
            return []
        flip: Callable[..., Any] = self._words.flip_of_moment
        return [self._mine(flip(self._figure(), measure.test), *self._in_window()).scalar_subquery()]


def counted(count: Any, test: Any) -> Condition:
    """A test of a count."""
    match test:
        case Equals(value):
            return count == value  # type: ignore[no-any-return]
        case Compares(how, number):
            return compared(count, how, number)
    return and_(count >= test.low, count <= test.high)


def _is_none(measure: Measure) -> bool:
    """Whether it asks for there to be no such event."""
    return isinstance(measure, Count) and not passes(measure.test, 1) and thresholds(measure.test) == [1]


def holds_of_nothing(measure: Measure) -> bool:
    """The verdict where there is no event at all."""
    match measure:
        case Count(test) | Amount("sum" | "distinct", _, test):
            return passes(test, 0)
    return False
