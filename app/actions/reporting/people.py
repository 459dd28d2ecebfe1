"""How the people in payloads are named."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.core.batches import among
from app.core.tx import Reading
from models import Identity


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one person; None where they have no such name."""

    external_id: str | None = None
    email: str | None = None
    phone: str | None = None


NOBODY = Names()


class PeopleNames:
    """The primary names of many people, found by one statement."""

    def __init__(self, names: Mapping[UUID, Names]) -> None:
        self._names = names

    @classmethod
    async def read(cls, reading: Reading, customers: Collection[UUID]) -> "PeopleNames":
        """Those of ``customers``, who are of the reading's tenant."""
        found: dict[UUID, dict[str, str]] = {}
        if customers:
            statement = select(col(Identity.customer_id), col(Identity.kind), col(Identity.value)).where(
                among(reading.session, Identity.customer_id, customers),
                col(Identity.is_primary),
                col(Identity.kind).in_(("external_id", "email", "phone")),
            )
            for customer_id, kind, value in await reading.session.execute(statement):
                found.setdefault(customer_id, {})[kind] = value
        return cls({customer_id: Names(**names) for customer_id, names in found.items()})

    def of(self, customer_id: UUID) -> Names:
        """Those of one person."""
        return self._names.get(customer_id, NOBODY)
