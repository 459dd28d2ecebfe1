"""A whole rule in SQL: one condition over the table of customers, and when it may change by itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, not_, null, or_, select

from app.segments.compiling.binds import CUSTOMERS, Clock, bind_values, table_of, tenant
from app.segments.compiling.conversations import Talking, last_rating
from app.segments.compiling.dialect import Condition, Dialect, certain
from app.segments.compiling.events import Doing
from app.segments.compiling.postgres import Postgres
from app.segments.compiling.sqlite import SQLite
from app.segments.compiling.values import Words
from app.segments.rules import (
    And,
    AttributeIs,
    ConsentIs,
    Did,
    Exists,
    FieldIs,
    HasConversation,
    HasDevice,
    IdentityIs,
    InSegment,
    Not,
    Or,
    RatingIs,
    Rule,
)
from models import Consent, Conversation, Device, Identity, SegmentMembership

DIALECTS: dict[str, Dialect] = {"sqlite": SQLite(), "postgresql": Postgres()}
FIELDS = {"timezone": "timezone", "locale": "locale", "createdAt": "created_at", "updatedAt": "updated_at"}
MOMENTS = {"createdAt", "updatedAt"}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule as SQL over a table of customers.

    ``condition`` is true of the tenant's active customers of whom the rule is true, and never null. ``flip`` is the
    earliest moment after now at which the clock alone may change that (possibly too early, never too late; null: it
    will not), or None when no clock can. Both use the parameters of :meth:`parameters`.
    """

    condition: Condition
    flip: ColumnElement[datetime] | None
    shifts: frozenset[int]
    days: frozenset[int]

    def parameters(self, tenant_id: UUID, now: datetime) -> dict[str, Any]:
        """What to execute a statement with that contains :attr:`condition` or :attr:`flip`."""
        return bind_values(tenant_id, now, self.shifts, self.days)


def compile_rule(rule: Rule, dialect: str, *, whole: bool, people: Any = CUSTOMERS) -> Compiled:
    """What a checked rule means on ``sqlite`` or ``postgresql``, as conditions over ``people`` (customers or an alias).

    ``whole``: made for going over all customers of the tenant, where events are gathered once. Otherwise it is made for
    a statement that is narrowed to a few customers. Both mean the same.
    """
    compiler = Compiler(Words(DIALECTS[dialect], Clock(), whole), people)
    condition = and_(people.c.tenant_id == tenant(), people.c.status == "active", compiler.condition(rule))
    flips = [flip for leaf in leaves_of(rule) if (flip := compiler.flip(leaf)) is not None]
    flip = compiler.words.dialect.earliest(flips) if flips else None
    clock = compiler.words.clock
    return Compiled(condition, flip, frozenset(clock.shifts), frozenset(clock.days))


def members_of(compiled: Compiled) -> Select[Any]:
    """The ids of the members, in no order."""
    return select(CUSTOMERS.c.id).where(compiled.condition)


def verdicts_of(compiled: Iterable[Compiled]) -> Select[Any]:
    """For each customer its id and, for each rule in turn, whether it is true and when it may change (or null).

    Narrow it to the customers in question: ``verdicts_of(…).where(CUSTOMERS.c.id == …)``.
    """
    columns: list[Any] = [CUSTOMERS.c.id]
    for place, rule in enumerate(compiled):
        flip = null() if rule.flip is None else rule.flip
        columns += [rule.condition.label(f"holds_{place}"), flip.label(f"flip_{place}")]
    return select(*columns).where(CUSTOMERS.c.tenant_id == tenant())


def parameters_of(compiled: Iterable[Compiled], tenant_id: UUID, now: datetime) -> dict[str, Any]:
    """The parameters of a statement that contains all of these."""
    rules = list(compiled)
    shifts = {shift for rule in rules for shift in rule.shifts}
    return bind_values(tenant_id, now, shifts, {day for rule in rules for day in rule.days})


