"""Some customers and their names in memory: what decisions are made over, and what has changed since it was loaded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.actions.customers.facts import ANONYMOUS_ID, Name


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said about one channel, through which door and when."""

    status: str
    source: str
    changed_at: datetime


@dataclass(slots=True)
class Person:
    """A customer's row with its consents. Its mappings are replaced, never changed in place."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    status: str = "active"
    merged_into_id: UUID | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    timezone: str | None = None
    locale: str | None = None
    suppressed_at: datetime | None = None
    consents: dict[str, Said] = field(default_factory=dict)

    def consent_to(self, channel: str, said: Said) -> bool:
        """Records what was said, unless they said so already. Returns whether it is different."""
        known = self.consents.get(channel)
        if known is not None and known.status == said.status:
            return False
        self.consents = {**self.consents, channel: said}
        return True

    def slots(self) -> dict[str, Any]:
        """Everything a merge may fill, as JSON by slot: ``timezone``, ``attributes.plan``, ``consents.email``…"""
        values: dict[str, Any] = {"timezone": self.timezone, "locale": self.locale}
        values["suppressed_at"] = self.suppressed_at and self.suppressed_at.isoformat()
        values |= {f"attributes.{name}": value for name, value in self.attributes.items()}
        values |= {
            f"consents.{channel}": [said.status, said.source, said.changed_at.isoformat()]
            for channel, said in self.consents.items()
        }
        return {slot: value for slot, value in values.items() if value is not None}

    def fill(self, slot: str, value: Any) -> None:
        """Sets one slot to what :meth:`slots` gave for it; None empties it."""
        group, _, name = slot.partition(".")
        if group == "attributes":
            others = {key: kept for key, kept in self.attributes.items() if key != name}
            self.attributes = others if value is None else {**others, name: value}
        elif group == "consents":
            heard = {key: said for key, said in self.consents.items() if key != name}
            if value is not None:
                status, source, changed_at = value
                heard[name] = Said(status, source, datetime.fromisoformat(changed_at))
            self.consents = heard
        elif group == "suppressed_at":
            self.suppressed_at = value and datetime.fromisoformat(value)
        elif group == "timezone":
            self.timezone = value
        else:
            self.locale = value


@dataclass(frozen=True, slots=True)
class Edge:
    """An identity: a name and the person it names."""

    id: UUID
    customer_id: UUID
    kind: str
    value: str
    is_primary: bool
    source: str
    created_at: datetime

    @property
    def name(self) -> Name:
        return self.kind, self.value


@dataclass(slots=True)
class MergeRecord:
    """A merge and how to undo it. ``fills`` maps each slot of the winner that it changed to (before, after);
    ``primary`` are the loser's edges that were primary."""

    id: UUID
    winner_id: UUID
    loser_id: UUID
    merged_at: datetime
    primary: list[UUID] = field(default_factory=list)
    fills: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    moved_edges: list[UUID] = field(default_factory=list)

    @property
    def restore(self) -> dict[str, Any]:
        """The JSON of what undoing needs."""
        fills = {slot: {"old": old, "new": new} for slot, (old, new) in self.fills.items()}
        return {"primary": [edge_id.hex for edge_id in self.primary], "fills": fills}

    def restoring(self, restore: dict[str, Any]) -> "MergeRecord":
        """This record with what was noted in ``restore``."""
        self.primary = [UUID(edge_id) for edge_id in restore["primary"]]
        self.fills = {slot: (change["old"], change["new"]) for slot, change in restore["fills"].items()}
        return self

    def fill(self, winner: Person, loser: Person, slots: Iterable[str]) -> None:
        """Fills the winner's gaps among ``slots`` from the loser and notes it. Of consents, unsubscribed wins."""
        offered, held = loser.slots(), winner.slots()
        for slot in slots:
            old, new = held.get(slot), offered.get(slot)
            if new is None or not (old is None or _overrules(slot, new, old)):
                continue
            winner.fill(slot, new)
            self.fills[slot] = (old, new)


def _overrules(slot: str, new: Any, old: Any) -> bool:
    return slot.startswith("consents.") and new[0] == "unsubscribed" and old[0] == "subscribed"


@dataclass(frozen=True, slots=True)
class Consented:
    """What a person has just come to say about one channel."""

    customer_id: UUID
    channel: str
    said: Said


