"""The rules of one tenant's segments in memory: which of them a change can concern, and what they say of customers.

Rules are compiled once per version of the tenant's segments. They are arranged in levels: a segment that depends on
others is on a higher level than they are.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, Uuid, any_, bindparam, case, func, literal_column, select
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.prepared import Prepared, as_driven
from app.core.tx import Change
from app.segments import Compiled, Rule, compile_rule, dependencies, in_order, parameters_of, segments_of
from app.segments.compiling.binds import CUSTOMERS, tenant
from app.segments.rules import And, AttributeIs, Did, FieldIs, Not, Or

CUSTOMER = "customer"
"""The kind of changes that concern every rule: a customer is new, or has become one with another."""
FLIP, BUILD = "flip", "build"
"""The kinds of changes that concern one segment, whose hex is their name: its moment has come, it is being built."""
BITS = 60
"""Verdicts that one number of a row carries."""
STATEMENTS = 64
"""Sets of segments whose statement is kept; the kinds of changes that come together are few."""
PEOPLE = "rule_people"


@dataclass(frozen=True, slots=True)
class Watched:
    """One dynamic segment, ready to be decided of a handful of customers."""

    id: UUID
    compiled: Compiled
    depends: frozenset[Change]

    @property
    def is_timed(self) -> bool:
        return self.compiled.flip is not None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What came of some segments for one customer: those that are so, and when those may change that the clock can."""

    customer_id: UUID
    holds: frozenset[UUID]
    flips: Mapping[UUID, Any]


class Level:
    """Segments that do not depend on each other."""

    def __init__(self, segments: Sequence[Watched]) -> None:
        self.segments = {segment.id: segment for segment in segments}
        self._by_change: dict[Change, set[UUID]] = {}
        for segment in segments:
            for change in segment.depends:
                self._by_change.setdefault(change, set()).add(segment.id)
        self._statements: OrderedDict[frozenset[UUID], Statement] = OrderedDict()
        self._concerned: dict[tuple[Change, ...], frozenset[UUID]] = {}

    def concerned(self, changes: Iterable[Change]) -> frozenset[UUID]:
        """The segments that any of the changes can concern."""
        key = tuple(changes)
        known = self._concerned.get(key)
        if known is None:
            if len(self._concerned) >= STATEMENTS:
                self._concerned.clear()
            known = self._concerned[key] = frozenset(found for change in key for found in self._of(change))
        return known

    def _of(self, change: Change) -> Iterable[UUID]:
        kind, name = change
        if kind == CUSTOMER:
            return self.segments
        if kind in (FLIP, BUILD):
            return {UUID(hex=name)} & self.segments.keys()
        return self._by_change.get(change, ())

    def statement(self, segments: frozenset[UUID], connection: AsyncConnection) -> "Statement":
        """The statement that decides these segments; made once."""
        known = self._statements.get(segments)
        if known is None:
            known = Statement([self.segments[key] for key in sorted(segments)], connection)
            self._statements[segments] = known
            if len(self._statements) > STATEMENTS:
                self._statements.popitem(last=False)
        else:
            self._statements.move_to_end(segments)
        return known


def one_of_people(column: Any, dialect: Dialect) -> ColumnElement[bool]:
    """That a column of ids is one of those of :func:`people_given`, in a text that does not change with them."""
    if dialect.name == "postgresql":
        return column == any_(bindparam(PEOPLE, type_=ARRAY(Uuid())))  # type: ignore[no-any-return]
    given = func.json_each(bindparam(PEOPLE, type_=Text())).table_valued("value")
    return column.in_(select(given.c.value))  # type: ignore[no-any-return]


def people_given(people: Sequence[UUID], dialect: Dialect) -> dict[str, Any]:
    """The parameter of :func:`one_of_people`."""
    if dialect.name == "postgresql":
        return {PEOPLE: list(people)}
    return {PEOPLE: orjson.dumps([one.hex for one in people]).decode()}