def leaves_of(rule: Rule) -> Iterator[Any]:
    """The conditions of a rule, from left to right."""
    match rule:
        case And(rules) | Or(rules):
            for inner in rules:
                yield from leaves_of(inner)
        case Not(inner):
            yield from leaves_of(inner)
        case _:
            yield rule


class Compiler:
    """Compiles conditions over one table of people."""

    def __init__(self, words: Words, people: Any) -> None:
        self.words = words
        self.people = people

    def condition(self, rule: Rule) -> Condition:
        """True or false, never unknown."""
        match rule:
            case And(rules):
                return and_(*(self.condition(inner) for inner in rules))
            case Or(rules):
                return or_(*(self.condition(inner) for inner in rules))
            case Not(inner):
                return not_(self.condition(inner))
            case AttributeIs(path, test):
                return certain(self.words.of_document(self.people.c.attributes, path, test))
            case FieldIs(field, test):
                column = self.people.c[FIELDS[field]]
                about = self.words.of_moment if field in MOMENTS else self.words.of_text
                return certain(about(column, test))
            case Did():
                return Doing(self.words, self.people, rule).condition()
            case HasConversation():
                return Talking(self.words, self.people, rule).condition()
            case _:
                return self._related(rule)

    def _related(self, rule: Any) -> Condition:
        """A condition about rows that refer to the customer."""
        match rule:
            case IdentityIs(kind, Exists(False)):
                return not_(self._any(Identity, lambda row: [row.kind == kind]))
            case IdentityIs(kind, test):
                return self._any(Identity, lambda row: [row.kind == kind, self.words.of_text(row.value, test)])
            case HasDevice():
                return self._any(Device, lambda row: self._device(row, rule))
            case ConsentIs(channel, "unknown"):
                return not_(self._any(Consent, lambda row: [row.channel == channel]))
            case ConsentIs(channel, status):
                return self._any(Consent, lambda row: [row.channel == channel, row.status == status])
            case InSegment(segment_id):
                standing = lambda row: [row.segment_id == segment_id, row.left_at.is_(None)]  # noqa: E731
                return self._any(SegmentMembership, standing)
            case RatingIs(test):
                rated = lambda row: [*last_rating(row), self.words.of_number(row.csat_score, test)]  # noqa: E731
                return self._any(Conversation, rated)
        raise TypeError(f"{rule} is no condition of a customer")

    def _any(self, model: Any, conditions: Any) -> Condition:
        row = table_of(model).alias()
        rows = select(row.c.customer_id).where(row.c.tenant_id == tenant(), *conditions(row.c))
        return self.words.dialect.any_row(self.people.c.id, rows, whole=self.words.whole)

    def _device(self, row: Any, device: HasDevice) -> list[Condition]:
        tests = [] if device.platform is None else [self.words.of_text(row.platform, device.platform)]
        return tests + ([] if device.last_used is None else [self.words.of_moment(row.last_used_at, device.last_used)])

    def flip(self, leaf: Any) -> ColumnElement[datetime] | None:
        """When the clock alone may change the verdict of a condition; None: never."""
        match leaf:
            case AttributeIs(path, test):
                return self.words.flip_of_document(self.people.c.attributes, path, test)
            case FieldIs(field, test):
                return self.words.flip_of_moment(self.people.c[FIELDS[field]], test) if field in MOMENTS else None
            case HasDevice():
                return self._flip_of_device(leaf)
            case Did():
                return Doing(self.words, self.people, leaf).flip()
            case HasConversation():
                return Talking(self.words, self.people, leaf).flip()
        return None

    def _flip_of_device(self, device: HasDevice) -> ColumnElement[datetime] | None:
        row = table_of(Device).alias()
        flip = None if device.last_used is None else self.words.flip_of_moment(row.c.last_used_at, device.last_used)
        if flip is None:
            return None
        mine = select(func.min(flip)).where(row.c.tenant_id == tenant(), row.c.customer_id == self.people.c.id)
        if device.platform is not None:
            mine = mine.where(self.words.of_text(row.c.platform, device.platform))
        return mine.correlate(self.people).scalar_subquery()
