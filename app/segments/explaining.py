"""Why somebody is a member or not: each condition's verdict, what made it so, and when it may change by itself.

explained = explain_rule(rule, "sqlite")
row = (await session.execute(explained.select(customer_id), explained.parameters(tenant_id, now))).one_or_none()
verdict = explained.read(row)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, null, select

from app.core.ids import public_id
from app.segments.compiling.binds import CUSTOMERS, Clock, bind_values, table_of, tenant
from app.segments.compiling.conversations import CONVERSATIONS, Talking, last_rating
from app.segments.compiling.events import Doing
from app.segments.compiling.trees import DIALECTS, FIELDS, Compiler, leaves_of
from app.segments.compiling.values import Words
from app.segments.rules import (
    And,
    AttributeIs,
    ConsentIs,
    Did,
    FieldIs,
    HasConversation,
    HasDevice,
    IdentityIs,
    Not,
    Occurrence,
    Or,
    RatingIs,
    Rule,
)
from app.segments.writing import to_json
from models import Consent, Device, Identity

NEWEST = 5
"""So many of the events that count are named; of names and devices ``MOST``."""
MOST = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one node of a rule.

    ``kind`` is its key in JSON (and, attribute, event, …), ``path`` its place (``rule.and.0``). ``because``, by kind:
    attribute ``{"value"}`` (absent: there is none), timezone, locale, createdAt, updatedAt and consent ``{"value"}``,
    identity ``{"values"}``, device ``{"devices": [{"platform", "lastUsedAt"}]}``, event ``{"measured", "events":
    [{"id", "occurredAt"}]}`` with the newest that count, conversation ``{"measured", "conversations": [{"id", "status",
    "waitingSince", "closedAt"}]}`` (ids in their public form) with the latest that count, rating ``{"value"}``, and
    nothing for the others. ``flips_at`` is the earliest
    moment at which the clock alone may change the verdict: not too late, perhaps too early; None: no clock changes it.
    """

    kind: str
    path: str
    holds: bool
    flips_at: datetime | None
    because: dict[str, Any]
    below: "tuple[Verdict, ...]" = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """A rule ready to be explained of one customer after another."""

    rule: Rule
    _columns: tuple[Any, ...]
    _shifts: frozenset[int]
    _days: frozenset[int]

    def select(self, customer_id: UUID) -> Select[Any]:
        """One row for the tenant's customer, none for another."""
        return select(*self._columns).where(CUSTOMERS.c.tenant_id == tenant(), CUSTOMERS.c.id == customer_id)

    def parameters(self, tenant_id: UUID, now: datetime) -> dict[str, Any]:
        """What to execute :meth:`select` with."""
        return bind_values(tenant_id, now, self._shifts, self._days)

    def read(self, row: Sequence[Any], path: str = "rule") -> Verdict:
        """The verdicts in a row of :meth:`select`. Whether the customer is active is not part of them."""
        return _read(self.rule, path, iter(zip(*[iter(row)] * 3, strict=True)))


def explain_rule(rule: Rule, dialect: str) -> Explained:
    """A checked rule made ready to be explained on ``sqlite`` or ``postgresql``."""
    compiler = Compiler(Words(DIALECTS[dialect], Clock(), whole=False), CUSTOMERS)
    columns = [column for leaf in leaves_of(rule) for column in _columns(compiler, leaf)]
    named = tuple(column.label(f"column_{place}") for place, column in enumerate(columns))
    return Explained(rule, named, frozenset(compiler.words.clock.shifts), frozenset(compiler.words.clock.days))


# ---- asking ---------------------------------------------------------------------------------------------------------


def _columns(compiler: Compiler, leaf: Any) -> list[Any]:
    """Verdict, flip and evidence of a condition."""
    flip = compiler.flip(leaf)
    return [compiler.condition(leaf), null() if flip is None else flip, _evidence(compiler.words, leaf)]


