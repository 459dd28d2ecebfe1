"""Suppressing, deleting, and what customers say about channels."""

from uuid import UUID

from sqlalchemy import delete

from app.actions.customers.facts import CustomerRef, check_consent
from app.actions.customers.picture import Said
from app.actions.customers.saving import Saving
from app.actions.customers.store import CustomerStore
from app.core.access import Scope
from app.core.batches import among
from app.core.ids import public_id
from app.core.tx import Tx
from models import Device


async def suppress(tx: Tx, *, customer: CustomerRef) -> UUID:
    """Stops all messages to the customer, whose profile stays. Returns their id; raises :class:`NotFound`."""
    tx.require(Scope.CUSTOMERS_WRITE)
    return await _set_suppressed(tx, customer, suppressed=True)


async def unsuppress(tx: Tx, *, customer: CustomerRef) -> UUID:
    """Allows messages again, as far as consents do. Returns the customer's id; raises :class:`NotFound`."""
    tx.require(Scope.CUSTOMERS_WRITE)
    return await _set_suppressed(tx, customer, suppressed=False)


async def _set_suppressed(tx: Tx, customer: CustomerRef, *, suppressed: bool) -> UUID:
    picture, person = await CustomerStore(tx).load_one(customer)
    if (person.suppressed_at is not None) != suppressed:
        person.suppressed_at = tx.now if suppressed else None
        person.updated_at = tx.now
        picture.tell(person.id, "suppressed" if suppressed else "unsuppressed")
        await Saving(tx, picture).save()
        tx.audit("customer.suppress" if suppressed else "customer.unsuppress", public_id("customer", person.id))
    return person.id


async def set_consent(tx: Tx, *, customer: CustomerRef, channel: str, status: str) -> UUID:
    """Records that the customer is ``subscribed`` to or ``unsubscribed`` from a channel. Returns the customer's id.

    Raises :class:`app.core.errors.Invalid` or :class:`NotFound`.
    """
    tx.require(Scope.CUSTOMERS_WRITE)
    check_consent(channel, status, "status" if isinstance(channel, str) else "channel")
    picture, person = await CustomerStore(tx).load_one(customer)
    heard = person.consents
    if person.consent_to(channel, Said(status, tx.principal.source, tx.now)):
        picture.tell_consents(person, heard)
        person.updated_at = tx.now
        picture.tell(person.id, "consent")
        await Saving(tx, picture).save()
    return person.id


async def delete_customer(tx: Tx, *, customer: CustomerRef) -> UUID:
    """Takes the customer away: names and devices go and are free again, the row and its events stay out of sight.

    Returns the customer's id; raises :class:`NotFound`.
    """
    tx.require(Scope.CUSTOMERS_WRITE)
    store = CustomerStore(tx)
    _, found = await store.load_one(customer, alone=True)
    picture = await store.load(ids=[found.id, *await store.absorbed_by(found.id)], alone=True)
    for edge in picture.edges_of(found.id):
        picture.remove(edge)
    for person in picture.people.values():
        person.status, person.updated_at = "deleted", tx.now
    picture.tell(found.id, "deleted")
    await Saving(tx, picture).save()
    await tx.session.execute(
        delete(Device).where(among(tx.session, Device.customer_id, [found.id])),
        execution_options={"synchronize_session": False},
    )
    tx.audit("customer.delete", public_id("customer", found.id))
    return found.id
