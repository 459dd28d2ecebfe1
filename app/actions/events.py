"""Events: what customers did, told by whoever saw it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.actions.customers.decisions import Stamp, add_name, new_person
from app.actions.customers.facts import ANONYMOUS_ID, CustomerRef, Name, check_moment, normalise_ref
from app.actions.customers.picture import Picture
from app.actions.customers.saving import Saving
from app.actions.customers.store import CustomerStore
from app.core.access import Scope
from app.core.batches import among
from app.core.contact import check_text
from app.core.documents import check_document, check_name
from app.core.errors import Conflict, Invalid, NotFound, RapportError
from app.core.feed import customer_topic
from app.core.ids import new_id
from app.core.locks import lock_names
from app.core.tx import Reading, Tx
from models import Event

MAX_PROPERTIES_BYTES = 32_000
MAX_KEY = 200
MAX_LISTED = 1000


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that a customer did. Without ``occurred_at`` it happened now.

    Events with an equal ``idempotency_key`` are one event; events without one are never taken for one another.
    """

    customer: CustomerRef
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Tracked:
    """The stored event. ``customer_id`` is None while nobody knows whose browser it was. ``duplicate``: its idempotency
    key had been used, ``event_id`` is the first event's, and nothing was added."""

    event_id: UUID
    customer_id: UUID | None
    duplicate: bool


async def track(tx: Tx, event: NewEvent) -> Tracked:
    """Stores one event. A customer named by an unknown external id, e-mail address or phone number is created.

    Raises :class:`Invalid`, :class:`NotFound` for an unknown id, or :class:`Conflict` when the idempotency key was used
    for another event.
    """
    tx.require(Scope.EVENTS_WRITE)
    (result,) = await track_many(tx, [event])
    if isinstance(result, RapportError):
        raise result
    return result


async def track_many(tx: Tx, events: Sequence[NewEvent]) -> list[Tracked | RapportError]:
    """The same as tracking one after the other, in a fixed number of statements. A refused event gives its refusal in
    its place and does not stop the others."""
    tx.require(Scope.EVENTS_WRITE)
    return await _Tracking(tx).track(events)


async def list_events(reading: Reading, *, customer_id: UUID, limit: int, name: str | None = None) -> list[Event]:
    """A customer's last events, newest first; with ``name`` only those of that name. Raises :class:`Invalid`."""
    reading.require(Scope.EVENTS_READ)
    if not 1 <= limit <= MAX_LISTED:
        raise Invalid.at("limit", f"must be 1 to {MAX_LISTED}")
    statement = select(Event).where(col(Event.customer_id) == customer_id)
    if name is not None:
        statement = statement.where(col(Event.name) == check_name(name, "name"))
    newest = statement.order_by(col(Event.occurred_at).desc(), col(Event.id).desc()).limit(limit)
    return list((await reading.session.execute(newest)).scalars())


@dataclass(frozen=True, slots=True)
class _Known:
    """What decides whether a second event with the same key is the same event."""

    event_id: UUID
    customer_id: UUID | None
    anonymous_id: str | None
    name: str


