"""Reading customers and their names into a picture, under the locks that keep it true until the transaction ends."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import and_, false, or_, select
from sqlmodel import col

from app.actions.customers.facts import CustomerRef, Name, normalise_ref
from app.actions.customers.holders import find_holders, find_standing_holders
from app.actions.customers.picture import Edge, Person, Picture, Said
from app.core.batches import among, is_postgres
from app.core.errors import Conflict, NotFound
from app.core.locks import lock_names
from app.core.tx import Reading
from models import Consent, Customer, Identity, Merge

ATTEMPTS = 5
PERSON_FIELDS = (
    "id",
    "status",
    "merged_into_id",
    "attributes",
    "timezone",
    "locale",
    "suppressed_at",
    "created_at",
    "updated_at",
)
EDGE_FIELDS = ("id", "customer_id", "kind", "value", "is_primary", "source", "created_at")


class CustomerStore:
    """The customers of one unit of work."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._session = reading.session

    def named(self, names: Iterable[Name]) -> Any:
        """The condition on identities that they are one of ``names``."""
        by_kind: dict[str, list[str]] = defaultdict(list)
        for kind, value in names:
            by_kind[kind].append(value)
        return or_(
            false(),
            *(
                and_(col(Identity.kind) == kind, among(self._session, Identity.value, values))
                for kind, values in sorted(by_kind.items())
            ),
        )

    async def resolve(self, ref: CustomerRef, path: str = "customer") -> UUID:
        """The active customer whom a normalised reference names. Raises :class:`NotFound` at ``path``."""
        if ref.kind == "id":
            wanted = select(col(Customer.id)).where(
                col(Customer.id) == UUID(ref.value), col(Customer.status) == "active"
            )
        else:
            wanted = select(col(Identity.customer_id)).where(self.named([(ref.kind, ref.value)]))
        found: UUID | None = (await self._session.execute(wanted)).scalar_one_or_none()
        if found is None:
            raise NotFound("customer", path)
        return found

    async def holders(self, names: Collection[Name]) -> dict[Name, UUID]:
        """Whom each of ``names`` names, as far as they name anybody."""
        return await find_holders(self._session, self._reading.tenant_id, names)

    async def standing(self, ids: Collection[UUID]) -> set[UUID]:
        """Those of ``ids`` that are active, and stay neither merged nor deleted until this transaction ends."""
        statement = (
            select(col(Customer.id))
            .where(among(self._session, Customer.id, ids), col(Customer.status) == "active")
            .order_by(col(Customer.id))
            .with_for_update(read=True, key_share=True)
        )
        return set((await self._session.execute(statement)).scalars())

    async def held(self, ids: Collection[UUID]) -> set[UUID]:
        """Those of ``ids`` that are active; until this transaction ends nobody else changes anything of theirs but adds
        events."""
        statement = (
            select(col(Customer.id))
            .where(among(self._session, Customer.id, ids), col(Customer.status) == "active")
            .order_by(col(Customer.id))
            .with_for_update(key_share=True)
        )
        return set((await self._session.execute(statement)).scalars())

    async def standing_holders(self, names: Collection[Name]) -> dict[Name, UUID]:
        """Whom each of ``names`` names; until this transaction ends they are neither merged nor deleted."""
        return await find_standing_holders(self._session, self._reading.tenant_id, names)

    async def lock(self, names: Iterable[Name], shared: Iterable[Name] = ()) -> bool:
        """Lets nobody else give out ``names``, and nobody at all give out ``shared``, until this transaction ends.

        Returns whether others may have written meanwhile, so that what was read before must be read again.
        """
        await lock_names(self._session, self._reading.tenant_id, map(":".join, names), map(":".join, shared))
        return is_postgres(self._session)

    async def load(self, names: Collection[Name] = (), ids: Collection[UUID] = (), *, alone: bool = False) -> Picture:
        """Everybody whom ``names`` or ``ids`` mean, with all their names, locked against other writers.

        ``alone`` also keeps others from adding events: for those who will be merged, split or taken away.
        """
        await self.lock(names)
        for _ in range(ATTEMPTS):
            holders = await self.holders(names)
            wanted = sorted({*ids, *holders.values()})
            if not wanted:
                return Picture()
            people = await self._people(wanted, alone=alone)
            picture = Picture(people, await self._edges(wanted))
            if all(picture.edge(name) for name in holders):
                return picture
        raise Conflict("These customers are being changed by somebody else. Please try again.")

    async def load_one(self, ref: CustomerRef, *, alone: bool = False) -> tuple[Picture, Person]:
        """The active customer whom a reference names, locked. Raises :class:`NotFound`."""
        customer_id = await self.resolve(normalise_ref(ref))
        picture = await self.load(ids=[customer_id], alone=alone)
        if not picture.is_active(customer_id):
            raise NotFound("customer", "customer")
        return picture, picture.people[customer_id]

    async def absorbed_by(self, customer_id: UUID) -> list[UUID]:
        """Everybody who is part of the customer by standing merges, at any depth."""
        absorbed: list[UUID] = []
        winners = [customer_id]
        while winners:
            losers = select(col(Merge.loser_id)).where(
                col(Merge.unmerged_at).is_(None), among(self._session, Merge.winner_id, winners)
            )
            winners = list((await self._session.execute(losers)).scalars())
            absorbed += winners
        return absorbed

    async def _people(self, ids: list[UUID], *, alone: bool) -> list[Person]:
        statement = (
            select(*(getattr(Customer, name) for name in PERSON_FIELDS))
            .where(among(self._session, Customer.id, ids))
            .order_by(col(Customer.id))
            .with_for_update(key_share=not alone)
        )
        rows = (await self._session.execute(statement)).all()
        people = {row[0]: Person(**dict(zip(PERSON_FIELDS, row, strict=True))) for row in rows}
        said = select(
            col(Consent.customer_id),
            col(Consent.channel),
            col(Consent.status),
            col(Consent.source),
            col(Consent.changed_at),
        ).where(among(self._session, Consent.customer_id, ids))
        for customer_id, channel, status, source, changed_at in await self._session.execute(said):
            if customer_id in people:
                people[customer_id].consents[channel] = Said(status, source, changed_at)
        return list(people.values())

    async def _edges(self, ids: list[UUID]) -> list[Edge]:
        statement = select(*(getattr(Identity, name) for name in EDGE_FIELDS)).where(
            among(self._session, Identity.customer_id, ids)
        )
        return [Edge(*row) for row in (await self._session.execute(statement)).all()]
