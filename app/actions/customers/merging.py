"""Merging two customers into one."""

from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.customers.conversations import Conversations
from app.actions.customers.facts import CustomerRef, normalise_ref
from app.actions.customers.saving import Saving
from app.actions.customers.store import CustomerStore
from app.core.access import Scope
from app.core.errors import Invalid, NotFound
from app.core.ids import new_id
from app.core.tx import Tx
from models import Identity, Merge, MergeMove


async def merge(tx: Tx, *, winner: CustomerRef, loser: CustomerRef) -> UUID:
    """Makes ``loser`` one with ``winner`` and returns the merge's id, by which it can be undone.

    Names, events, devices, visitors and conversations move to the winner, whose gaps are filled from the loser; of
    consents, unsubscribed wins.
    Merging a pair that is merged already gives the same id. Raises :class:`Invalid` when both are the same customer,
    and :class:`NotFound` for one who is unknown, merged elsewhere or deleted.
    """
    tx.require(Scope.CUSTOMERS_WRITE)
    store = CustomerStore(tx)
    loser = normalise_ref(loser, "loser")
    winner_id = await store.resolve(normalise_ref(winner, "winner"), "winner")
    standing = await _standing_merge(tx, store, winner_id, loser)
    if standing is not None:
        return standing
    loser_id = await store.resolve(loser, "loser")
    if loser_id == winner_id:
        raise Invalid.at("loser", "is the same customer as the winner")
    conversations = Conversations(tx)
    await conversations.lock([winner_id, loser_id])
    picture = await store.load(ids=[winner_id, loser_id], alone=True)
    if not picture.is_active(loser_id):  # somebody else was faster, perhaps with the same merge
        standing = await _standing_merge(tx, store, winner_id, loser)
        if standing is None:
            raise NotFound("customer", "loser")
        return standing
    if not picture.is_active(winner_id):
        raise NotFound("customer", "winner")
    record = picture.merge(picture.people[winner_id], picture.people[loser_id], new_id(), tx.now)
    await Saving(tx, picture).save()
    await conversations.tell(await conversations.moved_by(record.id))
    return record.id


async def _standing_merge(tx: Tx, store: CustomerStore, winner_id: UUID, loser: CustomerRef) -> UUID | None:
    """The merge that made the given loser, or the customer who had the given name, part of the winner."""
    statement = select(col(Merge.id)).where(col(Merge.winner_id) == winner_id, col(Merge.unmerged_at).is_(None))
    if loser.kind == "id":
        statement = statement.where(col(Merge.loser_id) == UUID(loser.value))
    else:
        statement = (
            statement.join(
                MergeMove, (col(MergeMove.merge_id) == Merge.id) & (col(MergeMove.tenant_id) == Merge.tenant_id)
            )
            .join(Identity, (col(Identity.id) == MergeMove.row_id) & (col(Identity.tenant_id) == MergeMove.tenant_id))
            .where(col(MergeMove.kind) == "identity", store.named([(loser.kind, loser.value)]))
        )
    latest = statement.order_by(col(Merge.merged_at).desc(), col(Merge.id).desc()).limit(1)
    found: UUID | None = (await tx.session.execute(latest)).scalar_one_or_none()
    return found