@dataclass(frozen=True, slots=True)
class Grant:
    """A browser that has just been given to a person: its events so far are theirs."""

    anonymous_id: str
    customer_id: UUID


class Picture:
    """People, the edges that name them, and what happened to both since the picture was loaded.

    ``told`` holds what subscribers will hear, in order: a person and a change, the browser whose events join, or what
    somebody has come to say about a channel.
    """

    def __init__(self, people: Iterable[Person] = (), edges: Iterable[Edge] = ()) -> None:
        self.people = {person.id: person for person in people}
        self._edges: dict[Name, Edge] = {}
        self._of: dict[UUID, dict[UUID, Edge]] = {}
        for edge in edges:
            self.add(edge)
        self.people_before = {person.id: replace(person) for person in self.people.values()}
        self.edges_before = {edge.id: edge for edge in self._edges.values()}
        self.merges: list[MergeRecord] = []
        self.told: list[tuple[UUID, str] | Grant | Consented] = []

    @property
    def edges(self) -> Iterable[Edge]:
        return self._edges.values()

    def tell(self, customer_id: UUID, change: str) -> None:
        """Notes that subscribers of the customer are to hear of ``change``."""
        self.told.append((customer_id, change))

    def grant(self, anonymous_id: str, customer_id: UUID) -> None:
        """Notes that a browser was given to a customer, so that its events so far join them."""
        self.told.append(Grant(anonymous_id, customer_id))

    def tell_consents(self, person: Person, heard: Mapping[str, Said]) -> None:
        """Notes where the person says something else now than in ``heard``. Who has said nothing is subscribed."""
        if person.consents is heard:
            return
        for channel, said in person.consents.items():
            before = heard[channel].status if channel in heard else "subscribed"
            if said.status != before:
                self.told.append(Consented(person.id, channel, said))

    def edge(self, name: Name) -> Edge | None:
        return self._edges.get(name)

    def holder(self, name: Name) -> Person | None:
        """The person whom ``name`` names."""
        edge = self._edges.get(name)
        return None if edge is None else self.people[edge.customer_id]

    def edges_of(self, customer_id: UUID) -> list[Edge]:
        return list(self._of.get(customer_id, {}).values())

    def primary(self, customer_id: UUID, kind: str) -> Edge | None:
        """The customer's primary edge of ``kind``. A browser's id never is primary."""
        return next((e for e in self.edges_of(customer_id) if e.is_primary and e.kind == kind), None)

    def is_active(self, customer_id: UUID) -> bool:
        """Whether the customer is here and neither merged nor deleted."""
        person = self.people.get(customer_id)
        return person is not None and person.status == "active"

    def is_nameless(self, customer_id: UUID) -> bool:
        """Whether only browsers name this customer."""
        return all(edge.kind == ANONYMOUS_ID for edge in self.edges_of(customer_id))

    def add(self, edge: Edge) -> None:
        self._edges[edge.name] = edge
        self._of.setdefault(edge.customer_id, {})[edge.id] = edge

    def remove(self, edge: Edge) -> None:
        del self._edges[edge.name]
        del self._of[edge.customer_id][edge.id]

    def make_primary(self, edge: Edge) -> None:
        """Makes ``edge`` its person's primary one of its kind; the former stays and still finds them."""
        former = self.primary(edge.customer_id, edge.kind)
        if former is not None:
            self.add(replace(former, is_primary=False))
        self.add(replace(edge, is_primary=True))

    def merge(self, winner: Person, loser: Person, merge_id: UUID, now: datetime) -> MergeRecord:
        """Makes ``loser`` one with ``winner``, who loses nothing: gaps are filled, all names now find the winner."""
        record = MergeRecord(merge_id, winner.id, loser.id, now)
        for edge in self.edges_of(loser.id):
            self.remove(edge)
            record.moved_edges.append(edge.id)
            if edge.is_primary:
                record.primary.append(edge.id)
            stays = edge.is_primary and self.primary(winner.id, edge.kind) is None
            self.add(replace(edge, customer_id=winner.id, is_primary=stays))
        heard = winner.consents
        record.fill(winner, loser, loser.slots())
        self.tell_consents(winner, heard)
        loser.status, loser.merged_into_id, loser.updated_at = "merged", winner.id, now
        winner.updated_at = now
        self.merges.append(record)
        self.tell(winner.id, "merged")
        self.tell(loser.id, "merged")
        return record
