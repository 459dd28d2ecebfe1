"""Live membership: what a change of customers does to segments, in the same transaction.

It runs while the feed topics of the customers are locked. So of two units that write of one customer the second sees
what the first did, and no verdict is lost between them.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import Update, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from app.actions.customers.stays import Stay, Stays
from app.actions.segments.noted import noted_on
from app.actions.segments.store import dialect_of
from app.actions.segments.watching import BUILD, CUSTOMER, FLIP, Level, Verdicts, Watch
from app.core.batches import is_postgres
from app.core.tx import Change, Tx
from app.segments import parse_rule
from models import Segment, SegmentFlip

TENANTS = 1000
"""Tenants whose rules are kept compiled."""
GROUPS = 8
"""Statements for customers of whom different segments are asked, before the rest share one."""
PORTION = 1000
"""Customers decided by one statement."""

NOTHING: frozenset[UUID] = frozenset()
Touched = Mapping[UUID, Mapping[Change, None]]


class LiveMembership:
    """Follows the units of work of one process (:class:`app.actions.following.Following`)."""

    def __init__(self) -> None:
        self._watches: OrderedDict[UUID, Watch] = OrderedDict()

    async def follow(self, tx: Tx, version: int, touched: Touched) -> None:
        """Brings memberships up to what the touched customers are now. ``version`` says which rules are in force; until
        this unit ends nobody changes them."""
        await _Following(tx, await self._watch(tx, version), touched).follow()

    async def _watch(self, tx: Tx, version: int) -> Watch:
        known = self._watches.get(tx.tenant_id)
        if known is None or known.version != version:
            statement = select(col(Segment.id), col(Segment.rule)).where(
                col(Segment.deleted_at).is_(None), col(Segment.rule).is_not(None)
            )
            rows = (await tx.session.execute(statement)).all()
            known = Watch(version, {key: parse_rule(rule) for key, rule in rows}, dialect_of(tx))
            self._watches[tx.tenant_id] = known
            if len(self._watches) > TENANTS:
                self._watches.popitem(last=False)
        self._watches.move_to_end(tx.tenant_id)
        return known


class _Following:
    """One unit of work being followed."""

    def __init__(self, tx: Tx, watch: Watch, touched: Touched) -> None:
        self._tx = tx
        self._watch = watch
        self._touched = touched
        self._stays = Stays(tx)
        self._noted = noted_on(dialect_of(tx))

    async def follow(self) -> None:
        for level in self._watch.levels:
            # Stays that begin or end on one level are changes of the customer for the next.
            concerned = {
                customer: segments
                for customer, changes in list(self._touched.items())
                if (segments := level.concerned(changes))
            }
            if concerned:
                await self._decide(level, concerned)
        due = [customer for customer, changes in self._touched.items() if any(kind == FLIP for kind, _ in changes)]
        if due:
            await self._drop_flips(due)
        await self._count()

    async def _decide(self, level: Level, concerned: Mapping[UUID, frozenset[UUID]]) -> None:
        """Decides the segments of a level, and writes what is different."""
        people = list(concerned)
        connection = await self._tx.session.connection()
        verdicts: list[Verdicts] = []
        for group in _groups(concerned):
            wanted: frozenset[UUID] = frozenset().union(*(concerned[customer] for customer in group))
            statement = level.statement(wanted, connection)
            verdicts += await statement.run(connection, self._tx.tenant_id, self._tx.now, group)
        notes = await self._noted.of(connection, self._tx.tenant_id, people)
        began, ended = [], []
        for verdict in verdicts:
            customer, mine = verdict.customer_id, concerned[verdict.customer_id]
            before, after = notes.stays.get(customer, NOTHING) & mine, verdict.holds & mine
            if before != after:
                began += [self._stay(segment, customer) for segment in sorted(after - before)]
                ended += [self._stay(segment, customer) for segment in sorted(before - after)]
        await self._stays.begin(began)
        await self._stays.end(ended)
        timed = [verdict for verdict in verdicts if verdict.flips]
        if timed:
            await self._set_flips(timed, concerned, notes.flips)

    def _stay(self, segment: UUID, customer: UUID) -> Stay:
        return Stay(segment, customer, _cause(self._touched[customer], self._watch.depends[segment], segment))

    async def _set_flips(
        self,
        verdicts: Sequence[Verdicts],
        concerned: Mapping[UUID, frozenset[UUID]],
        known: Mapping[tuple[UUID, UUID], datetime],
    ) -> None:
        """Notes when the clock may change a verdict. A moment that is noted already and comes earlier stays: then it is
        looked at once for nothing, which is cheaper than writing at every event."""
        due, over = [], []
        for verdict in verdicts:
            for segment in verdict.flips.keys() & concerned[verdict.customer_id]:
                flip, noted = verdict.flips[segment], known.get((segment, verdict.customer_id))
                if flip is not None and (noted is None or flip < noted or noted <= self._tx.now):
                    due.append((segment, verdict.customer_id, flip))
                elif flip is None and noted is not None:
                    over.append((segment, verdict.customer_id))
        await self._write_flips(due)
        await self._remove_flips(over)

    async def _drop_flips(self, people: Sequence[UUID]) -> None:
        """Drops what is due for segments that the clock cannot change any more."""
        connection = await self._tx.session.connection()
        notes = await self._noted.of(connection, self._tx.tenant_id, people)
        await self._remove_flips(
            [key for key, due_at in notes.flips.items() if due_at <= self._tx.now and key[0] not in self._watch.timed]
        )

    async def _write_flips(self, flips: Sequence[tuple[UUID, UUID, datetime]]) -> None:
        if not flips:
            return
        insert = (postgresql if is_postgres(self._tx.session) else sqlite).insert(SegmentFlip)
        upsert = insert.on_conflict_do_update(
            index_elements=["tenant_id", "segment_id", "customer_id"], set_={"due_at": insert.excluded.due_at}
        )
        names = ("segment_id", "customer_id", "due_at")
        rows = [{"tenant_id": self._tx.tenant_id, **dict(zip(names, flip, strict=True))} for flip in sorted(flips)]
        await (await self._tx.session.connection()).execute(upsert, rows)
        earliest = min(flip for _, _, flip in flips)
        self._tx.wake_at = min(earliest, self._tx.wake_at or earliest)

    async def _remove_flips(self, keys: Sequence[tuple[UUID, UUID]]) -> None:
        if not keys:
            return
        gone = delete(SegmentFlip).where(
            col(SegmentFlip.tenant_id) == bindparam("tenant"),
            col(SegmentFlip.segment_id) == bindparam("segment"),
            col(SegmentFlip.customer_id) == bindparam("customer"),
        )
        rows = [{"tenant": self._tx.tenant_id, "segment": key[0], "customer": key[1]} for key in sorted(keys)]
        await (await self._tx.session.connection()).execute(gone, rows)

    async def _count(self) -> None:
        """Brings the counts of members up to what was written. In one order, so that no two units wait for each
        other."""
        counts = sorted((key, by) for key, by in self._tx.member_counts.items() if by)
        rows = [{"tenant": self._tx.tenant_id, "segment": key, "by": by} for key, by in counts]
        if rows:
            await (await self._tx.session.connection()).execute(_counted(), rows)


def _groups(concerned: Mapping[UUID, frozenset[UUID]]) -> list[list[UUID]]:
    """The customers in groups that are decided together: those of whom the same segments are asked, or, where that
    makes too many groups, all that are left."""
    by_segments: dict[frozenset[UUID], list[UUID]] = {}
    for customer in sorted(concerned):
        by_segments.setdefault(concerned[customer], []).append(customer)
    groups = sorted(by_segments.values(), key=len, reverse=True)
    groups = [*groups[:GROUPS], [customer for group in groups[GROUPS:] for customer in group]]
    return [group[at : at + PORTION] for group in groups for at in range(0, len(group), PORTION)]


def _cause(changes: Mapping[Change, None], depends: frozenset[Change], segment: UUID) -> str:
    """What made a customer enter or leave: the first of their changes that can have."""
    for kind, name in changes:
        if (kind, name) in depends:
            return f"{kind}:{name}"[:200] if name else kind
    for kind, name in changes:
        if kind == CUSTOMER:
            return name
        if kind in (FLIP, BUILD) and name == segment.hex:
            return "time" if kind == FLIP else "build"
    return "time"


@cache
def _counted() -> Update:
    return (
        update(Segment)
        .where(col(Segment.tenant_id) == bindparam("tenant"), col(Segment.id) == bindparam("segment"))
        .values(member_count=col(Segment.member_count) + bindparam("by"))
    )
