"""Conditions about a customer's conversations, in SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select

from app.segments.compiling.binds import table_of, tenant
from app.segments.compiling.dialect import Condition, certain
from app.segments.compiling.events import counted
from app.segments.compiling.values import Words
from app.segments.numbers import passes
from app.segments.rules import HAS_ONE, RELATIVE, HasConversation
from models import Conversation

CONVERSATIONS = table_of(Conversation)


class Talking:
    """One condition about conversations, over a table of people."""

    def __init__(self, words: Words, people: Any, rule: HasConversation) -> None:
        self._words = words
        self._people = people
        self._rule = rule
        self._talks = CONVERSATIONS.alias()

    def condition(self) -> Condition:
        """Whether so many of the customer's conversations are so; never unknown."""
        count, talks = self._rule.count, self._talks
        rows = select(talks.c.customer_id).where(
            talks.c.customer_id.is_not(None), talks.c.tenant_id == tenant(), *self._tests()
        )
        if count == HAS_ONE:
            return self._words.dialect.any_row(self._people.c.id, rows, whole=self._words.whole)
        if not self._words.whole:
            return certain(self._mine(counted(func.count(), count), *self._tests()).scalar_subquery())
        by_default = passes(count, 0)
        test = counted(func.count(), count)
        grouped = rows.group_by(talks.c.customer_id).having(not_(test) if by_default else test)
        found = self._words.dialect.any_row(self._people.c.id, grouped, whole=True)
        return not_(found) if by_default else found

    def flip(self) -> ColumnElement[datetime] | None:
        """The next moment at which the clock changes whether one of the conversations counts; None: never."""
        tests = {name: test for name, test in self._rule.moments.items() if isinstance(test, RELATIVE)}
        flips = [self._words.flip_of_moment(self._talks.c[name], test) for name, test in tests.items()]
        if not flips:
            return None
        return self._mine(func.min(self._words.dialect.earliest(flips)), *self._of_status()).scalar_subquery()

    def counted(self) -> ColumnElement[Any]:
        """How many of the customer's conversations are so."""
        return self._mine(func.count(), *self._tests()).scalar_subquery()

    def latest(self, limit: int) -> Select[Any]:
        """Those of them in which something was said last: ids, statuses, and since when they wait or are closed."""
        talks = self._talks
        columns = [talks.c.id, talks.c.status, talks.c.waiting_since, talks.c.closed_at]
        rows = self._mine(columns, *self._tests())
        return rows.order_by(talks.c.active_at.desc(), talks.c.id.desc()).limit(limit)

    def _tests(self) -> list[Condition]:
        moments = self._rule.moments.items()
        return [*self._of_status(), *(self._words.of_moment(self._talks.c[name], test) for name, test in moments)]

    def _of_status(self) -> list[Condition]:
        status = self._rule.status
        return [] if status is None else [self._words.of_text(self._talks.c.status, status)]

    def _mine(self, what: Any, *conditions: Condition) -> Select[Any]:
        """A select of this customer's conversations."""
        talks = self._talks
        columns = what if isinstance(what, list) else [what]
        mine = [talks.c.tenant_id == tenant(), talks.c.customer_id == self._people.c.id]
        return select(*columns).where(*mine, *conditions).select_from(talks).correlate(self._people)


def last_rating(row: Any) -> list[Condition]:
    """The conditions on a conversation that it is the one which its customer rated last."""
    other = CONVERSATIONS.alias()
    later = or_(other.c.csat_at > row.csat_at, and_(other.c.csat_at == row.csat_at, other.c.id > row.id))
    same = [other.c.tenant_id == row.tenant_id, other.c.customer_id == row.customer_id, other.c.csat_at.is_not(None)]
    return [row.customer_id.is_not(None), row.csat_at.is_not(None), not_(exists().where(*same, later))]