class Statement:
    """One statement that decides some segments of any number of customers. Its text never changes, so that it is
    compiled once here and prepared once by the database."""

    def __init__(self, segments: Sequence[Watched], connection: AsyncConnection) -> None:
        self._segments = segments
        self._timed = [segment for segment in segments if segment.is_timed]
        portions = [segments[at : at + BITS] for at in range(0, len(segments), BITS)]
        columns = [_bits(portion).label(f"holds_{place}") for place, portion in enumerate(portions)]
        flips: list[Any] = [segment.compiled.flip for segment in self._timed]
        columns += [flip.label(f"flip_{place}") for place, flip in enumerate(flips)]
        handful = one_of_people(CUSTOMERS.c.id, connection.dialect)
        chosen = select(CUSTOMERS.c.id, *columns).where(CUSTOMERS.c.tenant_id == tenant(), handful)
        self._prepared = Prepared(chosen, connection.dialect)
        self._portions = [[segment.id for segment in portion] for portion in portions]
        self._decoded: dict[tuple[int, ...], frozenset[UUID]] = {}

    async def run(
        self, connection: AsyncConnection, tenant_id: UUID, now: Any, people: Sequence[UUID]
    ) -> list[Verdicts]:
        """The verdicts of those of the customers that there are."""
        given = parameters_of((segment.compiled for segment in self._segments), tenant_id, now)
        rows = await self._prepared.run(connection, given | people_given(people, connection.dialect))
        known = as_driven(people, connection.dialect)
        after = 1 + len(self._portions)
        timed = [segment.id for segment in self._timed]
        return [
            Verdicts(known[row[0]], self._decode(tuple(row[1:after])), dict(zip(timed, row[after:], strict=True)))
            for row in rows
        ]

    def _decode(self, numbers: tuple[int, ...]) -> frozenset[UUID]:
        """The segments whose bits are set. Most customers are like many others, so what was decoded is kept."""
        known = self._decoded.get(numbers)
        if known is None:
            if len(self._decoded) > 1000:
                self._decoded.clear()
            known = self._decoded[numbers] = frozenset(
                segment
                for number, portion in zip(numbers, self._portions, strict=True)
                for place, segment in enumerate(portion)
                if number >> place & 1
            )
        return known


def _bits(segments: Sequence[Watched]) -> ColumnElement[int]:
    """The verdicts of up to :data:`BITS` segments as one number."""
    bits: list[ColumnElement[int]] = [
        case((segment.compiled.condition, literal_column(str(1 << place), BigInteger())), else_=literal_column("0"))
        for place, segment in enumerate(segments)
    ]
    total = bits[0]
    for bit in bits[1:]:
        total = total + bit
    return total


def _cheap_first(rule: Rule) -> Rule:
    """The same rule, such that what is in the customer's row is looked at before events are: often that decides."""
    match rule:
        case And(rules):
            return And(tuple(sorted(map(_cheap_first, rules), key=_cost)))
        case Or(rules):
            return Or(tuple(sorted(map(_cheap_first, rules), key=_cost)))
        case Not(inner):
            return Not(_cheap_first(inner))
    return rule


def _cost(rule: Rule) -> int:
    match rule:
        case AttributeIs() | FieldIs():
            return 0
        case And(rules) | Or(rules):
            return sum(map(_cost, rules))
        case Not(inner):
            return _cost(inner)
        case Did():
            return 4
    return 1


@dataclass(frozen=True)
class Watch:
    """Everything that is to be watched in one tenant, as of ``version`` of its segments."""

    version: int
    rules: Mapping[UUID, Rule]
    dialect: str
    levels: tuple[Level, ...] = field(init=False)

    def __post_init__(self) -> None:
        uses = {key: segments_of(rule) for key, rule in self.rules.items()}
        heights: dict[UUID, int] = {}
        for key in in_order(uses):
            heights[key] = 1 + max((heights.get(used, 0) for used in uses[key]), default=0)
        levels: list[list[Watched]] = [[] for _ in range(max(heights.values(), default=0))]
        for key, height in heights.items():
            compiled = compile_rule(_cheap_first(self.rules[key]), self.dialect, whole=False)
            depends = frozenset((kind, name) for kind, name in dependencies(self.rules[key]))
            levels[height - 1].append(Watched(key, compiled, depends))
        object.__setattr__(self, "levels", tuple(Level(level) for level in levels))

    @cached_property
    def timed(self) -> frozenset[UUID]:
        """The segments that the clock alone can change."""
        return frozenset(key for level in self.levels for key, one in level.segments.items() if one.is_timed)

    @cached_property
    def depends(self) -> Mapping[UUID, frozenset[Change]]:
        """What each segment looks at."""
        return {key: one.depends for level in self.levels for key, one in level.segments.items()}