class _Tracking:
    """One batch of events on its way into the database."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._store = CustomerStore(tx)
        self._stamp = Stamp(tx.now, tx.principal.source)
        self._newcomers = Picture()
        self._holders: dict[Name, UUID] = {}
        self._keys: dict[str, _Known] = {}
        self._rows: list[dict[str, Any]] = []

    async def track(self, events: Sequence[NewEvent]) -> list[Tracked | RapportError]:
        checked = [self._check(event) for event in events]
        clean = [event for event in checked if isinstance(event, NewEvent)]
        keys = {event.idempotency_key for event in clean if event.idempotency_key is not None}
        await lock_names(self._tx.session, self._tx.tenant_id, keys, kind="idempotency_key")
        await self._find_customers({(event.customer.kind, event.customer.value) for event in clean})
        await self._find_keys(keys)
        results = [self._decide(event) if isinstance(event, NewEvent) else event for event in checked]
        if self._newcomers.told:
            await Saving(self._tx, self._newcomers).save()
        if self._rows:
            await self._tx.insert(Event, self._rows)
        for row in self._rows:
            if row["customer_id"] is not None:
                self._tx.emit(customer_topic(row["customer_id"]), "event", row["id"], {"name": row["name"]})
                self._tx.touch(row["customer_id"], ("event", row["name"]))
        return results

    def _check(self, event: NewEvent) -> NewEvent | RapportError:
        """The event in the form in which it is stored, or why it cannot be."""
        try:
            key = event.idempotency_key
            return NewEvent(
                normalise_ref(event.customer),
                check_name(event.name, "name"),
                check_document(event.properties, "properties", max_bytes=MAX_PROPERTIES_BYTES),
                self._tx.now
                if event.occurred_at is None
                else check_moment(event.occurred_at, "occurred_at", self._tx.now),
                None if key is None else check_text(key, "idempotency_key", longest=MAX_KEY, shortest=1),
            )
        except RapportError as refusal:
            return refusal

    async def _find_keys(self, keys: set[str]) -> None:
        """Whose events the keys name. Read after the customers are locked: an alias or a merge that was faster has
        given the events to the customer who was found."""
        if not keys:
            return
        statement = select(
            col(Event.idempotency_key), col(Event.id), col(Event.customer_id), col(Event.anonymous_id), col(Event.name)
        ).where(among(self._tx.session, Event.idempotency_key, keys))
        rows = await self._tx.session.execute(statement)
        for key, event_id, customer_id, anonymous_id, name in rows:
            self._keys[str(key)] = _Known(event_id, customer_id, anonymous_id, name)

    async def _find_customers(self, names: set[Name]) -> None:
        """Whom the names mean, so locked that nobody merges or deletes them before this is committed."""
        ids = [UUID(value) for kind, value in names if kind == "id"]
        if ids:
            found = await self._store.standing(ids)
            self._holders.update({("id", customer_id.hex): customer_id for customer_id in found})
        names = {name for name in names if name[0] != "id"}
        self._holders.update(await self._store.standing_holders(names))
        unknown = names - self._holders.keys()
        if unknown and await self._store.lock(
            [name for name in unknown if name[0] != ANONYMOUS_ID], [name for name in unknown if name[0] == ANONYMOUS_ID]
        ):
            self._holders.update(await self._store.standing_holders(unknown))

    def _decide(self, event: NewEvent) -> Tracked | RapportError:
        name = (event.customer.kind, event.customer.value)
        customer_id = self._holders.get(name)
        anonymous_id = event.customer.value if event.customer.kind == ANONYMOUS_ID else None
        if event.idempotency_key is not None:
            known = self._keys.get(event.idempotency_key)
            if known is not None:
                return _duplicate(known, event.name, customer_id, anonymous_id)
        if customer_id is None and event.customer.kind == "id":
            return NotFound("customer", "customer")
        if customer_id is None and anonymous_id is None:
            customer_id = self._create(name)
        event_id = new_id()
        if event.idempotency_key is not None:
            self._keys[event.idempotency_key] = _Known(event_id, customer_id, anonymous_id, event.name)
        self._rows.append(
            {
                "id": event_id,
                "customer_id": customer_id,
                "anonymous_id": anonymous_id,
                "name": event.name,
                "properties": event.properties,
                "occurred_at": event.occurred_at,
                "received_at": self._tx.now,
                "source": self._stamp.source,
                "idempotency_key": event.idempotency_key,
            }
        )
        return Tracked(event_id, customer_id, duplicate=False)

    def _create(self, name: Name) -> UUID:
        person = new_person(self._newcomers, self._stamp)
        add_name(self._newcomers, person, name, self._stamp)
        self._newcomers.tell(person.id, "identified")
        self._holders[name] = person.id
        return person.id


def _duplicate(known: _Known, name: str, customer_id: UUID | None, anonymous_id: str | None) -> Tracked | RapportError:
    """The first event with the same key, if the second one tells the same of the same customer."""
    same_person = customer_id == known.customer_id and (customer_id is not None or anonymous_id == known.anonymous_id)
    if not same_person or name != known.name:
        return Conflict("This idempotency key was used for another event.", "idempotency_key")
    return Tracked(known.event_id, known.customer_id, duplicate=True)
