"""Identify, update and alias: saying who somebody is and what is known of them."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from app.actions.customers.decisions import Stamp, identify_all, identify_one
from app.actions.customers.facts import (
    ANONYMOUS_ID,
    CustomerFacts,
    CustomerRef,
    Identified,
    Name,
    normalise_facts,
    normalise_name,
    normalise_ref,
)
from app.actions.customers.saving import Saving
from app.actions.customers.store import CustomerStore
from app.core.access import Scope
from app.core.errors import RapportError
from app.core.tx import Tx


class Identifying:
    """Identifies without asking leave: for actions that have found by other means that it may be done."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def all(self, facts: Sequence[CustomerFacts]) -> list[Identified | RapportError]:
        """As :func:`identify_many`."""
        items: list[CustomerFacts | RapportError] = []
        for given in facts:
            try:
                items.append(normalise_facts(given, self._tx.now))
            except RapportError as refusal:
                items.append(refusal)
        clean = [item for item in items if isinstance(item, CustomerFacts)]
        names: set[Name] = {name for item in clean for name in item.names.items()}
        ids = {item.customer_id for item in clean if item.customer_id is not None}
        picture = await CustomerStore(self._tx).load(names, ids)
        results = identify_all(picture, items, Stamp(self._tx.now, self._tx.principal.source))
        await Saving(self._tx, picture).save()
        return results


async def identify(tx: Tx, facts: CustomerFacts) -> Identified:
    """Creates or updates the customer whom the names in ``facts`` mean.

    Raises :class:`Invalid`, :class:`NotFound` for an unknown ``customer_id``, or :class:`IdentityConflict` when the
    names belong to different people; then nothing is changed.
    """
    tx.require(Scope.CUSTOMERS_WRITE)
    (result,) = await identify_many(tx, [facts])
    if isinstance(result, RapportError):
        raise result
    return result


async def identify_many(tx: Tx, facts: Sequence[CustomerFacts]) -> list[Identified | RapportError]:
    """The same as identifying one after the other, in a fixed number of statements. A refused item gives its refusal
    in its place and does not stop the others."""
    tx.require(Scope.CUSTOMERS_WRITE)
    return await Identifying(tx).all(facts)


async def update_customer(tx: Tx, *, customer_id: UUID, facts: CustomerFacts) -> Identified:
    """Updates an existing customer. Raises as :func:`identify` does; a name of somebody else is a conflict."""
    tx.require(Scope.CUSTOMERS_WRITE)
    return await identify(tx, replace(facts, customer_id=customer_id))


async def alias(tx: Tx, *, anonymous_id: str, customer: CustomerRef) -> UUID:
    """Says that a browser is an existing customer's. Its events join them; who was known only by it is absorbed.

    Returns the customer's id. Raises :class:`NotFound` or :class:`IdentityConflict`.
    """
    tx.require(Scope.CUSTOMERS_WRITE)
    browser = normalise_name(ANONYMOUS_ID, anonymous_id, ANONYMOUS_ID)
    store = CustomerStore(tx)
    customer_id = await store.resolve(normalise_ref(customer))
    facts = CustomerFacts(customer_id=customer_id, anonymous_id=browser)
    picture = await store.load([(ANONYMOUS_ID, browser)], [customer_id])
    result = identify_one(picture, facts, Stamp(tx.now, tx.principal.source), "aliased")
    await Saving(tx, picture).save()
    return result.customer_id