def _evidence(words: Words, leaf: Any) -> Any:
    match leaf:
        case AttributeIs(path, _):
            return words.dialect.shown(CUSTOMERS.c.attributes, path)
        case FieldIs(field, _):
            return CUSTOMERS.c[FIELDS[field]]
        case IdentityIs(kind, _):
            row = table_of(Identity).alias()
            return _gathered(words, row, [row.c.value], row.c.kind == kind)
        case HasDevice():
            row = table_of(Device).alias()
            return _gathered(words, row, [row.c.platform, row.c.last_used_at])
        case ConsentIs(channel, _):
            row = table_of(Consent).alias()
            mine = select(row.c.status).where(row.c.tenant_id == tenant(), row.c.customer_id == CUSTOMERS.c.id)
            return mine.where(row.c.channel == channel).correlate(CUSTOMERS).scalar_subquery()
        case Did():
            doing = Doing(words, CUSTOMERS, leaf)
            newest = doing.newest(NEWEST).subquery()
            return words.dialect.json_list([doing.measured(), words.dialect.rows_as_json(newest)])
        case HasConversation():
            talking = Talking(words, CUSTOMERS, leaf)
            latest = talking.latest(NEWEST).subquery()
            return words.dialect.json_list([talking.counted(), words.dialect.rows_as_json(latest)])
        case RatingIs():
            row = CONVERSATIONS.alias()
            rated = select(row.c.csat_score).where(row.c.tenant_id == tenant(), row.c.customer_id == CUSTOMERS.c.id)
            return rated.where(*last_rating(row.c)).correlate(CUSTOMERS).scalar_subquery()
    return null()


def _gathered(words: Words, row: Any, columns: list[Any], *conditions: Any) -> Any:
    rows = select(*columns).where(row.c.tenant_id == tenant(), row.c.customer_id == CUSTOMERS.c.id, *conditions)
    found = rows.order_by(row.c.created_at, row.c.id).limit(MOST).correlate(CUSTOMERS).subquery()
    return words.dialect.rows_as_json(found)


# ---- answering ------------------------------------------------------------------------------------------------------

Cells = Iterator[tuple[Any, ...]]


def _read(rule: Rule, path: str, cells: Cells) -> Verdict:
    match rule:
        case And(rules) | Or(rules):
            kind = "and" if isinstance(rule, And) else "or"
            below = tuple(_read(inner, f"{path}.{kind}.{place}", cells) for place, inner in enumerate(rules))
            holds = all if isinstance(rule, And) else any
            return Verdict(kind, path, holds(inner.holds for inner in below), _soonest(below), {}, below)
        case Not(inner):
            one = _read(inner, f"{path}.not", cells)
            return Verdict("not", path, not one.holds, one.flips_at, {}, (one,))
    held, flip, evidence = next(cells)
    kind = next(iter(to_json(rule)))
    return Verdict(kind, f"{path}.{kind}", bool(held), _moment_or_none(flip), _because(rule, evidence))


def _soonest(below: tuple[Verdict, ...]) -> datetime | None:
    return min((inner.flips_at for inner in below if inner.flips_at is not None), default=None)


def _because(leaf: Any, evidence: Any) -> dict[str, Any]:
    match leaf:
        case AttributeIs():
            return {} if evidence is None else {"value": orjson.loads(evidence)}
        case FieldIs() | ConsentIs() | RatingIs():
            return {} if evidence is None else {"value": evidence}
        case IdentityIs():
            return {"values": [value for (value,) in orjson.loads(evidence)]}
        case HasDevice():
            found = orjson.loads(evidence)
            return {"devices": [{"platform": name, "lastUsedAt": _moment_or_none(used)} for name, used in found]}
        case Did(_, _, _, measure):
            measured, newest = orjson.loads(evidence)
            events = [{"id": UUID(key), "occurredAt": _moment(when)} for key, when in newest]
            when = isinstance(measure, Occurrence)
            return {"measured": _moment_or_none(measured) if when else measured, "events": events}
        case HasConversation():
            measured, latest = orjson.loads(evidence)
            return {"measured": measured, "conversations": [_conversation(*row) for row in latest]}
    return {}


def _conversation(key: str, status: str, waiting_since: Any, closed_at: Any) -> dict[str, Any]:
    moments = {"waitingSince": _moment_or_none(waiting_since), "closedAt": _moment_or_none(closed_at)}
    return {"id": public_id("conversation", UUID(key)), "status": status, **moments}


def _moment_or_none(value: Any) -> datetime | None:
    return None if value is None else _moment(value)


def _moment(value: Any) -> datetime:
    """A moment as a database or its JSON gives it."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
