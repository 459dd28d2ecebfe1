"""Writing back what has changed in a picture, in few statements for any number of rows, and telling who listens."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, col

from app.actions.customers.changes import changes_in
from app.actions.customers.facts import ANONYMOUS_ID
from app.actions.customers.picture import Consented, Grant, MergeRecord, Person, Picture, Said
from app.actions.customers.stays import Stays
from app.actions.customers.store import EDGE_FIELDS, PERSON_FIELDS
from app.actions.customers.topics import Topics
from app.core.batches import among, is_postgres
from app.core.clock import iso
from app.core.feed import DELIVERIES_TOPIC, customer_topic
from app.core.ids import public_id
from app.core.tx import Tx
from models import Consent, Conversation, Customer, Device, Event, Identity, Merge, MergeMove, Visitor

Moved = type[Event] | type[Device] | type[Visitor] | type[Conversation]
MOVED_TABLES: tuple[tuple[str, Moved], ...] = (
    ("event", Event),
    ("device", Device),
    ("visitor", Visitor),
    ("conv", Conversation),
)
"""What follows a loser to the winner besides names, and the word for it in ``merge_moves``."""


class Saving:
    """One picture on its way into the database."""

    def __init__(self, tx: Tx, picture: Picture) -> None:
        self._tx = tx
        self._picture = picture

    async def save(self) -> None:
        """Writes every difference between the picture and what was loaded, then emits what was told."""
        await self._save_people()
        await self._save_edges()
        await self._save_consents()
        if self._picture.merges:
            await self._save_merges()
        joined = await self._join_events()
        await self._follow_people()
        for told in self._picture.told:
            if isinstance(told, Grant):
                for event_id, name in joined.get(told.anonymous_id, ()):
                    self._tx.emit(customer_topic(told.customer_id), "event", event_id, {"name": name})
                    self._tx.touch(told.customer_id, ("event", name))
            elif isinstance(told, Consented):
                data = {"customer": told.customer_id.hex, "channel": told.channel, "at": iso(told.said.changed_at)}
                self._tx.emit(DELIVERIES_TOPIC, f"customer.{told.said.status}", told.customer_id, data)
            else:
                customer_id, change = told
                self._tx.emit(customer_topic(customer_id), "customer", customer_id, {"change": change})

    async def _follow_people(self) -> None:
        """Ends the stays of those who are gone, and notes what changed of the others."""
        deleted = [person.id for person in self._picture.people.values() if person.status == "deleted"]
        if deleted:
            await Stays(self._tx).leave_all(deleted, "deleted")
        for merge in self._picture.merges:
            await Stays(self._tx).merge(merge.id, merge.winner_id, merge.loser_id)
            await Topics(self._tx).merge(merge.winner_id, merge.loser_id)
            self._tx.touch(merge.winner_id, ("customer", "merged"))
        for customer_id, changes in changes_in(self._picture).items():
            self._tx.touch(customer_id, *changes)

    async def _save_people(self) -> None:
        before = self._picture.people_before
        people = self._picture.people.values()
        added = [person for person in people if person.id not in before]
        added.sort(key=lambda person: person.merged_into_id is not None)
        await self._tx.insert(Customer, [_person_row(person) for person in added])
        changed = [person for person in people if person.id in before and _differs(person, before[person.id])]
        await self._update_rows(Customer, [_person_row(person) for person in changed])

    async def _save_edges(self) -> None:
        before = self._picture.edges_before
        after = {edge.id: edge for edge in self._picture.edges}
        removed = [edge_id for edge_id in before if edge_id not in after]
        if removed:
            await self._execute(delete(Identity).where(among(self._tx.session, Identity.id, removed)))
        changed = [edge for edge in after.values() if edge.id in before and edge != before[edge.id]]
        # A customer has one primary edge of a kind at every moment, so none becomes primary before another steps down.
        stepping_down = [{"id": edge.id, "is_primary": False} for edge in changed if before[edge.id].is_primary]
        await self._update_rows(Identity, stepping_down)
        rows = [{"id": e.id, "customer_id": e.customer_id, "is_primary": e.is_primary} for e in changed]
        await self._update_rows(Identity, rows)
        added = [edge for edge in after.values() if edge.id not in before]
        await self._tx.insert(Identity, [{name: getattr(edge, name) for name in EDGE_FIELDS} for edge in added])

    async def _save_consents(self) -> None:
        said, unsaid = [], []
        for person in self._picture.people.values():
            known = self._picture.people_before.get(person.id)
            heard: Mapping[str, Said] = known.consents if known else {}
            if person.consents is heard:
                continue
            said += [
                _consent_row(person.id, channel, now)
                for channel, now in person.consents.items()
                if heard.get(channel) != now
            ]
            unsaid += [(person.id, channel) for channel in heard if channel not in person.consents]
        if said:
            await self._upsert_consents(said)
        for customer_id, channel in unsaid:
            await self._execute(
                delete(Consent).where(col(Consent.customer_id) == customer_id, col(Consent.channel) == channel)
            )

    async def _upsert_consents(self, rows: list[dict[str, Any]]) -> None:
        upsert = (postgresql if is_postgres(self._tx.session) else sqlite).insert(Consent)
        statement = upsert.on_conflict_do_update(
            index_elements=["tenant_id", "customer_id", "channel"],
            set_={name: getattr(upsert.excluded, name) for name in ("status", "source", "changed_at")},
        )
        connection = await self._tx.session.connection()
        await connection.execute(statement, [{"tenant_id": self._tx.tenant_id, **row} for row in rows])

    async def _save_merges(self) -> None:
        """Stores the merges, and moves what follows the losers, each row noted in ``merge_moves``."""
        merges = self._picture.merges
        session = self._tx.session
        losers = [merge.loser_id for merge in merges]
        await self._execute(
            select(col(Customer.id))
            .where(among(session, Customer.id, losers))
            .order_by(col(Customer.id))
            .with_for_update()
        )
        await self._tx.insert(Merge, [_merge_row(merge) for merge in merges])
        await self._tx.insert(
            MergeMove,
            [
                {"merge_id": merge.id, "kind": "identity", "row_id": edge_id}
                for merge in merges
                for edge_id in merge.moved_edges
            ],
        )
        these = among(session, Merge.id, [merge.id for merge in merges])
        for kind, table in MOVED_TABLES:
            moved = (
                select(col(Merge.tenant_id), col(Merge.id), literal(kind), col(table.id))
                .join(table, (col(table.tenant_id) == Merge.tenant_id) & (col(table.customer_id) == Merge.loser_id))
                .where(col(Merge.tenant_id) == self._tx.tenant_id, these)
            )
            await self._execute(insert(MergeMove).from_select(["tenant_id", "merge_id", "kind", "row_id"], moved))
            winner = select(col(Merge.winner_id)).where(col(Merge.loser_id) == table.customer_id, these)
            await self._execute(
                update(table)
                .where(among(session, table.customer_id, losers))
                .values(customer_id=winner.correlate(table).scalar_subquery())
            )
        for merge in merges:
            changes = {"winner": public_id("customer", merge.winner_id), "loser": public_id("customer", merge.loser_id)}
            self._tx.audit("customer.merge", public_id("merge", merge.id), changes)

    async def _join_events(self) -> dict[str, list[tuple[UUID, str]]]:
        """Gives the events of granted browsers to whom the browser names now: (id, name) by browser, oldest first."""
        grants = {told.anonymous_id: told.customer_id for told in self._picture.told if isinstance(told, Grant)}
        if not grants:
            return {}
        holder = select(col(Identity.customer_id)).where(
            col(Identity.kind) == ANONYMOUS_ID, col(Identity.value) == Event.anonymous_id
        )
        rows = await self._execute(
            update(Event)
            .where(col(Event.customer_id).is_(None), among(self._tx.session, Event.anonymous_id, grants))
            .values(customer_id=holder.correlate(Event).scalar_subquery())
            .returning(col(Event.anonymous_id), col(Event.occurred_at), col(Event.id), col(Event.name))
        )
        joined = defaultdict(list)
        for anonymous_id, _, event_id, name in sorted(rows.all()):
            joined[anonymous_id].append((event_id, name))
        await self._note_joined_then_moved(grants, joined)
        return joined

    async def _note_joined_then_moved(
        self, grants: Mapping[str, UUID], joined: Mapping[str, Sequence[tuple[UUID, str]]]
    ) -> None:
        """A browser's events whose person was absorbed in this same unit were moved by that merge."""
        absorbed = {merge.loser_id: merge.id for merge in self._picture.merges}
        moves = [
            {"merge_id": absorbed[grants[anonymous_id]], "kind": "event", "row_id": event_id}
            for anonymous_id, events in joined.items()
            if grants[anonymous_id] in absorbed
            for event_id, _ in events
        ]
        await self._tx.insert(MergeMove, moves)

    async def _execute(self, statement: Any) -> Any:
        return await self._tx.session.execute(statement, execution_options={"synchronize_session": False})

    async def _update_rows(self, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
        """Sets every given column of each row, found by its ``id``, in one statement."""
        if not rows:
            return
        key, owner = getattr(table, "id"), getattr(table, "tenant_id")  # noqa: B009
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "id"}
        statement = update(table).where(owner == self._tx.tenant_id, key == bindparam("row_id")).values(values)
        renamed = [{"row_id" if name == "id" else f"new_{name}": value for name, value in row.items()} for row in rows]
        await (await self._tx.session.connection()).execute(statement, renamed)


def _person_row(person: Person) -> dict[str, Any]:
    return {name: getattr(person, name) for name in PERSON_FIELDS}


def _differs(person: Person, before: Person) -> bool:
    """Equal mappings may still differ (1 and true), but a changed mapping is a new one."""
    return person.attributes is not before.attributes or any(
        getattr(person, name) != getattr(before, name) for name in PERSON_FIELDS
    )


def _consent_row(customer_id: UUID, channel: str, said: Said) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "channel": channel,
        "status": said.status,
        "source": said.source,
        "changed_at": said.changed_at,
    }


def _merge_row(merge: MergeRecord) -> dict[str, Any]:
    return {
        "id": merge.id,
        "winner_id": merge.winner_id,
        "loser_id": merge.loser_id,
        "restore": merge.restore,
        "merged_at": merge.merged_at,
    }
