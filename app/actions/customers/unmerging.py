"""Taking a merge apart: everything that the loser brought goes back, wherever later merges have carried it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.actions.customers.conversations import Conversations
from app.actions.customers.facts import ANONYMOUS_ID, NAME_KINDS
from app.actions.customers.picture import MergeRecord, Person, Picture
from app.actions.customers.saving import MOVED_TABLES, Saving
from app.actions.customers.stays import Stays
from app.actions.customers.store import ATTEMPTS, CustomerStore
from app.core.access import Scope
from app.core.batches import among
from app.core.documents import same_value
from app.core.errors import Conflict, NotFound
from app.core.ids import public_id
from app.core.tx import Tx
from models import Merge, MergeMove


@dataclass(frozen=True, slots=True)
class Unmerged:
    """A merge that was undone, and the two customers who are two again."""

    merge_id: UUID
    winner_id: UUID
    loser_id: UUID


async def unmerge(tx: Tx, *, merge_id: UUID) -> Unmerged:
    """Undoes a merge. What the loser brought goes back to them unless it has been deleted since, and so does what was
    said since in browsers that are the loser's; what else happened after the merge stays with the winner. Undoing it
    again changes nothing.

    Raises :class:`NotFound` for an unknown merge, and when the winner has been deleted since.
    """
    tx.require(Scope.CUSTOMERS_WRITE)
    merges = select(col(Merge.winner_id), col(Merge.loser_id), col(Merge.unmerged_at)).where(col(Merge.id) == merge_id)
    row = (await tx.session.execute(merges)).one_or_none()
    if row is None:
        raise NotFound("merge", "merge_id")
    if row.unmerged_at is None:
        await _Unmerging(tx, merge_id).undo()
    return Unmerged(merge_id, row.winner_id, row.loser_id)


def withdraw(
    record: MergeRecord, chain: Sequence[MergeRecord], standing: Sequence[MergeRecord], picture: Picture
) -> None:
    """Takes back what ``record`` filled in its winner, and what merges up the ``chain`` filled from that.

    ``chain`` are the merges by which the winner became part of another, and so on up; ``standing`` are all other
    merges into any of these, oldest first.
    """
    fills: dict[str, tuple[Any, Any]] = record.fills
    winner = picture.people[record.winner_id]
    for parent in (*chain, None):
        before = winner.slots()
        others = [other for other in standing if other.winner_id == winner.id]
        _withdraw_fills(fills, winner, others, picture)
        if parent is None:
            return
        after = winner.slots()
        lost = [slot for slot in parent.fills if not same_value(before.get(slot), after.get(slot))]
        fills = {slot: parent.fills.pop(slot) for slot in lost}
        winner = picture.people[parent.winner_id]


def _withdraw_fills(
    fills: Mapping[str, tuple[Any, Any]], winner: Person, others: Sequence[MergeRecord], picture: Picture
) -> None:
    """Empties the slots that are still as they were filled. What other merges could have filled, they fill now."""
    freed, heard = [], winner.consents
    for slot, (old, new) in fills.items():
        if same_value(winner.slots().get(slot), new):
            winner.fill(slot, old)
            freed.append(slot)
            continue
        for other in others:
            if slot in other.fills and same_value(other.fills[slot][0], new):
                other.fills[slot] = (old, other.fills[slot][1])
                break
    for other in others:
        other.fill(winner, picture.people[other.loser_id], freed)
    picture.tell_consents(winner, heard)


class _Unmerging:
    """One merge on its way back."""

    def __init__(self, tx: Tx, merge_id: UUID) -> None:
        self._tx = tx
        self._merge_id = merge_id

    async def undo(self) -> None:
        record, chain, standing, picture = await self._load()
        root = picture.people[chain[-1].winner_id if chain else record.winner_id]
        loser = picture.people[record.loser_id]
        if root.status != "active":
            raise NotFound("merge", "merge_id")
        known = {merge.id: merge.restore for merge in standing}
        withdraw(record, chain, standing, picture)
        await self._return_names(record, root, loser, picture)
        loser.status, loser.merged_into_id = "active", None
        for person in (root, loser):
            person.updated_at = self._tx.now
            picture.tell(person.id, "unmerged")
        conversations = Conversations(self._tx)
        await conversations.take_along(record.id, root.id)
        returned = await conversations.moved_by(record.id)
        await self._return_rows(record, chain)
        await conversations.tell(returned)
        await Saving(self._tx, picture).save()
        await Stays(self._tx).unmerge(record.id, root.id, loser.id)
        self._tx.touch(root.id, ("customer", "unmerged"))
        for merge in standing:
            if merge.restore != known[merge.id]:
                await self._execute(update(Merge).where(col(Merge.id) == merge.id).values(restore=merge.restore))
        await self._execute(update(Merge).where(col(Merge.id) == record.id).values(unmerged_at=self._tx.now))
        changes = {"winner": public_id("customer", record.winner_id), "loser": public_id("customer", record.loser_id)}
        self._tx.audit("customer.unmerge", public_id("merge", record.id), changes)

    async def _load(self) -> tuple[MergeRecord, list[MergeRecord], list[MergeRecord], Picture]:
        """The merge, the merges above its winner, all others into any of these, and everybody concerned, locked."""
        store = CustomerStore(self._tx)
        merges = await self._merges()
        for _ in range(ATTEMPTS):
            people = {person_id for merge in merges for person_id in (merge.winner_id, merge.loser_id)}
            await Conversations(self._tx).lock(people)
            picture = await store.load(ids=people, alone=True)
            seen, merges = merges, await self._merges()
            if [merge.id for merge in merges] != [merge.id for merge in seen]:
                continue
            record = next((merge for merge in merges if merge.id == self._merge_id), None)
            if record is None:
                raise NotFound("merge", "merge_id")
            by_loser = {merge.loser_id: merge for merge in merges}
            chain: list[MergeRecord] = []
            above = by_loser.get(record.winner_id)
            while above is not None:
                chain.append(above)
                above = by_loser.get(above.winner_id)
            return record, chain, [merge for merge in merges if merge is not record], picture
        raise Conflict("These customers are being changed by somebody else. Please try again.")

    async def _merges(self) -> list[MergeRecord]:
        """The merge, and the standing merges into its winner and into everybody of whom the winner is a part."""
        winners: set[UUID] = set()
        found: dict[UUID, MergeRecord] = {}
        condition = col(Merge.id) == self._merge_id
        while True:
            for merge in await self._standing(condition):
                found[merge.id] = merge
            reached = {merge.winner_id for merge in found.values()} - winners
            if not reached:
                return sorted(found.values(), key=lambda merge: (merge.merged_at, merge.id))
            winners |= reached
            session = self._tx.session
            condition = or_(among(session, Merge.winner_id, reached), among(session, Merge.loser_id, reached))

    async def _standing(self, condition: Any) -> list[MergeRecord]:
        statement = select(
            col(Merge.id), col(Merge.winner_id), col(Merge.loser_id), col(Merge.merged_at), col(Merge.restore)
        ).where(condition, col(Merge.unmerged_at).is_(None))
        rows = (await self._tx.session.execute(statement)).all()
        return [MergeRecord(*row[:4]).restoring(row.restore) for row in rows]

    async def _return_names(self, record: MergeRecord, root: Person, loser: Person, picture: Picture) -> None:
        moved = select(col(MergeMove.row_id)).where(
            col(MergeMove.merge_id) == record.id, col(MergeMove.kind) == "identity"
        )
        returning = set((await self._tx.session.execute(moved)).scalars())
        for edge in picture.edges_of(root.id):
            if edge.id in returning:
                picture.remove(edge)
                picture.add(replace(edge, customer_id=loser.id, is_primary=edge.id in record.primary))
        for person in (root, loser):
            _ensure_primary_names(picture, person)

    async def _return_rows(self, record: MergeRecord, chain: Sequence[MergeRecord]) -> None:
        """Moves back what the merge had moved, and forgets that merges further up had moved what has left them."""
        for kind, table in MOVED_TABLES:
            moved = select(col(MergeMove.row_id)).where(
                col(MergeMove.merge_id) == record.id, col(MergeMove.kind) == kind
            )
            await self._execute(update(table).where(col(table.id).in_(moved)).values(customer_id=record.loser_id))
        left = aliased(MergeMove)
        gone = exists().where(
            col(left.tenant_id) == MergeMove.tenant_id,
            col(left.merge_id) == record.id,
            col(left.kind) == MergeMove.kind,
            col(left.row_id) == MergeMove.row_id,
        )
        if chain:
            above = among(self._tx.session, MergeMove.merge_id, [merge.id for merge in chain])
            await self._execute(delete(MergeMove).where(above, gone.correlate(MergeMove)))
        await self._execute(delete(MergeMove).where(col(MergeMove.merge_id) == record.id))

    async def _execute(self, statement: Any) -> Any:
        return await self._tx.session.execute(statement, execution_options={"synchronize_session": False})


def _ensure_primary_names(picture: Picture, person: Person) -> None:
    """Who has names of a kind has a primary one: the oldest, when the former primary one has left."""
    for kind in NAME_KINDS:
        edges = [edge for edge in picture.edges_of(person.id) if edge.kind == kind != ANONYMOUS_ID]
        if edges and not any(edge.is_primary for edge in edges):
            picture.make_primary(min(edges, key=lambda edge: (edge.created_at, edge.id)))
